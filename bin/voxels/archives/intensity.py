"""The channels that a row asks for, where one is the image whose intensities are measured."""

from __future__ import annotations

from typing import Any

from .made import is_made

CHOSEN = ("channel", "time")
"""Which of several a channel is."""


def of_source(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as it asks for its source.

    Of a volume that was made here size and place are known: where one is measured on an image that
    was not, a voxel size and an offset that are given are the image's.
    """
    image = row.get("intensity_source")
    if image is None or is_made(image) or not is_made(row["source"]):
        return row
    return row | dict.fromkeys(GIVEN)


def of_intensity(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a row that asks for the image of a row, of the same box; nothing where it has none.

    It is asked for as any channel is, by parameters that are `called` otherwise. A voxel size and
    an offset that are given hold for it too, as both have the same voxels; how the other one is
    cited is not said of it.
    """
    if row.get("intensity_source") is None:
        return []
    image = {
        **{name: row[own] for name, own in CALLED.items()},
        **dict.fromkeys(("citation", "doi", "licence")),
        "called": CALLED,
    }
    known = dict.fromkeys(GIVEN) if is_made(row["intensity_source"]) else {}
    return [row | image | known]


CALLED = {name: f"intensity_{name}" for name in ("source", "resolution", *CHOSEN)}
"""What parameters of a channel are called of the image."""

GIVEN = ("voxel_size", "offset")
"""What is given of volumes that do not state it."""
