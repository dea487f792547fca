"""The store's disk is full, or read-only, or loses what was just written."""

import json
import os
import random
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bossflow
import click
import pytest
from bossflow.upkeep import verify
from conftest import COUNTS, SEED, sample
from disks import disk, fill, mount
from kit import bundles, locations, recorded_marks, verification
from pipeline import bossflow_says
from steps import Cutouts, write_volume

pytestmark = pytest.mark.faults

SHAPE = {"block_shape": [32, 32, 32]}


@pytest.fixture
def cutouts(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cutouts]:
    """Return a volume of eight blocks, and a store on a disk of its own."""
    made = Cutouts(tmp_path, monkeypatch)
    made.volume = write_volume(tmp_path / "volume.zarr", (64, 64, 64))
    made.store.mkdir()
    with disk(made.store, "4m"):
        yield made


def lines(receipts: list[Path]) -> list[dict[str, Any]]:
    return [json.loads(line) for path in receipts for line in path.read_text().splitlines()]


def contents(store: Path) -> dict[str, str]:
    found = [bundles.read(directory) for directory in locations.every(store, "[A-Z]*")]
    return {bundle.manifest["unit_id"]: bundle.content_sha256 for bundle in found}


def undisturbed(cutouts: Cutouts) -> dict[str, str]:
    """Return what the request makes where nothing goes wrong; none of it is recorded."""
    store, cutouts.store = cutouts.store, cutouts.directory / "undisturbed"
    cutouts.compute(*cutouts.plan(**SHAPE))
    made, cutouts.store = contents(cutouts.store), store
    return made


def test_who_meets_a_full_disk_says_so_and_leaves_nothing(cutouts: Cutouts) -> None:
    expected = undisturbed(cutouts)
    choose, failed, rounds = random.Random(SEED), Counter[str](), 0
    while len(failed) < 5:  # until each process has met it
        rounds += 1
        if set(contents(cutouts.store)) == set(expected):
            for directory in cutouts.store.glob("[A-Z]*"):
                shutil.rmtree(directory)
        fill(cutouts.store, choose.randrange(1, 80) * 1024)
        for line in lines(cutouts.compute(*cutouts.plan(**SHAPE))):
            if line["state"] == "failed":
                failed[line["process"]] += 1
                assert line["error"].startswith(f"the disk of {cutouts.store} is full"), line
        assert not list(cutouts.store.glob(".tmp*"))
        for directory in locations.every(cutouts.store, "[A-Z]*"):
            verification.verify(bundles.read(directory), cutouts.store)
    print(f"BOSSFLOW_SEED={SEED}: {rounds} rounds")
    COUNTS["units that met a full disk"] += failed.total()
    (cutouts.store / "filler").unlink()
    whole = len(contents(cutouts.store))
    done = cutouts.label(**SHAPE)
    assert done["verdict"] == {"missing": None}
    assert Counter(done["states"]) == {"reused": whole, "made": len(expected) - whole}
    assert contents(cutouts.store) == expected


def test_who_leaves_word_on_a_full_disk_leaves_nothing_else(cutouts: Cutouts) -> None:
    """PLAN the store's id, RECORD what it records."""
    fill(cutouts.store, 0)
    assert "No space left on device" in cutouts.plan(**SHAPE)[0]["problem"]
    with pytest.raises(OSError, match="No space left on device"):
        recorded_marks.leave(cutouts.store, ["0" * 32])
    assert not list(cutouts.store.glob(".tmp*"))


