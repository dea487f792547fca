"""Links between blocks are the pairs that touch, and joining them holds no more than it says."""

import tracemalloc

import numpy as np
import pytest
from blockwise import block_shapes, connectivities, corners, volumes
from conftest import examples
from hypothesis import given, settings
from stitching import links_of, stitched
from voxels.boxes import DIRECTIONS, REACH, Box, grid, grid_shape
from voxels.labelling import Statistics, label_block
from voxels.links import Links, _touching
from voxels.merging import merge, number_components, unite


def labelled(voxels, corner, blocks, connectivity, component_of="segment"):
    """Labels and statistics of each block."""
    return [
        label_block(voxels[box.slices(corner)], box.corner_zyx, connectivity, component_of, 0)
        for box in blocks
    ]


def touching(voxels, corner, blocks, made, connectivity):
    """For each block, its links as they are defined: voxel by voxel."""
    shape = grid_shape(blocks)
    number_of = np.zeros(voxels.shape, int)
    label_of = np.zeros(voxels.shape, int)
    for number_, (box, (labels, _)) in enumerate(zip(blocks, made, strict=True)):
        number_of[box.slices(corner)] = number_
        label_of[box.slices(corner)] = labels
    found = [set() for _ in blocks]
    for place in np.argwhere(label_of):
        for step in DIRECTIONS:
            other = tuple(place + step)
            if sum(map(abs, step)) > REACH[connectivity] or not all(
                0 <= at < side for at, side in zip(other, voxels.shape, strict=True)
            ):
                continue
            here = tuple(place)
            if voxels[here] != voxels[other] or number_of[here] == number_of[other]:
                continue
            before, after = sorted((here, other), key=lambda at: number_of[at])
            cells = [np.unravel_index(number_of[at], shape) for at in (before, after)]
            way = DIRECTIONS.index(tuple(int(a - b) for a, b in zip(*cells, strict=True)))
            found[number_of[after]].add((way, int(label_of[after]), int(label_of[before])))
    return found


@settings(max_examples=examples(600), deadline=None)
@given(volumes(), corners, block_shapes, corners, connectivities)
def test_links_are_the_pairs_that_touch(voxels, corner, block_shape, origin, connectivity):
    """All of them, each once and in order, and no other."""
    blocks = grid(Box.of(corner, voxels.shape), block_shape, origin)
    made = labelled(voxels, corner, blocks, connectivity)
    found = links_of(made, blocks, connectivity)
    expected = touching(voxels, corner, blocks, made, connectivity)
    rows = [list(zip(*(column.tolist() for column in links), strict=True)) for links in found]
    assert rows == [sorted(links) for links in expected]


@pytest.mark.parametrize("connectivity", [6, 18, 26])
def test_links_do_not_depend_on_which_side_comes_first(connectivity):
    """A volume turned around has the same links, seen from the other side."""
    voxels = np.random.default_rng(0).integers(0, 3, (8, 12, 10), np.uint8)
    counts = []
    for volume in (voxels, np.ascontiguousarray(voxels[::-1, ::-1, ::-1])):
        blocks = grid(Box.of((0, 0, 0), volume.shape), (4, 3, 5), (0, 0, 0))
        links = links_of(labelled(volume, (0, 0, 0), blocks, connectivity), blocks, connectivity)
        counts.append(np.bincount(np.concatenate([one.direction for one in links]), minlength=13))
    # A direction and its opposite are the same seam.
    assert counts[0].sum() > 50
    np.testing.assert_array_equal(*counts)


def test_the_pairs_of_high_labels_keep_all_their_bits():
    top = 2**31 - 1
    near, far = np.array([[top, 1]], np.uint32), np.array([[1, top]], np.uint32)
    ids = np.broadcast_to(np.uint64(7), top + 1)
    assert _touching(near, far, ids, ids, [(0, 0)]).tolist() == [[1, top], [top, 1]]


def test_a_link_to_a_label_that_is_not_there_is_refused():
    nothing = Links(*np.zeros((3, 0), np.uint8))
    straight = DIRECTIONS.index((0, 0, -1))
    for blocks, ends in (
        ([nothing, Links(*np.array([[straight], [3], [1]]))], "block 1"),
        ([nothing, Links(*np.array([[straight], [1], [2]]))], "block 1"),
        ([nothing, Links(*np.array([[straight], [0], [1]]))], "block 1"),
        ([Links(*np.array([[straight], [1], [1]])), nothing], "block 0"),
    ):
        with pytest.raises(ValueError, match=f"a link of {ends} names a label that is not there"):
            unite([1, 2], (1, 1, 2), blocks)


def test_more_labels_than_can_be_told_apart_are_refused():
    with pytest.raises(ValueError, match=r"fewer than 2\*\*31 can be stitched"):
        unite([2**30, 2**30], (1, 1, 2), [])


def test_statistics_of_other_blocks_are_refused():
    one = label_block(np.ones((1, 1, 2), np.uint8), (0, 0, 0), 6, "segment", 0)[1]
    group = np.zeros(2, np.int32)
    with pytest.raises(ValueError, match="a block has 1 labels instead of 2"):
        merge([one], [2], group, 1, Box.of((0, 0, 0), (1, 1, 2)))
    with pytest.raises(ValueError, match="too large"):
        merge([one], [1], group[:1], 1, Box.of((0, 0, 0), (2**21, 2**21, 2**21)))


@pytest.mark.parametrize("side", [255, 256, 65535, 65536])
def test_boxes_reach_the_end_of_cutouts_of_any_size(side):
    """Bounds are held in as few bytes as the cutout allows."""
    voxels = np.ones((1, 1, side), np.uint8)
    cutout = Box.of((5, -7, -3), voxels.shape)
    blocks = grid(cutout, (1, 1, 100), (0, 0, 0))
    made = labelled(voxels, cutout.corner_zyx, blocks, 6)
    _, columns = stitched(made, blocks, cutout, 6, 0)
    assert (columns["bbox_x0"].tolist(), columns["bbox_x1"].tolist()) == ([-3], [side - 3])
    assert columns["voxel_count"].tolist() == [side]


def test_memory_is_a_few_numbers_for_each_label():
    """Statistics come and go block by block; what grows is 4 bytes a label and 96 a component."""
    blocks, size = 64, 4000
    side = np.arange(size, dtype=np.int64)
    corner = np.stack([np.zeros_like(side), np.zeros_like(side), 2 * side], axis=1)

    def statistics(row):
        at = corner + [0, row, 0]
        return Statistics(np.ones(size, np.int64), at, at, at + 1, at, np.ones(size, np.uint64))

    cutout = Box.of((0, 0, 0), (1, blocks, 2 * size))
    tracemalloc.start()
    group = np.arange(blocks * size, dtype=np.int32)
    merged = merge(map(statistics, range(blocks)), [size] * blocks, group, blocks * size, cutout)
    order, ids = number_components(merged, 2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(order) == ids.max() == 0
    assert peak < 120 * blocks * size
