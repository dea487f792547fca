"""Volumes in files that change after they were labelled, or are exchanged, or only copied."""

import dataclasses
import sys

import bossflow
import pytest
from bossflow.core.work import Request
from bossflow.upkeep import verify
from bossflow.workflows.label import recorded, requests
from changing import BLOCKS, SHAPE, array, change, made, said, tasks_told, touch
from changing import cutouts as cutouts
from conftest import sample
from machines import on, swap
from pipeline import bossflow_says
from steps import Cutouts, write_volume
from test_peers import check, stitched_of


@pytest.mark.parametrize("stage", sample([False, True], 1))
def test_what_changed_is_made_again_and_nothing_else(cutouts: Cutouts, stage: bool) -> None:
    asked = SHAPE | {"stage": stage}
    dry = cutouts.plan(**asked, dry_run=True)[0]
    assert ("  to pull    8.192 kB of voxels into the store\n" in dry["text"]) == stage
    assert ("  to read    8.192 kB of voxels in place\n" in dry["text"]) != stage
    assert ("pull" in dry["text"].lower()) == stage
    first = cutouts.label(**asked)
    assert tasks_told(dry) == len(first["plan"]["tasks"]) > 0
    nothing = cutouts.plan(**asked, dry_run=True)[0]["text"]
    assert nothing.endswith("\n  to run     nothing") and "voxels" not in nothing
    assert cutouts.label(**asked)["states"] == []
    change(cutouts)
    dry = cutouts.plan(**asked, dry_run=True)[0]
    assert "1 of 2 blocks (first: 0-16_0-16_16-32) look changed" in dry["notes"][0]
    assert "4.096 kB of voxels" in dry["text"], "to compare it"
    to_compare = "PULL_BLOCK" if stage else "LABEL_BLOCK"
    assert f"\n  to compare 1 {to_compare} with what is recorded; " in dry["text"]
    assert "1 LABEL_BLOCK, 1 LINK_BLOCK, 1 STITCH, 2 RELABEL_BLOCK at most\n" in dry["text"]
    assert tasks_told(dry) == 1 == len(cutouts.plan(**asked)[0]["tasks"])
    again = cutouts.label(**asked)
    assert (
        list(again["compared"].values())[0]["state"] == "compared" and len(again["compared"]) == 1
    )
    assert "1 of 2 blocks (first: 0-16_0-16_16-32) changed since they were recorded" in said(again)
    expected = {"LABEL_BLOCK": 1, "LINK_BLOCK": 1, "STITCH": 1, "RELABEL_BLOCK": 2}
    assert made(again) == expected | ({"PULL_BLOCK": 1} if stage else {})
    assert again["plan"]["requests"] == first["plan"]["requests"]
    check(cutouts, stitched_of(again), 26, 0)
    nothing = cutouts.label(**asked)
    assert (nothing["states"], nothing["compared"], nothing["plan"]["notes"]) == ([], None, [])


def test_rows_are_not_said_to_be_added_to_what_is_made_again(cutouts: Cutouts) -> None:
    cutouts.label(**SHAPE, max_component_rows=2)
    change(cutouts)
    again = cutouts.label(**SHAPE, max_component_rows=9)
    assert made(again)["STITCH"] == 1 and "rows" not in said(again)
    (request,) = again["plan"]["requests"]
    row = (bossflow.Segmentation() & {"request_id": request}).fetch1()
    assert row["n_component_rows"] == 9 < row["n_components"]


def test_another_volume_at_the_same_place_is_not_the_old_one(cutouts: Cutouts) -> None:
    cutouts.label(**SHAPE, stage=False)
    cutouts.volume.rename(cutouts.volume.with_name("old"))
    write_volume(cutouts.volume, (32, 16, 16), seed=5)
    again = cutouts.label(**SHAPE, stage=False)
    assert "2 of 2 blocks" in said(again) and "`archive`" in said(again)
    check(cutouts, stitched_of(again), 26, 0)


@pytest.mark.parametrize("stage", sample([False, True], 1))
def test_a_copy_with_other_times_is_compared_once_and_kept(cutouts: Cutouts, stage: bool) -> None:
    asked = SHAPE | {"stage": stage}
    (request,) = cutouts.label(**asked)["plan"]["requests"]
    before = verify.made_for(request)
    touch(cutouts)
    again = cutouts.label(**asked)
    assert (again["states"], len(again["compared"])) == ([], 2)
    assert "2 of 2 blocks (first: 0-16_0-16_0-16) have files of other times" in again["summary"]
    assert "nothing to compute" in again["summary"]
    assert verify.made_for(request) == before
    assert cutouts.label(**asked)["compared"] is None
    assert not list(cutouts.store.glob(".tmp-*")) and not (cutouts.store / ".retired").exists()


