"""Matched spheres: the cells of the whole, in its order, whatever the blocks."""

import os
import subprocess
import sys
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from conftest import ROOT, SOAK, examples
from detecting import balls_of, beyond, blocks, corners, greedy, volumes, voxel_sizes
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from voxels.boxes import Box
from voxels.detection import queue
from voxels.detection.balls import ball, extents, size
from voxels.detection.searches import Spheres
from voxels.detection.settling import settle
from voxels.detection.spheres import BlockSpheres, detect
from voxels.detection.sums import spread


@st.composite
def searches(draw: Any) -> Spheres:
    radius = draw(st.floats(0.5, 3.0))
    cleared = radius + draw(st.floats(0.0, 2.0))
    stop = Fraction(draw(st.integers(5, 70)), 100)
    return Spheres.of(radius, cleared, draw(voxel_sizes), stop)


def rows_of(zyx: np.ndarray, sums: np.ndarray, corner: tuple[int, ...]) -> list[tuple[int, ...]]:
    places = (zyx - corner).tolist()
    return [(*place, total) for place, total in zip(places, sums.tolist(), strict=True)]


def of_the_whole(values: np.ndarray, box: Box, spheres: Spheres) -> BlockSpheres:
    return detect(values, box, box, box, spheres)


def by_blocks(
    values: np.ndarray, cutout: Box, cut: list[tuple[Box, Box]], spheres: Spheres
) -> list[BlockSpheres]:
    return [
        # of the cutout a block is told no more than where it ends near it
        detect(values[box.slices(cutout.corner_zyx)], box, core, beyond(box, cutout), spheres)
        for core, box in cut
    ]


@settings(max_examples=examples(100), deadline=None)
@given(volumes(most=12), corners, searches())
def test_cells_are_those_of_the_definition_one_after_the_other(
    values: np.ndarray, corner: tuple[int, ...], spheres: Spheres
) -> None:
    cutout = Box.of(corner, values.shape)
    found = of_the_whole(values, cutout, spheres)
    assert rows_of(found.certain, found.certain_sums, corner) == greedy(values, spheres)
    assert not len(found.open) and not len(found.under)


@settings(max_examples=1000 if SOAK else 40, deadline=None)
@given(
    volumes(),
    corners,
    searches(),
    st.tuples(*[st.integers(1, 4)] * 3),
    corners,
    st.tuples(*[st.integers(0, 12)] * 3),
    st.randoms(use_true_random=False),
)
def test_cells_of_blocks_are_those_of_the_whole_in_its_order(
    values: np.ndarray,
    corner: tuple[int, ...],
    spheres: Spheres,
    number: tuple[int, ...],
    origin: tuple[int, ...],
    more: tuple[int, ...],
    random: Any,
) -> None:
    """Blocks may be thinner than their halo, which is at least what sums need."""
    cutout = Box.of(corner, values.shape)
    halo = np.add(extents(spheres.summed), more)
    found = by_blocks(values, cutout, blocks(cutout, number, origin, halo), spheres)
    whole = of_the_whole(values, cutout, spheres)
    expected = rows_of(whole.certain, whole.certain_sums, corner)
    certain = {row for one in found for row in rows_of(one.certain, one.certain_sums, corner)}
    assert certain <= set(expected)
    random.shuffle(found)
    assert rows_of(*settle(found, cutout, spheres), corner) == expected


def test_with_the_recommended_halo_most_is_certain_and_with_less_some_is_open() -> None:
    random = np.random.default_rng(3)
    values = np.zeros((60, 40, 40), np.uint8)
    values[tuple(random.integers(0, side, 90) for side in values.shape)] = 255
    values = (ndimage.grey_dilation(values, footprint=balls_of(ball(2.5, (1, 1, 1)))) > 0) * values
    values = ndimage.grey_dilation(values, footprint=balls_of(ball(2.0, (1, 1, 1))))
    spheres = Spheres.of(2.0, 3.0, (1, 1, 1), Fraction(1, 2))
    cutout = Box.of((0, 0, 0), values.shape)
    numbers = {}
    for halo in (spheres.halo, extents(spheres.summed)):
        found = by_blocks(values, cutout, blocks(cutout, (3, 1, 1), (0, 0, 0), halo), spheres)
        numbers[halo] = [
            sum(len(getattr(one, name)) for one in found) for name in ("certain", "open")
        ]
    most, least = numbers.values()
    assert most[0] > 10 * most[1] and most[0] > least[0] > 0 and least[1] > 100


@given(volumes(most=14), voxel_sizes, st.floats(0.0, 9.0), corners)
def test_sums_in_balls_are_those_of_a_filter(
    values: np.ndarray, voxel_size: tuple[float, ...], radius: float, corner: tuple[int, ...]
) -> None:
    widths = ball(radius, voxel_size)
    inside = balls_of(widths)
    assert inside.sum() == size(widths)
    steps = np.argwhere(inside) - extents(widths)
    assert (((steps * voxel_size) ** 2).sum(axis=1) <= radius**2 * (1 + 1e-9)).all()
    wanted = ndimage.correlate(values.astype(np.int32), inside.astype(np.int32), mode="constant")
    sums = np.zeros(values.shape, np.int32)
    spread(values, widths, sums, (0, 0, 0), 1)
    np.testing.assert_array_equal(sums, wanted)
    # a part of it, put where it was
    low = [abs(one) % side for one, side in zip(corner, values.shape, strict=True)]
    part = np.ascontiguousarray(values[tuple(slice(one, None) for one in low)])
    spread(part, widths, sums, tuple(low), -1)
    values[tuple(slice(one, None) for one in low)] = 0
    wanted = ndimage.correlate(values.astype(np.int32), inside.astype(np.int32), mode="constant")
    np.testing.assert_array_equal(sums, wanted)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=40), st.data())
