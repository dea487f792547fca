"""What requests were given, kept with them: so the core can tell their units again."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from .. import database
from ..database.insert import insert_all
from ..kit.digests import canonical
from .tables import Request
from .work import ParamSet, Workflow
from .work import Request as Asked


def keep(requests: Iterable[Asked]) -> None:
    """Record what requests are given; to be called in a transaction.

    What was recorded of one that has the same id may differ: in a channel that was not used yet.
    """
    texts = {request.request_id: _text(request) for request in requests}
    known = _recorded(texts)
    changed = [{"request_id": name} for name, text in known.items() if text != texts[name]]
    for some in database.pieces(changed):
        (Request.Given() & some).delete_quick()
    insert_all(
        Request.Given(), [_row(name, text) for name, text in texts.items()], skip_duplicates=True
    )


def recalled(workflow: Workflow, request_ids: Iterable[str]) -> Iterator[Asked]:
    """Yield recorded requests of a workflow, in the order of their ids, without settings.

    Raises
    ------
    ValueError
        If one is not recorded, or another one is recalled than was recorded.
    """
    for some in database.pieces(request_ids):
        requests = {name: _request(workflow, text) for name, text in _recorded(some).items()}
        requests |= _recall(workflow, [name for name in some if name not in requests])
        for name in some:
            problem = _problem(workflow, name, requests.get(name))
            if problem:
                raise ValueError(problem)
            yield requests[name]


def not_recalled(workflow: Workflow, request_ids: Iterable[str]) -> dict[str, str]:
    """Return which recorded requests of a workflow can't be recalled, and why."""
    problems: dict[str, str] = {}
    for some in database.pieces(request_ids):
        keys = [{"request_id": name} for name in some]
        kept = set((Request.Given.proj() & keys).to_arrays("request_id"))
        left = [name for name in some if name not in kept]
        requests = _recall(workflow, left)
        for name in left:
            problem = _problem(workflow, name, requests.get(name))
            problems |= {name: problem} if problem else {}
    return problems


def fill(workflow: Workflow) -> None:
    """Record what requests were given that were recorded without it, as far as it is recalled."""
    if workflow.recall is None:
        return
    rows = Request() & {"workflow": workflow.name}
    names = [str(name) for name in (rows - Request.Given()).to_arrays("request_id")]
    conn = database.connection()
    for some in database.pieces(names):
        # what is recalled wrongly is told when it is asked for
        told = workflow.recall(some).items()
        texts = {name: _text(request) for name, request in told if request.request_id == name}
        with database.lock(conn), conn.transaction:
            insert_all(
                Request.Given(),
                [_row(name, text) for name, text in texts.items()],
                skip_duplicates=True,
            )


def _recorded(names: Iterable[str]) -> dict[str, str]:
    """Return what requests were given, by id."""
    texts: dict[str, str] = {}
    for some in database.pieces(names):
        rows = (Request.Given() & [{"request_id": name} for name in some]).to_dicts()
        texts |= {row["request_id"]: row["given"]["canonical"] for row in rows}
    return texts


def _row(name: str, text: str) -> dict[str, Any]:
    # a text within JSON: databases change numbers, and the order of keys
    return {"request_id": name, "given": {"canonical": text}}


def _text(request: Asked) -> str:
    sets = [[own.method, own.version, own.parameters] for own in request.every_paramset]
    return canonical({"given": request.given, "paramsets": sets, "subject": request.subject})


def _request(workflow: Workflow, text: str) -> Asked:
    told = json.loads(text)
    whole, *stages = (ParamSet(*own) for own in told["paramsets"])
    return Asked(workflow.name, whole, told["subject"], told["given"], tuple(stages))


def _recall(workflow: Workflow, names: list[str]) -> dict[str, Asked]:
    return workflow.recall(names) if names and workflow.recall else {}


def _problem(workflow: Workflow, name: str, request: Asked | None) -> str | None:
    """Return why a request can't be told of, if it can't."""
    if request is None:
        return _lacking(name)
    if request.request_id == name:
        return None
    return (
        f"workflow {workflow.name} recalls request {name} as {request.request_id}: its `recall` "
        "must give `expand`'s parameter set and subject, all of both"
    )


def _lacking(name: str) -> str:
    if Request() & {"request_id": name}:
        return f"what request {name} was given is not recorded: ask for it again"
    return f"request {name} is not recorded; `bossflow status` lists them"
