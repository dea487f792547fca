"""Arrays and groups of Zarr 2 and 3, and what may be named in a group."""

from __future__ import annotations

import os
from itertools import count
from typing import Any, NamedTuple

from ..places import kvstores
from ..places.kvstores import json_at, under

_SHOWN = 10
"""Names of a kind that a sentence lists."""

MARKS = ("zarr.json", ".zarray", ".zgroup")
"""Files that Zarr's arrays and groups have."""

Named = dict[str, list[str]]
"""Paths within a group, by what they lead to."""


class Node(NamedTuple):
    """An array or a group: the driver that reads it, its attributes, and an array's metadata."""

    driver: str
    attributes: dict[str, Any]
    array: dict[str, Any] | None

    @property
    def ome(self) -> dict[str, Any]:
        """What OME-Zarr states: of 0.5 beneath a key of its own."""
        ome: dict[str, Any] = self.attributes.get("ome", self.attributes)
        return ome


def node_at(uri: str, kvstore: dict[str, Any]) -> Node | None:
    """Return what is at a place, if anything is."""
    node = kvstores.told(json_at(uri, kvstore, "zarr.json"))
    if node is not None:
        return Node(
            "zarr3", node.get("attributes", {}), node if node["node_type"] == "array" else None
        )
    attributes = kvstores.told(json_at(uri, kvstore, ".zattrs"))
    array = kvstores.told(json_at(uri, kvstore, ".zarray"))
    if array is None and not attributes and json_at(uri, kvstore, ".zgroup") is None:
        return None
    return Node("zarr", attributes or {}, array)


def named_in(uri: str, kvstore: dict[str, Any], node: Node) -> Named:
    """Return what may be named in a group: fields of a plate, series, label images.

    A group that tells nothing is looked into on disk; elsewhere that may be forbidden or slow.
    """
    ome = node.ome
    if wells := [str(well["path"]) for well in ome.get("plate", {}).get("wells", ())]:
        fields = _named_at(uri, kvstore, wells[0]).get("fields", [])
        return {"wells": wells, f"fields of {wells[0]}": fields}
    if "well" in ome:
        return {"fields": [str(image["path"]) for image in ome["well"]["images"]]}
    if "bioformats2raw.layout" in ome:
        return {"series": _series(uri, kvstore)}
    if isinstance(ome.get("labels"), list):
        return {"label images": [str(name) for name in ome["labels"]]}
    if ome.get("multiscales"):
        return _named_at(uri, kvstore, "labels")
    return {"arrays and groups": on_disk(kvstore, MARKS)}


def _named_at(uri: str, kvstore: dict[str, Any], path: str) -> Named:
    """Return what may be named in a group within another, by its path from there."""
    place = under(kvstore, path)
    node = node_at(f"{uri}/{path}", place)
    if node is None or node.array is not None or not {"well", "labels"} & node.ome.keys():
        return {}
    named = named_in(f"{uri}/{path}", place, node)
    return {what: [f"{path}/{name}" for name in names] for what, names in named.items()}


def _series(uri: str, kvstore: dict[str, Any]) -> list[str]:
    """Return the images of bioformats2raw: those that it lists, else as they are numbered."""
    listing = node_at(f"{uri}/OME", under(kvstore, "OME"))
    if listing and "series" in listing.ome:
        return [str(name) for name in listing.ome["series"]]
    found: list[str] = []
    for name in map(str, count()):
        if node_at(f"{uri}/{name}", under(kvstore, name)) is None:
            break
        found.append(name)
    return found


def on_disk(kvstore: dict[str, Any], marks: tuple[str, ...]) -> list[str]:
    """Return the directories on disk that have one of the files."""
    if kvstore["driver"] != "file" or not os.path.isdir(kvstore["path"]):
        return []
    with os.scandir(kvstore["path"]) as entries:
        names = sorted(entry.name for entry in entries if entry.is_dir())
    return [
        name
        for name in names
        if any(os.path.exists(os.path.join(kvstore["path"], name, mark)) for mark in marks)
    ]


def in_words(named: Named) -> str:
    """Return what there is, as the end of a sentence; nothing if there is nothing."""
    told = [
        f"{what}: {', '.join(names[:_SHOWN])}{', …' * (len(names) > _SHOWN)}"
        for what, names in named.items()
        if names
    ]
    return f"; it has {'; '.join(told)}" if told else ""
