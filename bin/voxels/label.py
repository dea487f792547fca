"""Exact connected components, block by block.

The result is voxel-identical, numbering included, to cc3d on the whole cutout. Each block is
labelled on its own (`label_block`), and leaves its statistics and its six outer planes;
`voxels.stitch` joins labels that touch across seams and numbers the components by their first
voxel in C order; `relabel` turns a block's own labels into these numbers.

cc3d and fastremap are imported where they are used: each program needs only one of them.
"""

from collections.abc import Sequence
from math import floor
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .boxes import REACH, Box

Integers = NDArray[np.int64]
Labels = NDArray[np.uint32]
Ids = NDArray[np.unsignedinteger[Any]]
Connectivity = Literal[6, 18, 26]

FACES = ("z0", "z1", "y0", "y1", "x0", "x1")
"""Names of a block's outer planes: the first and the last along each axis."""

_SLAB = 1 << 18
"""Voxels looked at in one go, so that what is derived from them stays in the CPU's cache."""


class Statistics(NamedTuple):
    """What is known of each component, or of each label of a block: row `k` is label `k + 1`.

    Attributes
    ----------
    voxel_count : int64 array, shape (n,)
        Voxels of the label.
    coordinate_sum : int64 array, shape (n, 3)
        Sums of the voxels' ZYX channel coordinates.
    lower, upper : int64 array, shape (n, 3)
        Half-open bounding box, ZYX channel coordinates.
    first_voxel : int64 array, shape (n, 3)
        ZYX channel coordinates of the first voxel in C order.
    segment_id : uint64 array, shape (n,)
        Value of the label's voxels in the channel; 0 if it says nothing (foreground).
    """

    voxel_count: Integers
    coordinate_sum: Integers
    lower: Integers
    upper: Integers
    first_voxel: Integers
    segment_id: NDArray[np.uint64]


def label_block(
    voxels: NDArray[Any],
    corner_zyx: Sequence[int],
    connectivity: Connectivity,
    component_of: str,
    foreground_above: float,
) -> tuple[Labels, Statistics]:
    """Label the connected components of one block.

    Takes 4 bytes per voxel beside the input (foreground: 5), and what cc3d needs meanwhile.

    Parameters
    ----------
    voxels : array of numbers, shape (Z, Y, X)
        The block; unsigned integers for `component_of` segment.
    corner_zyx : sequence of 3 int
        Channel coordinates of its first voxel.
    connectivity : {6, 18, 26}
        Neighbours share a face; or at least an edge; or at least a corner.
    component_of : {"segment", "foreground"}
        Connect equal values other than 0, or all values above `foreground_above`.
    foreground_above : float
        Not read for segments.

    Returns
    -------
    labels : uint32 array, shape (Z, Y, X)
        Labels 1..n, numbered by first voxel in C order; 0 is background.
    statistics : Statistics
        In channel coordinates.

    Raises
    ------
    ValueError
        If a parameter is not one of the values above, segment ids are not unsigned integers,
        or the block is too large for the widths used.
    """
    import cc3d

    if voxels.size >= 2**31:
        raise ValueError(
            f"a block of shape {list(voxels.shape)} has {voxels.size} voxels: "
            f"choose a block_shape of fewer than 2**31"
        )
    if connectivity not in REACH:
        raise ValueError(f"connectivity is {connectivity}: it must be 6, 18 or 26")
    check_sums(voxels.size, Box.of(corner_zyx, voxels.shape))
    foreground = component_of == "foreground"
    if foreground:
        # A fraction would make numpy compare integers as floats, which are inexact above 2**53.
        integral = voxels.dtype.kind in "ui"
        mask = voxels > (floor(foreground_above) if integral else foreground_above)
        # cc3d 4.1 fails on some binary images, 26-connected and 1 voxel thick; not on integers.
        image = mask.view(np.uint8)
    elif component_of != "segment":
        raise ValueError(f"component_of is {component_of!r}: it must be segment or foreground")
    elif voxels.dtype.kind != "u":
        raise ValueError(f"segment ids are {voxels.dtype}: they must be unsigned integers")
    else:
        # cc3d 4.1 overflows on some arrays with ids from 2**63 on; only equality counts here.
        image = voxels.view(np.int64) if voxels.dtype == np.uint64 else voxels
    labels = cc3d.connected_components(
        np.ascontiguousarray(image),  # cc3d numbers in memory order
        connectivity=connectivity,
        out_dtype=np.uint32,
    ).astype(np.uint32, copy=False)
    return labels, _statistics(labels, corner_zyx, None if foreground else voxels)


