"""The label workflow as a user runs it: real Nextflow, a real archive, a real database."""

import csv
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from conftest import ROOT
from expected import Store, check, read_volume, whole
from lab import CHANNEL, COMPUTE, SMALL, Lab, Outcome, X, Y, Z, make_voxels
from lab import lab as lab

pytestmark = pytest.mark.nextflow


@pytest.fixture(scope="module")
def first(lab: Lab) -> Outcome:
    """Label a cutout that the block grid clips on several sides; on MySQL without Nextflow."""
    params = {"x_range": list(X), "y_range": list(Y), "z_range": list(Z)}
    run = lab.run if "DJ_HOST" in os.environ else lab.nextflow
    return run(**SMALL, **params, page=True).ok()


def test_a_cutout_is_labelled_as_cc3d_labels_it(lab: Lab, first: Outcome) -> None:
    assert first.computed == {
        "PULL_BLOCK": 8, "LABEL_BLOCK": 8, "LINK_BLOCK": 8, "STITCH": 1, "RELABEL_BLOCK": 8
    }  # fmt: skip
    (request,) = lab.status()["requests"]
    assert request["source"] == CHANNEL
    assert request["box"] == "110-180_10-74_8-37"
    assert request["blocks_recorded"] == request["blocks_total"] == 8
    assert request["parameters"]["min_voxels"] == 3
    check(lab, request, whole(lab.cut(X, Y, Z), 18, 3), (Z[0], Y[0], X[0]))


def test_it_leaves_a_page_with_pictures(lab: Lab, first: Outcome) -> None:
    page = lab.directory / "results" / "index.html"
    if "PAGE" not in first.tasks:
        pytest.skip("on MySQL, it is labelled without Nextflow")
    assert f"page        {page}" in first.text
    html = page.read_text("utf-8")
    assert html.count('src="data:image/webp;base64,') == 3 + 3 + 8
    assert "picture:" not in html and "could not be painted" not in html
    (request,) = lab.status()["requests"]
    assert request["outcome"] in html and 'href="reports/trace.txt"' in html


def test_a_second_run_computes_nothing_though_nextflow_forgot_all(lab: Lab, first: Outcome) -> None:
    shutil.rmtree(lab.directory / "work")
    shutil.rmtree(lab.directory / ".nextflow")
    params = {"x_range": "110:180", "y_range": "10,74", "z_range": "[8,37]"}
    page = lab.directory / "results" / "index.html"
    before = page.stat() if page.exists() else None  # on MySQL there was no Nextflow
    again = lab.nextflow(reports=True, **SMALL, **params, page=True).ok()
    assert again.tasks == {"DESCRIBE": 1, "PLAN": 1}
    assert page.exists() == (before is not None)
    assert before is None or page.stat() == before
    assert "nothing to compute: 1 segmentation, 8 blocks recorded already (run " in again.text
    with (lab.directory / "results" / "requests.csv").open() as stream:
        (row,) = csv.DictReader(stream)
    assert row["state"] == "complete"
    assert row["volume"].startswith("file:///")
    reports = {path.name for path in (lab.directory / "results" / "reports").iterdir()}
    assert {"report.html", "timeline.html", "trace.txt", "dag.html"} <= reports


def test_changes_recompute_only_what_depends_on_them(lab: Lab, first: Outcome) -> None:
    params = {"x_range": list(X), "y_range": list(Y), "z_range": list(Z)}
    dust = lab.run(**(SMALL | {"min_voxels": 10}), **params).ok()
    assert dust.computed == {"STITCH": 1, "RELABEL_BLOCK": 8}
    other = lab.run(**(SMALL | {"connectivity": 6}), **params).ok()
    assert other.computed == {
        "LABEL_BLOCK": 8, "LINK_BLOCK": 8, "STITCH": 1, "RELABEL_BLOCK": 8
    }  # fmt: skip
    grown = lab.run(**SMALL, **(params | {"x_range": [110, 190]})).ok()
    # x blocks are 100-140, 140-180, 180-190: only the last is new, and those of the middle which
    # come after one of it have a new seam
    assert grown.computed == {
        "PULL_BLOCK": 4, "LABEL_BLOCK": 4, "LINK_BLOCK": 7, "STITCH": 1, "RELABEL_BLOCK": 12
    }  # fmt: skip
    requests = {
        (one["box"], one["parameters"]["connectivity"], one["parameters"]["min_voxels"]): one
        for one in lab.status()["requests"]
    }
    corner = (Z[0], Y[0], X[0])
    box = "110-180_10-74_8-37"
    check(lab, requests[box, 18, 10], whole(lab.cut(X, Y, Z), 18, 10), corner)
    check(lab, requests[box, 6, 3], whole(lab.cut(X, Y, Z), 6, 3), corner)
    larger = whole(lab.cut((110, 190), Y, Z), 18, 3)
    check(lab, requests["110-190_10-74_8-37", 18, 3], larger, corner)


