"""Units that are made otherwise each time: what was recorded first holds."""

import json
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bossflow.core.work import Reads
from bossflow.voxels.boxes import Box
from count_words import count_words
from kit.units import Bundle, Unit
from pipeline import PROGRAMS, Pipeline, bossflow_says, copies
from pipeline import files as files
from pipeline import toy as toy


def count_and_date(unit: Unit, bundle: Bundle) -> None:
    count_words(unit, bundle)
    (bundle.directory / "made.txt").write_text(uuid.uuid4().hex)


class Dated(Pipeline):
    programs = PROGRAMS | {"COUNT_WORDS": count_and_date}

    def at(self, name: str) -> "Dated":
        """Return the same with a store of its own."""
        other = Dated(self.directory / name, self.monkeypatch)
        other.directory.mkdir()
        return other


@pytest.fixture
def dated(toy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dated:
    from bossflow.core import registry

    def units(request: Any) -> list[Any]:
        *counts, total = toy.units(request)
        counts = [replace(count, exact=False) for count in counts]
        return [*counts, replace(total, inputs=tuple(counts))]

    workflow = replace(toy.workflow, units=units)
    monkeypatch.setattr(registry, "load", lambda name: workflow)
    return Dated(tmp_path, monkeypatch)


def test_of_two_runs_at_once_the_first_that_is_recorded_holds(
    dated: Dated, files: list[Path]
) -> None:
    from bossflow.core.record import record

    first, second = dated.at("first"), dated.at("second")
    plan, work_dir = second.plan(files[:2])
    receipts = second.compute(plan, work_dir)
    assert first.run(files[:2])["verdict"] == {"missing": None}
    said = record(plan, receipts)
    assert said["known"] == {"COUNT_WORDS": 2} and not said["recorded"] and not said["copied"]
    (failure,) = said["failed"]
    assert failure["process"] == "ADD_WORDS"
    assert "with a content that is not recorded" in failure["error"], "of another count"
    assert len(list(second.store.glob(".retired/COUNT_WORDS/*/*"))) == 2

    again = second.run(files[:2])
    assert again["plan"]["tasks"] == [] and again["verdict"] == {"missing": None}
    (request,) = plan["requests"]
    assert len(copies(request)) == 3, "none of them is recorded in the second store"
    assert bossflow_says("verify", "--request", request)[0] == 0


def test_what_is_made_of_it_is_made_of_what_is_recorded(dated: Dated, files: list[Path]) -> None:
    first, second = dated.at("first"), dated.at("second")
    first.run(files[:2])
    more = second.run(files[:3])
    assert more["recorded"][0]["recorded"] == {"COUNT_WORDS": 1, "ADD_WORDS": 1}
    assert more["verdict"] == {"missing": None}


def test_it_is_not_made_again_where_its_store_is_away(dated: Dated, files: list[Path]) -> None:
    from bossflow.core import states

    first, second = dated.at("first"), dated.at("second")
    (request,) = first.run(files[:2])["plan"]["requests"]
    first.store.rename(first.store.with_name("elsewhere"))
    # of the total, which is the same each time, another copy could be made
    problem = second.plan(files[:2])[0]["problem"]
    assert problem.startswith("COUNT_WORDS file_id=")
    assert f"is recorded in store {first.store}" in problem
    assert "is away, and would not be the same if it was made again: mount the store" in problem
    assert not second.store.exists(), "nothing is written"
    assert [one["state"] for one in states.requests([request])] == ["complete"]
    first.store.with_name("elsewhere").rename(first.store)
    assert second.run(files[:2])["plan"]["tasks"] == []


def test_its_bundle_says_so(dated: Dated, files: list[Path]) -> None:
    dated.run(files[:1])
    said = {
        path.parents[2].name: json.loads(path.read_text()).get("exact")
        for path in dated.store.glob("[A-Z]*/*/*/bundle.json")
    }
    assert said == {"COUNT_WORDS": False, "ADD_WORDS": None}


def test_two_programs_at_once_leave_one_bundle(
    dated: Dated, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one store: whoever comes last takes the other's."""
    second = dated.at("second")
    second.store = dated.store
    made: list[Any] = []

    def while_another_does(unit: Unit, bundle: Bundle) -> None:
        if not made:
            made.append(unit.unit_id)
            plan, work_dir = second.plan(files[:1])
            here = Path.cwd()
            second.compute(plan, work_dir)
            monkeypatch.chdir(here)
        count_and_date(unit, bundle)

    dated.programs = dated.programs | {"COUNT_WORDS": while_another_does}
    done = dated.run(files[:1])
    assert done["verdict"] == {"missing": None}, done


class Reading:
    """What counts of files read outside of the stores: by path, the version and the stamp."""

    def __init__(self) -> None:
        self.exact = False
        self.of: dict[str, tuple[str, str]] = {}

    def units(self, toy: Any, request: Any) -> list[Any]:
        *counts, total = toy.units(request)
        box = Box(0, 1, 0, 1, 0, 1)
        for i, count in enumerate(counts):
            version, stamp = self.of.get(count.arguments["path"], (None, ""))
            reads = version and Reads(version, box, {"stamp": stamp} if stamp else None)
            counts[i] = replace(count, exact=self.exact, reads=reads or None)
        return [*counts, replace(total, inputs=tuple(counts))]


@pytest.fixture
def reading(dated: Dated, toy: Any, monkeypatch: pytest.MonkeyPatch) -> Reading:
    from bossflow.core import registry

    made = Reading()
    workflow = replace(toy.workflow, units=lambda request: made.units(toy, request))
    monkeypatch.setattr(registry, "load", lambda name: workflow)
    return made


def test_what_is_away_is_refused_also_where_something_else_does_not_hold(
    dated: Dated, files: list[Path], reading: Reading
) -> None:
    """What does not hold goes: the total must be made again, of a count that is away."""
    first, second = dated.at("first"), dated.at("second")
    first.run(files[:1])
    reading.of = {str(files[1]): ("1", "")}
    (request,) = second.run(files[:2])["plan"]["requests"]
    first.store.rename(first.store.with_name("elsewhere"))
    assert second.run(files[:2])["plan"]["tasks"] == [], "as long as all of it holds"
    before = copies(request)
    reading.of = {str(files[1]): ("2", "")}
    for dry_run in (True, False):
        problem = second.plan(files[:2], dry_run=dry_run)[0]["problem"]
        assert problem and f"is recorded in store {first.store}" in problem
        assert "is away, and would not be the same if it was made again" in problem
    assert copies(request) == before, "nothing went"
    first.store.with_name("elsewhere").rename(first.store)
    assert second.run(files[:2])["verdict"] == {"missing": None}


@pytest.mark.parametrize("mode", ["compare", "voxels"])
def test_where_its_source_looks_changed_the_user_decides(
    dated: Dated, files: list[Path], reading: Reading, mode: str
) -> None:
    """It would be another one anyway: no comparison can tell, and nothing goes for a hint."""
    from bossflow.core import removal

    reading.of = {str(files[0]): ("1", "as it was")}
    (request,) = dated.run(files[:1])["plan"]["requests"]
    before = copies(request)
    assert dated.run(files[:1], source_changes=mode)["plan"]["tasks"] == []
    reading.of = {str(files[0]): ("1", "touched")}
    for dry_run in (True, False):
        problem = dated.plan(files[:1], source_changes=mode, dry_run=dry_run)[0]["problem"]
        assert problem.startswith("1 of 1 blocks (first: file_id=")
        assert "look changed since they were recorded, and nothing can tell" in problem
    kept = dated.run(files[:1], source_changes="keep")
    assert kept["plan"]["tasks"] == [] and copies(request) == before
    assert any("are taken as they were" in note for note in kept["plan"]["notes"])
    removal.forget({row["execution_id"] for row in before})
    assert dated.run(files[:1], source_changes=mode)["verdict"] == {"missing": None}
    assert dated.run(files[:1], source_changes=mode)["plan"]["tasks"] == []


def test_without_a_trace_of_its_source_it_gets_one(
    dated: Dated, files: list[Path], reading: Reading
) -> None:
    reading.of = {str(files[0]): ("1", "")}
    dated.run(files[:1])
    reading.of = {str(files[0]): ("1", "as it is")}
    told = dated.run(files[:1], source_changes="voxels")["plan"]
    (note,) = (note for note in told["notes"] if "without a trace" in note)
    assert told["tasks"] == [] and note.endswith("could not be compared; from now on they are")
    reading.of = {str(files[0]): ("1", "touched")}
    assert "look changed" in dated.plan(files[:1], source_changes="voxels")[0]["problem"]
