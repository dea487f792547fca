"""Two segmentations read voxel by voxel: a piece at a time, in threads."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from math import prod
from typing import Any

from ..voxels import agreement, contingency
from ..voxels.boxes import Box, grid
from ..voxels.contingency import Table
from .overlaps import Level, Progress
from .served import Volume
from .shown import layers

PIECE_VOXELS = 2**22
"""Voxels that are read at once, in each thread; more only where a chunk of the volume has more."""

Opened = tuple[Level, Volume]
"""A level, and the volume that it is of."""


def judged(
    a: Level, b: Level, blocks: dict[Box, bool], background: str, told: Progress
) -> dict[str, Any]:
    """Return how two segmentations differ, as `overlaps.compared` tells it.

    Takes the memory of some pieces in each thread, and of the pairs of segments that overlap.

    Parameters
    ----------
    a, b : Level
    blocks : dict
        The boxes that are compared; whether they are known to be equal: these are read of one.
    background : {"ignore", "keep"}
    told : callable

    Raises
    ------
    Refused, Unreachable
        If voxels can't be read.
    ValueError
        If a volume is not here, or has no ids.
    """
    table = overlap((a, volume(a)), (b, volume(b)), blocks, told)
    return {
        "equal": contingency.equal(table),
        "same_segments": contingency.same_segments(table),
        "measures": agreement.measures(table, background),
        "splits": agreement.splits(table, background),
        "merges": agreement.splits(table.transposed, background),
        "only_in_a": agreement.lost(table),
        "only_in_b": agreement.lost(table.transposed),
    }


def volume(level: Level) -> Volume:
    """Open the volume of a level that a request made."""
    return next(
        Volume(layer)
        for layer in layers([level.request])
        if layer.name == level.volume and layer.kind == "segmentation"
    )


def overlap(a: Opened, b: Opened, blocks: dict[Box, bool], told: Progress) -> Table:
    """Return how two segmentations overlap in some boxes, of which some are read of `a` alone.

    Raises
    ------
    Refused, Unreachable
        If voxels can't be read.
    ValueError
        If they are no ids.
    """
    volumes = a[1], b[1]
    shape = _shape(volumes[0].levels[a[0].number]["chunk_zyx"])
    corner = a[0].box.corner_zyx
    pieces = [(piece, same) for box, same in blocks.items() for piece in grid(box, shape, corner)]
    total, done = sum(piece.voxel_count for piece, _ in pieces), 0

    def read(asked: tuple[Box, bool]) -> tuple[Table, int]:
        piece, same = asked
        voxels = volumes[0].read(a[0].number, piece)
        others = voxels if same else volumes[1].read(b[0].number, piece)
        return contingency.contingency(voxels, others), piece.voxel_count

    def tables() -> Iterator[Table]:
        nonlocal done
        for table, voxels in _in_threads(read, pieces):
            done += voxels
            told(done, total)
            yield table

    return contingency.added(tables())


def _shape(chunk_zyx: list[int]) -> list[int]:
    """Return the shape of what is read at once: whole chunks, as many as are few enough."""
    shape = list(chunk_zyx)
    while 2 * prod(shape) <= PIECE_VOXELS:
        shortest = min(range(3), key=shape.__getitem__)
        shape[shortest] *= 2
    while prod(shape) > 4 * PIECE_VOXELS:
        longest = max(range(3), key=shape.__getitem__)
        shape[longest] = -(-shape[longest] // 2)
    return shape


def _in_threads(
    function: Callable[[tuple[Box, bool]], tuple[Table, int]], asked: Iterable[tuple[Box, bool]]
) -> Iterator[tuple[Table, int]]:
    """Yield what a function returns, in order; few are under way, however slowly they are taken."""
    workers = os.cpu_count() or 1
    waiting: deque[Future[tuple[Table, int]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for one in asked:
                waiting.append(pool.submit(function, one))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
