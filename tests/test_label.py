"""Blockwise labelling equals cc3d on the whole cutout, numbering and component table included."""

import gzip
import re
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from blockwise import (
    BOUNDS,
    DTYPES,
    block_shapes,
    blockwise,
    connectivities,
    corners,
    is_above,
    rows_of,
    table_of,
    volumes,
    whole,
)
from conftest import examples, sample
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from voxels.labelling import label_block

SEGMENTATION = Path(__file__).parents[2] / "shared" / "data" / "connectomics.npy.ckl.gz"


@settings(max_examples=examples(1000), deadline=None)
@given(volumes(), corners, block_shapes, corners, connectivities, st.integers(0, 12))
def test_segments_equal_the_whole(voxels, corner, block_shape, origin, connectivity, min_voxels):
    asked = {"connectivity": connectivity, "min_voxels": min_voxels}
    ids, columns = blockwise(voxels, corner, block_shape, origin, **asked)
    expected = whole(voxels, **asked)
    np.testing.assert_array_equal(ids, expected)
    assert rows_of(columns) == table_of(expected, voxels, corner)


@settings(max_examples=examples(800), deadline=None)
@given(volumes(), corners, block_shapes, corners, connectivities, st.integers(0, 12), st.data())
def test_foreground_equals_the_whole(
    voxels, corner, block_shape, origin, connectivity, min_voxels, data
):
    above = data.draw(st.sampled_from(BOUNDS + tuple(np.unique(voxels).tolist())))
    asked = {
        "connectivity": connectivity,
        "component_of": "foreground",
        "foreground_above": above,
        "min_voxels": min_voxels,
    }
    ids, columns = blockwise(voxels, corner, block_shape, origin, **asked)
    expected = whole(voxels, **asked)
    np.testing.assert_array_equal(ids, expected)
    assert rows_of(columns) == table_of(expected, voxels, corner, "foreground")


@settings(max_examples=50, deadline=None)
@given(volumes(), connectivities)
def test_the_reference_itself_is_right(voxels, connectivity):
    """scipy, which shares no code with cc3d, finds the same components with the same numbers."""
    structure = ndimage.generate_binary_structure(3, {6: 1, 18: 2, 26: 3}[connectivity])
    firsts = np.full(voxels.size, voxels.size)
    for value in np.unique(voxels[voxels != 0]):
        pieces = ndimage.label(voxels == value, structure)[0].ravel()
        for piece in range(1, pieces.max() + 1):
            places = np.flatnonzero(pieces == piece)
            firsts[places] = places[0]
    expected = np.unique(np.append(firsts, voxels.size), return_inverse=True)[1][:-1] + 1
    expected[firsts == voxels.size] = 0
    np.testing.assert_array_equal(whole(voxels, connectivity).ravel(), expected)


@pytest.mark.parametrize("connectivity", [6, 18, 26])
def test_two_voxels_touch_across_seams_as_the_connectivity_says(connectivity):
    """Every neighbour of every voxel around the corner where eight blocks meet."""
    reach = {6: 1, 18: 2, 26: 3}[connectivity]
    for place in product((1, 2), repeat=3):
        for step in product((-1, 0, 1), repeat=3):
            if step == (0, 0, 0):
                continue
            voxels = np.zeros((4, 4, 4), np.uint8)
            voxels[place] = voxels[tuple(np.add(place, step))] = 9
            ids, _ = blockwise(voxels, (0, 0, 0), (2, 2, 2), (0, 0, 0), connectivity)
            touching = sum(map(abs, step)) <= reach
            assert ids.max() == (1 if touching else 2), (place, step)


def test_a_component_is_counted_whole_before_dust_is_dropped():
    voxels = np.zeros((1, 1, 8), np.uint8)
    voxels[0, 0, [0, 3, 4, 7]] = 1
    ids, columns = blockwise(voxels, (0, 0, 0), (1, 1, 4), (0, 0, 0), 6, min_voxels=2)
    assert ids.ravel().tolist() == [0, 0, 0, 1, 1, 0, 0, 0]
    assert columns["voxel_count"].tolist() == [2]


