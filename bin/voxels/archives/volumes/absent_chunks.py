"""Which chunks of a volume are there, under the names that its metadata give them.

A chunk that is not there is zero by the formats' rules. So where none of those that are asked for
is, that is said; and where there are chunks under other names, the metadata are wrong.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from itertools import islice
from typing import Any

from ... import files
from ...boxes import Box
from .. import Refused, Unreachable, brief
from ..places import kvstores, listing
from ..places.kvstores import json_at, opened, told, wait
from .chunk_names import (
    RANGE,
    SHARD,
    Place,
    chunks_of,
    is_chunk,
    is_own,
    known_words,
    name_of,
    paths_of,
)

ASKED = 16
"""Chunks of a box that are asked for one by one, at most, where nothing can be listed."""

ASKED_HERE = 200_000
"""Chunks of a box on a disk that are looked for, at most."""

ASKED_IN_ALL = 500
LOOKED_AT = 2_000
"""Files of a volume that are looked at to see how its chunks are named."""

_ABOUT = r"(info|\.z\w+|zarr\.json|attributes\.json|provenance|.*\.md5)(\.gz)?"


def unwritten(place: Place, view: Any, boxes: Sequence[Box]) -> str | None:
    """Return a sentence on boxes of which no chunk is there; None if each has one, or may have.

    Raises
    ------
    Refused
        If what is there looks like chunks under other names.
    """
    asks = _Asks(place)
    bare = [box for box in boxes if not asks.has_any(box)]
    if not bare:
        _refuse_moved(place, view, boxes)
        return None
    _refuse_other_names(place, view, bare[0], asks)
    first, number = bare[0], len(bare)
    which = f"{number} cutouts (first: {first.name})" if number > 1 else first.name
    asked = "" if asks.saw_all else " that were asked for"
    return (
        f"none of the chunks{asked} of {which} of {place.uri} is there: what was never written is "
        f"{_fill(view)}, and it is taken for that"
    )


def refuse_absent(place: Place, box: Box) -> None:
    """Refuse chunks of a box that are links to nothing, as git-annex leaves what was not got.

    To whoever reads them they are not there, and so zero.

    Raises
    ------
    Refused
    """
    if place.is_local and place.naming:
        for names in chunks_of(place, box):
            any(map(_is_here, names))
    elif place.is_local:  # any may hold the box
        refuse_absent_shards(place.directory)


@cache
def refuse_absent_shards(directory: str) -> None:
    """Refuse links to nothing in a directory, which is looked at once."""
    with suppress(FileNotFoundError):
        for entry in os.scandir(directory):
            if entry.is_symlink():
                _is_here(entry.path)


def _is_here(path: str) -> bool:
    if os.path.isfile(path):
        return True
    if os.path.lexists(path):
        what = "a link to nothing" if os.path.islink(path) else "no file"
        raise Refused(
            f"{brief(path)} is {what}, and would be read as never written: put there what it "
            "stands for (with git-annex or DataLad, get it)"
        )
    return False


class _Asks:
    """Asks whether chunks are there; `saw_all` tells whether all that mattered were asked for."""

    def __init__(self, place: Place) -> None:
        self.place, self.saw_all, self.left = place, True, ASKED_IN_ALL
        self._store: Any = None

    def has_any(self, box: Box) -> bool:
        """Say whether a chunk of a box is there, or may be."""
        place, naming = self.place, self.place.naming
        if naming is None:
            if place.is_local:
                refuse_absent_shards(place.directory)
            listed = self.listed()
            if listed is None:
                return any(map(self.is_there, self._shards()))
            return any(re.fullmatch(SHARD, name) for name in listed)
        if place.is_local:
            paths = paths_of(place, box)
            here = any(map(_is_here, islice(paths, ASKED_HERE)))
            self.saw_all &= here or next(paths, None) is None
            return here
        if place.found is not None:
            return any(map(place.found.__contains__, paths_of(place, box)))
        packed = files.PACKED if naming["form"] == "range" else ()
        return any(self.is_there(name + end) for name in self._some(box) for end in ("", *packed))

    def listed(self) -> list[str] | None:
        """Return names below the directory, as many as are looked at; None if nothing lists."""
        place = self.place
        if place.is_local:
            return list(islice(_below(place.directory), LOOKED_AT))
        start = f"{place.directory}/"
        if place.found is not None and place.naming is None:
            return [name.removeprefix(start) for name in place.found if name.startswith(start)]
        if "bucket" in place.kvstore:
            scheme = place.uri.partition("://")[2].partition("://")[0]
            with suppress(listing.Unlisted):
                return listing.first(scheme, place.kvstore["bucket"], place.directory)
        return None

    def is_there(self, name: str) -> bool:
        """Ask for one name; where there is no answer, whoever reads will tell."""
        if self.left <= 0:
            self.saw_all = False
            return True
        self.left -= 1
        limits = kvstores.METADATA_LIMITS
        try:
            self._store = self._store or opened(self.place.kvstore, limits, name)
            asked = self._store.read(self.place.key + name, byte_range=slice(0, 1))
            answer = wait(asked, name, limits)
        except (Refused, Unreachable):
            return True
        return bool(answer.state != "missing")

    def _shards(self) -> list[str]:
        """Return names of shards, the first ones; any may hold any box."""
        assert self.place.level.precomputed
        bits = int(self.place.level.precomputed["scale"]["sharding"]["shard_bits"])
        self.saw_all &= 2**bits <= ASKED
        return [f"{number:0{-(-bits // 4)}x}.shard" for number in range(min(2**bits, ASKED))]

    def _some(self, box: Box) -> list[str]:
        """Return names of chunks all over a box, the one in its middle first."""
        assert self.place.naming
        words = files.words(self.place.naming, box)
        total = math.prod(map(len, words))
        number = min(total, ASKED)
        self.saw_all &= number == total
        middle = 0
        for part in words:
            middle = middle * len(part) + len(part) // 2
        spread = [step * total // number for step in range(number)]
        return [
            name_of(self.place.naming, words, chunk) for chunk in dict.fromkeys([middle, *spread])
        ]


def _below(directory: str) -> Iterator[str]:
    for root, directories, names in os.walk(directory):
        directories.sort()
        inside = os.path.relpath(root, directory)
        yield from (name if inside == "." else f"{inside}/{name}" for name in sorted(names))


def _refuse_other_names(place: Place, view: Any, box: Box, asks: _Asks) -> None:
    naming = place.naming
    listed = asks.listed()
    if listed is None:
        listed = _answered(naming, box, asks) if naming and naming["form"] == "index" else []
    elif not listed and place.level.precomputed:
        listed = _elsewhere(place)
    known = known_words(naming, view)
    strange = []
    for name in listed:
        if re.fullmatch(_ABOUT, name.rpartition("/")[2]):
            continue
        if is_own(name, naming, known):
            return  # others are there: this part was never written
        if is_chunk(name, len(place.level.axes)):
            strange.append(name)
    if strange:
        raise _other_names(place, view, box, strange[0])


def _refuse_moved(place: Place, view: Any, boxes: Sequence[Box]) -> None:
    """Refuse chunks that lack where others are beyond the volume, as if its offset was changed.

    By multiples of a chunk: so some names are still those of chunks, and hold other places.
    """
    if not (boxes and place.is_local and place.naming and place.naming["form"] == "range"):
        return
    known = known_words(place.naming, view)
    with os.scandir(place.directory) as listed:
        names = [entry.name for entry in islice(listed, LOOKED_AT)]
    strange = (
        name
        for name in names
        if re.fullmatch(RANGE, name) and not is_own(name.partition(".")[0], place.naming, known)
    )
    name = next(strange, None)
    if name is None:
        return
    for box in boxes:
        for path in files.paths(place.directory, place.naming, box):
            if not any(os.path.exists(path + end) for end in ("", *files.PACKED)):
                raise _other_names(place, view, box, name)


def _other_names(place: Place, view: Any, box: Box, name: str) -> Refused:
    return Refused(
        f"{place.uri} has chunks under other names than its metadata say, and would be read as "
        f"never written: there is {name}, but {_expected(place, view, box)}"
    )


def _answered(naming: dict[str, Any], box: Box, asks: _Asks) -> list[str]:
    """Return under which names that others give a chunk is there, where nothing can be listed."""
    parts = [axis_words[len(axis_words) // 2] for axis_words in files.words(naming, box)]
    names = [f"{start}{sep.join(parts)}" for sep in "/." for start in ("", f"c{sep}")]
    own = naming["prefix"] + naming["separator"].join(parts)
    return [name for name in names if name != own and asks.left > 0 and asks.is_there(name)]


def _elsewhere(place: Place) -> list[str]:
    """Return files in directories beside the one that a precomputed volume's info names."""
    if not (place.is_local and place.level.precomputed):
        return []
    root = place.kvstore["path"]
    known = {scale["key"].partition("/")[0] for scale in place.level.precomputed["scales"]}
    return [
        f"{entry.name}/{name}"
        for entry in os.scandir(root)
        if entry.is_dir() and entry.name not in known
        for name in islice(sorted(os.listdir(entry)), 1)
    ]


