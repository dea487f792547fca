"""Statistics under Nextflow: of what label made of an archive's channel, and an image on disk."""

import csv
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from lab import Lab, make_voxels
from making import noise, read_level, write_precomputed
from measuring import contacts_of, segments_of

pytestmark = pytest.mark.nextflow


def test_components_of_a_request_are_measured_on_an_image(tmp_path: Path) -> None:
    """Their sizes and places are those that label told; another run has nothing to do."""
    corner, voxels = (3, 10, 21), make_voxels((20, 50, 40), 5)
    with Lab(tmp_path / "lab", voxels, corner).serving() as lab:
        asked = {"block_shape": [16, 32, 32], "connectivity": 6, "min_voxels": 30}
        lab.run(**asked, name="cells").ok()
        results = lab.directory / "results"
        with (results / "requests.csv").open() as stream:
            (told,) = csv.DictReader(stream)
        cells, start = read_level(told["volume"], 0)
        cells = cells[tuple(slice(low - at, None) for low, at in zip(corner, start, strict=True))]
        components = pq.read_table(told["components"].removeprefix("file://")).to_pylist()

        image = noise(voxels.shape, "uint8")
        path = write_precomputed(lab.directory / "image", image, corner, resolution=[8, 8, 30])
        asked = {"workflow": "statistics", "source": "bossflow://cells", "name": "measured"}
        asked |= {"intensity_source": f"precomputed://{path}", "archive": None, "page": True}
        asked |= {"block_shape": [8, 32, 32]}
        made = lab.nextflow(**asked).ok()
        assert made.tasks.keys() >= {"PULL_BLOCK", "MEASURE_BLOCK", "MERGE_SEGMENTS"}
        assert "1 complete" in made.text
        page = (results / "index.html").read_text("utf-8")
        assert "The largest segments" in page and "The largest contacts" in page
        segments = pq.read_table(results / "measured" / "segments").to_pylist()
        contacts = pq.read_table(results / "measured" / "contacts").to_pylist()
        assert "nothing to compute" in lab.run(**asked).ok().text

    assert len(segments) == len(components) > 5
    names = {"voxel_count": "segment_voxel_count"}
    for axis in "xyz":
        names |= {f"bbox_{axis}{end}": f"segment_{axis}{end}" for end in "01"}
        names |= {
            f"centroid_{axis}{unit}": f"segment_centroid_{axis}{unit}" for unit in ("", "_nm")
        }
    wanted = segments_of(cells, image, corner)
    for segment, component in zip(segments, components, strict=True):
        assert segment["measured_segment"] == component["component_id"]
        assert {name: component[name] for name in names} == {
            name: segment[of] for name, of in names.items()
        }
        one = wanted[int(segment["measured_segment"])]
        assert segment["mean_intensity"] == np.mean(one["values"])
    found = {
        (int(one["touching_segment"]), int(one["touched_segment"])): [
            one[f"faces_{axis}"] for axis in "zyx"
        ]
        for one in contacts
    }
    assert found == contacts_of(cells)
