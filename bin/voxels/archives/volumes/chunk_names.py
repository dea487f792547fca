"""How the files of a volume's chunks are named, by its metadata."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from ... import files
from ...boxes import Box
from .. import Refused
from . import several
from .stated import Level

_INDEX = r"(c[./])?\d+([./_]\d+)*(\.[a-z]\w*)?"
RANGE = r"-?\d+--?\d+_-?\d+--?\d+_-?\d+--?\d+(\.\w+)?"
SHARD = r"([0-9a-f]+/)*[0-9a-f]+\.(shard|index|data)"


MOST_CHUNKS = 2**21
"""Along an axis; a petabyte of electron microscopy has some ten thousand."""


def refuse_endless(view: Any, uri: str) -> None:
    """Refuse a volume of so many chunks that nobody could have written them, or name them.

    Raises
    ------
    Refused
    """
    for axis, length, side in zip(
        "zyx", view.shape, view.chunk_layout.write_chunk.shape, strict=True
    ):
        if length // side > MOST_CHUNKS:
            raise Refused(
                f"the metadata of {uri} make no sense: along {axis} they say {length} voxels, in "
                f"chunks of {side}"
            )


class Place(NamedTuple):
    """Where the chunks of a level are, and how they are named.

    Attributes
    ----------
    uri : str
        What messages call the volume.
    level : Level
    naming : dict or None
        As `voxels.files.paths` takes it; None if names are hashes.
    directory : str
        Path or key of the directory that they are in.
    found : dict or None
        What was listed of a bucket, by name.
    """

    uri: str
    level: Level
    naming: dict[str, Any] | None
    directory: str
    found: dict[str, Any] | None

    @property
    def kvstore(self) -> dict[str, Any]:
        """What tensorstore calls the place of the level's metadata, or of its volume's."""
        kvstore: dict[str, Any] = self.level.spec["kvstore"]
        return kvstore

    @property
    def is_local(self) -> bool:
        """Whether it is a directory of this machine."""
        return bool(self.kvstore["driver"] == "file")

    @property
    def key(self) -> str:
        """What stands before the names of chunks, from the kvstore on."""
        return f"{self.level.precomputed['scale']['key']}/" if self.level.precomputed else ""


def naming_of(level: Level, view: Any) -> dict[str, Any] | None:
    """Return how chunk files are named, as `voxels.files.paths` takes it; None if by hashes."""
    layout = view.chunk_layout
    corner = [int(start) for start in layout.grid_origin]
    chunks: dict[str, Any] = {
        "form": "index",
        "prefix": "",
        "separator": "/",
        "axes": list(level.axes),
        "corner_zyx": corner,
        "shape_zyx": list(layout.write_chunk.shape),
        "end_zyx": [start + size for start, size in zip(view.origin, view.shape, strict=True)],
    }
    if level.chosen and not level.precomputed:
        chunks["others"] = several.chunk_indices(level, view)
    if level.precomputed:
        if "sharding" in level.precomputed["scale"]:
            return None
        return chunks | {"form": "range", "separator": "_", "axes": ["x", "y", "z"]}
    metadata = view.spec().to_json().get("metadata", {})
    if level.spec["driver"] == "zarr":
        return chunks | {"separator": metadata.get("dimension_separator", ".")}
    if level.spec["driver"] == "zarr3":
        encoding = metadata["chunk_key_encoding"]
        default = encoding["name"] == "default"
        separator = encoding.get("configuration", {}).get("separator", "/" if default else ".")
        return chunks | {"separator": separator, "prefix": f"c{separator}" if default else ""}
    return chunks


def paths_of(place: Place, box: Box) -> Iterator[str]:
    """Yield the paths of a box's chunks, under each name that one may have."""
    for names in chunks_of(place, box):
        yield from names


def chunks_of(place: Place, box: Box) -> Iterator[list[str]]:
    """Yield for each chunk of a box the paths that it may have, the one that is read first."""
    assert place.naming
    ends = ("", *files.PACKED) if place.naming["form"] == "range" else ("",)
    for path in files.paths(place.directory, place.naming, box):
        yield [path + end for end in ends]


def name_of(naming: dict[str, Any], words: list[list[str]], number: int) -> str:
    """Return the name of a chunk by its number among those of some words."""
    parts = []
    for axis_words in reversed(words):
        number, index = divmod(number, len(axis_words))
        parts.append(axis_words[index])
    return str(naming["prefix"] + naming["separator"].join(reversed(parts)))


def known_words(naming: dict[str, Any] | None, view: Any) -> list[set[str] | None]:
    """Return by axis what the names of all chunks say; None where others of several may be."""
    whole = [] if naming is None else files.words(naming, Box.of(view.origin, view.shape))
    return [
        set(words) if axis in "zyx" else None
        for axis, words in zip(naming["axes"] if naming else (), whole, strict=True)
    ]


def is_chunk(name: str, rank: int) -> bool:
    """Tell whether a name looks like that of a chunk, in whatever format."""
    index = re.fullmatch(_INDEX, name)
    if index and len(re.findall("[0-9]+", name.removesuffix(index[3] or ""))) == rank:
        return True
    return any(re.fullmatch(form, name.rpartition("/")[2]) for form in (RANGE, SHARD))


def is_own(name: str, naming: dict[str, Any] | None, whole: list[set[str] | None]) -> bool:
    """Tell whether a name is that of one of the volume's chunks."""
    if naming is None:
        return bool(re.fullmatch(SHARD, name))
    if naming["form"] == "range":
        name = next((name.removesuffix(end) for end in files.PACKED if name.endswith(end)), name)
    if not name.startswith(naming["prefix"]):
        return False
    parts = name.removeprefix(naming["prefix"]).split(naming["separator"])
    return len(parts) == len(whole) and all(
        part in known if known else part.isdecimal()
        for known, part in zip(whole, parts, strict=True)
    )