def _statistics(
    labels: Labels, corner_zyx: Sequence[int], segments: NDArray[Any] | None
) -> Statistics:
    """Statistics of labels 1..n, all of them present, from the runs of equal label along x."""
    n = int(labels.max())
    depth, height, width = labels.shape
    count = np.zeros(n + 1, np.int64)
    total = np.zeros((3, n + 1), np.int64)
    lower = np.full((3, n + 1), labels.size, np.int64)
    upper = np.zeros((3, n + 1), np.int64)
    first = np.full(n + 1, labels.size, np.int64)
    rows = labels.reshape(depth * height, width)
    step = max(1, _SLAB // width)
    for top in range(0, len(rows), step):
        slab = rows[top : top + step]
        starts = np.ones(slab.shape, bool)
        np.not_equal(slab[:, 1:], slab[:, :-1], out=starts[:, 1:])
        start = np.flatnonzero(starts)
        length = np.diff(start, append=slab.size)
        label = slab.reshape(-1)[start].astype(np.intp)
        inside = label != 0
        start, length, label = start[inside], length[inside], label[inside]
        row, x = np.divmod(start, width)
        z, y = np.divmod(row + top, height)
        np.minimum.at(first, label, start + top * width)
        np.add.at(count, label, length)
        np.add.at(total[0], label, z * length)
        np.add.at(total[1], label, y * length)
        np.add.at(total[2], label, x * length + length * (length - 1) // 2)
        for axis, begin, end in (0, z, z + 1), (1, y, y + 1), (2, x, x + length):
            np.minimum.at(lower[axis], label, begin)
            np.maximum.at(upper[axis], label, end)
    corner = np.array(corner_zyx, np.int64)
    first = first[1:]
    return Statistics(
        voxel_count=count[1:],
        coordinate_sum=total.T[1:] + count[1:, None] * corner,
        lower=lower.T[1:] + corner,
        upper=upper.T[1:] + corner,
        first_voxel=np.stack(np.unravel_index(first, labels.shape), axis=1) + corner,
        segment_id=(
            np.zeros(n, np.uint64)
            if segments is None
            else segments.reshape(-1)[first].astype(np.uint64)
        ),
    )


def surface(labels: Labels) -> dict[str, Labels]:
    """Outer planes of a block, by face: views, each over the block's two other axes in order."""
    return {
        "z0": labels[0],
        "z1": labels[-1],
        "y0": labels[:, 0],
        "y1": labels[:, -1],
        "x0": labels[:, :, 0],
        "x1": labels[:, :, -1],
    }


def check_sums(voxel_count: int, box: Box) -> None:
    """Refuse what could overflow a sum of coordinates: voxels of one component, and where."""
    if voxel_count * max(map(abs, box)) >= 2**63:
        raise ValueError(
            f"the coordinate sums of {voxel_count} voxels in box {box.name} may not fit 64 bits: "
            f"choose a smaller cutout"
        )


def relabel(labels: Labels, lookup: Ids) -> Ids:
    """Replace a block's labels by component ids.

    Takes no memory for 32-bit ids, 8 bytes per voxel for 64-bit ones.

    Parameters
    ----------
    labels : uint32 array
        Overwritten if the ids are 32-bit.
    lookup : uint32 or uint64 array
        Component id by label.

    Returns
    -------
    array of `lookup`'s dtype and `labels`' shape

    Raises
    ------
    ValueError
        If a label is not in the look-up table: it was made from other labels.
    """
    import fastremap

    largest = int(labels.max())
    if largest >= len(lookup):
        raise ValueError(
            f"the look-up table ends at label {len(lookup) - 1} but the block has {largest}: "
            f"it must be made from these labels"
        )
    flat = labels.astype(lookup.dtype, copy=False).reshape(-1)
    ids: Ids = fastremap.remap_from_array(flat, lookup).reshape(labels.shape)
    return ids