def test_the_database_may_list_fewer_components_than_there_are(lab: Lab, first: Outcome) -> None:
    params = {"x_range": list(X), "y_range": list(Y), "z_range": list(Z), "max_component_rows": 4}
    made = lab.run(**(SMALL | {"min_voxels": 5}), **params).ok()
    (request,) = (one for one in lab.status()["requests"] if one["parameters"]["min_voxels"] == 5)
    rows = json.loads(lab.bossflow("components", request["request"], "--format", "json"))
    assert [row["component_id"] for row in rows] == [1, 2, 3, 4]
    assert f"the other {request['n_components'] - 4} are in {request['components']}" in made.text
    table = pq.read_table(request["components"].removeprefix("file://"))
    assert table["component_id"].to_pylist() == list(range(1, request["n_components"] + 1))
    assert request["n_components"] > request["n_component_rows"] == 4


def test_components_come_in_every_format(lab: Lab, first: Outcome) -> None:
    request = lab.status()["requests"][0]["request"]
    rows = json.loads(lab.bossflow("components", request, "--format", "json"))
    found = list(
        csv.DictReader(lab.bossflow("components", request[:8], "--format", "csv").splitlines())
    )
    assert [int(row["segment_id"]) for row in found] == [row["segment_id"] for row in rows]
    assert max(row["segment_id"] for row in rows) > 2**63
    file = lab.directory / "components.parquet"
    lab.bossflow("components", request, "--format", "parquet", "--output", str(file))
    assert pq.read_table(file).to_pydict()["voxel_count"] == [row["voxel_count"] for row in rows]
    assert str(rows[0]["voxel_count"]) in lab.bossflow("components", request)


def test_the_readmes_queries_run(lab: Lab, first: Outcome) -> None:
    request = lab.status()["requests"][0]
    place = lab.directory / "results" / "ac4"  # as a run under Nextflow leaves it
    place.mkdir(parents=True, exist_ok=True)
    for name in ("volume", "components"):
        (place / name).symlink_to(request[name].removeprefix("file://"))
    text = (ROOT / "README.md").read_text()
    code = "\n".join(part.partition("```")[0] for part in text.split("```python\n")[1:])
    code = code.replace("bossdb://Kasthuri/ac4/neuron", CHANNEL)
    code = code.replace("0-512_0-512_25-50", "110-180_10-74_8-37")
    code = code.replace("[0:512, 0:512, 25:50]", "[110:180, 10:74, 8:37]")
    code += "\nprint(len(table), voxels.max(), (voxels == 1).sum(), table.voxel_count[0])"
    code += "\nprint(len(large), len(neurons), len(lineage))"
    text = lab.python(code)
    rows, highest, voxels, counted, large, neurons, lineage = map(int, text.split()[-7:])
    assert (rows, voxels) == (highest, counted)
    assert 0 < large < neurons
    assert lineage >= 8


def test_a_dry_run_only_says(lab: Lab, first: Outcome) -> None:
    before = lab.status()
    dry = lab.run(dry_run=True, **SMALL, x_range=[110, 180], y_range=[10, 70]).ok()
    assert set(dry.tasks) == {"DESCRIBE", "PLAN"}
    assert "dry run" in dry.text
    assert "to pull" in dry.text
    assert re.search(r"to run     \d+ tasks, about \d+ (s|min) on one core", dry.text)
    assert lab.status() == before


def test_an_archive_that_is_gone_is_only_a_note_if_nothing_is_needed(
    lab: Lab, first: Outcome
) -> None:
    params = {"x_range": list(X), "y_range": list(Y), "z_range": list(Z)}
    params["bossdb_host"] = "http://127.0.0.1:9"
    gone = lab.run(**SMALL, **params).ok()
    assert "note: http://127.0.0.1:9 can't be reached" in gone.text
    dry = lab.run(dry_run=True, **SMALL, **params).ok()
    assert "note: http://127.0.0.1:9 can't be reached" in dry.text
    assert "to run     nothing" in dry.text and "to pull" not in dry.text
    more = lab.run(**SMALL, **(params | {"x_range": [100, 180]}))
    assert more.code != 0
    assert "can't be reached" in more.text


