"""What lies in a store that is away, in another one, or nowhere any more."""

import json
import shutil
from pathlib import Path
from typing import Any

import bossflow
import pytest
from bossflow.kit import locations, units
from bossflow.upkeep import invalidate
from machines import executions, made, on
from machines import lab as lab
from pipeline import Pipeline, bossflow_says, copies
from pipeline import files as files
from pipeline import pipeline as pipeline
from pipeline import toy as toy
from relabel_block import relabel_block
from steps import Cutouts, write_volume


def test_what_is_away_is_complete_and_said_to_be_away(
    lab: Pipeline, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    on(monkeypatch, "one")
    (request,) = lab.run(files)["plan"]["requests"]

    def told() -> dict[str, Any]:
        found = json.loads(bossflow_says("status", "--json")[1])["requests"]
        return next(one for one in found if one["request"] == request)

    def line() -> str:
        found = bossflow_says("status")[1].splitlines()
        return next(line for line in found if line.strip().startswith(request))

    assert (told()["away"], ", away" in line()) == ({}, False)
    lab.store.rename(lab.store.with_name("closed"))
    where = f"{lab.store} of one"
    assert (told()["state"], told()["away"]) == ("complete", {where: 6})
    assert "complete, away  6/6" in line()
    said = f"1 request with results in store {where} alone, which is away: mount it"
    assert said in bossflow_says("status")[1]
    own = lab.run(files[:4], store=str(lab.directory / "own"))
    assert own["verdict"] == {"missing": None}
    assert told()["away"] == {where: 2}, "of these, another store has four"


def test_an_older_row_is_claimed_by_the_store_that_has_its_bundle(
    lab: Pipeline, files: list[Path]
) -> None:
    """As recorded before stores had ids."""
    first = lab.run(files)
    (request,) = first["plan"]["requests"]
    (bossflow.Execution.Copy() & copies(request)).delete_quick()
    (lab.store / "store.json").unlink()
    store = {"store_url": locations.url(lab.store)}
    (bossflow.Store.Place() & store).delete_quick()
    changed = next(locations.every(lab.store, "COUNT_WORDS")) / locations.MANIFEST
    manifest = json.loads(changed.read_text())
    changed.write_text(json.dumps(manifest | {"seconds": 7.5}))
    assert bossflow_says("verify", "--request", request)[1].startswith("passed over: 1 bundle")
    again = lab.run(files)
    (note,) = again["plan"]["notes"]
    assert f"1 unit of this is recorded in store {lab.store}, which is away" in note
    assert again["states"] == ["reused"], "whole, though not the one that was recorded"
    assert len(copies(request)) == 6
    assert not invalidate.lost(executions(request), None)
    assert made(lab.run(files)) == (0, 0)


def test_a_bundle_that_can_not_be_looked_into_is_not_lost(lab: Pipeline, files: list[Path]) -> None:
    """As a colleague's whose directory is closed; to root none is, but a link to itself is."""
    (request,) = lab.run(files)["plan"]["requests"]
    before, own = executions(request), {"store": str(lab.directory / "own")}
    bundle = next(locations.every(lab.store, "COUNT_WORDS"))
    bundle.rename(bundle.with_name("closed"))
    bundle.symlink_to(bundle)
    assert not invalidate.lost(before, None)
    again = lab.run(files, **own)
    (note,) = again["plan"]["notes"]
    assert f"1 unit of this is recorded in store {lab.store}, which is away" in note
    assert made(again) == (1, 1)
    assert made(lab.run(files, **own)) == (0, 0)
    bundle.unlink()
    bundle.with_name("closed").rename(bundle)
    assert made(lab.run(files)) == (0, 0)
    assert executions(request) == before


def test_what_is_invalidated_while_it_is_away_does_not_come_back(
    lab: Pipeline, files: list[Path]
) -> None:
    done = lab.run(files)
    (request,) = done["plan"]["requests"]
    away = lab.store.with_name("away")
    lab.store.rename(away)
    code, text = bossflow_says("invalidate", "--request", request, "--yes")
    assert (code, "which is away: set aside when it is back" in text) == (0, True), text
    assert "0 bundles are in .retired" in text
    away.rename(lab.store)
    assert made(lab.run(files)) == (1, 0), "not taken over"
    assert len(list(lab.store.glob(".retired/ADD_WORDS/*/*/bundle.json"))) == 1


def test_a_damaged_bundle_that_another_store_has_costs_nothing_else(
    lab: Pipeline, files: list[Path]
) -> None:
    (request,) = lab.run(files)["plan"]["requests"]
    before = executions(request)
    lab.store.rename(lab.store.with_name("closed"))
    own = lab.directory / "own"
    lab.run(files, store=str(own))
    lab.store.with_name("closed").rename(lab.store)
    (next(locations.every(own, "COUNT_WORDS")) / locations.MANIFEST).write_text("{}")
    code, text = bossflow_says("verify", "--retire")
    assert (code, "--request, --channel or --store" in text) == (2, True), text
    code, text = bossflow_says("verify", "--store", str(own), "--retire")
    assert (code, "1 of 6 bundles damaged or missing: forgot 0 rows" in text) == (0, True), text
    assert executions(request) == before
    assert bossflow_says("verify", "--request", request)[0] == 0


def test_a_store_that_is_gone_for_good_is_forgotten(lab: Pipeline, files: list[Path]) -> None:
    (request,) = lab.run(files)["plan"]["requests"]
    shutil.rmtree(lab.store)
    assert "is not what it was" in lab.run(files)["plan"]["problem"]
    code, text = bossflow_says("invalidate", "--store", str(lab.store), "--yes")
    assert (code, "forgot 6 rows of stages" in text) == (0, True), text
    assert not executions(request)
    assert made(lab.run(files)) == (6, 0)


def test_what_was_invalidated_elsewhere_is_not_recorded_by_a_run_under_way(
    lab: Pipeline, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from bossflow.core.record import record

    on(monkeypatch, "one")
    first, late = lab.plan(files), lab.plan(files)
    record(first[0], lab.compute(*first))
    (request,) = first[0]["requests"]
    away = lab.store.with_name("away")
    lab.store.rename(away)
    on(monkeypatch, "two")
    assert bossflow_says("invalidate", "--request", request, "--yes")[0] == 0
    away.rename(lab.store)
    on(monkeypatch, "one")
    receipts = lab.compute(*late)
    (failed,) = record(late[0], receipts)["failed"]
    assert "was set aside meanwhile" in failed["error"]
    assert made(lab.run(files)) == (1, 0)
    assert bossflow_says("verify", "--request", request)[0] == 0


@pytest.fixture
def cutouts(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cutouts:
    made = Cutouts(tmp_path, monkeypatch)
    made.volume = write_volume(tmp_path / "volume.zarr", (32, 16, 16))
    return made


def chunks(store: Path) -> int:
    return len(list(store.glob("STITCH/*/*/segmentation/8_8_30/*")))


def test_a_volume_is_whole_in_one_store(cutouts: Cutouts) -> None:
    """Two stores that have a part of its blocks each are no volume."""
    asked, own = {"block_shape": [16, 16, 16]}, cutouts.directory / "own"
    cutouts.label(**asked)
    lost = next(locations.every(cutouts.store, "RELABEL_BLOCK"))
    shutil.rmtree(lost)
    invalidate_lost = ("invalidate", "--lost", "--store", str(cutouts.store), "--yes")
    assert bossflow_says(*invalidate_lost)[0] == 0
    whole = cutouts.label(**asked, store=str(own))
    assert whole["verdict"] == {"missing": None}
    assert chunks(own) == 2, "all in the store that was given"


def test_a_volume_that_a_store_has_a_part_of_is_shown_where_it_is_whole(cutouts: Cutouts) -> None:
    asked, own = {"block_shape": [16, 16, 16]}, cutouts.directory / "own"
    cutouts.label(**asked)
    closed = cutouts.store.with_name("closed")
    cutouts.store.rename(closed)

    def fail(unit: units.Unit, bundle: units.Bundle) -> None:
        if unit.arguments["number"] == 1:
            raise ValueError("not today")
        relabel_block(unit, bundle)

    cutouts.programs = cutouts.programs | {"RELABEL_BLOCK": fail}
    assert cutouts.label(**asked, store=str(own))["verdict"]["missing"]
    assert chunks(own) == 1
    closed.rename(cutouts.store)
    summary = cutouts.label(**asked, store=str(own))["summary"]
    assert "nothing to compute" in summary and f"{cutouts.store}/STITCH" in summary


@pytest.mark.parametrize("command", ["verify", "invalidate"])
def test_what_lies_within_a_bundle_is_set_aside_with_it(cutouts: Cutouts, command: str) -> None:
    """The chunks of a volume, which another store has whole."""
    asked, own = {"block_shape": [16, 16, 16]}, cutouts.directory / "own"
    (request,) = cutouts.label(**asked)["plan"]["requests"]
    before = executions(request)
    closed = cutouts.store.with_name("closed")
    cutouts.store.rename(closed)
    cutouts.label(**asked, store=str(own))
    closed.rename(cutouts.store)
    stitch = next(locations.every(own, "STITCH"))
    if command == "verify":
        with (stitch / "components/part-00000.parquet").open("ab") as stream:
            stream.write(b"?")
        code, text = bossflow_says("verify", "--store", str(own))
        assert (code, text.rstrip().endswith("sets them aside")) == (1, True), text
        retire = ("verify", "--retire", "--store", str(own))
    else:
        shutil.rmtree(stitch)
        retire = ("invalidate", "--lost", "--store", str(own), "--yes")
    code, text = bossflow_says(*retire)
    where = f"3 bundles that other stores have as well: these rows stay ({cutouts.store})"
    assert (code, where in text, "forgot 0 rows" in text) == (0, True, True), text
    assert "made" not in text and "makes" not in text
    assert bossflow_says("verify", "--store", str(own))[0] == 0
    assert not list(locations.every(own, "RELABEL_BLOCK")) and executions(request) == before
    assert "nothing to compute" in cutouts.label(**asked, store=str(own))["summary"]
    cutouts.store.rename(closed)
    again = cutouts.label(**asked, store=str(own))
    assert sorted(again["states"]) == ["made"] * 3 and chunks(own) == 2
    assert bossflow_says("verify", "--store", str(own))[0] == 0


def test_what_lies_within_a_lost_bundle_and_nowhere_else_is_forgotten(cutouts: Cutouts) -> None:
    """A store has the volume's description alone, and another one lost all of it."""
    asked, own = {"block_shape": [16, 16, 16]}, cutouts.directory / "own"
    cutouts.label(**asked)
    closed = cutouts.store.with_name("closed")
    cutouts.store.rename(closed)

    def fail(unit: units.Unit, bundle: units.Bundle) -> None:
        raise ValueError("not today")

    programs, cutouts.programs = cutouts.programs, cutouts.programs | {"RELABEL_BLOCK": fail}
    assert cutouts.label(**asked, store=str(own))["verdict"]["missing"]
    closed.rename(cutouts.store)
    shutil.rmtree(next(locations.every(cutouts.store, "STITCH")))
    lost = ("invalidate", "--lost", "--store", str(cutouts.store), "--yes")
    code, text = bossflow_says(*lost)
    assert (code, "2 RELABEL_BLOCK" in text, "forgot 2 rows" in text) == (0, True, True), text
    cutouts.programs = programs
    assert cutouts.label(**asked, store=str(own))["states"] == ["made"] * 2
    assert chunks(own) == 2
