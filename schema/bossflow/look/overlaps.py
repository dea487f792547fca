"""Two segmentations that were made here, compared voxel by voxel: a piece at a time, in threads."""

import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from math import prod
from typing import Any, NamedTuple

from ..volumes.tables import Channel, MadeBlock, MadeChannel
from ..voxels import agreement, contingency
from ..voxels.boxes import Box, grid
from ..voxels.contingency import Table
from .served import Volume
from .shown import Layer, Level, layers

PIECE_VOXELS = 2**22
"""Voxels that are read at once, in each thread; more only where a chunk of the volume has more."""

Progress = Callable[[int, int], None]
"""Takes how many voxels are compared, and of how many."""


class Compared(NamedTuple):
    """A level of a segmentation.

    Attributes
    ----------
    layer, level
        Where it is.
    channel : str, optional
        Id of its channel; None where it is in no store.
    """

    layer: Layer
    level: Level
    channel: str | None

    @property
    def told(self) -> dict[str, Any]:
        """Which it is; JSON values."""
        return {
            "request": self.layer.request_id,
            "volume": self.layer.name,
            "level": self.level.number,
            "box": self.level.box.name,
            "voxel_size_nm_xyz": [*self.level.voxel_size_nm_xyz],
        }

    def digests(self) -> dict[Box, str]:
        """Return the blocks that it is made of, and digests that tell their voxels; empty: none.

        Raises
        ------
        ValueError
            If blocks are missing.
        """
        if self.channel is None:
            return {}
        rows = (MadeBlock.proj("made_sha256") & {"channel_id": self.channel}).to_dicts()
        found = {Box.parse(row["block"]): row["made_sha256"] for row in rows}
        if sum(box.voxel_count for box in found) != self.level.box.voxel_count:
            request = self.layer.request_id
            raise ValueError(
                f"{self.layer.name} of request {request} is not whole: see `bossflow status "
                f"--request {request}`"
            )
        return found


class Apart(Exception):
    """Why two requests can't be compared by their voxels: a sentence."""


def compared(
    a: str, b: str, background: str, told: Progress = lambda done, total: None
) -> dict[str, Any]:
    """Compare the segmentations of two complete requests where both have voxels.

    Blocks of which the database knows that both have the same voxels are read of one only, and if
    that is all of them, of none. The finest levels are taken whose voxels are of the same size.

    Parameters
    ----------
    a, b : str
        Ids of requests; `a` is taken for the truth.
    background : {"ignore", "keep"}
        As `voxels.agreement.measures` takes it.
    told : callable

    Returns
    -------
    dict
        JSON values: `a` and `b` (which level of which volume), `box` (voxels), `same_box`,
        `blocks`, `blocks_with_same_digest`, `voxels_read`, `background`; `equal` (every voxel has
        the same id), `same_segments`, `measures`, `splits` and `merges` as `voxels.agreement`
        has them. Where nothing was read the numbers of voxels and segments are None.

    Raises
    ------
    Apart
        If they aren't two segmentations, or have no voxels in common.
    Refused, Unreachable
        If voxels can't be read.
    ValueError
        If a volume is not here, or not whole.
    """
    first, second = _same_size(_levels(a), _levels(b))
    try:
        box = first.level.box.intersect(second.level.box)
    except ValueError:
        raise Apart(
            f"their volumes have no voxels in common: {first.level.box.name} and "
            f"{second.level.box.name}"
        ) from None
    blocks = _blocks(first, second, box)
    same = sum(blocks.values())
    about: dict[str, Any] = {
        "a": first.told,
        "b": second.told,
        "box": box.name,
        "same_box": first.level.box == second.level.box,
        "blocks": len(blocks),
        "blocks_with_same_digest": same,
        "voxels_read": 0 if same == len(blocks) else box.voxel_count,
        "background": background,
    }
    if same == len(blocks):
        return about | _nothing_differs()
    return about | _judged(_table(first, second, blocks, told), background)


def _levels(request: str) -> list[Compared]:
    """Return the levels of a request's segmentation, the finest first."""
    found = [
        one
        for one in layers([request])
        if one.kind == "segmentation" and one.name != "image" and one.levels
    ]
    if not found:
        raise Apart(f"request {request} makes no segmentation")
    layer = found[0]
    if layer.problem:
        raise ValueError(layer.problem)
    own = MadeChannel() & {"request_id": request}
    rows = {
        row["resolution"]: row["channel_id"]
        for row in (Channel() * own).to_dicts()
        if row["output_name"] == layer.name
    }
    return [Compared(layer, level, rows.get(level.number)) for level in layer.levels]


def _same_size(a: list[Compared], b: list[Compared]) -> tuple[Compared, Compared]:
    for first in a:
        for second in b:
            both = (one.level.voxel_size_nm_xyz for one in (first, second))
            if all(map(math.isclose, *both)):
                return first, second
    sizes = [" x ".join(f"{nm:g}" for nm in one[0].level.voxel_size_nm_xyz) for one in (a, b)]
    raise Apart(
        f"no levels of their volumes have voxels of the same size: the finest have {sizes[0]} and "
        f"{sizes[1]} nm (x y z)"
    )


def _blocks(a: Compared, b: Compared, box: Box) -> dict[Box, bool]:
    """Return the parts of a box, and of each whether it is known to be equal in both."""
    digests, others = a.digests(), b.digests()
    if not digests:
        return {box: False}
    return {
        block.intersect(box): others.get(block) == digest
        for block, digest in digests.items()
        if block.meets(box)
    }


def _nothing_differs() -> dict[str, Any]:
    """Return what a comparison says of equal segmentations that were not read."""
    zero = dict.fromkeys(agreement.ERRORS, 0.0)
    one = dict.fromkeys(agreement.SHARES, 1.0)
    unknown = dict.fromkeys(agreement.NUMBERS)
    none = {"number": 0, "largest": []}
    return {
        "equal": True,
        "same_segments": True,
        "measures": unknown | zero | one,
        "splits": none,
        "merges": none,
    }


def _judged(table: Table, background: str) -> dict[str, Any]:
    return {
        "equal": contingency.equal(table),
        "same_segments": contingency.same_segments(table),
        "measures": agreement.measures(table, background),
        "splits": agreement.splits(table, background),
        "merges": agreement.splits(table.transposed, background),
    }


def _table(a: Compared, b: Compared, blocks: dict[Box, bool], told: Progress) -> Table:
    """Return how two segmentations overlap."""
    volumes = Volume(a.layer), Volume(b.layer)
    shape = _shape(volumes[0].levels[a.level.number]["chunk_zyx"])
    corner = a.level.box.corner_zyx
    pieces = [(piece, same) for box, same in blocks.items() for piece in grid(box, shape, corner)]
    total, done = sum(piece.voxel_count for piece, _ in pieces), 0

    def read(asked: tuple[Box, bool]) -> tuple[Table, int]:
        piece, same = asked
        voxels = volumes[0].read(a.level.number, piece)
        others = voxels if same else volumes[1].read(b.level.number, piece)
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
