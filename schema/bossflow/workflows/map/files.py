"""Files that calls are given and that were made here: of which executions they are."""

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from ...core import ledger, stores
from ...core.tables import Execution
from ...kit import bundles

_UNIT = re.compile("[0-9a-f]{32}")


def made_by(paths: Iterable[str]) -> dict[str, str]:
    """Return the executions in whose bundles files lie, by path; also where links lead there.

    Files elsewhere, or in bundles that are not recorded, have none.
    """
    places: dict[str, Path] = {}
    for path in paths:
        for above in Path(os.path.realpath(path)).parents:
            if _UNIT.fullmatch(above.name) and above.parent.name == above.name[:2]:
                places[path] = above
                break
    if not places:
        return {}
    named: dict[Path, str] = {}
    for place in {*places.values()}:
        with suppress(OSError, ValueError):
            named[place] = bundles.read(place).manifest_sha256[:32]
    rows = ledger.among(Execution.proj(), "execution_id", named.values())
    known = {row["execution_id"] for row in rows}
    found = {place: name for place, name in named.items() if name in known}
    found |= _copies(named.keys() - found.keys())
    return {path: found[place] for path, place in places.items() if place in found}


def _copies(places: Iterable[Path]) -> dict[Path, str]:
    """Return the executions of bundles that were recorded after others of the same."""
    here, found = stores.Here(), {}
    for place in places:
        store = place.parents[2]
        inside = place.relative_to(store).as_posix()
        copies = Execution.Copy() & {"store_id": here.id_of(store) or "", "copy_path": inside}
        for name in copies.to_arrays("execution_id"):
            found[place] = str(name)
    return found