def test_one_may_go_on_with_what_is_recorded_or_not_look(cutouts: Cutouts) -> None:
    asked = SHAPE | {"stage": False}
    cutouts.label(**asked)
    change(cutouts)
    kept = cutouts.label(**asked, source_changes="keep")
    assert (kept["states"], kept["compared"]) == ([], None)
    assert "look changed since they were recorded, and are taken as they were" in kept["summary"]
    off = cutouts.label(**asked, source_changes="off")
    assert (off["states"], off["compared"]) == ([], None)
    assert "note: whether sources changed was not looked at" in off["summary"]
    assert made(cutouts.label(**asked))["LABEL_BLOCK"] == 1, "neither forgot what was recorded"


@pytest.mark.parametrize("stage", sample([False, True], 1))
def test_what_was_recorded_without_a_trace(cutouts: Cutouts, stage: bool) -> None:
    """As earlier versions did: remembered now, or compared by voxels if that is asked for."""
    asked = SHAPE | {"stage": stage}
    (request,) = cutouts.label(**asked)["plan"]["requests"]
    forget = bossflow.Reading() & [{"execution_id": name} for name in verify.made_for(request)]
    forget.delete_quick()
    change(cutouts)
    found = cutouts.label(**asked)
    assert (found["states"], found["compared"]) == ([], None)
    assert "2 of 2 blocks (first: 0-16_0-16_0-16) were recorded without a trace" in found["summary"]
    assert cutouts.label(**asked)["plan"]["notes"] == []
    forget.delete_quick()
    compared = cutouts.label(**asked, source_changes="voxels")
    assert len(compared["compared"]) == 2
    assert made(compared)["LABEL_BLOCK"] == 1
    check(cutouts, stitched_of(compared), 26, 0)


def test_what_can_not_be_compared_is_not_forgotten(cutouts: Cutouts) -> None:
    asked = SHAPE | {"stage": False}
    (request,) = cutouts.label(**asked)["plan"]["requests"]
    before = verify.made_for(request)
    change(cutouts)
    plan, work_dir = cutouts.plan(**asked)
    assert plan["compare"] and len(plan["tasks"]) == 1
    problem = cutouts.plan(**asked, compared={})[0]["problem"]
    assert "LABEL_BLOCK 0-16_0-16_16-32 could not be compared with what is recorded" in problem
    assert "--source_changes keep" in problem
    receipts = cutouts.compute(plan, work_dir)
    assert receipts
    from bossflow.core import changes

    compared = changes.receipts(receipts)
    array(cutouts)[20:30, 2:9, 2:9] = 8
    problem = cutouts.plan(**asked, compared=compared)[0]["problem"]
    assert "changed while it was compared: run again" in problem
    assert verify.made_for(request) == before


