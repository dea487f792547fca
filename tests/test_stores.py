"""Stores that several machines and users have: known by their ids, wherever they lie."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import bossflow
import pytest
import test_core
from bossflow.core import holdings
from bossflow.kit import locations, recorded_marks, store_ids, units
from bossflow.upkeep import invalidate, verify
from relabel_block import relabel_block
from steps import Cutouts, write_volume
from test_core import PROGRAMS, Pipeline, bossflow_says, copies, count_words

toy, files, lab = test_core.toy, test_core.files, test_core.pipeline  # fixtures


def on(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Be on another machine from here on."""
    monkeypatch.setenv("BOSSFLOW_MACHINE", name)


def swap(one: Path, other: Path) -> None:
    """Have at one path what another machine has there."""
    aside = one.with_name("aside")
    for path, target in ((one, aside), (other, one), (aside, other)):
        if path.exists():
            path.rename(target)


def made(run: dict[str, Any]) -> tuple[int, int]:
    """Return how many bundles a run made, and how many rows were there already."""
    assert run["plan"]["problem"] is None, run["plan"]["problem"]
    assert run["verdict"] == {"missing": None}, run["verdict"]
    known = sum(sum(batch["known"].values()) for batch in run["recorded"])
    return run["states"].count("made"), known


def executions(request: str) -> set[str]:
    return verify.made_for(request)


