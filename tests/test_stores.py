"""Stores that several machines and users have: known by their ids, wherever they lie."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from bossflow.core import holdings
from bossflow.kit import locations, recorded_marks, store_ids, units
from bossflow.upkeep import invalidate
from count_words import count_words
from machines import executions, made, on, swap
from machines import lab as lab
from pipeline import PROGRAMS, Pipeline, bossflow_says
from pipeline import files as files
from pipeline import pipeline as pipeline
from pipeline import toy as toy


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
    assert (code, "1 bundle that other stores have as well" in text) == (0, True), text
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


def test_containers_are_told_of_the_stores_of_this_machine_once(
    lab: Pipeline, files: list[Path], home: Path
) -> None:
    """Where conf/containers.sh looks: with line feeds at the ends alone."""
    other = lab.directory / "another, one"
    for store in (lab.store, other, other):
        lab.run(files, store=str(store))
    noted = (home / "stores").read_text().splitlines()
    assert noted.count(str(lab.store)) == noted.count(str(other)) == 1


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
