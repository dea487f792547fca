"""Calls of functions that two requests asked for: which both have, and which returned the same."""

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..core import ledger, stores, work
from ..kit import bundles
from ..kit.digests import canonical
from ..kit.texts import cut

SHOWN = 5
"""Calls that are named of those that differ, at most."""

SIGNS = 100
"""Of a call's arguments, where it is named."""

Calls = dict[str, ledger.Recorded | None]
"""What is recorded of calls, by the canonical JSON of their arguments."""


def of(units: Iterable[work.UnitPlan], recorded: dict[str, ledger.Recorded]) -> Calls:
    """Return the calls among a request's units."""
    return {
        canonical(unit.arguments["arguments"]): recorded.get(unit.unit_id)
        for unit in units
        if "call_id" in unit.key
    }


def compared(a: Calls, b: Calls, results: bool) -> dict[str, Any] | None:
    """Compare the calls of two requests, by their arguments.

    Parameters
    ----------
    a, b : dict
    results : bool
        Whether bundles are read to compare what was returned.

    Returns
    -------
    dict or None
        JSON values: how many returned the same (`equal`) or not (`differ`), how many both have of
        which one is not recorded (`not_recorded`), or what was returned was not to be compared, or
        is not here (`not_compared`), how many `only_a` or `only_b` has; and `named`: of those that
        differ and the last two, the first `SHOWN`. None if neither has any.
    """
    if not a and not b:
        return None
    here = stores.Here()
    found: dict[str, list[str]] = {"equal": [], "differ": [], "not_recorded": []}
    found["not_compared"] = []
    for call in a.keys() & b.keys():
        found[_how(a[call], b[call], here, results)].append(call)
    found |= {"only_a": [*(a.keys() - b.keys())], "only_b": [*(b.keys() - a.keys())]}
    named = {
        name: [_shown(call) for call in sorted(found[name])[:SHOWN]]
        for name in ("differ", "only_a", "only_b")
    }
    return {name: len(some) for name, some in found.items()} | {"named": named}


def _how(
    a: ledger.Recorded | None, b: ledger.Recorded | None, here: stores.Here, results: bool
) -> str:
    if a is None or b is None:
        return "not_recorded"
    if a.content_sha256 == b.content_sha256:
        return "equal"
    made = [_made(one, here) for one in (a, b)] if results else [None]
    if None in made:
        return "not_compared"
    return "equal" if made[0] == made[1] else "differ"


def _made(recorded: ledger.Recorded, here: stores.Here) -> Any:
    """Return what a call returned, whatever function it was; None if it is not here."""
    for directory in map(Path, here.candidates(recorded)):
        with suppress(ValueError, OSError):
            bundle = bundles.read(directory)
            if bundle.content_sha256 == recorded.content_sha256:
                told, inside = bundle.manifest, directory.relative_to(bundle.store)
                values = told["attributes"].items()
                files = {
                    Path(one["path"]).relative_to(inside).as_posix(): one["sha256"]
                    for one in told["files"]
                }
                measured = told.get("measured", ())
                return {name: one for name, one in values if name not in measured}, files
    return None


def _shown(call: str) -> str:
    words = (f"{name}={json.dumps(one)}" for name, one in json.loads(call).items())
    return cut(", ".join(words) or "nothing", SIGNS)
