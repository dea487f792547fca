"""What a volume, or a collection of volumes, has in it, and what reading a box of it takes."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

from ...boxes import Box, grid
from .. import NOTHING, Contents, Refused, brief
from ..places.kvstores import json_at, kvstore_of, split
from . import several, webknossos
from .nodes import named_in, node_at, on_disk
from .opening import levels, opened_level

_WORDS = {"precomputed": "Neuroglancer precomputed", "n5": "N5", "webknossos": "webknossos"}
_ZARR = {"zarr": "Zarr 2", "zarr3": "Zarr 3"}


def contents(uri: str, host: str, token: str) -> Contents:
    """Return what there is at a URI, be it a volume or a collection of some."""
    scheme, place = split(uri)
    kvstore = kvstore_of(place)
    if scheme == "webknossos" and not webknossos.layer_of(uri):
        layers = webknossos.named(uri, kvstore)
        return Contents("webknossos", range(0), {"layers": [f"{uri}#{name}" for name in layers]})
    words, inside, is_volume = _WORDS.get(scheme, ""), {}, True
    try:
        if scheme == "n5":
            about = json_at(uri, kvstore, "attributes.json")
            if about is None or "dimensions" not in about:
                inside = {"arrays and groups": on_disk(kvstore, ("attributes.json",))}
                is_volume = about is not None and bool({"multiscales", "scales"} & about.keys())
                is_volume |= "s0" in inside["arrays and groups"]
        node = node_at(uri, kvstore) if scheme == "zarr" else None
        if node is not None:
            words, is_image = _ZARR[node.driver], bool(node.ome.get("multiscales"))
            is_volume = is_image or node.array is not None
            if not node.array:
                inside = named_in(uri, kvstore, node)
            if is_image or "ome" in node.attributes or inside.keys() - {"arrays and groups"}:
                words = f"OME-Zarr{_version(node.ome)} ({words})"
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise Refused(f"the metadata of {uri} make no sense: {brief(error)}") from None
    named = {what: [f"{uri}/{name}" for name in names] for what, names in inside.items() if names}
    resolutions = range(len(levels(uri))) if is_volume or not named else range(0)
    return Contents(words, resolutions, named)


def _version(ome: dict[str, Any]) -> str:
    holders = (ome, *ome.get("multiscales", ()), ome.get("plate", {}), ome.get("well", {}))
    return next((f" {holder['version']}" for holder in holders if holder.get("version")), "")


def cost(
    uri: str,
    resolution: int,
    host: str,
    token: str,
    box: Box,
    chosen: Mapping[str, int] = NOTHING,
) -> tuple[int, int]:
    """Return what it takes to read a box: requests, and bytes at most, as decoded.

    Chunks are asked for one by one; of a shard its index too, once a task.
    """
    level, view = opened_level(uri, resolution, tuple(chosen.items()))
    chunk, shard = view.chunk_layout.read_chunk.shape, view.chunk_layout.write_chunk.shape
    corner = [int(start) for start in view.chunk_layout.grid_origin]
    number = len(grid(box, chunk, corner))
    values = number * prod(chunk) * several.beside(level, view)
    if tuple(shard) != tuple(chunk):
        number += len(grid(box, shard, corner)) * (2 if level.precomputed else 1)
    return number, values * view.dtype.numpy_dtype.itemsize
