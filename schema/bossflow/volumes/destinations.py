"""Where volumes are written to outside of the stores: whose such places are, and near what."""

from collections.abc import Iterable
from typing import Any

from ..core import work
from ..core.ledger import among
from ..core.stores import machine
from ..core.tables import Request, Store
from ..kit import locations, store_ids
from ..voxels.archives import Refused
from ..voxels.archives.places import claims


def spelled(row: dict[str, Any]) -> str:
    """Return where a row's volume is to be, as a URL; empty for the store.

    Raises
    ------
    ValueError
        If it can't be used.
    """
    try:
        return claims.spelled(row["dest"]) if row["dest"] else ""
    except Refused as error:
        raise ValueError(f"{error} (in {row['where']})") from None


def refuse_taken(
    requests: Iterable[work.Request], described: dict[str, Any]
) -> tuple[dict[str, list[str]], list[str], dict[str, str]]:
    """Refuse destinations that others have, or that lie where something else is.

    Parameters
    ----------
    requests : iterable of Request
        Their `dest` is a parameter of theirs.
    described : dict
        `store`, the URL of the run's, and `destinations`: what DESCRIBE found at each that it
        looked at, `marker` (as `Destination.found`), or the `problem` why it could not.

    Returns
    -------
    tuple of dict, list and dict
        By id of each request with a destination, the stores that may have begun it (`owners` of
        `Destination.claim`); sentences of what could not be looked at; by id, what to say of those
        that are empty, if something was written there.

    Raises
    ------
    ValueError
        With one sentence.
    """
    asked = {request.request_id: request for request in requests}
    dests = {name: one.paramset.parameters["dest"] for name, one in asked.items()}
    dests = {name: dest for name, dest in dests.items() if dest}
    if not dests:
        return {}, [], {}
    store = described["store"]
    here = Store.Place() & {"machine": machine()}
    stores = {store, *here.to_arrays("store_url")}
    near = {f"store {url}": claims.Place(url) for url in stores}
    at_work = store_ids.store_id(locations.local(store))
    own = [*Store().to_arrays("store_id"), *filter(None, [at_work])]
    recorded = {row["request_id"] for row in among(Request.proj(), "request_id", list(dests))}
    owners, unseen, empty = {}, [], {}
    for name, dest in dests.items():
        # a marker of before names no store: it is this database's where that has the request
        owners[name] = sorted({*own}) + [""] * (name in recorded)
        found = described["destinations"].get(dest, {})
        try:
            place = claims.Place(dest)
            claims.refuse_near(place, near)
            claims.refuse_others(dest, found.get("marker"), name, owners[name])
        except Refused as error:
            raise ValueError(f"{error} (in {asked[name].where})") from None
        near[f"the dest of {asked[name].where}"] = place
        if "problem" in found:
            unseen.append(found["problem"])
        elif "marker" in found and found["marker"] is None:
            empty[name] = claims.gone(dest, name)
    return owners, unseen, empty