def test_numbers_follow_first_voxels_of_whole_components():
    """The second component of the cutout's first block starts in a block after it."""
    voxels = np.array([[[0, 0, 0, 7], [5, 0, 0, 7], [5, 7, 7, 7]]], np.uint8)
    ids, _ = blockwise(voxels, (0, 0, 0), (1, 3, 2), (0, 0, 0), 6)
    assert ids.tolist() == [[[0, 0, 0, 1], [2, 0, 0, 1], [2, 1, 1, 1]]]


def test_sums_stay_exact_far_from_the_origin():
    voxels = np.ones((1, 1, 3), np.uint8)
    far = 2**52
    _, columns = blockwise(voxels, (0, -far, far), (1, 1, 2), (0, 0, 0), 6)
    assert columns["centroid_x"].tolist() == [far + 1]
    assert columns["centroid_y"].tolist() == [-far]


def test_what_could_overflow_is_refused():
    voxels = np.ones((1, 1, 4), np.uint8)
    with pytest.raises(ValueError, match="may not fit 64 bits"):
        label_block(voxels, (0, 0, 2**62), 6, "segment", 0)
    corner = (0, 0, 2**61)
    with pytest.raises(ValueError, match="may not fit 64 bits"):
        blockwise(voxels, corner, (1, 1, 1), (0, 0, 0), 6)


def test_a_block_of_too_many_voxels_is_refused():
    huge = np.broadcast_to(np.uint8(0), (2**11, 2**10, 2**10))
    with pytest.raises(ValueError, match=r"fewer than 2\*\*31"):
        label_block(huge, (0, 0, 0), 6, "segment", 0)


def test_thresholds_between_large_integers_are_exact():
    voxels = np.array([[[2**53, 2**53 + 1, 0]]], np.uint64)
    labels, _ = label_block(voxels, (0, 0, 0), 6, "foreground", float(2**53))
    assert labels.ravel().tolist() == [0, 1, 0]
    labels, _ = label_block(voxels, (0, 0, 0), 6, "foreground", -0.5)
    assert labels.ravel().tolist() == [1, 1, 1]


@pytest.mark.parametrize("connectivity", [6, 18, 26])
@pytest.mark.parametrize("component_of", ["segment", "foreground"])
def test_thin_blocks_that_some_labelling_fails_on(component_of, connectivity):
    voxels = np.array([1, 0, 1], np.uint8)
    for shape in ((3, 1, 1), (1, 3, 1), (1, 1, 3)):
        labels, _ = label_block(voxels.reshape(shape), (0, 0, 0), connectivity, component_of, 0)
        assert labels.ravel().tolist() == [1, 0, 2]


def test_images_of_fractions_have_a_foreground():
    voxels = np.array([[[0.5, 0.25, 0.75, np.nan]]], np.float32)
    labels, statistics = label_block(voxels, (0, 0, 0), 6, "foreground", "0.4")
    assert labels.ravel().tolist() == [1, 0, 2, 0]
    assert statistics.segment_id.tolist() == [0, 0]


@pytest.mark.parametrize("dtype", DTYPES)
def test_values_are_compared_with_a_decimal_exactly(dtype):
    """Around bounds that no float is equal to, and those that are next to the largest there are."""
    kind = np.dtype(dtype).kind
    if kind == "f":
        ends = np.finfo(dtype)
        near = [0.1, 0.5, 300, 2**53, ends.tiny, ends.max, np.inf]
        with np.errstate(over="ignore"):
            near = [np.array(sign * one, "f8").astype(dtype) for one in near for sign in (1, -1)]
            values = [
                np.nextafter(one, to, dtype=dtype) for one in near for to in (-np.inf, np.inf)
            ]
        values += [*near, np.array(np.nan, dtype)]
    elif kind == "b":
        values = [False, True]
    else:
        ends = np.iinfo(dtype)
        near = [ends.min, ends.min + 1, 0, 1, ends.max - 1, ends.max, 2**53 + 1]
        values = [one for one in near if ends.min <= one <= ends.max]
    voxels = np.array(values, dtype).reshape(1, 1, -1).repeat(2, 2)
    voxels[..., 1::2] = False if kind == "b" else -np.inf if kind == "f" else np.iinfo(dtype).min
    ends = ["1.7976931348623157e308", "1.7976931348623158e308", "65504.5", "3.4028236e38"]
    for bound in (*BOUNDS, *ends, "9223372036854775806.5", "0.10000000149011612", 2**64 - 1):
        labels, _ = label_block(voxels, (0, 0, 0), 6, "foreground", bound)
        expected = [is_above(one, bound) for one in voxels.ravel().tolist()]
        assert (labels.ravel() > 0).tolist() == expected, bound


