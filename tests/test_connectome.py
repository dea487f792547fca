"""Connectomes, bundles and counts per voxel: as told streamline by streamline."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from subjects import connectome, parts, through
from subjects.parts import Streamlines
from test_tractogram import AFFINE, SHAPE, written

LABELS = np.random.default_rng(8).integers(0, 5, SHAPE).astype(np.int32)
FA = np.random.default_rng(9).random(SHAPE)


def lines(some: Streamlines) -> list[np.ndarray]:
    """Return the points of each streamline."""
    return np.split(some.positions, some.offsets[1:-1].astype(int))


def voxels(line: np.ndarray) -> np.ndarray:
    """Return the voxels that are nearest to points, one row each."""
    places = (line - AFFINE[:3, 3]) @ np.linalg.inv(AFFINE[:3, :3]).T
    return np.rint(places).astype(int).clip(0, np.array(SHAPE) - 1)


@pytest.fixture(scope="module")
def some(tmp_path_factory: pytest.TempPathFactory) -> Streamlines:
    directory: Path = tmp_path_factory.mktemp("parts")
    return next(written(directory, 1, 300))


def test_connections_are_those_told_line_by_line(some: Streamlines) -> None:
    found = connectome.connections(some, LABELS, FA, AFFINE)
    told: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for line in lines(some):
        met = voxels(line)
        ends = sorted(int(LABELS[tuple(met[at])]) for at in (0, -1))
        length = np.sqrt((np.diff(line.astype(float), axis=0) ** 2).sum(1)).sum()
        told.setdefault((ends[0], ends[1]), []).append((length, FA[tuple(met.T)].mean()))
    assert list(zip(found.a.tolist(), found.b.tolist(), strict=True)) == sorted(told)
    for at, pair in enumerate(sorted(told)):
        assert found.streamlines[at] == len(told[pair])
        means = np.mean(told[pair], axis=0)
        assert found.mean_length_mm[at] == pytest.approx(means[0], abs=1e-5)
        assert found.mean_fa[at] == pytest.approx(means[1], abs=1e-9)


@given(st.permutations(range(10)), st.sets(st.integers(1, 299)))
def test_connections_add_up_exactly_however_streamlines_are_cut(
    some: Streamlines, order: list[int], cuts: set[int]
) -> None:
    whole = connectome.connections(some, LABELS, FA, AFFINE)
    group = np.isin(np.arange(300), list(cuts)).cumsum() % 10
    pieces = (some.only(group == one) for one in order)
    added = connectome.added(
        connectome.connections(piece, LABELS, FA, AFFINE) for piece in pieces if len(piece)
    )
    assert all(np.array_equal(one, other) for one, other in zip(added, whole, strict=True))


def test_nothing_connects_nothing() -> None:
    none = connectome.added([])
    assert len(none.a) == 0 and none.mean_length_mm.shape == none.mean_fa.shape == (0,)


def test_bundles_go_through_all_that_is_included_and_none_that_is_excluded(
    some: Streamlines,
) -> None:
    first, second, third = LABELS == 1, LABELS == 2, np.zeros(SHAPE, np.uint8)
    third[:4] = 1
    chosen = through.through(some, [first, second], [third], AFFINE)
    expected = []
    for line in lines(some):
        met = tuple(voxels(line).T)
        expected.append(first[met].any() and second[met].any() and not third[met].any())
    np.testing.assert_array_equal(chosen, expected)
    assert 0 < chosen.sum() < 300
    assert through.through(some, [], [], AFFINE).all()


def test_a_streamline_counts_once_in_each_voxel(some: Streamlines) -> None:
    expected = np.zeros(SHAPE, np.uint32)
    back = np.concatenate([some.positions[:5], some.positions[4::-1]])
    more = Streamlines(back, np.array([0, 10], np.uint64))
    for line in [*lines(some), back]:
        expected[tuple(np.unique(voxels(line), axis=0).T)] += 1
    counted = through.visits([*parts.batches([some], 500), more], AFFINE, SHAPE)
    np.testing.assert_array_equal(counted, expected, strict=True)


def test_a_point_outside_of_the_volume_is_refused() -> None:
    points = parts.world(np.array([[5, 5, 5], [29.51, 5, 5.0]]), AFFINE)
    with pytest.raises(ValueError, match="outside of the volume"):
        parts.voxels_at(points, AFFINE, SHAPE)
    at_the_border = parts.world(np.array([[29.5, 39.5, -0.5]]), AFFINE)
    assert parts.voxels_at(at_the_border, AFFINE, SHAPE) == 29 * 40 * 20 + 39 * 20
