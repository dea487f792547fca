"""What units are made from that is not made with them: recorded units of other requests."""

from collections.abc import Mapping
from typing import Any

from . import installed, ledger, registry, run_store, stores
from .work import UnitPlan


def bundles_here(
    plan: Mapping[str, Any],
    units: Mapping[str, UnitPlan],
    missing: Mapping[str, UnitPlan],
    here: stores.Here,
) -> dict[str, str]:
    """Return by unit where the bundles are that missing units are made from, and no unit makes.

    Parameters
    ----------
    plan : dict
        Names the `workflow`, and those whose units these are in `sources`.
    units, missing : dict
        By id, all that is planned, and what is to be made of it.
    here : Here
        The stores.

    Raises
    ------
    ValueError
        If one is not recorded (any more), or its store is away, or no store has all of a volume.
    """
    given = {one.unit_id: one for unit in missing.values() for one in unit.inputs}
    given = {name: unit for name, unit in given.items() if name not in units}
    if not given:
        return {}
    opened = [installed.opened(name) for name in (plan["workflow"], *plan["sources"])]
    recorded = ledger.recorded_units(registry.stage_tables(opened), given.values())
    places, _ = run_store.reachable(recorded, given, here)
    for name, unit in given.items():
        what = f"{unit.process} {unit.shown}, of which something is to be made,"
        if name not in recorded:
            raise ValueError(f"{what} is not recorded any more: run again")
        if name not in places and here.candidates(recorded[name]):
            raise ValueError(
                f"{what} is in store {here.where_is(recorded[name])}, but no store here has all of "
                "the volume that it is of: run what asked for that again, with one of them"
            )
        if name not in places:
            raise ValueError(
                f"{what} is in store {here.where_is(recorded[name])}, which is away: mount it, or "
                "give credentials"
            )
    return places
