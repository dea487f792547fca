"""How requests about a cutout are told, whatever is made of it."""

from collections.abc import Mapping
from typing import Any

from ..core import work


def of_cutout(request: work.Request, blocks: tuple[int, int]) -> dict[str, Any]:
    """Return channel, source, box, method, parameters and blocks of a request.

    Parameters
    ----------
    request : Request
        Given a `channel`, what is `chosen` of it, and a `cutout`.
    blocks : tuple of 2 int
        How many are recorded, and how many there are.

    Returns
    -------
    dict
        JSON values by name.
    """
    channel = request.given["channel"]
    recorded, total = blocks
    return {
        "channel": channel["channel_id"],
        "source": channel["uri"],
        "archive": channel["archive"],
        "resolution": channel["resolution"],
        "chosen": request.given["chosen"] or None,
        "box": request.given["cutout"],
        "method": request.paramset.method,
        "parameters": request.paramset.parameters,
        "blocks_total": total,
        "blocks_recorded": recorded,
    }


def in_words(counts: Mapping[str, int], names: Mapping[str, str]) -> str:
    """Return numbers of units by process as a user would say them: `1 pyramid, 64 blocks`."""
    return ", ".join(
        f"{counts.get(process, 0):,} {name}" + ("" if counts.get(process) == 1 else "s")
        for process, name in names.items()
    )
