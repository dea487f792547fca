"""The voxel size of a volume in nanometres: what is stated, and what is given where nothing is."""

from __future__ import annotations

import json
from collections.abc import Sequence

from .. import SizeUnknown
from .stated import Level


def voxel_size_nm(level: Level, uri: str, given_zyx: Sequence[float] | None) -> list[float]:
    """Return the voxel size: what is stated, and what is given where nothing is."""
    # Rounded, or 0.57 micrometers would be 569.9999999999999 nm.
    stated = [
        round(size * unit, 6) if size and unit else None
        for size, unit in zip(level.scale_zyx or (None,) * 3, level.unit_nm_zyx, strict=True)
    ]
    pairs = zip(stated, given_zyx or (None,) * 3, strict=True)
    sizes = [own if own is not None else given for own, given in pairs]
    known = [size for size in sizes if size is not None]
    if len(known) == 3:
        return known
    give = "give it in nm as voxel_size x,y,z, such as --voxel_size 4,4,40"
    if level.scale_zyx is None:
        raise SizeUnknown(f"{uri} states no voxel size: {give}{_how_to_state_it(level)}")
    unknown = [axis for axis, size in zip("zyx", sizes, strict=True) if size is None]
    raise SizeUnknown(
        f"{uri} states no known unit for the voxel size along {' and '.join(unknown)}: {give}, or "
        "write one into its metadata, such as nanometer"
    )


def _how_to_state_it(level: Level) -> str:
    """Return how a voxel size is written where a level lies, its axes in their order."""
    driver = level.spec["driver"]
    holders = {"n5": "its attributes.json", "hdf5": "the dataset"}
    holders |= dict.fromkeys(("zarr", "zarr3"), "the array")
    if driver not in holders:
        return ""
    size = {"z": 40, "y": 8, "x": 4}
    values = [size.get(axis, 1) for axis in level.axes]
    units = json.dumps(["nm"] * len(values))
    also = "; or name an OME-Zarr image" if driver.startswith("zarr") else ""
    return (
        f", or give {holders[driver]} the attributes resolution and units, such as {values} and "
        f"{units}, in the order of its axes, which is {', '.join(level.axes)}{also}"
    )