def test_a_mended_way_of_reading_reads_again(
    cutouts: Cutouts, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = SHAPE | {"stage": True}
    (request,) = cutouts.label(**asked)["plan"]["requests"]
    old = verify.made_for(request)
    (bossflow.Reading() & [{"execution_id": name} for name in old]).delete_quick()
    assert "nothing to compute" in cutouts.label(**asked)["summary"], "version 1 left no trace"
    monkeypatch.setattr(sys.modules["bossflow.workflows.label.units"], "PULL_VERSION", "2")
    dry = cutouts.plan(**asked, dry_run=True)[0]
    again = cutouts.label(**asked)
    assert tasks_told(dry) == len(again["plan"]["tasks"])
    assert dry["planned"] == again["plan"]["planned"] and "8.192 kB" in dry["text"]
    assert "2 of 2 blocks (first: 0-16_0-16_0-16) were read by an older way" in said(again)
    assert made(again)["PULL_BLOCK"] == 2
    assert not verify.made_for(request) & old
    assert len(list(cutouts.store.glob(".retired/PULL_BLOCK/*/*/bundle.json"))) == 2
    assert "nothing to compute" in cutouts.label(**asked)["summary"]


def test_a_run_that_copies_and_one_that_does_not_leave_each_other_alone(cutouts: Cutouts) -> None:
    """Two runs at once: each has its own bundles of each block."""
    from bossflow.core.record import record

    staged, in_place = (cutouts.plan(**SHAPE, stage=stage) for stage in (True, False))
    receipts = [cutouts.compute(*staged), cutouts.compute(*in_place)]
    for (plan, _), paths in zip((staged, in_place), receipts, strict=True):
        assert record(plan, paths)["failed"] == []
    for stage in (True, False):
        nothing = cutouts.label(**SHAPE, stage=stage)
        assert "nothing to compute" in nothing["summary"], nothing["summary"]
        (request,) = nothing["plan"]["requests"]
        code, text = bossflow_says("verify", "--request", request)
        assert (code, "as recorded" in text) == (0, True), text
    assert not (cutouts.store / ".retired").exists()


def test_a_program_does_not_set_aside_what_was_recorded_meanwhile(cutouts: Cutouts) -> None:
    from bossflow.core.record import record

    asked = SHAPE | {"stage": False}
    one = cutouts.plan(**asked)
    receipts = cutouts.compute(*one)
    touch(cutouts)
    other = cutouts.plan(**asked)
    assert record(one[0], receipts)["failed"] == []
    before = {path: path.stat().st_ino for path in cutouts.store.glob("*/*/*/bundle.json")}
    late = cutouts.compute(*other)
    lines = [line for path in late for line in path.read_text().splitlines()]
    assert sum("another run recorded it meanwhile" in line for line in lines) == BLOCKS
    assert {path: path.stat().st_ino for path in before} == before
    assert len(cutouts.label(**asked)["compared"]) == BLOCKS, "and the next run compares"


def test_what_changed_is_made_again_also_where_its_store_is_away(
    cutouts: Cutouts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else would ever be recorded of it, however often the run is repeated."""
    asked = SHAPE | {"stage": False}
    on(monkeypatch, "one")
    cutouts.label(**asked)
    swap(cutouts.store, cutouts.store.with_name("other"))
    on(monkeypatch, "two")
    change(cutouts)
    again = cutouts.label(**asked)
    assert "1 of 2 blocks (first: 0-16_0-16_16-32) changed since they were recorded" in said(again)
    assert made(again)["LABEL_BLOCK"] == 1
    check(cutouts, stitched_of(again), 26, 0)


def test_a_program_does_not_set_aside_a_copy_that_was_recorded_meanwhile(
    cutouts: Cutouts, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bossflow.core.record import record

    asked = SHAPE | {"stage": False}
    on(monkeypatch, "one")
    cutouts.label(**asked)
    swap(cutouts.store, cutouts.store.with_name("other"))
    on(monkeypatch, "two")
    one = cutouts.plan(**asked)
    receipts = cutouts.compute(*one)
    touch(cutouts)
    assert cutouts.plan(**asked)[0]["compare"]
    other = cutouts.plan(**asked, source_changes="keep")
    assert record(one[0], receipts)["known"]["LABEL_BLOCK"] == BLOCKS
    late = cutouts.compute(*other)
    lines = [line for path in late for line in path.read_text().splitlines()]
    assert sum("another run recorded it meanwhile" in line for line in lines) == BLOCKS
    code, text = bossflow_says("verify", "--request", one[0]["requests"][0])
    assert code == 0, text


def test_labels_of_a_copy_from_before_it_had_its_own_set_are_the_same_labels(
    cutouts: Cutouts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They serve what is read in place, and were made of other arguments."""

    def plain(request: Request) -> Request:
        (stage,) = request.stage_paramsets
        return dataclasses.replace(request, stage_paramsets=(recorded.read_in_place(stage),))

    with monkeypatch.context() as before:
        before.setattr(requests, "as_before", lambda those: [*map(plain, those)])
        staged = cutouts.label(**SHAPE, stage=True)
        in_place = cutouts.label(**SHAPE, stage=False)
    assert made(in_place) == {"STITCH": 1, "RELABEL_BLOCK": BLOCKS}
    touch(cutouts)
    for mode in ("voxels", "compare"):
        again = cutouts.label(**SHAPE, stage=False, source_changes=mode)
        assert "nothing to compute" in again["summary"], again["summary"]
    again = cutouts.label(**SHAPE, stage=True)
    assert again["plan"]["requests"] == staged["plan"]["requests"]
    assert "nothing to compute" in again["summary"]
