"""Where a volume begins that does not state it: by an offset that a user gives, in voxels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from . import Refused

OFFSETS_ZYX = ("offset_z", "offset_y", "offset_x")
"""What of all that is chosen of a volume says where it begins."""


def chosen_of(offset_xyz: Sequence[int] | None) -> dict[str, int]:
    """Return an offset as what is chosen of a volume; nothing where none is given."""
    return dict(zip(OFFSETS_ZYX, reversed(offset_xyz), strict=True)) if offset_xyz else {}


def given_zyx(chosen: Mapping[str, int]) -> tuple[int, ...] | None:
    """Return the offset in what is chosen of a volume; None where none is."""
    return tuple(chosen[name] for name in OFFSETS_ZYX) if OFFSETS_ZYX[0] in chosen else None


def refuse_other(given: Sequence[int] | None, own_zyx: Sequence[int], uri: str) -> None:
    """Refuse an offset (ZYX) that is given for a volume which begins elsewhere.

    Raises
    ------
    Refused
    """
    if given is not None and list(given) != list(own_zyx):
        own, other = (",".join(map(str, reversed(zyx))) for zyx in (own_zyx, given))
        raise Refused(
            f"{uri} states that it begins at voxel {own} (x,y,z), and offset says {other}: leave "
            "offset out, or correct what the volume states"
        )
