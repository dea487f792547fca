"""Every format that is a source, in one run of Nextflow."""

import csv
import json
from pathlib import Path

import cc3d
import numpy as np
import pytest
from every_source import WRITERS, segments, write
from expected import read_volume
from formats import SIZE
from lab import Lab
from test_every_source import INSIDE, sheet


@pytest.mark.nextflow
def test_one_run_labels_every_source_as_an_array_is_labelled(tmp_path: Path) -> None:
    voxels = segments()
    sources = {form: write(form, tmp_path, voxels) for form in WRITERS}
    expected = cc3d.connected_components(voxels, connectivity=18)
    with Lab(tmp_path / "lab", voxels, (0, 0, 0)).serving() as lab:
        given = {"source": None, "archive": None, "input": str(sheet(tmp_path / "a.csv", sources))}
        asked = {"block_shape": [12, 24, 32], "blocks_per_task": 1000, "connectivity": 18}
        lab.nextflow(**given, **asked).ok()
        with (lab.directory / "results" / "requests.csv").open() as stream:
            made = {row["name"]: row["volume"] for row in csv.DictReader(stream)}
        assert [*made] == [*sources]
        for form, source in sources.items():
            found, offset, size = read_volume(made[form])
            assert (offset, size) == (source.offset_zyx, [*SIZE[::-1]]), form
            np.testing.assert_array_equal(found[INSIDE], expected, form)
            assert np.count_nonzero(found) == np.count_nonzero(expected), form
        told = lab.python(
            "import bossflow; print(bossflow.Segmentation().to_arrays('n_components').tolist())"
        )
        assert json.loads(told) == [int(expected.max())] * len(sources)
