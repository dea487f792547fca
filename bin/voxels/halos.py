"""Blocks with a halo: the voxels around each that a result there depends on.

A halo ends where the cutout does. So what is made of each block with its halo is what is made of
the whole cutout at once, if no voxel of a result depends on others that are further than the halo.
"""

from collections.abc import Sequence

from .boxes import Box, chunks_of

Margins = list[list[int]]
"""Of each axis, ZYX, how many voxels of a halo there are before a block, and behind it."""


def widened(
    box: Box, halo_zyx: Sequence[int], cutout: Box, before_zyx: Sequence[int] | None = None
) -> Box:
    """Return a block with its halo.

    Parameters
    ----------
    box : Box
        A block of the cutout.
    halo_zyx : sequence of 3 int
        Voxels on each side.
    cutout : Box
        Where a halo ends.
    before_zyx : sequence of 3 int, optional
        Voxels before the block, where these are others than behind it.
    """
    ways = zip(before_zyx or halo_zyx, halo_zyx, box.corner_zyx, box.end_zyx, strict=True)
    ends = [(start - before, end + behind) for before, behind, start, end in ways]
    low = [start for start, _ in ends]
    return Box.of(low, [end - start for start, end in ends]).intersect(cutout)


def margins(box: Box, wide: Box) -> Margins:
    """Return how much wider than a block it is with its halo, as `numpy.pad` takes it."""
    before = [inner - outer for inner, outer in zip(box.corner_zyx, wide.corner_zyx, strict=True)]
    behind = [outer - inner for inner, outer in zip(box.end_zyx, wide.end_zyx, strict=True)]
    return [[*pair] for pair in zip(before, behind, strict=True)]


def cells(
    wide: Box, cutout: Box, block_shape_zyx: Sequence[int], origin_zyx: Sequence[int]
) -> list[Box]:
    """Return the blocks of a cutout that have voxels in a box of it, as `boxes.grid` names them."""
    corners = (cell.corner_zyx for cell in chunks_of(wide, block_shape_zyx, origin_zyx))
    return [Box.of(corner, block_shape_zyx).intersect(cutout) for corner in corners]


def refuse_beyond_neighbours(
    halo_zyx: Sequence[int], block_shape_zyx: Sequence[int], cutout: Box, chunk_zyx: Sequence[int]
) -> None:
    """Refuse a halo that is wider than a block: it would be read from more than the neighbours.

    Parameters
    ----------
    halo_zyx, block_shape_zyx : sequence of 3 int
    cutout : Box
        An axis that it has a single block along needs none.
    chunk_zyx : sequence of 3 int
        What sides of blocks are multiples of.

    Raises
    ------
    ValueError
        With the shape of blocks that would do.
    """
    axes = [*zip(halo_zyx, block_shape_zyx, cutout.shape_zyx, chunk_zyx, strict=True)]
    if all(halo <= block or block >= whole for halo, block, whole, _ in axes):
        return
    enough = [max(block, -(-halo // chunk) * chunk) for halo, block, _, chunk in axes]
    told = [",".join(map(str, sides)) for sides in (halo_zyx, block_shape_zyx, enough)]
    raise ValueError(
        f"halo {told[0]} (z,y,x) is wider than blocks of {told[1]}: give block_shape {told[2]}"
    )
