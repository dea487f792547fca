"""`bossflow clean`: room is made in stores, and nothing that is recorded is lost by it."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bossflow
import pytest
from bossflow.kit import clutter, digests, locations, store_ids
from bossflow.upkeep import clean
from changing import change, made, said
from kit import units
from pipeline import bossflow_says
from steps import Cutouts, write_volume
from test_forget import asked

SHAPE = {"block_shape": [16, 16, 16], "stage": True}


@pytest.fixture
def cutouts(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cutouts:
    made = Cutouts(tmp_path, monkeypatch)
    made.volume = write_volume(tmp_path / "volume.zarr", (32, 16, 16))
    return made


def cleaned(cutouts: Cutouts, *options: str) -> str:
    code, text = bossflow_says("clean", "--store", str(cutouts.store), *options)
    assert code == 0, text
    return text


def pulled(cutouts: Cutouts) -> list[Path]:
    return sorted(locations.every(cutouts.store, "PULL_BLOCK"))


def state(request: str) -> tuple[str, dict[str, int]]:
    code, text = bossflow_says("status", "--json", "--request", request)
    assert code == 0, text
    (one,) = json.loads(text)["requests"]
    return one["state"], one["away"]


@pytest.mark.parametrize("days", ["nan", "inf", "1e9", "-1"])
def test_days_that_are_none_are_refused(days: str) -> None:
    code, text = bossflow_says("clean", "--pulled", "--yes", "--older-than", days)
    assert code == 2 and "Invalid value for '--older-than'" in text


def test_what_was_set_aside_goes(cutouts: Cutouts) -> None:
    request = asked(cutouts)
    assert bossflow_says("forget", request, "--yes")[0] == 0
    aside = list((cutouts.store / ".retired").glob("*/*/*"))
    assert len(aside) == 3 and asked(cutouts) == request
    before = {path for path in digests.files_below(cutouts.store) if ".retired" not in path.parts}
    shown = cleaned(cutouts)
    assert "  retired           3 " in shown and "nothing is deleted: say what" in shown, shown
    assert "nothing to delete" in cleaned(cutouts, "--retired", "--older-than", "1", "--yes")
    code, text = bossflow_says("clean", "--store", str(cutouts.store), "--retired")
    assert code == 1 and "delete retired?" in text and all(path.exists() for path in aside)
    assert "deleted 3 retired" in cleaned(cutouts, "--retired", "--yes")
    assert not list((cutouts.store / ".retired").glob("*/*/*"))
    assert set(digests.files_below(cutouts.store)) == before
    assert bossflow_says("verify", "--request", request)[0] == 0
    assert "  retired           0         0.0 MB" in cleaned(cutouts)


def test_what_may_be_in_work_stays(cutouts: Cutouts) -> None:
    asked(cutouts)
    old = cutouts.store / f".tmp-{'0' * 32}-12345678"
    young = cutouts.store / f".tmp-{'1' * 32}-12345678"
    (cutouts.store / f".tmp-{'2' * 32}").write_bytes(b"of store.json")
    for directory in (old, young):
        (directory / "voxels.zarr").mkdir(parents=True)
        (directory / "voxels.zarr" / "0.0.0").write_bytes(b"x" * 10**6)
    then = time.time() - 2 * clutter.DAY
    for path in (old, *old.rglob("*"), young, young / "voxels.zarr"):
        os.utime(path, (then, then))
    os.utime(cutouts.store / f".tmp-{'2' * 32}", (then, then))
    shown = cleaned(cutouts)
    assert "  leftovers         2         1.0 MB; 1 younger than a day stay" in shown, shown
    assert "nothing to delete" in cleaned(cutouts, "--leftovers", "--older-than", "3", "--yes")
    assert "deleted 2 leftovers" in cleaned(cutouts, "--leftovers", "--yes")
    assert list(cutouts.store.glob(".tmp-*")) == [young]


def test_what_other_files_link_to_makes_no_room(tmp_path: Path) -> None:
    aside = tmp_path / ".retired" / "STITCH" / "ab" / "abc"
    aside.mkdir(parents=True)
    for name in ("one", "two"):
        (aside / name).write_bytes(b"x" * 1000)
    (tmp_path / "elsewhere").hardlink_to(aside / "one")
    (aside / "three").hardlink_to(aside / "two")
    ((found,), left) = clutter.found(tmp_path)
    assert (found.n_bytes, left) == (1000, [])


def unclaimed() -> list[Any]:
    code, text = bossflow_says("stores", "--json")
    assert code == 0, text
    return [one for one in json.loads(text) if not one["store"]]


def test_pulled_blocks_are_dropped_and_pulled_again_when_they_are_needed(cutouts: Cutouts) -> None:
    before = unclaimed()  # that others' tests left
    request = asked(cutouts, **SHAPE)
    assert len(pulled(cutouts)) == 2
    assert "  pulled            2 " in cleaned(cutouts)
    assert "nothing to delete" in cleaned(cutouts, "--pulled", "--older-than", "1", "--yes")
    assert "deleted 2 pulled" in cleaned(cutouts, "--pulled", "--yes")
    assert pulled(cutouts) == [] and not list(cutouts.store.glob(".tmp-*"))

    assert state(request) == ("complete", {})
    again = cutouts.label(**SHAPE)
    assert again["states"] == [] and "nothing to compute" in again["summary"]
    assert again["plan"]["found"]["PULL_BLOCK"] == 2
    code, text = bossflow_says("verify", "--request", request)
    assert code == 0 and "passed over: 2 bundles that `bossflow clean` dropped" in text, text
    code, text = bossflow_says("verify", "--request", request, "--json")
    assert code == 0 and json.loads(text)["dropped"] == 2 and not json.loads(text)["away"]
    code, text = bossflow_says("invalidate", "--lost", "--request", request)
    assert (code, text) == (0, "nothing to invalidate\n")
    assert unclaimed() == before
    assert "nothing to delete" in cleaned(cutouts, "--pulled", "--yes")

    # stitched anew, of labels that are there
    assert made(cutouts.label(**SHAPE, min_voxels=4)) == {"STITCH": 1, "RELABEL_BLOCK": 2}
    dry = cutouts.plan(**SHAPE, connectivity=6, dry_run=True)[0]
    assert "to pull    8.192 kB" in dry["text"], dry["text"]
    first = cutouts.label(**SHAPE, connectivity=6, z_range=[0, 16])
    assert "1 of 1 blocks (first: 0-16_0-16_0-16) were dropped" in said(first) or first["compared"]
    assert {one["state"] for one in first["compared"].values()} == {"compared"}
    assert first["states"] == ["made", "made", "made", "made", "reused"], "it was pulled once"
    assert first["verdict"] == {"missing": None}
    assert len(pulled(cutouts)) == 1 and len(bossflow.Execution.Dropped & store_of(cutouts)) == 1
    assert state(request) == ("complete", {})
    assert made_of_all(cutouts.label(**SHAPE, connectivity=6)) == {None}
    assert len(pulled(cutouts)) == 2
    assert bossflow_says("verify", "--store", str(cutouts.store))[0] == 0
    assert "deleted 2 pulled" in cleaned(cutouts, "--pulled", "--yes")


def store_of(cutouts: Cutouts) -> dict[str, str | None]:
    return {"store_id": store_ids.store_id(cutouts.store)}


def made_of_all(ran: dict[str, Any]) -> set[str | None]:
    assert ran["plan"]["problem"] is None, ran["plan"]["problem"]
    return {ran["verdict"]["missing"]}


def test_what_is_pulled_again_and_differs_is_told_and_made_again(cutouts: Cutouts) -> None:
    asked_for = SHAPE | {"source_changes": "off"}
    request = asked(cutouts, **asked_for)
    other = asked(cutouts, **asked_for, min_voxels=5)
    cleaned(cutouts, "--pulled", "--yes")
    change(cutouts)
    again = cutouts.label(**asked_for, connectivity=6)
    text = said(again)
    assert (
        "1 of 2 blocks (first: 0-16_0-16_16-32) were dropped by `bossflow clean`, and what was "
        "pulled again is not what was recorded: they and all that was made of them are made again"
    ) in text, text
    assert f"results of other requests go with them: {min(request, other)}" in text, text
    assert again["verdict"] == {"missing": None}
    for name in (request, other):
        assert state(name)[0] == "missing"
    assert cutouts.label(**asked_for)["verdict"] == {"missing": None}
    assert state(request) == ("complete", {})
    assert bossflow_says("verify", "--request", request)[0] == 0
    voxels = bossflow.PulledBlock * bossflow.Channel.proj("uri")
    assert len(voxels & {"uri": f"zarr://{cutouts.volume.as_uri()}"}) == 2


def test_what_can_not_be_pulled_again_costs_its_own_block(cutouts: Cutouts) -> None:
    request = asked(cutouts, **SHAPE)
    cleaned(cutouts, "--pulled", "--yes")
    right = cutouts.programs["PULL_BLOCK"]

    def refuse(unit: units.Unit, bundle: units.Bundle) -> None:
        if "0-16_0-16_0-16" in unit.key["block"]:
            raise ValueError("not today")
        right(unit, bundle)

    cutouts.programs = cutouts.programs | {"PULL_BLOCK": refuse}
    again = cutouts.label(**SHAPE, connectivity=6)
    assert "not today" in again["verdict"]["missing"]
    assert len(pulled(cutouts)) == 1
    assert state(request) == ("complete", {})
    cutouts.programs = cutouts.programs | {"PULL_BLOCK": right}
    assert cutouts.label(**SHAPE, connectivity=6)["verdict"] == {"missing": None}


def test_a_killed_clean_leaves_files_that_a_later_one_deletes(
    cutouts: Cutouts, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = asked(cutouts, **SHAPE)

    def kill(*_: Any) -> None:
        raise KeyboardInterrupt

    def killed(name: str) -> None:
        with monkeypatch.context() as then, pytest.raises(KeyboardInterrupt):
            then.setattr(clutter, name, kill)
            (room,) = clean.look(str(cutouts.store))
            clean.drop(room)

    killed("take")
    assert len(pulled(cutouts)) == 2 and state(request) == ("complete", {})
    assert cutouts.label(**SHAPE)["states"] == []
    assert "  pulled            2 " in cleaned(cutouts)
    killed("remove")
    assert pulled(cutouts) == [] and len(list(cutouts.store.glob(".tmp-*"))) == 2
    assert "  leftovers         0         0.0 MB; 2 younger" in cleaned(cutouts)
    assert state(request) == ("complete", {})

    # what a run takes up meanwhile stays
    assert cutouts.label(**SHAPE, connectivity=6)["verdict"] == {"missing": None}
    killed("take")
    (room,) = clean.look(str(cutouts.store))
    assert cutouts.label(**SHAPE, connectivity=18)["verdict"] == {"missing": None}
    assert clean.drop(room) == 0 and len(pulled(cutouts)) == 2
    assert bossflow_says("verify", "--request", request)[0] == 0


def test_what_nothing_was_made_of_stays(cutouts: Cutouts) -> None:
    programs: dict[str, Callable[..., None]] = cutouts.programs
    cutouts.programs = programs | {"LABEL_BLOCK": lambda *_: 1 / 0}
    assert cutouts.label(**SHAPE)["verdict"]["missing"]
    shown = cleaned(cutouts)
    assert "  pulled            0         0.0 MB; 2 stay: nothing was made of them yet" in shown
    assert "nothing to delete" in cleaned(cutouts, "--pulled", "--yes")


def test_a_forgotten_channel_takes_its_marks_along(cutouts: Cutouts) -> None:
    from test_invalidate import channel_of

    request = asked(cutouts, **SHAPE)
    cleaned(cutouts, "--pulled", "--yes")
    code, text = bossflow_says("forget", request, "--channel", channel_of(cutouts), "--yes")
    assert code == 0 and "away" not in text, text
    assert not bossflow.Execution.Dropped & store_of(cutouts)
    assert made(cutouts.label(**SHAPE))["PULL_BLOCK"] == 2