def test_a_sheet_of_cutouts(lab: Lab, first: Outcome) -> None:
    sheet = lab.directory / "cutouts.csv"
    sheet.write_text(
        "source,x_range,y_range,z_range,component_of,foreground_above\n"
        f"{CHANNEL},110:180,10:74,8:37,,\n"
        f'{CHANNEL},"100,140","10,42",,foreground,7\n'
    )
    both = lab.run(**SMALL, source=None, input=str(sheet)).ok()
    assert both.computed["STITCH"] == 1
    assert both.computed["PULL_BLOCK"] == 3
    with (lab.directory / "results" / "requests.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["state"] for row in rows] == ["complete", "complete"]
    (request,) = (
        one for one in lab.status()["requests"] if one["parameters"]["component_of"] == "foreground"
    )
    cut = lab.cut((100, 140), (10, 42), (5, 41))
    labels = whole((cut > 7).astype(np.uint8), 18, 3)
    volume, _, _ = read_volume(request["volume"])
    np.testing.assert_array_equal(volume, labels)
    rows = json.loads(lab.bossflow("components", request["request"], "--format", "json"))
    assert {row["segment_id"] for row in rows} == {None}
    assert sum(row["voxel_count"] for row in rows) == np.count_nonzero(labels)


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"x_range": [0, 180]}, "x_range 0..180 in the parameters leaves the channel"),
        ({"source": "bossdb://lab/slice/nothing"}, "has no bossdb://lab/slice/nothing"),
        ({"source": "bossdb://lab"}, "malformed"),
        ({"source": "ftp://lab/slice/neurons"}, "ftp"),
        ({"bossdb_host": "http://127.0.0.1:9", "archive": "other"}, "can't be reached"),
        ({"store": "blocked/store"}, "can't be written"),
        ({"foreground_above": 3}, "foreground_above 3"),
        ({"component_of": "foreground", "block_shape": "4096,4096,4096", "resolution": 1}, "resol"),
    ],
)
def test_a_mistake_is_one_sentence_and_writes_nothing(
    lab: Lab, first: Outcome, params: dict[str, Any], sentence: str
) -> None:
    (lab.directory / "blocked").write_text("a file in its place")
    before = lab.status(), sorted(lab.home.joinpath("store").rglob("*"))
    wrong = lab.run(**(SMALL | params))
    assert wrong.code != 0
    assert sentence in wrong.text
    assert "Traceback" not in wrong.text
    assert "Caused by" not in wrong.text
    assert not set(wrong.tasks) & set(COMPUTE)
    assert (lab.status(), sorted(lab.home.joinpath("store").rglob("*"))) == before


def test_an_emptied_database_is_filled_from_the_store(lab: Lab, first: Outcome) -> None:
    lab.bossflow("db", "stop")
    shutil.rmtree(lab.home / "database")
    params = {"x_range": list(X), "y_range": list(Y), "z_range": list(Z)}
    again = lab.run(**SMALL, **params).ok()
    (request,) = lab.status()["requests"]
    assert request["state"] == "complete"
    made = [
        line
        for path in (lab.directory / "work").rglob("receipts.jsonl")
        if path.stat().st_mtime > (lab.home / "database" / "PG_VERSION").stat().st_mtime
        for line in map(json.loads, path.read_text().splitlines())
    ]
    assert {line["state"] for line in made} == {"reused"}
    assert len(made) == 8 * 4 + 1
    assert again.computed["RELABEL_BLOCK"] == 8


def test_a_grown_cutout_costs_its_new_layer_and_what_is_numbered_anew(tmp_path: Path) -> None:
    """Nothing crosses into the lowest layer of blocks: its components keep their numbers."""
    voxels = make_voxels((30, 40, 40), 5)
    voxels[9] = 0
    params = {"block_shape": [10, 20, 20], "connectivity": 26}
    layer = [f"{x}_{y}_0-10" for y in ("0-20", "20-40") for x in ("0-20", "20-40")]
    with Lab(tmp_path / "lab", voxels, (0, 0, 0)).serving() as lab:
        lab.run(**params, z_range=[0, 20]).ok()
        (before,) = lab.status()["requests"]
        grown = lab.run(**params).ok()
        top = [block.replace("_0-10", "_20-30") for block in layer]
        for process in ("PULL_BLOCK", "LABEL_BLOCK", "LINK_BLOCK"):
            assert sorted(grown.blocks[process]) == sorted(top)
        assert grown.computed["STITCH"] == 1
        assert len(grown.blocks["RELABEL_BLOCK"]) == 12
        (now,) = (one for one in lab.status()["requests"] if one["box"] == "0-40_0-40_0-30")
        check(lab, now, whole(voxels, 26, 0), (0, 0, 0))
        first, second = (Store(lab.home / "store", request["request"]) for request in (before, now))
        assert second.taken == sorted(layer)
        for block in layer:
            for one, other in zip(first.files(block), second.files(block), strict=True):
                assert one != other
                assert one.samefile(other)

        with Lab(tmp_path / "fresh", voxels, (0, 0, 0)).serving() as fresh:
            fresh.run(**params).ok()
            alone = Store(fresh.home / "store", now["request"])
            assert alone.taken == []
            assert alone.content == second.content

        # a file that is damaged is not taken, and what is taken survives what it was taken from
        damaged, *_ = first.files(layer[0])
        lab.bossflow("invalidate", "--request", now["request"], "--yes")
        text = damaged.read_bytes()
        damaged.unlink()
        damaged.write_bytes(bytes([text[0] ^ 1]) + text[1:])
        lab.run(**params).ok()
        again = Store(lab.home / "store", now["request"])
        assert again.taken == sorted(layer[1:])
        assert again.content == alone.content
        lab.bossflow("invalidate", "--request", before["request"], "--yes")
        assert lab.run(**params).ok().computed == {}
        check(lab, now, whole(voxels, 26, 0), (0, 0, 0))
