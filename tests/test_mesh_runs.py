"""Workflow mesh under Nextflow: of an archive's channel, and of components that were labelled."""

import csv
from pathlib import Path

import numpy as np
import pytest
from expected import read_volume
from lab import Lab, make_voxels
from meshing import closed_volume, finest

pytestmark = pytest.mark.nextflow


def test_meshes_of_a_channel_and_of_its_components(tmp_path: Path) -> None:
    """Blocks are pulled, as from any archive; both of Nextflow's parsers run it."""
    voxels = make_voxels((20, 50, 40), 5)
    with Lab(tmp_path / "lab", voxels, (3, 10, 21)).serving() as lab:
        asked = {"workflow": "mesh", "buckets": 2, "block_shape": [16, 32, 32], "keep": 1}
        lab.own["NXF_SYNTAX_PARSER"] = "v1"
        made = lab.nextflow(**asked, name="meshes").ok()
        assert made.tasks.keys() >= {"PULL_BLOCK", "SURFACE_BLOCK", "MESH_BUCKET"}
        assert "3 meshes" in made.text
        results = lab.directory / "results"
        for segment in np.unique(voxels)[1:].tolist():
            surface = finest(results / "meshes" / "meshes", segment)
            assert surface is not None and closed_volume(surface) > 0
        lab.own["NXF_SYNTAX_PARSER"] = "v2"
        lab.run(connectivity=18, min_voxels=50, name="cells").ok()
        (labelled,) = csv.DictReader((results / "requests.csv").open())
        found, _, _ = read_volume(labelled["volume"])
        there = np.unique(found)[1:].tolist()
        of_label = {"source": "bossflow://cells", "archive": None, "name": "parts"}
        made = lab.nextflow(**asked | of_label).ok()
        assert "PULL_BLOCK" not in made.tasks
        assert f"{len(there)} meshes" in made.text and len(there) > 3
        directory = results / "parts" / "meshes"
        assert all(finest(directory, segment) for segment in there)
        assert finest(directory, max(there) + 1) is None