def test_a_queue_gives_the_smallest_key_also_of_those_that_came_later(
    numbers: list[int], data: Any
) -> None:
    keys, waiting = np.array(sorted(numbers)), sorted(numbers)
    read, heap = 0, 0
    while waiting:
        key, read, heap = queue.pop(keys, read, heap)
        assert key == waiting.pop(0)
        if key < 60 and data.draw(st.booleans()):
            later = key + data.draw(st.integers(1, 20))
            heap = queue.push(keys, later, heap)
            waiting = sorted([*waiting, later])
    assert (read, heap) == (len(keys), 0)


def test_many_cells_fit_whatever_room_there_was_at_first() -> None:
    values = np.zeros((30, 30, 30), np.uint8)
    values[::3, ::3, ::3] = 200
    spheres = Spheres.of(1.0, 1.0, (1, 1, 1), Fraction(1, 10))
    found = of_the_whole(values, Box.of((0, 0, 0), values.shape), spheres)
    assert len(found.certain) == 1000 and set(found.certain_sums.tolist()) == {200}
    order = [tuple(row) for row in found.certain.tolist()]
    assert order == sorted(order)


def test_the_smallest_sum_is_the_share_that_is_written_exactly() -> None:
    spheres = Spheres.of(1.0, 1.0, (1, 1, 1), Fraction("0.6"))
    assert (size(spheres.summed), spheres.least) == (7, 1071)
    assert spheres.mean(np.array([1071, 1785])).tolist() == [0.6, 1.0]
    assert Spheres.of(1.0, 1.0, (1, 1, 1), Fraction("0.60001")).least == 1072
    assert Spheres.of(0.0, 0.0, (1, 1, 1), Fraction(1, 10**9)).least == 1


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ((2.0, 1.0, (1, 1, 1), 1), "less than the 2.0 nm that are summed"),
        ((2.0, 2.0, (1, 1, 1), 0), "stop is 0"),
        ((2.0, 2.0, (1, 1, 1), Fraction(3, 2)), "stop is 3/2"),
        ((200.0, 200.0, (1, 1, 1), 1), "more voxels than can be summed"),
        ((float("nan"), 2.0, (1, 1, 1), 1), "no ball of nan nm"),
        ((2.0, 2.0, (0, 1, 1), 1), "no ball of 2.0 nm"),
    ],
)
def test_spheres_that_can_not_be_matched_are_refused(asked: tuple[Any, ...], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Spheres.of(*asked)


def test_a_block_without_the_voxels_that_its_sums_need_is_refused() -> None:
    spheres = Spheres.of(2.0, 2.0, (1, 1, 1), 1)
    cutout, core = Box.of((0, 0, 0), (20, 20, 20)), Box.of((5, 5, 5), (5, 5, 5))
    for box in (Box.of((4, 3, 3), (9, 9, 9)), core, Box.of((-1, 0, 0), (20, 20, 20))):
        with pytest.raises(ValueError, match="does not have the 2,2,2 voxels"):
            detect(np.zeros(box.shape_zyx, np.uint8), box, core, cutout, spheres)


def test_what_is_compiled_before_is_all_that_searches_need() -> None:
    """Whatever the cutting: numba would compile the rest in each task."""
    program = """
import importlib
from fractions import Fraction
import numpy as np
from voxels.boxes import Box
from voxels.detection import blobs, compiled, settling, spheres
from voxels.detection.searches import Blobs, Spheres

names = ("sums", "taking", "queue", "settling", "filtering")
modules = [importlib.import_module(f"voxels.detection.{name}") for name in names]
loops = {one for module in modules for one in vars(module).values() if hasattr(one, "signatures")}
compiled.compile_all()
before = {loop: len(loop.signatures) for loop in loops}
assert sum(before.values()) > 6, before  # of what Python calls
cutout = Box.of((-3, 0, 5), (12, 20, 22))
values = np.random.default_rng(0).integers(0, 256, cutout.shape_zyx, np.uint8)
asked = Spheres.of(1.5, 2.0, (1.0, 1.0, 1.0), Fraction(1, 2))
found = []
for y, stop in ((0, 13), (7, 20)):
    box = Box.of((-3, y, 5), (12, stop - y, 22))
    core = Box.of((-3, 0 if y == 0 else 10, 5), (12, 10, 22))
    part = values[box.slices(cutout.corner_zyx)]
    found.append(spheres.detect(part, box, core, cutout, asked))
    scales = Blobs.of([(0.4,) * 3, (0.5,) * 3], (1.0, 1.0, 1.0), 5.0)
    blobs.suppress([blobs.candidates(part.astype(np.int16), box, core, cutout, scales)], scales)
assert sum(len(one.open) for one in found)
settling.settle(found, cutout, asked)
grown = {loop.__name__: loop.signatures for loop, n in before.items() if len(loop.signatures) > n}
assert not grown, grown
"""
    told = os.environ | {"PYTHONPATH": str(ROOT / "bin")}
    subprocess.run([sys.executable, "-c", program], check=True, env=told)
