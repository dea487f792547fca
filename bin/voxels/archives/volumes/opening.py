"""Volumes as tensorstores with axes z, y, x that start at their offset, and what they state."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from typing import Any

import tensorstore as ts

from .. import Refused, brief, offsets
from ..naming import not_one_of
from ..places import kvstores
from ..places.kvstores import json_at, kvstore_of, split, told, wait
from . import n5, precomputed, several, webknossos, zarr
from .stated import Level, refuse_senseless


def levels(uri: str) -> list[Level]:
    """Return the levels of a volume, as it lists them.

    Raises
    ------
    Refused, Unreachable
    """
    scheme, place = split(uri)
    reader = {
        **{"precomputed": precomputed.levels, "zarr": zarr.levels, "n5": n5.levels},
        "webknossos": webknossos.levels,
    }[scheme]
    try:
        listed = reader(uri, kvstore_of(place))
        for level in listed:
            refuse_senseless(level)
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise Refused(f"the metadata of {uri} make no sense: {brief(error)}") from None
    return listed


def open_zyx(level: Level, uri: str, write: bool = False, context: Any = None) -> Any:
    """Open a level as a tensorstore with axes z, y, x that starts at its offset.

    Parameters
    ----------
    level : Level
        One of `levels`.
    uri : str
        What messages call it.
    write : bool
        Whether to open it for writing too.
    context : tensorstore.Context, optional
        With the store that the level's spec names, if it is one in memory.

    Raises
    ------
    Refused
        If an axis is missing, or another one is longer than 1 and no index of it is chosen; or if
        it is stated that it begins elsewhere than is given.
    Unreachable
    """
    context = context or kvstores.shared_context(kvstores.VOXEL_LIMITS)
    return view_of(level, open_level(level, uri, write, context), uri)


def view_of(level: Level, store: Any, uri: str) -> Any:
    """Return what is read of a store: its axes z, y and x, and the chosen index of any other."""
    if len(level.axes) != store.rank or not set("zyx") <= set(level.axes):
        raise Refused(
            f"{uri} has {store.rank} dimensions, and the axes {', '.join(level.axes)} are stated: "
            "it needs z, y and x"
        )
    others = [i for i, name in enumerate(level.axes) if name not in "zyx"]
    indices = several.indices(level, store.shape, uri)
    if others:
        at = tuple(store.origin[i] + indices[i] for i in others)
        store = store[ts.d[others][at]]
    kept = [name for name in level.axes if name in "zyx"]
    store = store.transpose([kept.index(axis) for axis in "zyx"])
    view = store if level.precomputed else store[ts.d[:].translate_to[level.offset_zyx]]
    if level.bounds is not None:
        x0, x1, y0, y1, z0, z1 = level.bounds
        view = view[z0:z1, y0:y1, x0:x1]
    offsets.refuse_other(level.given_zyx, view.origin, uri)
    return view


_FILES = {
    "neuroglancer_precomputed": "info",
    "zarr": ".zarray",
    "zarr3": "zarr.json",
    "n5": "attributes.json",
}
_OWN = {
    "zarr": ("compressor", "filters", "fill_value"),  # may be null, and have to be there
    "zarr3": ("attributes",),
    "n5": ("axes", "units", "resolution"),
}
"""What tensorstore takes in fewer forms than tools write, and is read here."""


def open_level(level: Level, uri: str, write: bool, context: Any) -> Any:
    """Open what a level names; where its metadata have nulls, by metadata without them."""

    def opened_at(kvstore: dict[str, Any]) -> Any:
        spec = level.spec | {"kvstore": kvstore}
        future = ts.open(spec, read=True, write=write, context=context)
        return wait(future, uri, kvstores.METADATA_LIMITS)

    driver, kvstore = level.spec["driver"], level.spec["kvstore"]
    try:
        return opened_at(kvstore)
    except Refused:
        name = _FILES[driver]
        raw = json_at(uri, kvstore, name) if kvstore["driver"] != "memory" else None
        if raw is None or write and precomputed.own_encoding(level):
            raise
        plain = told(raw)
        if driver == "neuroglancer_precomputed":
            plain = precomputed.in_words_of_tensorstore(plain)
        elif driver == "zarr":
            plain = dict.fromkeys(_OWN["zarr"]) | plain
            if isinstance(plain["compressor"], dict):  # of no concern to who reads
                plain["compressor"].pop("checksum", None)
        else:
            plain = {key: value for key, value in plain.items() if key not in _OWN.get(driver, ())}
        if plain == raw:
            raise
        text = json.dumps(plain)
        path = f"{hashlib.blake2b(f'{kvstore} {text}'.encode(), digest_size=8).hexdigest()}/"
        memory = {"driver": "memory", "path": path}
        wait(ts.KvStore.open(memory, context=context), uri, kvstores.METADATA_LIMITS)[name] = text
        layer = {"base": memory | {"path": path + name}, "exact": name}
        try:
            return opened_at({"driver": "kvstack", "layers": [{"base": kvstore}, layer]})
        except Refused as error:
            raise Refused(str(error).replace(path, "")) from None


def level_of(uri: str, resolution: int, chosen: tuple[tuple[str, int], ...]) -> Level:
    """Return one level of a volume, with what is chosen of its other axes."""
    listed = levels(uri)
    if not 0 <= resolution < len(listed):
        raise not_one_of(uri, "resolution", resolution, f"0 to {len(listed) - 1}")
    precomputed.refuse_unknown(listed[resolution], uri)
    return several.choose(listed[resolution], dict(chosen))


@cache
def opened_level(
    uri: str, resolution: int, chosen: tuple[tuple[str, int], ...] = ()
) -> tuple[Level, Any]:
    """Return a level and its tensorstore; kept, as the blocks of a task share them."""
    level = level_of(uri, resolution, chosen)
    return level, open_zyx(level, uri)
