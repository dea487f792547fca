"""A workflow whose units are made from another workflow's."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import bossflow  # noqa: F401
import datajoint as dj
import pytest
import toy as lists
from bossflow.core import work
from bossflow.core.tables import Execution, Request, schema  # noqa: F401  (in definitions)
from bossflow.core.work import UnitPlan
from kit.units import Bundle, Unit
from pipeline import PROGRAMS, Pipeline
from pipeline import files as files
from pipeline import toy as toy


@schema
class MeanRequest(dj.Manual):
    definition = """
    # mean that was asked for
    -> Request
    """


@schema
class WordMean(dj.Computed):
    process = "DIVIDE_WORDS"
    definition = """
    # words of a file, on average
    -> MeanRequest
    ---
    -> lists.WordTotal.proj(of_request='request_id')
    mean_words : float64
    -> Execution.proj(divided_by='execution_id')
    """


def expand(
    params: dict[str, Any], described: dict[str, Any]
) -> tuple[list[work.Request], list[str]]:
    (whole,), notes = lists.workflow.expand(params, described)
    mean = work.Request(
        __name__,
        work.ParamSet("mean", "1", {}),
        [whole.request_id],
        {"contents": whole.given["contents"], "suffix": whole.paramset.parameters["suffix"]},
    )
    return [whole, replace(mean, rows=((MeanRequest, [{"request_id": mean.request_id}]),))], notes


def units(request: work.Request) -> list[UnitPlan]:
    made = lists.workflow.units(lists._request(request.given["contents"], request.given["suffix"]))
    key = {"request_id": request.request_id}
    return [*made, UnitPlan("DIVIDE_WORDS", key, {"number": len(made) - 1}, (made[-1],))]


workflow = work.Workflow(
    __name__, (WordMean,), expand, units, seconds=lambda unit: 3.0, uses=(lists.workflow,)
)


def divide_words(unit: Unit, bundle: Bundle) -> None:
    (total,) = unit.inputs
    bundle.attributes["of_request"] = total.key["request_id"]
    bundle.attributes["mean_words"] = total.manifest["attributes"]["total"] / float(
        unit.arguments["number"]
    )


class TwoWorkflows(Pipeline):
    workflow = __name__
    programs = PROGRAMS | {"DIVIDE_WORDS": divide_words}


def test_units_are_made_from_those_of_another_workflow(
    toy: Any, tmp_path: Path, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from bossflow.core import installed, registration, states
    from bossflow.upkeep import verify

    pipeline = TwoWorkflows(tmp_path, monkeypatch)
    done = pipeline.run(files[:3])
    assert done["verdict"] == {"missing": None}
    assert done["recorded"][0]["recorded"] == {
        "COUNT_WORDS": 3,
        "ADD_WORDS": 1,
        "DIVIDE_WORDS": 1,
    }
    seconds = {task["process"]: task["seconds"] for task in done["plan"]["tasks"]}
    assert seconds["DIVIDE_WORDS"] == 3.0 and seconds["ADD_WORDS"] == 0.1, "each says its own"
    whole, mean = done["plan"]["requests"]
    assert len(verify.made_for(mean)) == 5 and len(verify.made_for(whole)) == 4
    assert [one["state"] for one in states.requests([mean])] == ["complete"]
    total = (toy.WordTotal & {"request_id": whole}).fetch1("total")
    assert (WordMean & {"request_id": mean}).fetch1("mean_words") == total / 3

    # asked for again as what another needs, it is one request, by what the user called it
    asked = replace(lists._request({}, "x"), name="mine", where="line 2")
    (kept,) = registration.distinct(
        [replace(asked, name=None, where=None), asked, replace(asked, where=None)]
    )
    assert (kept.name, kept.where) == ("mine", "line 2")

    # the other workflow's results are its own, and serve it as well as this one
    alone = Pipeline(tmp_path / "alone", monkeypatch)
    alone.directory.mkdir()
    alone.store = pipeline.store
    assert alone.run(files[:3])["plan"]["tasks"] == []
    assert pipeline.run(files[:4])["recorded"][0]["recorded"] == {
        "COUNT_WORDS": 1,
        "ADD_WORDS": 1,
        "DIVIDE_WORDS": 1,
    }
    assert installed.opened(__name__) is workflow


def test_tables_that_another_process_made_are_known(toy: Any) -> None:
    """DataJoint keeps what it found at first of which table refers to which."""
    from bossflow.core import ledger

    table = toy.workflow.tables[-1]
    known = table().connection.dependencies
    known.load()
    known.remove_edges_from([*known.in_edges(table.full_table_name)])
    ledger.execution_attribute.cache_clear()
    assert ledger.execution_attribute(table) == "added_by"