def test_a_read_only_store_is_a_sentence_everywhere(cutouts: Cutouts) -> None:
    from bossflow.core.record import record

    plan, work_dir = cutouts.plan(**SHAPE)
    mount("-o", "remount,ro", str(cutouts.store))
    said = f"store {cutouts.store} can't be written: Read-only file system; give `store`"
    assert said in cutouts.plan(**SHAPE)[0]["problem"]
    states = Counter(line["state"] for line in lines(cutouts.compute(plan, work_dir)))
    assert states == {"failed": 8, "blocked": 25}
    mount("-o", "remount,rw", str(cutouts.store))
    done = cutouts.label(**SHAPE)
    assert done["verdict"] == {"missing": None}

    (request,) = done["plan"]["requests"]
    plan, work_dir = cutouts.plan(min_voxels=2, **SHAPE)
    receipts = cutouts.compute(plan, work_dir)
    damaged = [line for line in lines(receipts) if line["process"] == "STITCH"]
    with (locations.local(damaged[0]["url"]) / "lookup.npy").open("ab") as stream:
        stream.write(b"x")
    recorded = next(locations.every(cutouts.store, "PULL_BLOCK"))
    (recorded / "bundle.json").unlink()
    mount("-o", "remount,ro", str(cutouts.store))
    failures = [one["error"] for one in record(plan, receipts)["failed"]]
    assert any("it can't be set aside: [Errno 30] Read-only" in error for error in failures)
    code, text = bossflow_says("verify", "--request", request, "--retire")
    assert (code, "Read-only file system" in text) == (1, True), text
    code, text = bossflow_says("verify", "--request", request)
    assert (code, "1 of 33 bundles damaged or missing" in text) == (1, True), text
    mount("-o", "remount,rw", str(cutouts.store))
    assert bossflow_says("verify", "--request", request, "--retire")[0] == 0
    assert cutouts.label(**SHAPE)["verdict"] == {"missing": None}


def test_rows_are_added_of_what_lies_in_a_read_only_store(cutouts: Cutouts) -> None:
    cutouts.label(max_component_rows=3, **SHAPE)
    mount("-o", "remount,ro", str(cutouts.store))
    cutouts.store = cutouts.directory / "other"
    more = cutouts.label(max_component_rows=20, **SHAPE)
    assert more["states"] == ["reused"] and more["verdict"] == {"missing": None}
    (request,) = more["plan"]["requests"]
    assert len(bossflow.Segmentation.Component() & {"request_id": request}) == 20


@pytest.mark.parametrize(
    "process", sample(["PULL_BLOCK", "LABEL_BLOCK", "LINK_BLOCK", "STITCH"], 1)
)
def test_what_is_deleted_before_it_is_recorded_is_made_again(
    cutouts: Cutouts, process: str
) -> None:
    from bossflow.core.record import record

    expected = undisturbed(cutouts)
    plan, work_dir = cutouts.plan(**SHAPE)
    receipts = cutouts.compute(plan, work_dir)
    gone = next(locations.every(cutouts.store, process))
    shutil.rmtree(gone)
    first, *others = record(plan, receipts)["failed"]
    assert f"{gone} was deleted meanwhile" in first["error"]
    for one in others:
        known = "was deleted", "with a content that is not recorded", "is missing, but its bundle"
        assert any(words in one["error"] for words in known), one
    done = cutouts.label(**SHAPE)
    assert done["verdict"] == {"missing": None}
    chunks = 8 if process == "STITCH" else 0  # which lay in its directory
    assert done["states"].count("made") == 1 + chunks
    assert contents(cutouts.store) == expected
    only, *_ = verify.asked(done["plan"]["requests"][0])
    assert verify.damaged(only) == {}


def test_a_page_is_written_whole_or_the_one_of_before_stays(tmp_path: Path) -> None:
    from bossflow.command.options import write_page

    page, pipe = tmp_path / "page.html", tmp_path / "pipe"
    with disk(tmp_path, "32k"):
        write_page(page, "before")
        with pytest.raises(click.ClickException, match=r"the disk of .* is full"):
            write_page(page, "x" * 100_000)
        assert [*tmp_path.iterdir()] == [page] and page.read_text() == "before"
        os.mkfifo(pipe)
        reader = subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE)
        write_page(pipe, "after")
        assert reader.communicate()[0] == b"after"
