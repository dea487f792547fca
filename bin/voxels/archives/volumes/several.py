"""What a user chooses of a volume: one of several channels or times, and an offset."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from .. import Refused, offsets
from ..naming import OfParameter, not_one_of
from .stated import Level

PARAMETERS = {
    **dict.fromkeys(("c", "ch", "channel", "channels"), "channel"),
    **dict.fromkeys(("t", "time"), "time"),
}
"""The parameter that chooses an index of an axis, by the axis' name."""


def parameter(level: Level, i: int) -> str:
    """Return the parameter that chooses an index of an axis; empty if there is none."""
    names = [PARAMETERS.get(axis.lower(), "") for axis in level.axes]
    return names[i] if names.count(names[i]) == 1 else ""


def choose(level: Level, chosen: Mapping[str, int]) -> Level:
    """Return a level with what is chosen of it, as `Reader.describe` takes it."""
    others = tuple(pair for pair in chosen.items() if pair[0] not in offsets.OFFSETS_ZYX)
    return level._replace(chosen=others, given_zyx=offsets.given_zyx(chosen))


def chosen(level: Level, shape: Sequence[int]) -> dict[str, int]:
    """Return what is chosen on axes of which there is more than one index, and an offset not 0.

    The only one is the same channel whether it is chosen or not, and so is one that begins at 0.
    """
    lengths = {parameter(level, i): length for i, length in enumerate(shape)}
    found = {name: index for name, index in level.chosen if lengths.get(name, 1) > 1}
    if any(level.moved_zyx):
        found |= offsets.chosen_of(level.moved_zyx[::-1])
    return found


def indices(level: Level, shape: Sequence[int], uri: str) -> dict[int, int]:
    """Return which index is read of each axis beside x, y and z, by the axis' number.

    Raises
    ------
    Refused
        If there are several and none is chosen, or what is chosen is not there.
    """
    chosen, found = dict(level.chosen), {}
    for i, axis in enumerate(level.axes):
        if axis in "zyx":
            continue
        name, length = parameter(level, i), shape[i]
        index = chosen.pop(name, None if length > 1 else 0)
        if index is None:
            told = f"{uri} has {length} along axis {axis}: only one can be used, so "
            if axis.startswith("dimension "):
                told += "name the axes in its metadata (t, c, z, y, x), or "
            if not name:
                raise Refused(f"{told}make a volume of it alone")
            raise OfParameter(f"{told}say which by ", name, ", counted from 0")
        if index >= length:
            raise not_one_of(uri, name, index, f"0 to {length - 1}")
        found[i] = index
    for name, index in chosen.items():
        if index:
            raise not_one_of(uri, name, index, "no axis of that name")
    return found


def chunk_indices(level: Level, view: Any) -> dict[str, str]:
    """Return by axis which chunk holds what is chosen."""
    sides, indices = _sides(level, view, False), dict(level.chosen)
    return {
        axis: str(indices.get(parameter(level, i), 0) // sides[axis])
        for i, axis in enumerate(level.axes)
        if axis not in "zyx"
    }


def beside(level: Level, view: Any) -> int:
    """Return how many values are read with each one that is asked for, as chunks hold them too."""
    if all(axis in "zyx" for axis in level.axes):
        return 1
    if level.precomputed:
        return int(level.precomputed["num_channels"])
    return math.prod(n for axis, n in _sides(level, view, True).items() if axis not in "zyx")


def _sides(level: Level, view: Any, inner: bool) -> dict[str, int]:
    """Return by axis how long chunks are: files, or if inner, what is read at once."""
    metadata = view.spec().to_json()["metadata"]
    if level.spec["driver"] == "zarr3":
        cut = metadata["chunk_grid"]
        for codec in metadata.get("codecs", ()) if inner else ():
            if codec["name"] == "sharding_indexed":
                cut = codec
        return dict(zip(level.axes, cut["configuration"]["chunk_shape"], strict=True))
    return dict(zip(level.axes, metadata.get("chunks") or metadata["blockSize"], strict=True))
