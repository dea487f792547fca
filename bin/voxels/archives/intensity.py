"""A second channel that a row asks for: the image whose intensities are measured."""

from __future__ import annotations

from typing import Any

from .made import is_made


def of_intensity(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a row that asks for the image of a row, of the same box; nothing where it has none.

    It is asked for as any channel is. A voxel size and an offset that are given hold for it too, as
    both have the same voxels; how the other one is cited is not said of it.
    """
    if row.get("intensity_source") is None:
        return []
    image = {
        "source": row["intensity_source"],
        "resolution": row["intensity_resolution"],
        **dict.fromkeys(("channel", "time", "citation", "doi", "licence")),
    }
    known = dict.fromkeys(("voxel_size", "offset")) if is_made(row["intensity_source"]) else {}
    return [row | image | known]
