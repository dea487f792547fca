"""Regions merged by affinity: as the definition has it, one pair after the other."""

from collections import Counter
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from conftest import COUNTS, examples
from hypothesis import given, settings
from hypothesis import strategies as st
from voxels import region_graph as graphs
from voxels.agglomeration import agglomerate, regions_of
from voxels.boxes import Box, grid
from voxels.region_graph import BlockGraph, RegionGraph, region_graph


@st.composite
def volumes(draw: Any) -> tuple[np.ndarray, np.ndarray]:
    """Draw regions, and affinities of three axes: noise, or so few values that many are ties."""
    shape = tuple(draw(st.integers(1, 12)) for _ in range(3))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    many = draw(st.integers(1, 40))
    ids = random.choice(np.array([0, 1, 2**40, 2**63 + 5, *range(7, 7 + many)], np.uint64), many)
    coarse = ids[random.integers(0, many, [-(-side // 2) for side in shape])]
    regions = coarse.repeat(2, 0).repeat(2, 1).repeat(2, 2)[tuple(map(slice, shape))].copy()
    dtype = draw(st.sampled_from(["uint8", "uint16"]))
    values = draw(st.sampled_from([2, 5, 256]))
    step = np.iinfo(dtype).max // (values - 1)
    return regions, (random.integers(0, values, (3, *shape)) * step).astype(dtype)


def by_definition(regions: np.ndarray, edges: np.ndarray) -> dict[tuple[int, int], list[int]]:
    """Return the affinities between each pair of regions."""
    found: dict[tuple[int, int], list[int]] = {}
    for voxel in np.ndindex(regions.shape):
        for axis in range(3):
            before = tuple(voxel - np.eye(3, dtype=int)[axis])
            if before[axis] >= 0:
                pair = sorted({int(regions[voxel]), int(regions[before])})
                if len(pair) == 2 and pair[0]:
                    found.setdefault((pair[0], pair[1]), []).append(int(edges[(axis, *voxel)]))
    return dict(sorted(found.items()))


def merged(
    found: dict[tuple[int, int], list[int]], low: Fraction, quantile: int | None, shift: int
) -> list[tuple[int, int, Fraction]]:
    """Return merges by the definition: each from all pairs that there are."""
    pairs = [({a}, {b}, values) for (a, b), values in found.items()]
    merges = []

    def score(values: list[int]) -> Fraction:
        if quantile is None:
            return Fraction(sum(values), len(values))
        return Fraction(sorted(values)[quantile * len(values) // 100] >> shift)

    while pairs:
        best = max(range(len(pairs)), key=lambda at: (score(pairs[at][2]), -at))
        one, other, values = pairs.pop(best)
        if score(values) < low:
            break
        merges.append((min(one | other), max(min(one), min(other)), score(values)))
        both, left = one | other, []
        for a, b, these in pairs:
            a, b = (both if side in (one, other) else side for side in (a, b))
            same = next((at for at in left if {min(at[0]), min(at[1])} == {min(a), min(b)}), None)
            if same:
                same[2].extend(these)
            else:
                left.append((a, b, [*these]))
        pairs = left
    return merges


@settings(max_examples=examples(300))
@given(
    volume=volumes(),
    corner=st.tuples(*[st.integers(-20, 20)] * 3),
    cut=st.tuples(*[st.integers(1, 7)] * 3),
    quantile=st.sampled_from([None, None, 0, 25, 75]),
    bounds=st.lists(st.fractions(0, 1, max_denominator=50), min_size=1, max_size=3),
)
def test_merges_are_those_of_the_whole(
    volume: tuple[np.ndarray, np.ndarray],
    corner: tuple[int, int, int],
    cut: tuple[int, int, int],
    quantile: int | None,
    bounds: list[Fraction],
) -> None:
    regions, edges = volume
    cutout = Box.of(corner, regions.shape)

    def part(core: Box) -> BlockGraph:
        seen = regions[graphs.seen(core, cutout).slices(corner)]
        return region_graph(seen, [one[core.slices(corner)] for one in edges], core, cutout)

    graph, parts = part(cutout).graph, [part(core) for core in grid(cutout, cut, (0, 0, 0))]
    for one, other in zip(graph, RegionGraph.of(p.graph for p in reversed(parts)), strict=True):
        np.testing.assert_array_equal(one, other)
    voxels: Counter[int] = Counter()
    for block in parts:
        voxels.update(dict(zip(block.ids.tolist(), block.voxel_count.tolist(), strict=True)))
    assert voxels == Counter(regions[regions > 0].tolist())
    found = by_definition(regions, edges)
    shift = 8 * (edges.itemsize - 1)
    assert list(zip(graph.region.tolist(), graph.other.tolist(), strict=True)) == [*found]
    assert graph.affinity_sum.tolist() == [sum(values) for values in found.values()]
    assert graph.affinity_max.tolist() == [max(values) for values in found.values()]
    assert graph.edge_count.tolist() == [len(values) for values in found.values()]
    for row, values in zip(graph.histogram(), found.values(), strict=True):
        np.testing.assert_array_equal(row, np.bincount([v >> shift for v in values], minlength=256))

    most = np.iinfo(edges.dtype).max if quantile is None else 255
    thresholds = [int(most) * bound for bound in bounds]
    merges = agglomerate(graph, thresholds, quantile)
    expected = merged(found, min(thresholds), quantile, shift)
    scores = map(Fraction, merges.numerator.tolist(), merges.denominator.tolist())
    assert list(zip(merges.kept.tolist(), merges.gone.tolist(), scores, strict=True)) == expected
    ids = np.unique(regions)
    for threshold, until in zip(thresholds, merges.until, strict=True):
        assert until == len(merged(found, threshold, quantile, shift))
        groups = {int(one): {int(one)} for one in ids}
        for kept, gone, _ in expected[:until]:
            groups[kept] |= groups.pop(gone)
        of = {one: kept for kept, group in groups.items() for one in group}
        assert regions_of(ids, merges, until).tolist() == [of[int(one)] for one in ids]
    COUNTS["merges of regions"] += len(expected)


def test_fractions_are_compared_exactly() -> None:
    from voxels.fractions_heap import less

    random = np.random.default_rng(1)
    numbers = [1, 2, 3, 2**61, 2**62 - 1, 2**62, *map(int, random.integers(1, 2**62, 40))]
    for a, b, c, d in random.choice(np.array([0, *numbers]), (2000, 4)).tolist():
        b, d = b or 1, d or 1
        assert less(a, b, c, d) == (Fraction(a, b) < Fraction(c, d))


def test_what_makes_no_sense_is_refused() -> None:
    none = RegionGraph.none()
    with pytest.raises(ValueError, match="one at least"):
        agglomerate(none, [])
    with pytest.raises(ValueError, match="quantile 100 is none"):
        agglomerate(none, [Fraction(1)], 100)
    assert len(agglomerate(none, [Fraction(1)]).kept) == 0
    box = Box.of((0, 0, 0), (2, 2, 2))
    with pytest.raises(ValueError, match="float32 affinities"):
        region_graph(np.ones((2, 2, 2), np.uint8), [*np.ones((3, 2, 2, 2), np.float32)], box, box)
    with pytest.raises(ValueError, match="int64 regions"):
        region_graph(np.ones((2, 2, 2), np.int64), [*np.ones((3, 2, 2, 2), np.uint8)], box, box)
