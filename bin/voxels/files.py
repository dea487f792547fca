"""What the files of a volume look like: sizes and times, by which a change is noticed.

A hint only: a copy has other times and the same voxels. So whoever sees a difference compares the
voxels.
"""

from __future__ import annotations

import hashlib
import os
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from typing import Any

from .boxes import Box

Look = Callable[[Iterable[str]], list[int]]
"""Gives two numbers for each path by which a file is known again, -1 and -1 if there is none."""

PACKED = (".gz", ".br", ".zstd")
"""What CloudVolume appends to the names of chunks that it writes compressed.

Only it looks for them: to others such a chunk is not there, and so zero.
"""


def seen(files: dict[str, Any], boxes: Iterable[Box]) -> Iterator[str]:
    """Yield for each box a digest (32 hex digits) of what the files that hold it look like.

    Parameters
    ----------
    files : dict
        What `describe` of an archive says of them: `stamp`, a text that stands for all of them; or
        `place`, the path of the directory with the chunks, `about`, the paths of files that hold
        metadata, and `chunks`: the shapes and names of chunks, or None where any file in that
        directory may hold any box; with `found`, two numbers of each, where they were listed. Or
        `each`, a list of such, of all of which a box is read.
    boxes : iterable of Box
        In the volume's voxels.
    """
    if "each" in files:
        boxes = [*boxes]
        for of_each in zip(*(seen(one, boxes) for one in files["each"]), strict=True):
            yield _digest("".join(of_each).encode())
        return
    if "stamp" in files:
        stamp = _digest(files["stamp"].encode())
        yield from (stamp for _ in boxes)
        return
    look = listed(files["found"]) if "found" in files else on_disk
    place, chunks = files["place"], files["chunks"]
    about = look(files["about"])
    if chunks is None:
        about += look(sorted(files["found"]) if "found" in files else _below(place))
    for box in boxes:
        looks = about
        if chunks is not None:
            chunk_paths = list(paths(place, chunks, box)) if chunks["form"] == "range" else None
            looks = about + look(chunk_paths or paths(place, chunks, box))
            if chunk_paths and -1 in looks:
                looks += _packed(look, chunk_paths)
        yield _digest(array("q", looks).tobytes())


def together(each: Sequence[dict[str, Any] | None]) -> dict[str, Any] | None:
    """Return what `seen` takes where boxes are read of several volumes, such as of channels of one.

    None where nothing tells of one of them.
    """
    distinct: list[dict[str, Any]] = []
    for one in each:
        if one is None:
            return None
        distinct += [one] if one not in distinct else []
    return {"each": distinct} if len(distinct) > 1 else next(iter(distinct), None)


def _packed(look: Look, paths: list[str]) -> list[int]:
    """Return the looks of chunks under the names that compressed ones have.

    Of each, the first name counts, and others where there is no such file.
    """
    first, *others = PACKED
    looks = look(path + first for path in paths)
    left = [path for path, number in zip(paths, looks[::2], strict=True) if number == -1]
    for suffix in others:
        found = look(path + suffix for path in left)
        looks += found if any(number != -1 for number in found) else []
    return looks


def on_disk(paths: Iterable[str]) -> list[int]:
    """Return the files' sizes (bytes) and modification times (ns)."""
    numbers: list[int] = []
    add, stat = numbers.append, os.stat  # a million times, where a volume has so many chunks
    for path in paths:
        try:
            status = stat(path)
        except OSError:
            add(-1)
            add(-1)
        else:
            add(status.st_size)
            add(status.st_mtime_ns)
    return numbers


def paths(place: str, chunks: dict[str, Any], box: Box) -> Iterator[str]:
    """Yield the paths of the chunks that a box meets.

    Parameters
    ----------
    place : str
        Path of their directory.
    chunks : dict
        `form` (`index` or `range`), `prefix` and `separator` of the names, `axes` (in the order of
        the names), and `corner_zyx`, `shape_zyx`, `end_zyx`: where the first chunk begins, their
        shape, and where the last one ends. An axis that is none of z, y and x has the index that
        `others` says, or 0.
    box : Box
    """
    *first, last = words(chunks, box)
    separator = chunks["separator"]
    for leading in product(*first):
        start = f"{place}/{chunks['prefix']}{separator.join((*leading, ''))}"
        for word in last:
            yield start + word


def words(chunks: dict[str, Any], box: Box) -> list[list[str]]:
    """Return what names of the chunks that a box meets say of each axis, in the names' order."""
    corners, sides = chunks["corner_zyx"], chunks["shape_zyx"]
    starts, ends = box.corner_zyx, box.end_zyx
    numbers = {
        axis: range((starts[i] - corners[i]) // sides[i], -(-(ends[i] - corners[i]) // sides[i]))
        for i, axis in enumerate("zyx")
    }
    if chunks["form"] == "index":
        by_axis = {
            axis: [str(number) for number in axis_numbers] for axis, axis_numbers in numbers.items()
        }
    else:
        last_end = chunks["end_zyx"]
        by_axis = {
            axis: [
                f"{start}-{min(start + sides[i], last_end[i])}"
                for start in (corners[i] + number * sides[i] for number in numbers[axis])
            ]
            for i, axis in enumerate("zyx")
        }
    others = chunks.get("others", {})
    return [by_axis.get(axis) or [others.get(axis, "0")] for axis in chunks["axes"]]


def listed(found: dict[str, list[int]]) -> Look:
    """Return what looks at objects of a bucket that were listed."""
    return lambda paths: [number for path in paths for number in found.get(path, (-1, -1))]


def _below(place: str) -> Iterator[str]:
    for root, directories, names in os.walk(place):
        directories.sort()
        yield from (f"{root}/{name}" for name in sorted(names))


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()
