"""Requests that write to a place of the user's, made anew at another place, and compared there."""

import dataclasses
from pathlib import Path
from typing import Any

from ..core import holdings, work
from ..kit import bundles
from ..volumes import destinations
from .reproduce import Step


def place(step: Step, directory: Path) -> Path | None:
    """Return where the volume goes that a request wrote to its `dest`; None if it has none."""
    if not step.params.get("dest"):
        return None
    return directory / "scratch" / "dest" / Path(step.file).stem


def units(step: Step, directory: Path) -> dict[str, work.UnitPlan]:
    """Return what each of a request's units is where its volume goes elsewhere, by its own id."""
    to = place(step, directory)
    if to is None:
        return {unit.unit_id: unit for unit in step.units}
    spelled = destinations.spelled({"dest": str(to), "where": step.file})
    how = step.request.paramset
    paramset = dataclasses.replace(how, parameters=how.parameters | {"dest": spelled})
    other = dataclasses.replace(step.request, paramset=paramset)
    pairs = zip(step.units, step.workflow.units(other), strict=True)
    return {unit.unit_id: instead for unit, instead in pairs}


def check(step: Step) -> None:
    """Refuse a request that writes to a `dest`, of which not all can be compared.

    Raises
    ------
    ValueError
        If a bundle, which names the files that were written there, is not here.
    """
    if step.params.get("dest"):
        for unit in step.compared:
            if "request_id" in unit.key:
                holdings.bundle_here(step.recorded[unit.unit_id])


def is_same(step: Step, unit: work.UnitPlan, made: bundles.Finished) -> bool:
    """Say whether what was made instead of a unit is the same, but for its place."""
    recorded = step.recorded[unit.unit_id]
    if made.content_sha256 == recorded.content_sha256:
        return True
    if made.manifest["unit_id"] == unit.unit_id:
        return False
    both = [one.manifest for one in (holdings.bundle_here(recorded), made)]
    return all("elsewhere" in one for one in both) and _told(both[0]) == _told(both[1])


def _told(manifest: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    written = manifest["elsewhere"]
    attributes = manifest["attributes"].items()
    return {name: one for name, one in attributes if one != written["place"]}, written["files"]
