"""Units that are made otherwise each time: what was recorded first holds."""

import json
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
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
