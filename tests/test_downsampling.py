"""Downsampled levels against whole numbers of Python, and blocks against the whole."""

import math
from collections import Counter
from fractions import Fraction
from unittest.mock import patch

import numpy as np
import pytest
from conftest import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from voxels import downsampling
from voxels.boxes import Box, grid
from voxels.downsampling import Chunks, coarser, downsample, pyramid

INTEGERS = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64")
FACTORS = ((2, 2, 2), (1, 2, 2), (2, 3, 3), (1, 1, 1), (3, 1, 2), (5, 4, 3))
corners = st.tuples(*[st.integers(-9, 9)] * 3)
sides = st.integers(1, 12)
shapes = st.tuples(sides, sides, sides)


def windows_of(voxels, corner, factor):
    """Yield the voxels of each window, one after the other, as its coordinates tell."""
    box = Box.of(corner, voxels.shape)
    coarse = coarser(box, factor)
    for place in np.ndindex(*coarse.shape_zyx):
        start = [(p + c) * f for p, c, f in zip(place, coarse.corner_zyx, factor, strict=True)]
        window = Box.of(start, factor).intersect(box)
        yield place, voxels[window.slices(corner)].ravel().tolist()


def mean_of(values):
    if not isinstance(values[0], float):
        return round(Fraction(sum(values), len(values)))  # half to even
    numbers = [value for value in values if not math.isnan(value)]
    return sum(numbers) / len(numbers) if numbers else math.nan


def most_frequent(values):
    return Counter(values).most_common(1)[0][0]  # of several the first


@st.composite
def volumes(draw, dtypes=INTEGERS, few=False):
    dtype, shape = draw(st.sampled_from(dtypes)), draw(shapes)
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if np.dtype(dtype).kind in "iu":
        info = np.iinfo(dtype)
        low, high = draw(st.sampled_from([(0, 3), (info.min, info.max), (info.max - 3, info.max)]))
        return random.integers(low, (low + 3 if few else high), shape, dtype, endpoint=True)
    voxels = random.integers(-99, 99, shape) / 16
    voxels[random.random(shape) < 0.2] = np.nan
    return voxels.astype(dtype)


@settings(max_examples=examples(400), deadline=None)
@given(volumes(), corners, st.sampled_from(FACTORS))
def test_means_of_integers_are_exact(voxels, corner, factor):
    coarse = downsample(voxels, corner, factor, "mean")
    assert coarse.dtype == voxels.dtype
    for place, values in windows_of(voxels, corner, factor):
        assert int(coarse[place]) == mean_of(values), values


@settings(max_examples=examples(100), deadline=None)
@given(volumes(("float16", "float32", "float64")), corners, st.sampled_from(FACTORS))
def test_means_of_floats_leave_out_what_is_nan(voxels, corner, factor):
    coarse = downsample(voxels, corner, factor, "mean")
    for place, values in windows_of(voxels, corner, factor):
        expected = voxels.dtype.type(mean_of(values))
        np.testing.assert_array_equal(coarse[place], expected)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_no_mean_is_the_same_nan_whatever_it_comes_of(dtype):
    """Processors differ in the sign of that of infinities, and digests tell bits apart."""
    voxels = np.array([np.inf, -np.inf, -np.nan, -np.nan], dtype).reshape(1, 1, 4)
    coarse = downsample(voxels, (0, 0, 0), (1, 1, 2), "mean")
    assert coarse.tobytes() == np.array([np.nan] * 2, dtype).tobytes()


def test_the_mean_of_the_largest_floats_is_one_of_them():
    for dtype in ("float16", "float32", "float64"):
        largest = np.finfo(dtype).max
        voxels = np.full((2, 2, 2), largest, dtype)
        assert downsample(voxels, (0, 0, 0), (2, 2, 2), "mean").item() == largest
        voxels[0, 0, 0] = np.inf
        assert downsample(voxels, (0, 0, 0), (2, 2, 2), "mean").item() == np.inf


@settings(max_examples=examples(300), deadline=None)
@given(volumes((*INTEGERS, "float32"), few=True), corners, st.sampled_from(FACTORS))
def test_the_mode_is_the_most_frequent_value(voxels, corner, factor):
    coarse = downsample(voxels, corner, factor, "mode")
    for place, values in windows_of(voxels, corner, factor):
        keys = [repr(value) for value in values]
        assert repr(coarse[place].item()) == most_frequent(keys)


@given(arrays(np.uint32, (2, 2, 2), elements=st.integers(0, 3)))
def test_the_mode_agrees_with_every_window_of_eight(window):
    coarse = downsample(window, (0, 0, 0), (2, 2, 2), "mode")
    assert coarse.item() == most_frequent(window.ravel().tolist())


def test_booleans_are_false_and_true():
    voxels = np.array([[[True, True, False, True]]])
    for method in ("mean", "mode"):
        coarse = downsample(voxels, (0, 0, 0), (1, 1, 2), method)
        assert coarse.dtype == bool
        assert coarse.tolist() == [[[True, False]]], "a half is even, and the first comes first"


STEPS = st.lists(st.sampled_from(FACTORS[:3]), min_size=1, max_size=3)
"""Chains of up to three levels, of any of these."""


@settings(max_examples=examples(150), deadline=None)
@given(
    volumes(("uint8", "uint64", "int16", "float32")),
    corners,
    STEPS,
    st.sampled_from(["mean", "mode"]),
    st.lists(shapes, min_size=5, max_size=5),
    shapes,
    corners,
    st.sampled_from([1, 300, 2**23]),
)
def test_five_cuttings_are_one_volume(
    voxels, corner, steps, method, cuttings, chunk, start, at_once
):
    """Blocks are multiples of all factors, counted from 0; what is read at once is anything."""
    box = Box.of(corner, voxels.shape)
    whole, expected = box, []
    for step in steps:
        level = downsample((expected or [voxels])[-1], whole.corner_zyx, step, method)
        expected.append(level)
        whole = coarser(whole, step)
    total = np.prod(steps, axis=0)

    def read(part):
        assert box.contains(part)
        return np.ascontiguousarray(voxels[part.slices(corner)])

    chunks = Chunks(chunk, start)
    with patch.object(downsampling, "_PART_BYTES", at_once):
        for cutting in cuttings:
            block_shape = (np.array(cutting) * total).tolist()
            levels = [np.zeros_like(level) for level in expected]
            for block in grid(box, block_shape, (0, 0, 0)):
                made = pyramid(read, block, voxels.dtype.name, steps, method, chunks)
                inside, around = block, box
                for step, level, part in zip(steps, levels, made, strict=True):
                    inside, around = coarser(inside, step), coarser(around, step)
                    level[inside.slices(around.corner_zyx)] = part
            for level, right in zip(levels, expected, strict=True):
                np.testing.assert_array_equal(level, right)


def test_means_are_not_biased():
    """Rounding half up would brighten noise by 1/16, rounding down darken it by 7/16."""
    noise = np.random.default_rng(5).integers(0, 256, (128, 128, 128), np.uint8)
    level, mean = noise, noise.mean()
    for _ in range(3):
        level = downsample(level, (0, 0, 0), (2, 2, 2), "mean")
        inside = level.mean()
        assert abs(inside - mean) < 0.01, inside - mean


def test_arrays_that_do_not_fit_are_refused():
    voxels = np.zeros((4, 4, 4), np.uint8)
    with pytest.raises(ValueError, match="make no"):
        downsample(voxels, (1, 0, 0), (2, 2, 2), "mean", np.zeros((2, 2, 2), np.uint8))
