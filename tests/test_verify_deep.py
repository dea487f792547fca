"""`bossflow verify --deep`: what is made again is what is recorded, unless something changed."""

import json
import shutil
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import bossflow
import numpy as np
import pytest
from bossflow.command import shared
from bossflow.core.tables import Execution
from bossflow.kit import digests
from bossflow.upkeep import drawn
from changing import array
from conftest import ROOT
from making import noise
from pipeline import Pipeline, bossflow_says, files, pipeline, toy
from steps import write_voxels
from test_made_chain import Chain

__all__ = ["files", "pipeline", "toy"]

CHANGED = "32-41_32-36_32-39"


@pytest.fixture
def chain(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Chain:
    write_voxels(tmp_path / "mask", (noise((40, 36, 44), "uint8") < 60).astype(np.uint8))
    return Chain(tmp_path, monkeypatch)


def deep(store: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    code, text = bossflow_says("verify", "--deep", "--json", "--store", str(store), *arguments)
    assert text.startswith("{"), text
    return code, json.JSONDecoder().raw_decode(text)[0]


def state(directory: Path) -> dict[Path, tuple[int, int]]:
    looks = {path: path.stat() for path in digests.files_below(directory)}
    return {path: (look.st_mtime_ns, look.st_ino) for path, look in looks.items()}


def test_a_changed_chunk_is_found_and_what_depends_on_it_is_made_again(
    chain: Chain, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    ran = chain.run()
    before, requests = state(store), [*map(chain.request, ran)]
    code, told = deep(store)
    assert (code, told["differ"], told["failed"]) == (0, [], []), told
    made = sum(sum(one["recorded"].values()) for run in ran for one in run["recorded"])
    assert told["same"] == told["looked_at"] == told["units"] == made
    assert (told["passed_over"], told["then"], told["seed"]) == ({}, [], None)

    (of, *_) = bossflow.lineage(requests[-1])["made_by"]
    content = (Execution & {"execution_id": of}).fetch1("content_sha256")
    Execution.update1({"execution_id": of, "content_sha256": "0" * 64})
    code, told = deep(store, "--request", requests[-1])
    assert (code, len(told["differ"]), told["failed"]) == (1, 1, []), told
    Execution.update1({"execution_id": of, "content_sha256": content})

    array(chain.of["label"])[37, 34, 36:40].write(7).result()
    code, told = deep(store, "--request", requests[0])
    (differs,) = told["differ"]
    assert (code, differs["process"], differs["archive"]) == (1, "PULL_BLOCK", True)
    assert differs["key"]["block"] == CHANGED
    (other,) = differs["environment"]
    assert other.startswith(f"programs {'0' * 16} (here ")
    assert told["same"] == told["units"] - 1 > 70 and not told["failed"]
    assert state(store) == before
    (then,) = told["then"]
    assert bossflow_says(*then.split()[1:], "--yes")[0] == 0
    again = chain.run()
    assert [*map(chain.request, again)] == requests
    assert not any(run["plan"]["compare"] for run in again)
    anew = Counter[str]()
    for run in again:
        for one in run["recorded"]:
            anew.update(one["recorded"])
    after_it = {"PULL_BLOCK": 1, "LABEL_BLOCK": 1, "LINK_BLOCK": 1, "STITCH": 1}
    assert {name: anew[name] for name in after_it} == after_it
    of_ids = {"RELABEL_BLOCK", "DOWNSAMPLE_BLOCK", "TRANSFER_BLOCK"}  # which are numbered anew
    assert anew.keys() - after_it.keys() == of_ids


def test_a_sample_says_what_it_can_tell(chain: Chain) -> None:
    chain.of["label"].label(block_shape=[16, 16, 16], x_range=[0, 32])
    given = ("verify", "--deep", "--store", str(chain.of["label"].store), "--sample", "3")
    code, text = bossflow_says(*given, "--seed", "5")
    assert code == 0, text
    assert "of 73 units, 3 looked at: if 5% were wrong, this finds one with 16%" in text
    assert "at most 45 (0.62 of all) are wrong, with 95% confidence (--seed 5)" in text
    assert "3 units made again as recorded" in text


def test_what_a_sample_tells_is_what_counting_says() -> None:
    """Of few units, all samples are looked at."""
    for total, wrong, size in ((12, 2, 3), (9, 1, 4), (10, 9, 2)):
        samples = [*combinations(range(total), size)]
        hits = sum(min(one) < wrong for one in samples)
        assert drawn.chance(total, wrong, size) == pytest.approx(hits / len(samples))
        most = drawn.bound(total, size)
        assert drawn.chance(total, most, size) < 0.95 <= drawn.chance(total, most + 1, size)
    said = "of 1,200 units, 30 looked at: if 5% were wrong, this finds one with 79%"
    assert drawn.odds(1200, 30, 0).startswith(said)
    assert drawn.odds(1200, 1200, 0) == "of 1,200 units, 1,200 looked at"


def test_blocks_that_were_dropped_are_pulled_again_and_those_in_place_are_read(
    chain: Chain, tmp_path: Path
) -> None:
    """Of a destination, nothing is written."""
    store, of = tmp_path / "store", chain.of
    some = {"x_range": [0, 32], "y_range": [0, 16], "z_range": [0, 16]}
    of["label"].label(block_shape=[16, 16, 16], **some)
    for name in ("levels", "copy"):
        of[name].volume = of["label"].volume
    of["levels"].make(block_shape=[16, 16, 16], levels=1, **some)
    copy = of["copy"].make(chunk_shape=[8, 8, 8], dest=str(tmp_path / "there"), **some)
    assert copy.get("verdict") == {"missing": None}, copy["plan"]["problem"]
    text = bossflow_says("clean", "--pulled", "--store", str(store), "--yes")[1]
    assert "deleted 2 pulled" in text
    before = state(store) | state(tmp_path / "there")
    code, told = deep(store)
    assert (code, told["differ"], told["failed"], told["passed_over"]) == (0, [], [], {}), told
    assert told["same"] == told["units"] and state(store) | state(tmp_path / "there") == before

    array(of["label"])[3, 4, 5:8].write(7).result()
    code, told = deep(store)
    assert code == 1 and not told["failed"]
    differ = {one["process"]: one for one in told["differ"]}
    assert differ.keys() == {"LABEL_BLOCK", "DOWNSAMPLE_BLOCK", "TRANSFER_BLOCK"}
    assert {one["archive"] for one in differ.values()} == {True}
    assert "is made of PULL_BLOCK" in differ["LABEL_BLOCK"]["problem"]
    assert differ["LABEL_BLOCK"]["then"].endswith(" --block 0-16_0-16_0-16")


def test_units_of_a_plug_in_by_what_its_run_was_given(
    pipeline: Pipeline, files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    shutil.copytree(ROOT / "tests" / "toy" / "bin", project / "bin")
    (project / "main.nf").touch()
    schema = (ROOT / "nextflow_schema.json").read_text()
    group = json.loads((ROOT / "tests" / "toy" / "parameters.json").read_text())
    (project / "nextflow_schema.json").write_text(shared.with_group(schema, "toy", group))
    pipeline.run(files[:3], suffix="s")
    code, told = deep(pipeline.store, "--pipeline", str(project))
    assert (code, told["same"], told["units"]) == (0, 4, 4), told
    code, told = deep(pipeline.store)
    assert (code, told["units"]) == (1, 0) and sum(told["passed_over"].values()) == 4

    program = project / "bin" / "add_words.py"
    program.write_text(program.read_text().replace("for one in unit.inputs)", "for one in [])"))
    code, told = deep(pipeline.store, "--pipeline", str(project))
    (differs,) = told["differ"]
    assert (code, differs["process"], differs["archive"]) == (1, "ADD_WORDS", False)
    assert told["then"] == [f"bossflow invalidate --request {differs['request']}"]
    files[0].unlink()
    code, told = deep(pipeline.store, "--pipeline", str(project))
    assert code == 1 and len(told["failed"]) == 4
    assert "is not there: give the path of a file" in told["failed"][0]["problem"]
