"""Blocks with a halo: which voxels it has, of which blocks, and when it is too wide."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from voxels.boxes import Box, grid
from voxels.halos import cells, margins, refuse_beyond_neighbours, widened

triples = st.tuples(*[st.integers(1, 9)] * 3)


@given(st.tuples(*[st.integers(-20, 20)] * 3), triples, triples, triples, triples)
def test_a_halo_is_what_is_around_a_block_within_the_cutout(corner, shape, sides, low, halo):
    cutout = Box.of(corner, shape)
    origin = [start - by for start, by in zip(corner, low, strict=True)]
    blocks = grid(cutout, sides, origin)
    whole = np.arange(cutout.voxel_count).reshape(shape)
    for block in blocks:
        wide = widened(block, halo, cutout)
        assert cells(wide, cutout, sides, origin) == [one for one in blocks if one.meets(wide)]
        found = whole[wide.slices(corner)]
        own = tuple(slice(n, m and -m or None) for n, m in margins(block, wide))
        np.testing.assert_array_equal(found[own], whole[block.slices(corner)])
        for axis in range(3):
            for end, step in ((block.corner_zyx, -1), (block.end_zyx, 1)):
                reached = end[axis] + step * halo[axis]
                bounds = cutout.corner_zyx[axis], cutout.end_zyx[axis]
                edges = wide.corner_zyx if step < 0 else wide.end_zyx
                assert edges[axis] == min(max(reached, bounds[0]), bounds[1])


def test_a_halo_that_is_wider_than_blocks_is_refused_with_the_shape_that_would_do() -> None:
    cutout = Box.parse("0-100_0-100_0-20")
    refuse_beyond_neighbours((64, 16, 16), (20, 16, 100), cutout, (8, 8, 8))
    said = r"halo 30,17,2 \(z,y,x\) is wider than blocks of 16,16,16: give block_shape 32,24,16"
    with pytest.raises(ValueError, match=said):
        refuse_beyond_neighbours((30, 17, 2), (16, 16, 16), cutout, (8, 8, 8))
