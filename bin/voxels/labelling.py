"""Exact connected components, block by block.

The result is voxel-identical, numbering included, to cc3d on the whole cutout. Each block is
labelled on its own (`label_block`), and leaves its statistics and its six outer planes;
`voxels.links` finds labels that touch across seams; `voxels.merging` joins these and numbers the
components by their first voxel in C order; `voxels.encoding` turns a block's own labels into these
numbers.

cc3d and numba are imported where they are used: not every program needs them.
"""

from collections.abc import Sequence
from fractions import Fraction
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
    foreground_above: int | str,
) -> tuple[Labels, Statistics]:
    """Label the connected components of one block.

    Takes 4 bytes per voxel beside the input (foreground: 5), and what cc3d needs meanwhile.

    Parameters
    ----------
    voxels : array of numbers, shape (Z, Y, X)
        The block. For `component_of` segment its values are ids: whole numbers from 0 on, of
        whatever type.
    corner_zyx : sequence of 3 int
        Channel coordinates of its first voxel.
    connectivity : {6, 18, 26}
        Neighbours share a face; or at least an edge; or at least a corner.
    component_of : {"segment", "foreground"}
        Connect equal values other than 0, or all values above `foreground_above`.
    foreground_above : int or str
        A whole number, or the text of a decimal one, which values are compared with exactly; what
        is not a number is never above. Not read for segments.

    Returns
    -------
    labels : uint32 array, shape (Z, Y, X)
        Labels 1..n, numbered by first voxel in C order; 0 is background.
    statistics : Statistics
        In channel coordinates.

    Raises
    ------
    ValueError
        If a parameter is not one of the values above, a value is no segment id, or the block is
        too large for the widths used.
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
        # cc3d 4.1 fails on some binary images, 26-connected and 1 voxel thick; not on integers.
        image = _above(voxels, Fraction(foreground_above)).view(np.uint8)
    elif component_of != "segment":
        raise ValueError(f"component_of is {component_of!r}: it must be segment or foreground")
    else:
        voxels = segment_ids(voxels, corner_zyx, _OR_FOREGROUND)
        # Equal bits are equal ids. cc3d 4.1 overflows on some arrays with ids from 2**63 on, and
        # only equality counts here.
        bits = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.int64}[voxels.itemsize]
        image = voxels.view(bits)
    numbered, n = cc3d.connected_components(
        np.ascontiguousarray(image),  # cc3d numbers in memory order
        connectivity=connectivity,
        out_dtype=np.uint32,
        return_N=True,
    )
    labels: Labels = numbered.astype(np.uint32, copy=False)
    return labels, statistics_of(labels, n, corner_zyx, None if foreground else voxels)


def _above(voxels: NDArray[Any], bound: Fraction) -> NDArray[np.bool_]:
    """Say which values are above a bound, exactly.

    numpy would compare integers with a fraction as floats, which are inexact above 2**53, and
    floats with the float that is nearest to the bound.
    """
    if voxels.dtype.kind == "b":
        voxels = voxels.view(np.uint8)
    if voxels.dtype.kind in "ui":
        above: NDArray[np.bool_] = voxels > floor(bound)
        return above
    # What is above the largest float that is not above the bound is above the bound.
    kind, infinity = voxels.dtype.type, voxels.dtype.type(np.inf)
    most = np.finfo(kind).max
    if bound >= Fraction(float(most)):
        below = most
    elif bound < -Fraction(float(most)):
        below = -infinity
    else:
        below = kind(float(bound))
        while Fraction(float(below)) > bound:
            below = np.nextafter(below, -infinity)
        while Fraction(float(np.nextafter(below, infinity))) <= bound:
            below = np.nextafter(below, infinity)
    above = voxels > below
    return above


_OR_FOREGROUND = (
    "; to label all that is above a value, give component_of foreground and foreground_above"
)


def segment_ids(
    voxels: NDArray[Any], corner_zyx: Sequence[int], otherwise: str = ""
) -> NDArray[Any]:
    """Return segment ids of which equal ones have equal bits.

    Parameters
    ----------
    voxels : array of numbers, shape (Z, Y, X)
        Whole numbers from 0 on, of whatever type.
    corner_zyx : sequence of 3 int
        Channel coordinates of its first voxel.
    otherwise : str
        What else a user may do, who is told of a value that is none.

    Raises
    ------
    ValueError
        If a value is none: which voxel of the channel, and what to do.
    """
    kind = voxels.dtype.kind
    if kind in "ub":
        return voxels
    if kind not in "if":
        raise ValueError(f"segment ids are {voxels.dtype}: they must be numbers")
    zero = False
    for z, plane in enumerate(voxels):  # one at a time: what is compared takes memory
        wrong = plane < 0 if kind == "i" else ~(plane >= 0)
        if kind == "f":
            wrong |= (plane != np.floor(plane)) | (plane == np.inf)
            wrong |= plane.astype(np.float64) >= 2.0**64
            zero = zero or bool(np.signbit(plane).any())
        if wrong.any():
            y, x = np.unravel_index(wrong.argmax(), wrong.shape)
            at = [int(i + low) for i, low in zip((z, y, x), corner_zyx, strict=True)][::-1]
            raise ValueError(
                f"voxel {','.join(map(str, at))} (x,y,z) is {plane[y, x]}, which is no segment id: "
                f"these are whole numbers from 0 on{otherwise}"
            )
    return voxels + voxels.dtype.type(0) if zero else voxels  # -0.0 becomes 0.0


def statistics_of(
    labels: Labels, n: int, corner_zyx: Sequence[int], segments: NDArray[Any] | None
) -> Statistics:
    """Statistics of labels 1..n, all of them present."""
    from .kernels import statistics

    totals = statistics(labels, n)[1:]
    corner = np.array(corner_zyx, np.int64)
    count, first = totals[:, 0], totals[:, 10]
    return Statistics(
        voxel_count=count,
        coordinate_sum=totals[:, 1:4] + count[:, None] * corner,
        lower=totals[:, [4, 6, 8]] + corner,
        upper=totals[:, [5, 7, 9]] + corner,
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