def _expected(place: Place, view: Any, box: Box) -> str:
    """Return what the metadata say of names, and the one of a chunk of the box."""
    naming, driver = place.naming, place.level.spec["driver"]
    if naming is None:
        return "its info states sharding, and so names like 0.shard"
    name = name_of(naming, files.words(naming, box), 0)
    if place.level.precomputed:
        sides = [int(side) for side in view.chunk_layout.write_chunk.shape[::-1]]
        said = f"its info states no sharding and chunks of {sides} in {place.key.rstrip('/')}"
    elif driver == "n5":
        said = f"its attributes.json states blocks of {naming['shape_zyx'][::-1]} (x, y, z)"
    elif driver == "zarr":
        about = told(json_at(place.uri, place.kvstore, ".zarray")) or {}
        separator = about.get("dimension_separator")
        stated = f"the dimension_separator {separator}" if separator else "no dimension_separator"
        said = f"its .zarray states {stated} and chunks of {about.get('chunks')}"
    else:
        encoding = view.spec().to_json()["metadata"]["chunk_key_encoding"]
        said = f"its zarr.json states the chunk_key_encoding {encoding['name']}"
    return f"{said}, and so names like {name}"


def _fill(view: Any) -> str:
    value = view.fill_value
    value = 0 if value is None else value.item() if hasattr(value, "item") else value
    return "zero" if not value else f"{brief(value)}, the fill value"