def test_two_machines_have_stores_of_their_own_at_one_path(
    lab: Pipeline, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = lab.store.with_name("other")
    on(monkeypatch, "one")
    first = lab.run(files)
    assert made(first) == (6, 0)
    (request,) = first["plan"]["requests"]
    before = executions(request)

    swap(lab.store, other)
    on(monkeypatch, "two")
    second = lab.run(files)
    assert made(second) == (6, 6), "the same rows, and bundles of its own"
    (note,) = second["plan"]["notes"]
    assert f"6 units of this are recorded in store {lab.store} of one, which is away" in note
    assert executions(request) == before
    assert made(lab.run(files)) == (0, 0)
    bundle = next(locations.every(lab.store, "COUNT_WORDS"))
    shutil.rmtree(bundle)
    assert len(invalidate.lost(executions(request), None)) == 1
    code, text = bossflow_says("invalidate", "--lost", "--request", request, "--yes")
    assert (code, "1 bundles that other stores have as well" in text) == (0, True), text
    assert executions(request) == before, "nothing that the first machine has was forgotten"
    assert made(lab.run(files)) == (1, 1)

    swap(lab.store, other)
    on(monkeypatch, "one")
    assert made(lab.run(files)) == (0, 0)
    assert bossflow_says("verify", "--request", request)[0] == 0
    found = [one for one in holdings.report() if one["bundles"] and one["path"] == str(lab.store)]
    assert [one["bundles"] for one in found] == [6]
    assert [place["machine"] for place in found[0]["places"]] == ["one"]


def test_what_is_recorded_as_another_copy_is_told_as_that(lab: Pipeline, files: list[Path]) -> None:
    """Its rows were recorded before, and not by another run meanwhile."""
    from bossflow.core.record import record
    from bossflow.core.summary import sum_up

    lab.run(files[:3])
    lab.store.rename(lab.store.with_name("closed"))
    own = {"store": str(lab.directory / "own")}
    lab.run(files[:1], **own)
    plan, work_dir = lab.plan(files, blocks_per_task=1, **own)
    for other in files[1], files[3]:
        lab.run([other], **own)
    receipts = lab.compute(plan, work_dir)
    batches = [record(plan, [path]) for path in [*receipts, *receipts]]  # all come twice
    sum_up(plan, batches, work_dir)
    assert (work_dir / "summary.txt").read_text().splitlines()[:5] == [
        "asked for   1 request (5 COUNT_WORDS, 1 ADD_WORDS): 1 complete",
        "found       1 COUNT_WORDS",
        "recorded    1 COUNT_WORDS, 1 ADD_WORDS",
        "copies      1 COUNT_WORDS, recorded as another copy of the same rows",
        "meanwhile   2 COUNT_WORDS, recorded by another run",
    ]
    third = lab.run(files[:3], store=str(lab.directory / "third"))
    assert third["summary"].splitlines()[:3] == [
        "asked for   1 request (3 COUNT_WORDS, 1 ADD_WORDS): 1 complete",
        "found       3 COUNT_WORDS",
        "copies      1 ADD_WORDS, recorded as another copy of the same rows",
    ]


def test_what_fails_in_ones_own_store_is_no_success(lab: Pipeline, files: list[Path]) -> None:
    """Although the database has the rows, by bundles that are away."""
    lab.run(files)
    lab.store.rename(lab.store.with_name("closed"))

    def fail(unit: units.Unit, bundle: units.Bundle) -> None:
        raise ValueError("no words today")

    PROGRAMS["COUNT_WORDS"] = fail
    try:
        own = lab.run(files, store=str(lab.directory / "own"))
    finally:
        PROGRAMS["COUNT_WORDS"] = count_words
    assert "1 of 1 requests not complete" in own["verdict"]["missing"]
    assert made(lab.run(files, store=str(lab.directory / "own"))) == (6, 6)
    assert made(lab.run(files, store=str(lab.directory / "own"))) == (0, 0)


def test_a_store_that_moved_is_the_same(lab: Pipeline, files: list[Path]) -> None:
    before = lab.run(files)
    moved = lab.directory / "moved here"
    lab.store.rename(moved)
    again = lab.run(files, store=str(moved))
    assert made(again) == (0, 0)
    assert again["plan"]["notes"] == []
    assert made(lab.run([*files[1:]], store=str(moved))) == (1, 0), "its inputs are found there"
    assert before["plan"]["requests"] == again["plan"]["requests"]


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


def test_a_copy_is_refused_until_one_is_named(lab: Pipeline, files: list[Path]) -> None:
    lab.run(files)
    copy = lab.directory / "a copy"
    shutil.copytree(lab.store, copy)
    asked = {"store": str(copy)}
    problem = lab.run(files, **asked)["plan"]["problem"]
    assert f"store {copy} is a copy of {lab.store}, which is here as well" in problem
    assert f"bossflow stores --use '{copy}'" in problem
    assert bossflow_says("stores", "--use", str(copy))[0] == 0
    assert made(lab.run(files, **asked)) == (0, 0)
    assert f"is a copy of {copy}" in lab.run(files)["plan"]["problem"]
    code, text = bossflow_says("stores", "--use", str(lab.directory))
    assert (code, "is no store that is known here" in text) == (1, True), text
    (lab.store / "store.json").unlink()
    assert made(lab.run(files)) == (0, 0), "a store of its own, for what the other one has not"


def test_word_of_what_was_recorded_is_kept_for_as_long_as_a_run_may_last(
    lab: Pipeline, files: list[Path]
) -> None:
    lab.run(files[:1])
    (recent,) = recorded_marks.names(lab.store)
    old = lab.store / recorded_marks.DIRECTORY / "20200101-0000000000000000"
    old.write_text("[]")
    lab.run(files)
    assert not old.exists() and recent in recorded_marks.names(lab.store)


def test_a_store_has_one_id_whoever_makes_it(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    with ThreadPoolExecutor(16) as pool:
        ids = set(pool.map(store_ids.found_store, [tmp_path / "store"] * 64))
    assert len(ids) == 1
    assert [path.name for path in (tmp_path / "store").iterdir()] == ["store.json"]
    (tmp_path / "store/store.json").write_text("{}")
    with pytest.raises(ValueError, match="does not tell the id of a store: bring it back"):
        store_ids.store_id(tmp_path / "store")


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
    assert f"1 units of this are recorded in store {lab.store}, which is away" in note
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
    assert f"1 units of this are recorded in store {lab.store}, which is away" in note
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


def test_names_may_have_any_character(
    lab: Pipeline, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    on(monkeypatch, "o'neil\\x%s \"q")
    first, moved = lab.directory / "o'n\\e %s \"b", lab.directory / "m'oved\\"
    assert made(lab.run(files, store=str(first))) == (6, 0)
    first.rename(moved)
    for name in (f"{moved}/", f"{moved.as_uri()}/"):
        assert made(lab.run(files, store=name)) == (0, 0)
    link = lab.directory / "link"
    link.symlink_to(moved)
    assert made(lab.run(files, store=str(link))) == (0, 0)
    assert bossflow_says("verify", "--store", str(moved))[0] == 0


def test_a_place_may_be_relative(
    lab: Pipeline, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.run(files)
    name, identity = lab.store.name, store_ids.store_id(lab.store)
    monkeypatch.chdir(lab.store.parent)
    assert identity and bossflow_says("verify", "--store", name)[1].startswith("6 bundles as")
    (lab.store.parent / identity[:8]).mkdir()
    assert bossflow_says("verify", "--store", identity[:8])[0] == 0, "which is no store's place"
    assert "starting with 'nope'" in bossflow_says("verify", "--store", "nope")[1]
    shutil.rmtree(lab.store)
    assert "forgot 6" in bossflow_says("invalidate", "--store", name, "--yes")[1]


def test_a_store_that_does_not_tell_its_id_holds_up_no_other(
    lab: Pipeline, files: list[Path]
) -> None:
    lab.run(files)
    (lab.store / "store.json").write_text("")
    assert made(lab.run(files, store=str(lab.directory / "own"))) == (6, 6)
    assert bossflow_says("stores")[0] == bossflow_says("status")[0] == 0
    assert "does not tell the id of a store" in lab.run(files)["plan"]["problem"]


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
