"""Downsample and transfer under Nextflow: an archive's channel, its levels, and a copy of one."""

from pathlib import Path

import numpy as np
import pytest
from lab import Lab, make_voxels
from making import read_level
from voxels.boxes import Box
from voxels.downsampling import coarser, downsample

pytestmark = pytest.mark.nextflow


def test_levels_of_a_channel_and_a_copy_of_one(tmp_path: Path) -> None:
    """Blocks are pulled, as from any archive; both of Nextflow's parsers run them."""
    corner, voxels = (3, 10, 21), make_voxels((20, 50, 40), 5)
    with Lab(tmp_path / "lab", voxels, corner).serving() as lab:
        asked = {"workflow": "downsample", "levels": 2, "factor": [1, 2, 2], "method": "mode"}
        lab.own["NXF_SYNTAX_PARSER"] = "v1"
        asked |= {"page": True}
        made = lab.nextflow(**asked, block_shape=[16, 32, 32], name="levels").ok()
        assert made.tasks.keys() >= {"PULL_BLOCK", "CREATE_PYRAMID", "DOWNSAMPLE_BLOCK"}
        lab.own["NXF_SYNTAX_PARSER"] = "v2"
        copy = {"workflow": "transfer", "source": "bossflow://levels@1", "archive": None}
        copy |= {"volume_format": "zarr", "dest": "copies/one", "name": "copy", "page": True}
        made = lab.nextflow(**copy).ok()
        assert "1 complete" in made.text and "PULL_BLOCK" not in made.tasks
        assert "nothing to compute" in lab.nextflow(**copy).ok().text
        results = lab.directory / "results"
        page = (results / "index.html").read_text("utf-8")
        assert page.count('src="data:') == 3 + 3 and "could not be painted" not in page
        box = Box.of(corner, voxels.shape)
        for number in range(2):
            voxels = downsample(voxels, box.corner_zyx, (1, 2, 2), "mode")
            box = coarser(box, (1, 2, 2))
            found, start = read_level(str(results / "levels" / "pyramid"), number)
            np.testing.assert_array_equal(found[box.slices(start)], voxels)
        copied = results / "copy" / "volume"
        assert copied.resolve() == lab.directory / "copies" / "one"
        np.testing.assert_array_equal(read_level(str(copied), 0)[0], voxels)
