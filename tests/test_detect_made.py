"""Workflow detect on volumes that were made here, in a bucket, and under Nextflow."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from bucket import Server
from bucket import server as server
from bucket import started as started
from lab import Lab
from making import Transferring
from pipeline import bossflow_says
from searching import BLOBS, CORNER, SPHERES, Detecting, found, spots, wanted, write
from test_detect import made_of
from test_made_in_bucket import contents


def test_of_what_was_made_here_a_block_that_goes_takes_all_that_is_searched_with_it(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And all commands know what there is."""
    import bossflow

    detecting = Detecting(tmp_path, monkeypatch)
    copy = Transferring(tmp_path / "copy", monkeypatch)
    copy.directory.mkdir()
    copy.store = detecting.store
    voxels = spots((16, 32, 64))
    of_copy = {"source": write(tmp_path / "volume", voxels), "chunk_shape": "8,8,8"}
    of_copy |= {"block_shape": "16,16,16"}
    (made,) = copy.make(**of_copy)["plan"]["requests"]
    asked = {"source": f"bossflow://{made}", "block_shape": "16,16,16", **SPHERES}
    asked |= {"mixture": "bright", "mixture_iterations": 5, "clear_diameter_nm": "50"}
    done = detecting.make(**asked)
    counts = {"COUNT_VALUES": 8, "FIT_MIXTURE": 1, "DETECT_BLOCK": 8, "SETTLE_DETECTIONS": 1}
    assert made_of(done) == counts
    (request,) = done["plan"]["requests"]
    rows = found(done)
    page = tmp_path / "index.html"
    assert bossflow_says("page", "-o", str(page))[0] == 0
    html = page.read_text()
    assert "The best detections" in html and "<h4>detections over the image</h4>" in html
    assert html.count('<img src="data:image/webp') == 3 and "could not be painted" not in html
    assert detecting.make(**asked)["plan"]["tasks"] == []
    for words, wanted_words in (
        (("lineage", request), "volume"),
        (("lineage", made, "--of"), f"request {request} (detect)"),
        (("status", "--request", request), f"{len(rows)} detections, spheres"),
        (("verify", "--request", request), "18 bundles as recorded"),
        (("verify", "--deep", "--request", request), "18 units made again as recorded"),
        (("diff", request, request), "equal"),
    ):
        code, said = bossflow_says(*words)
        assert code == 0 and wanted_words in said, (words, said)
    taken = tmp_path / "taken"
    code, said = bossflow_says("export", request, "--format", "parquet", "--to", str(taken))
    assert code == 0 and len(pq.read_table(taken / "detections.parquet")) == len(rows), said

    outputs = bossflow.MadeChannel * bossflow.Channel & {"request_id": made}
    (channel,) = outputs.to_arrays("channel_id")
    sources = bossflow.BlockDetections.Source & {"source_block": "69-85_13-29_-7-9"}
    near = len(sources & {"channel_id": str(channel)})
    assert near == 4
    where = "--channel", str(channel), "--block", "84-85_13-14_-7--6"
    code, said = bossflow_says("invalidate", *where, "--yes")
    assert code == 0, said
    assert "is not whole" in detecting.make(**asked)["plan"]["problem"]
    assert made_of(copy.make(**of_copy)) == {"TRANSFER_BLOCK": 1}
    again = detecting.make(**asked)  # of other values there might be another mixture
    assert made_of(again) == counts | {"COUNT_VALUES": 1}
    assert found(again) == rows


@pytest.mark.s3
@pytest.mark.parametrize("search", [SPHERES, BLOBS])
def test_detections_in_a_bucket_are_those_on_disk(
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    server: Server,
    search: dict[str, Any],
) -> None:
    voxels = spots((16, 40, 32))
    asked = {"source": write(tmp_path / "volume", voxels), **search, "block_shape": "16,16,16"}
    asked |= {"blocks_per_task": 3, "stage": True}
    on_disk, in_bucket = (Detecting(tmp_path / name, monkeypatch) for name in ("disk", "bucket"))
    on_disk.directory.mkdir()
    in_bucket.directory.mkdir()
    there = contents(on_disk.compute(*on_disk.plan(**asked)))
    store = f"s3://lab/{tmp_path.name.replace('_', '-')}"
    done = in_bucket.make(store=store, **asked)
    assert found(done) == wanted(voxels, CORNER, search)
    assert contents(done["receipts"]) == there
    assert in_bucket.make(store=store, **asked)["plan"]["tasks"] == []


@pytest.mark.nextflow
def test_dark_cells_of_an_archive_are_found_and_found_again(tmp_path: Path) -> None:
    corner, voxels = (3, 10, 21), 255 - spots((20, 50, 40))
    with Lab(tmp_path / "lab", voxels, corner).serving() as lab:
        asked = {"workflow": "detect", "method": "spheres", "diameter_nm": "49", "stop": "0.8"}
        asked |= {"mixture": "dark", "mixture_iterations": 20, "name": "cells", "page": True}
        asked |= {"block_shape": [16, 32, 32], "connectivity": None, "min_voxels": None}
        made = lab.nextflow(**asked).ok()
        assert made.tasks.keys() >= {"PULL_BLOCK", "COUNT_VALUES", "FIT_MIXTURE", "DETECT_BLOCK"}
        assert "1 complete" in made.text
        results = lab.directory / "results"
        assert "The best detections" in (results / "index.html").read_text("utf-8")
        rows = pq.read_table(results / "cells" / "detections").to_pylist()
        assert len(rows) > 3 and rows[0]["detection_score"] >= rows[-1]["detection_score"] >= 0.8
        assert "nothing to compute" in lab.run(**asked).ok().text
