"""Boxes and block grids."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from voxels.boxes import DIRECTIONS, REACH, Box, direction, grid, grid_shape, preceding, snap

sides = st.tuples(*[st.integers(1, 7)] * 3)
corners = st.tuples(*[st.integers(-9, 9)] * 3)
boxes = st.builds(Box.of, corners, sides)
small = st.tuples(*[st.integers(1, 4)] * 3)


@given(boxes)
def test_a_box_is_its_name(box):
    assert Box.parse(box.name) == box


def test_a_name_is_read_in_the_order_of_its_letters():
    box = Box.parse("0-512_-8-8_25-50")
    assert box == Box(x0=0, x1=512, y0=-8, y1=8, z0=25, z1=50)
    assert (box.corner_zyx, box.end_zyx) == ((25, -8, 0), (50, 8, 512))
    assert (box.shape_zyx, box.voxel_count) == ((25, 16, 512), 25 * 16 * 512)


@pytest.mark.parametrize(
    "name",
    ["", "0-1", "0-1_0-1", "0-1_0-1_0-1_0-1", "0-1_0-1_0-1 ", "0-1_0-1_0-1\n", "a-1_0-1_0-1"]
    + ["00-1_0-1_0-1", "-0-1_0-1_0-1", "+0-1_0-1_0-1", "0.0-1_0-1_0-1", "٠-1_0-1_0-1"]
    + ["../0-1_0-1_0-1", "0:1_0:1_0:1"],
)
def test_other_names_are_refused(name):
    with pytest.raises(ValueError, match="is not a box"):
        Box.parse(name)


@pytest.mark.parametrize("name", ["1-1_0-1_0-1", "0-1_2-1_0-1", "0-1_0-1_-3--4"])
def test_empty_and_reversed_boxes_are_refused(name):
    with pytest.raises(ValueError, match="is empty"):
        Box.parse(name)


@given(boxes, boxes)
def test_intersection_is_what_both_contain(one, other):
    voxels = {*voxels_of(one)} & {*voxels_of(other)}
    if voxels:
        assert {*voxels_of(one.intersect(other))} == voxels
    else:
        with pytest.raises(ValueError, match="no voxel in common"):
            one.intersect(other)
    assert one.contains(other) == ({*voxels_of(other)} <= {*voxels_of(one)})


@given(boxes, sides, corners)
def test_a_grid_covers_its_cutout_once(cutout, block_shape, origin):
    counts = np.zeros(cutout.shape_zyx, int)
    for block in grid(cutout, block_shape, origin):
        assert cutout.contains(block)
        counts[block.slices(cutout.corner_zyx)] += 1
        first, last = np.array(block.corner_zyx) - origin, np.array(block.end_zyx) - 1 - origin
        assert (first // block_shape == last // block_shape).all(), "a block is in one cell"
    assert (counts == 1).all()


@given(boxes, sides, corners)
def test_a_grid_is_in_raster_order(cutout, block_shape, origin):
    firsts = [block.corner_zyx for block in grid(cutout, block_shape, origin)]
    assert firsts == sorted(firsts)


def test_a_grid_lies_where_its_origin_says():
    blocks = grid(Box.parse("5-20_0-1_0-1"), (1, 1, 8), (0, 0, 1))
    assert [(block.x0, block.x1) for block in blocks] == [(5, 9), (9, 17), (17, 20)]


def test_a_grid_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        grid(Box.parse("0-1_0-1_0-1"), (1, 0, 1), (0, 0, 0))


@given(st.builds(Box.of, corners, small), small, corners, st.sampled_from([6, 18, 26]))
def test_the_blocks_before_one_are_those_that_touch_it(cutout, block_shape, origin, connectivity):
    blocks = grid(cutout, block_shape, origin)
    assert np.prod(grid_shape(blocks)) == len(blocks)
    cells = list(np.ndindex(grid_shape(blocks)))
    for number, before in enumerate(preceding(blocks, connectivity)):
        steps = np.array(cells[:number]).reshape(-1, 3) - cells[number]
        near = (abs(steps).max(axis=1) == 1) & (abs(steps).sum(axis=1) <= REACH[connectivity])
        ways = [direction(blocks[number], blocks[other]) for other in before]
        assert ways == sorted(ways)
        assert sorted(before) == np.flatnonzero(near).tolist()
        assert [DIRECTIONS[way] for way in ways] == [tuple(steps[other]) for other in before]


@pytest.mark.parametrize("name", ["0-8_0-8_0-8", "8-16_0-8_0-8", "0-8_0-7_-8-0", "0-8_0-8_-9--1"])
def test_what_is_no_neighbour_before_a_block_has_no_direction(name):
    with pytest.raises(ValueError, match=f"{name} is no neighbour before block 0-8_0-8_0-8"):
        direction(Box.parse("0-8_0-8_0-8"), Box.parse(name))


def test_slices_never_count_from_the_end():
    box = Box.parse("-2-3_0-1_0-1")
    assert box.slices((0, 0, -5)) == (slice(0, 1), slice(0, 1), slice(3, 8))
    with pytest.raises(ValueError, match="starts before the array"):
        box.slices((0, 0, 0))


@given(boxes, sides, corners)
def test_a_snapped_box_grows_down_to_its_grid_and_no_further(box, block_shape, origin):
    snapped = snap(box, block_shape, origin)
    assert snapped.end_zyx == box.end_zyx
    grown = np.array(box.corner_zyx) - snapped.corner_zyx
    assert ((grown >= 0) & (grown < block_shape)).all()
    assert ((np.array(snapped.corner_zyx) - origin) % block_shape == 0).all()


def voxels_of(box):
    """Coordinates of all voxels of a box."""
    return ((z + box.z0, y + box.y0, x + box.x0) for z, y, x in np.ndindex(box.shape_zyx))
