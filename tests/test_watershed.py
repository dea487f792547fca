"""Supervoxels: those of the whole volume by their definition, whatever the blocks."""

from typing import Any

import numpy as np
import pytest
from conftest import COUNTS, examples
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from voxels.boxes import Box, direction, grid, grid_shape, preceding
from voxels.labelling import surface
from voxels.links import facing
from voxels.merging import lookups, merge, number_components, unite
from voxels.watershed import Basins, basins, link_basins, seen


@st.composite
def affinities(draw: Any, most: int = 14) -> np.ndarray:
    """Draw affinities of three axes: noise, or so few values that most edges are ties."""
    shape = (3, *(draw(st.integers(1, most)) for _ in range(3)))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    dtype = draw(st.sampled_from(["uint8", "uint16"]))
    values = draw(st.sampled_from([2, 4, 256, 2**16 if dtype == "uint16" else 200]))
    steps = (np.iinfo(dtype).max // (values - 1)) if values > 1 else 1
    return (random.integers(0, values, shape) * steps).astype(dtype)


def by_definition(edges: np.ndarray, low: int, high: int, dust: int = 2) -> np.ndarray:
    """Return the supervoxels of a whole volume, voxel by voxel."""
    shape = edges.shape[1:]
    on = set()
    for voxel in np.ndindex(shape):
        around = []
        for axis, back in ((0, 1), (1, 1), (2, 1), (2, 0), (1, 0), (0, 0)):
            step = np.eye(3, dtype=int)[axis]
            later = tuple(map(int, voxel + step * (1 - back)))
            if later[axis] and later[axis] < shape[axis]:
                around.append((-int(edges[(axis, *later)]), len(around), axis, later))
        chosen = min(around, default=None)
        on |= {one[2:] for one in around if -one[0] >= high}
        if chosen and -chosen[0] >= low:
            on.add(chosen[2:])
    number = np.arange(np.prod(shape)).reshape(shape)
    pairs = [(number[v], number[tuple(v - np.eye(3, dtype=int)[axis])]) for axis, v in on]
    near, far = np.array(pairs, int).reshape(-1, 2).T
    graph = coo_array((np.ones(len(near), np.int8), (near, far)), shape=(number.size,) * 2)
    _, group = connected_components(graph, directed=False)
    labels = np.zeros(number.size, int)
    known: dict[int, int] = {}
    counts = np.bincount(group)
    for at, one in enumerate(group):
        if counts[one] >= dust:
            labels[at] = known.setdefault(one, len(known) + 1)
    return labels.reshape(shape)


def by_blocks(
    edges: np.ndarray, cutout: Box, blocks: list[Box], asked: tuple[int, int, int]
) -> Any:
    """Return the same from blocks, of which each knows its own part alone."""
    low, high, dust = asked
    made: list[Basins] = []
    for box in blocks:
        parts = [seen(box, cutout, axis).slices(cutout.corner_zyx) for axis in range(3)]
        own = [one[part].copy() for one, part in zip(edges, parts, strict=True)]
        made.append(basins(own, box, cutout, low, high))
    links = []
    for box, own, before in zip(blocks, made, preceding(blocks, 6), strict=True):
        neighbours = {}
        for other in before:
            way = direction(box, blocks[other])
            face = facing(way)
            neighbours[way] = surface(made[other].labels)[face], made[other].joins[face]
        faces = ("z0", "y0", "x0")
        planes = [surface(own.labels)[face] for face in faces]
        links.append(link_basins(planes, [own.joins[face] for face in faces], neighbours))
    sizes = [len(one.statistics.voxel_count) for one in made]
    group, n = unite(sizes, grid_shape(blocks), links)
    merged = merge((one.statistics for one in made), sizes, group, n, cutout)
    _, ids = number_components(merged, dust)
    found = np.zeros(cutout.shape_zyx, int)
    for box, one, table in zip(blocks, made, lookups(sizes, group, ids), strict=True):
        found[box.slices(cutout.corner_zyx)] = table[one.labels]
    return found


@settings(max_examples=examples(1000))
@given(
    edges=affinities(),
    corner=st.tuples(*[st.integers(-20, 20)] * 3),
    cuts=st.lists(st.tuples(*[st.integers(1, 7)] * 3), min_size=2, max_size=2),
    bounds=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    dust=st.sampled_from([2, 2, 5]),
)
def test_supervoxels_are_those_of_the_whole(
    edges: np.ndarray,
    corner: tuple[int, int, int],
    cuts: list[tuple[int, int, int]],
    bounds: tuple[float, float],
    dust: int,
) -> None:
    most = int(np.iinfo(edges.dtype).max)
    low, high = sorted(max(1, round(most * bound)) for bound in bounds)
    cutout = Box.of(corner, edges.shape[1:])
    whole = by_definition(edges, low, high, dust)
    for cut in cuts:
        blocks = grid(cutout, cut, (0, 0, 0))
        found = by_blocks(edges, cutout, blocks, (low, high, dust))
        np.testing.assert_array_equal(found, whole)
        COUNTS["cuttings of supervoxels"] += 1


@pytest.mark.parametrize(("low", "high"), [(0, 5), (6, 5), (-1, 2)])
def test_bounds_that_make_no_sense_are_refused(low: int, high: int) -> None:
    box = Box.of((0, 0, 0), (2, 2, 2))
    with pytest.raises(ValueError, match="must be at least 1, in this order"):
        basins([*np.zeros((3, 2, 2, 2), np.uint8)], box, box, low, high)
    with pytest.raises(ValueError, match="are not those of"):
        basins([*np.zeros((3, 1, 2, 2), np.uint8)], box, box, 1, 1)
    with pytest.raises(ValueError, match="affinities are float32"):
        basins([*np.zeros((3, 2, 2, 2), np.float32)], box, box, 1, 1)
