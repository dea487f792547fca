"""Shards of meshes: each mesh's data right before its manifest, found by the segment's id.

https://github.com/google/neuroglancer/blob/master/src/datasource/precomputed/sharded.md
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

MINISHARD_BITS = 6
"""A viewer reads one of the 64 lists of a shard to find a mesh: some hundreds of bytes or KiB."""


class Sharding(NamedTuple):
    """Which shard a mesh is in, by bits of its id's hash (MurmurHash3_x86_128).

    Attributes
    ----------
    shard_bits : int
        There are two to the power of so many shards.
    minishard_bits : int
        So many bits before these tell the list in the shard.
    """

    shard_bits: int
    minishard_bits: int = MINISHARD_BITS

    @property
    def metadata(self) -> dict[str, Any]:
        """What `info` says of it."""
        return {
            "@type": "neuroglancer_uint64_sharded_v1",
            "preshift_bits": 0,
            "hash": "murmurhash3_x86_128",
            "minishard_bits": self.minishard_bits,
            "shard_bits": self.shard_bits,
            "minishard_index_encoding": "raw",
            "data_encoding": "raw",
        }

    def shards(self, segment_ids: ArrayLike) -> NDArray[np.int64]:
        """Return the shard of each id."""
        bits = murmur(segment_ids) >> np.uint64(self.minishard_bits)
        return (bits & np.uint64((1 << self.shard_bits) - 1)).astype(np.int64)

    def minishards(self, segment_ids: ArrayLike) -> NDArray[np.int64]:
        """Return the list that each id is in, within its shard."""
        return (murmur(segment_ids) & np.uint64((1 << self.minishard_bits) - 1)).astype(np.int64)

    def name(self, shard: int) -> str:
        """Return the name of a shard's file."""
        return f"{shard:0{max(1, -(-self.shard_bits // 4))}x}.shard"

    def order(self, segment_ids: ArrayLike) -> NDArray[np.int64]:
        """Return the places of ids in the order in which `write` takes a shard's meshes."""
        return np.lexsort((np.asarray(segment_ids), self.minishards(segment_ids)))


def write(path: Path, meshes: Iterable[tuple[int, bytes, bytes]], sharding: Sharding) -> None:
    """Write a shard, mesh by mesh.

    Parameters
    ----------
    path : Path
    meshes : iterable of (int, bytes, bytes)
        Segment id, data and manifest of each, in `Sharding.order`.
    sharding : Sharding

    Raises
    ------
    ValueError
        If they are not in that order, or not of one shard.
    """
    lists: list[list[tuple[int, int, int]]] = [[] for _ in range(1 << sharding.minishard_bits)]
    place = end = 0
    last, shard = (-1, -1), None
    with path.open("wb") as file:
        file.write(bytes(16 * len(lists)))
        for segment_id, data, manifest in meshes:
            minishard = int(sharding.minishards([segment_id])[0])
            here = int(sharding.shards([segment_id])[0])
            if (minishard, segment_id) <= last or shard not in (None, here):
                raise ValueError(f"segment {segment_id} is out of order in {path.name}")
            last, shard = (minishard, segment_id), here
            file.write(data)
            file.write(manifest)
            place += len(data)
            lists[minishard].append((segment_id, place, len(manifest)))
            place += len(manifest)
        ranges = []
        for entries in lists:
            index = _index(entries)
            end = place + len(index)
            ranges += [place, end]
            file.write(index)
            place = end
        file.seek(0)
        file.write(np.array(ranges, "<u8").tobytes())


def _index(entries: list[tuple[int, int, int]]) -> bytes:
    """Return a list of manifests: steps between ids, bytes between manifests, their sizes."""
    table = np.array(entries, np.uint64).reshape(-1, 3)
    ends = table[:, 1] + table[:, 2]
    steps = table.copy()
    steps[1:, 0] -= table[:-1, 0]
    steps[1:, 1] -= ends[:-1]
    return steps.T.astype("<u8").tobytes()


def found(
    read: Callable[[str, int, int | None], bytes], segment_id: int, told: dict[str, Any]
) -> tuple[str, int, int] | None:
    """Return where what shards have of a segment is: its shard, where it begins there, its bytes.

    Parameters
    ----------
    read : callable
        Takes the name of a shard, and from where to where it is read.
    segment_id : int
    told : dict
        What `info` says of the shards, as `Sharding.metadata`.
    """
    sharding = Sharding(told["shard_bits"], told["minishard_bits"])
    shard = sharding.name(int(sharding.shards([segment_id])[0]))
    place = 16 * int(sharding.minishards([segment_id])[0])
    start, end = np.frombuffer(read(shard, place, place + 16), "<u8").tolist()
    first = 16 << sharding.minishard_bits  # what places are counted from
    table = np.frombuffer(read(shard, first + start, first + end), "<u8").reshape(3, -1)
    ids, sizes = np.cumsum(table[0], dtype=np.uint64), table[2]
    begins = np.cumsum(table[1] + np.append(0, sizes[:-1]).astype(np.uint64), dtype=np.uint64)
    places = np.flatnonzero(ids == np.uint64(segment_id))
    if not len(places):
        return None
    return shard, first + int(begins[places[0]]), int(sizes[places[0]])


def murmur(numbers: ArrayLike) -> NDArray[np.uint64]:
    """Return the low 64 bits of MurmurHash3_x86_128 (Appleby, public domain) of numbers of 64 bits.

    Of each number's 8 bytes, the lowest first; the seed is 0.
    """
    values = np.asarray(numbers, np.uint64)
    low, high = values.astype(np.uint32), (values >> np.uint64(32)).astype(np.uint32)
    first, second, third = (np.uint32(c) for c in (0x239B961B, 0xAB0E9789, 0x38B34AE5))
    with np.errstate(over="ignore"):
        one = _turned(low * first, 15) * second ^ np.uint32(8)
        two = _turned(high * second, 16) * third ^ np.uint32(8)
        three = np.full_like(one, 8)
        one = one + two + three + three
        two, three = two + one, three + one
        one, two, three = _mixed(one), _mixed(two), _mixed(three)
        one = one + two + three + three
        two = two + one
    return one.astype(np.uint64) | two.astype(np.uint64) << np.uint64(32)


def _turned(bits: NDArray[np.uint32], by: int) -> NDArray[np.uint32]:
    return bits << np.uint32(by) | bits >> np.uint32(32 - by)


def _mixed(bits: NDArray[np.uint32]) -> NDArray[np.uint32]:
    bits = (bits ^ bits >> np.uint32(16)) * np.uint32(0x85EBCA6B)
    bits = (bits ^ bits >> np.uint32(13)) * np.uint32(0xC2B2AE35)
    return bits ^ bits >> np.uint32(16)
