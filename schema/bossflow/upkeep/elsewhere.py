"""What programs wrote outside of the stores: whether it is there, and what was written."""

from typing import Any

from ..voxels.archives import Refused
from ..voxels.archives.places.destinations import Destination


class Away(Exception):
    """A place that can't be read, is empty, or is another one's: of it nothing is known."""


class Elsewhere:
    """Such places; whether one is there is asked once, and again where something is wrong."""

    def __init__(self) -> None:
        self._away: dict[tuple[str, str], str | None] = {}

    def problem(self, manifest: dict[str, Any]) -> str | None:
        """Return what is wrong with what a bundle's program wrote there.

        Raises
        ------
        Away
            With a sentence.
        OSError
            If credentials are malformed.
        """
        written = manifest.get("elsewhere")
        if not written:
            return None
        place = written["place"]
        marker = written.get("marker") or {"request": manifest["key"].get("request_id")}
        try:
            destination = Destination(place)
        except Refused as error:
            raise OSError(str(error)) from None
        key = place, str(sorted(marker.items()))
        if key not in self._away:
            self._away[key] = _away(destination, marker)
        if why := self._away[key]:
            raise Away(why)
        try:
            problem = next(filter(None, map(destination.problem, written["files"])), None)
        except OSError as error:
            raise Away(str(error)) from None
        if problem and (why := _away(destination, marker)):  # it went meanwhile
            raise Away(why)
        return problem


def _away(destination: Destination, marker: dict[str, Any]) -> str | None:
    """Return why nothing is known of what was written to a place; None if it is there."""
    try:
        found = destination.found()
    except OSError as error:
        return str(error)
    if found is None:
        return f"dest {destination.url} is empty, or gone"
    return None if found == marker else f"dest {destination.url} holds what is not of this request"
