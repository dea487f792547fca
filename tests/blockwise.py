"""Blockwise labelling within the process, cc3d's of the whole, and volumes to compare them on."""

from fractions import Fraction

import cc3d
import numpy as np
from hypothesis import strategies as st
from stitching import VOXEL_SIZE, stitched
from voxels.boxes import Box, grid
from voxels.labelling import label_block


def blockwise(
    voxels,
    corner,
    block_shape,
    origin,
    connectivity,
    component_of="segment",
    foreground_above=0,
    min_voxels=0,
):
    """Component ids and table of a cutout at `corner`, made block by block."""
    cutout = Box.of(corner, voxels.shape)
    blocks = grid(cutout, block_shape, origin)
    made = [
        label_block(
            voxels[block.slices(corner)],
            block.corner_zyx,
            connectivity,
            component_of,
            foreground_above,
        )
        for block in blocks
    ]
    ids, columns = stitched(made, blocks, cutout, connectivity, min_voxels)
    found = np.full(voxels.shape, 0xDEAD, np.uint64)
    for block, (labels, _), table in zip(blocks, made, ids, strict=True):
        found[block.slices(corner)] = table[labels]
    return found, columns


def whole(voxels, connectivity, component_of="segment", foreground_above=0, min_voxels=0):
    """Component ids of a whole cutout, by cc3d; dust dropped, the rest renumbered."""
    if component_of == "foreground":
        values, places = np.unique(voxels, return_inverse=True)
        above = [is_above(value, foreground_above) for value in values.tolist()]
        image = np.array(above, np.uint8)[places].reshape(voxels.shape)
    else:
        values, places = np.unique(voxels, return_inverse=True)
        image = (places.reshape(voxels.shape) + (values[0] != 0)).astype(np.uint32)
    labels = cc3d.connected_components(np.ascontiguousarray(image), connectivity=connectivity)
    kept = np.bincount(labels.ravel()) >= max(1, min_voxels)
    kept[0] = False
    return np.where(kept, np.cumsum(kept), 0)[labels].astype(np.uint64)


def is_above(value, bound):
    """Compare numbers as they are: numpy compares some as the floats that are nearest to them."""
    if value != value or abs(value) == np.inf:
        return value > 0
    return Fraction(value) > Fraction(bound)


def table_of(ids, voxels, corner, component_of="segment"):
    """Component table of a whole array, voxel by voxel, with Python's integers."""
    rows = []
    for component in range(1, int(ids.max()) + 1):
        places = np.argwhere(ids == component) + corner
        z, y, x = places.T.tolist()
        centroid = [sum(axis) / len(axis) for axis in (x, y, z)]
        segment = int(voxels[tuple(places[0] - corner)]) if component_of == "segment" else 0
        row = [component, segment, len(places)]
        row += [bound for axis in (x, y, z) for bound in (min(axis), max(axis) + 1)]
        row += centroid
        row += [mean * size for mean, size in zip(centroid, VOXEL_SIZE[::-1], strict=True)]
        rows.append(row)
    return rows


def rows_of(columns):
    """Rows of a component table."""
    return [
        list(row) for row in zip(*(column.tolist() for column in columns.values()), strict=True)
    ]


DTYPES = ("u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "?", "f2", "f4", "f8")
BOUNDS = (-1, 0, 1, 300, "0.5", "-0.5", "0.1", "9007199254740993.5", 2**63 + 1, "1e400", "-1e400")


@st.composite
def volumes(draw):
    """Small volumes of few values, in which neighbours are often equal; ids of any dtype."""
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    top = {"b": 1, "f": 2 ** (np.finfo(dtype).nmant + 1) if dtype.kind == "f" else 0}.get(
        dtype.kind
    )
    top = int(np.iinfo(dtype).max) if top is None else top
    # Ids that differ in their highest bits only, and the largest there are.
    palette = [0, 1, 2, top, top - 1, top // 2 + 1, top // 2 + 2]
    palette += [2**32 + 1, 2**63 + 1] if dtype == np.uint64 else []
    palette += [-0.0, 2.0**63, 2.0**64 - 2.0**40] if dtype in (np.float32, np.float64) else []
    shape = draw(st.tuples(*[st.integers(1, 12)] * 3))
    few = draw(st.lists(st.sampled_from(palette), min_size=1, max_size=4))
    background = draw(st.sampled_from([0.0, 0.3, 0.6, 0.85]))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    stretch = draw(st.tuples(*[st.integers(1, 3)] * 3))
    voxels = random.choice(np.array(few, dtype), shape)
    voxels[random.random(shape) < background] = 0
    for axis, times in enumerate(stretch):
        voxels = np.repeat(voxels, times, axis)
    return voxels[: shape[0], : shape[1], : shape[2]]


corners = st.tuples(*[st.integers(-20, 20)] * 3)
block_shapes = st.tuples(*[st.integers(1, 13)] * 3)
connectivities = st.sampled_from([6, 18, 26])