@pytest.mark.parametrize(
    ("dtype", "value"),
    [("i1", -1), ("i8", -(2**63)), ("f4", 0.5), ("f2", np.inf), ("f4", 2.0**64), ("f8", np.nan)],
)
def test_what_is_no_segment_id_is_refused_with_its_place(dtype, value):
    voxels = np.ones((3, 4, 5), dtype)
    voxels[1, 2, 3] = voxels[2, 0, 0] = value
    with pytest.raises(ValueError) as caught:
        label_block(voxels, (100, 20, -5), 6, "segment", 0)
    told = re.escape(f"voxel -2,22,101 (x,y,z) is {voxels[1, 2, 3]}, which is no segment id: ")
    assert re.match(f"{told}.*give component_of foreground and foreground_above", str(caught.value))


@pytest.mark.parametrize(
    ("dtype", "connectivity", "component_of", "problem"),
    [
        ("u1", 8, "segment", "connectivity is 8: it must be 6, 18 or 26"),
        ("u1", 6, "segments", "component_of is 'segments': it must be segment or foreground"),
        ("c8", 6, "segment", "segment ids are complex64: they must be numbers"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(dtype, connectivity, component_of, problem):
    with pytest.raises(ValueError, match=problem):
        label_block(np.ones((1, 1, 1), dtype), (0, 0, 0), connectivity, component_of, 0)


def test_labels_are_numbered_in_c_order_whatever_the_memory_order():
    voxels = np.random.default_rng(0).integers(0, 3, (4, 5, 6), np.uint8)
    for given_as in (voxels, np.asfortranarray(voxels), np.repeat(voxels, 2, axis=2)[:, :, ::2]):
        labels, statistics = label_block(given_as, (0, 0, 0), 6, "segment", 0)
        np.testing.assert_array_equal(labels, whole(voxels, 6))
        assert labels.flags.c_contiguous
        assert statistics.first_voxel.tolist() == sorted(statistics.first_voxel.tolist())


@pytest.fixture(scope="module")
def segmentation():
    """Part of the real segmentation, ZYX."""
    crackle = pytest.importorskip("crackle")
    with gzip.open(SEGMENTATION) as stream:
        voxels = crackle.decompress(stream.read())
    return np.ascontiguousarray(voxels[130:386, 130:386, 130:386])


@pytest.mark.shared
@pytest.mark.parametrize(
    ("connectivity", "block_shape", "min_voxels"),
    sample([(6, (128, 128, 128), 0), (18, (96, 150, 200), 300), (26, (77, 256, 50), 0)], 1),
)
def test_the_real_segmentation_equals_the_whole(
    segmentation, connectivity, block_shape, min_voxels
):
    corner = (-30, 1000, 7)
    asked = {"connectivity": connectivity, "min_voxels": min_voxels}
    ids, columns = blockwise(segmentation, corner, block_shape, (0, 3, 5), **asked)
    expected = whole(segmentation, **asked)
    assert (ids == expected).all()

    boxes = ndimage.find_objects(expected.astype(np.int32))
    flat, n = expected.ravel().astype(np.int64), len(boxes)
    count = np.bincount(flat)[1:]
    assert columns["component_id"].tolist() == list(range(1, n + 1))
    assert n > 100
    np.testing.assert_array_equal(columns["voxel_count"], count)
    segment = np.append(0, columns["segment_id"]).astype(np.uint32)
    kept = flat != 0
    assert (segment[flat[kept]] == segmentation.ravel()[kept]).all()
    places = np.ogrid[:256, :256, :256]
    for axis, name in enumerate("zyx"):
        # Floats hold these sums exactly.
        place = np.broadcast_to(places[axis], segmentation.shape).ravel()
        total = np.bincount(flat, place)[1:] + count * corner[axis]
        np.testing.assert_array_equal(columns[f"centroid_{name}"], total / count)
        bounds = np.array([(box[axis].start, box[axis].stop) for box in boxes]) + corner[axis]
        np.testing.assert_array_equal(columns[f"bbox_{name}0"], bounds[:, 0])
        np.testing.assert_array_equal(columns[f"bbox_{name}1"], bounds[:, 1])
