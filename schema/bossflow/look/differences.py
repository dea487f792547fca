"""What differs between two requests, or between two runs."""

from typing import Any

from ..core import ledger
from ..core.tables import Request
from ..kit.system import keeping_all
from ..voxels.archives import Refused, Unreachable
from . import called, facts, outputs, overlaps, rows

SECTIONS = (
    *("run", "method", "parameters", "source", "function", "requests", "software", "containers"),
    *("code", "counts", "outcome"),
)
"""Of what `rows` are, in this order."""


def diff(
    a: str,
    b: str,
    voxels: bool = True,
    background: str = "ignore",
    told: overlaps.Progress = lambda done, total: None,
) -> dict[str, Any]:
    """Compare two requests, or two runs.

    Parameters
    ----------
    a, b : str
        Both requests (id, start of it, or name), or else both runs (the same of them).
    voxels : bool
        Whether two segmentations are compared by their voxels, calls by what they returned, and
        others by their files.
    background : {"ignore", "keep"}
        Whether voxels that are 0 in the first are left out of measures.
    told : callable
        Takes how many voxels are compared, and of how many.

    Returns
    -------
    dict
        JSON values: `kind` (`request` or `run`), `a` and `b` (ids), `equal` (nothing differs);
        `rows`, each with `section` (of `SECTIONS`), `name`, `a`, `b` (None where one has no such
        thing) and `equal`. Of requests also `contents`, by process: of how many units that both
        have the content is `equal`, of how many it may `differ`, and how many only `a` or `b` has;
        `calls`, as `called.compared` tells, where they are of calls, and else None, and
        `segmentation`, as `overlaps.compared` tells, or None, and then `not_compared`, why; of two
        that make none `made`, as `outputs.compared` tells, else None.

    Raises
    ------
    ValueError
        If they aren't two requests or two runs that are recorded here.
    """
    first, second = _found(a), _found(b)
    kind = next((name for name in first if name in second), None)
    if kind is None:
        raise ValueError(
            f"{a!r} is a {next(iter(first))} and {b!r} a {next(iter(second))}: give two requests "
            "or two runs"
        )
    if kind == "run":
        runs = first[kind], second[kind]
        both = [facts.of_run(one) for one in runs]
        ids = [one["run_id"] for one in runs]
        more: dict[str, Any] = {}
    else:
        ids = [first[kind], second[kind]]
        with keeping_all():
            known = facts.of_requests(ids)
        both = [known[name][0] for name in ids]
        contents = _contents(*(known[name][1] for name in ids))
        calls = called.compared(known[ids[0]][2], known[ids[1]][2], voxels)
        more = {"contents": contents, "calls": calls}
        if calls:
            more |= dict.fromkeys(("segmentation", "not_compared", "made"))
        else:
            more |= _segmentation(ids, both, voxels, background, told)
    compared = _rows(*both)
    return {
        "kind": kind,
        "a": ids[0],
        "b": ids[1],
        "equal": all(one["equal"] for one in compared) and _same(more),
        "rows": compared,
        **more,
    }


def _found(name: str) -> dict[str, Any]:
    """Return what a name means: the id of a request, the row of a run, or both."""
    found: dict[str, Any] = {}
    problems = []
    for kind, find in (
        ("request", lambda: ledger.named(Request, name)),
        ("run", lambda: rows.run_named(name)),
    ):
        try:
            found[kind] = find()
        except ValueError as error:
            problems.append(str(error))
    if not found:
        raise ValueError("; ".join(problems))
    return found


def _rows(a: facts.Facts, b: facts.Facts) -> list[dict[str, Any]]:
    """Return what is known of two, by section and name."""
    compared = []
    for section in SECTIONS:
        first, second = a.get(section, {}), b.get(section, {})
        for name in dict.fromkeys((*first, *second)):
            one, other = first.get(name), second.get(name)
            equal = name in first and name in second and one == other
            compared.append(
                {"section": section, "name": name, "a": one, "b": other, "equal": equal}
            )
    return compared


def _contents(a: facts.Contents, b: facts.Contents) -> dict[str, dict[str, int]]:
    """Return by process how many units made the same."""
    counts = {}
    for process in sorted({*a, *b}):
        first, second = a.get(process, {}), b.get(process, {})
        shared = first.keys() & second.keys()
        equal = sum(first[of] == second[of] for of in shared)
        counts[process] = {
            "equal": equal,
            "differ": len(shared) - equal,
            "only_a": len(first) - len(shared),
            "only_b": len(second) - len(shared),
        }
    return counts


def _segmentation(
    ids: list[str],
    both: list[facts.Facts],
    voxels: bool,
    background: str,
    told: overlaps.Progress,
) -> dict[str, Any]:
    """Return how the voxels of two segmentations differ, or why that is not told."""
    unfinished = [
        name for name, one in zip(ids, both, strict=True) if one["outcome"]["state"] != "complete"
    ]
    why, made = "it was not asked for", None
    if unfinished:
        why = f"request {unfinished[0]} is not complete" if voxels else why
        return {"segmentation": None, "not_compared": why, "made": None}
    try:
        overlaps.check(*ids)
        if voxels:
            found = overlaps.compared(ids[0], ids[1], background, told)
            return {"segmentation": found, "not_compared": None, "made": None}
    except overlaps.NoSegmentation as error:
        why = str(error) if voxels else why
        made = outputs.compared(ids[0], ids[1], files=voxels)
    except overlaps.Apart as error:
        why = str(error)
    except (Refused, Unreachable) as error:
        raise ValueError(str(error)) from None
    return {"segmentation": None, "not_compared": why, "made": made}


def _same(more: dict[str, Any]) -> bool:
    """Say whether contents, voxels, rows and files are the same, as far as they were compared."""
    made, seen = more.get("made") or {}, more.get("segmentation")
    counts = [*more.get("contents", {}).values(), *made.get("rows", {}).values()]
    counts += filter(None, [made.get("files"), more.get("calls")])
    return not any(one[name] for one in counts for name in ("differ", "only_a", "only_b")) and (
        seen is None or seen["equal"] and seen["same_box"]
    )
