"""How good a detection is; probabilities from a histogram; volumes of which all cells are known."""

import itertools
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from conftest import examples
from detecting import blocks, corners
from hypothesis import given, settings
from hypothesis import strategies as st
from voxels.boxes import Box
from voxels.contingency import contingency
from voxels.detection import matching, mixture, simulated
from voxels.detection.blobs import Blobs, candidates, suppress
from voxels.detection.matching import match_labels, match_points
from voxels.detection.settling import settle
from voxels.detection.spheres import Spheres, detect

TRUTH = np.array([(0, 0, 0), (0, 0, 50), (0, 50, 0), (50, 0, 0)])


@pytest.mark.parametrize(
    ("truth", "found", "distance", "scores"),
    [
        (TRUTH, TRUTH, 5, (4, 4, 4, 1.0, 1.0, 1.0)),
        (TRUTH, TRUTH[[3, 0, 2]], 5, (4, 3, 3, 1.0, 0.75, 6 / 7)),
        (TRUTH, [*TRUTH, (50, 50, 50)], 5, (4, 5, 4, 0.8, 1.0, 8 / 9)),
        # not the nearest first, which leaves one of each
        ([(0, 0, 0), (0, 0, 10)], [(0, 0, 6), (0, 0, 14)], 8, (2, 2, 2, 1.0, 1.0, 1.0)),
        ([(0, 0, 0)], [(0, 3, 4)], 5, (1, 1, 1, 1.0, 1.0, 1.0)),  # as far as may be
        ([(0, 0, 0)], [(0, 3, 4.001)], 5, (1, 1, 0, 0.0, 0.0, 0.0)),
        ([(0, 0, 0)], [(0, 0, 1), (0, 0, 1)], 5, (1, 2, 1, 0.5, 1.0, 2 / 3)),
        ([], [(0, 0, 1)], 5, (0, 1, 0, 0.0, 1.0, 0.0)),
        ([(0, 0, 1)], [], 5, (1, 0, 0, 1.0, 0.0, 0.0)),
        ([], [], 5, (0, 0, 0, 1.0, 1.0, 1.0)),
    ],
)
def test_points_are_scored_by_the_most_pairs_within_a_distance(
    truth: Any, found: Any, distance: float, scores: tuple[float, ...]
) -> None:
    told = match_points(np.array(truth), np.array(found), distance).scores()
    assert tuple(told.values()) == pytest.approx(scores)
    assert [*told] == ["n_truth", "n_found", "true_positives", "precision", "recall", "f1"]


def best(truth: np.ndarray, found: np.ndarray, distance: float) -> tuple[int, float]:
    """Return the most pairs, and the smallest sum of their distances, of all ways there are."""
    apart = np.sqrt(((truth[:, None] - found) ** 2).sum(axis=-1))
    if len(truth) > len(found):
        apart = apart.T
    ways = itertools.permutations(range(apart.shape[1]), apart.shape[0])
    sums = []
    for way in ways:
        pairs = apart[np.arange(len(way)), list(way)]
        sums.append((-int((pairs <= distance).sum()), float(pairs[pairs <= distance].sum())))
    many, total = min(sums)
    return -many, total


@settings(max_examples=examples(400), deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**32), st.floats(1.0, 9.0))
def test_no_other_way_has_more_pairs_or_as_many_that_are_nearer(
    n_truth: int, n_found: int, seed: int, distance: float
) -> None:
    random = np.random.default_rng(seed)
    truth, found = (random.integers(0, 9, (number, 3)) for number in (n_truth, n_found))
    matches = match_points(truth, found, distance)
    steps = truth[matches.truth] - found[matches.found]
    np.testing.assert_allclose(np.sqrt((steps**2).sum(axis=1)), matches.cost)
    assert (matches.cost <= distance * (1 + 1e-12)).all()
    assert len({*matches.truth}) == len({*matches.found}) == len(matches.cost)
    many, total = best(truth, found, distance)
    assert len(matches.cost) == many and matches.cost.sum() == pytest.approx(total)


def test_large_clusters_are_matched_as_small_ones_are(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(1)
    truth, found = (random.uniform(0, 40, (number, 3)) for number in (300, 250))
    dense = match_points(truth, found, 9)
    monkeypatch.setattr(matching, "DENSE", 0)
    sparse = match_points(truth, found, 9)
    assert dense.scores() == sparse.scores() and len(dense.cost) > 200
    assert dense.cost.sum() == pytest.approx(sparse.cost.sum())
    unit = match_points(truth / (2, 1, 1), found / (2, 1, 1), 9, (2, 1, 1))
    assert unit.scores() == dense.scores()


def test_20_000_points_are_matched() -> None:
    random = np.random.default_rng(2)
    truth = random.uniform(0, 700, (20_000, 3))
    found = (truth + random.normal(0, 2, truth.shape))[random.random(len(truth)) < 0.9]
    matches = match_points(truth, found, 8)
    assert 0.95 * len(found) < len(matches.cost) <= len(found)


def test_segments_are_matched_by_the_share_of_voxels_that_both_have() -> None:
    truth = np.array([0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 0], np.uint64)
    found = np.array([0, 8, 9, 9, 9, 9, 9, 7, 7, 0, 0, 6], np.uint64)
    matches = match_labels(contingency(truth, found))
    assert [*zip(matches.truth, matches.found, matches.cost, strict=True)] == [
        (0, 3, pytest.approx(1 - 4 / 5)),
        (1, 1, pytest.approx(1 - 2 / 3)),
    ]
    assert matches.scores() == {
        **{"n_truth": 3, "n_found": 4, "true_positives": 2},
        **{"precision": 0.5, "recall": 2 / 3, "f1": pytest.approx(4 / 7)},
    }
    assert match_labels(contingency(truth, found), 0.7).scores()["true_positives"] == 1
    assert match_labels(contingency(truth, truth), 1).scores()["f1"] == 1.0


def test_what_can_not_be_matched_is_refused() -> None:
    for distance in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="give a distance above 0"):
            match_points(TRUTH, TRUTH, distance)
    with pytest.raises(ValueError, match="three finite coordinates"):
        match_points(TRUTH, np.array([(0, 0, np.nan)]), 1)
    with pytest.raises(ValueError, match="give a share above 0"):
        match_labels(contingency(np.ones(3, np.uint8), np.ones(3, np.uint8)), 0)


@settings(max_examples=examples(200), deadline=None)
@given(
    st.sampled_from(["uint8", "uint16"]),
    corners,
    st.tuples(*[st.integers(1, 4)] * 3),
    st.integers(0, 2**32),
)
def test_probabilities_are_the_same_by_any_blocks(
    dtype: str, corner: tuple[int, ...], number: tuple[int, ...], seed: int
) -> None:
    random = np.random.default_rng(seed)
    values = random.normal(80, 9, (12, 9, 10))
    values[random.random(values.shape) < 0.3] += 60
    image = np.clip(values, 0, 255).astype(dtype)
    cutout = Box.of(corner, image.shape)
    cut = blocks(cutout, number, corner, (0, 0, 0))
    counts = sum(mixture.histogram(image[core.slices(corner)]) for core, _ in cut)
    whole = mixture.histogram(image)
    np.testing.assert_array_equal(counts, whole)
    tables = [
        mixture.probabilities(mixture.fit(each, 20), len(each)).tobytes()
        for each in (counts, whole)
    ]
    assert tables[0] == tables[1]


def test_a_mixture_is_found_again_and_each_step_makes_it_likelier() -> None:
    random = np.random.default_rng(5)
    image = np.concatenate([random.normal(70, 6, 30_000), random.normal(120, 11, 70_000)])
    counts = mixture.histogram(np.rint(image).astype(np.uint8)[None])
    found = mixture.fit(counts, 60)
    assert found.weights == pytest.approx((0.3, 0.7), abs=0.01)
    assert found.means == pytest.approx((70, 120), abs=0.5)
    assert np.sqrt(found.variances) == pytest.approx((6, 11), abs=0.3)
    values = np.arange(256)

    def likelihood(mixed: mixture.Mixture) -> float:
        parts = [
            weight / np.sqrt(variance) * np.exp(-((values - mean) ** 2) / 2 / variance)
            for weight, mean, variance in zip(*mixed, strict=True)
        ]
        return float((counts * np.log(np.maximum(sum(parts), 1e-300))).sum())

    steps = [likelihood(mixture.fit(counts, number)) for number in range(12)]
    assert all(after >= before - 1e-6 for before, after in itertools.pairwise(steps))
    bright, dark = (mixture.probabilities(found, 256, kind) for kind in ("bright", "dark"))
    assert (bright[[70, 120]].tolist(), dark[[70, 120]].tolist()) == ([0, 255], [255, 0])
    assert np.abs(bright.astype(int) + dark - 255).max() <= 1
    kept = mixture.above(bright, Fraction(1, 2))
    assert (
        set(kept[kept < 128].tolist()) == {0}
        and (kept[bright >= 128] == bright[bright >= 128]).all()
    )


def test_histograms_of_two_values_are_fitted_and_of_one_refused() -> None:
    counts = np.zeros(256, np.int64)
    counts[[3, 200]] = 1, 10**12
    assert mixture.probabilities(mixture.fit(counts, 500), 256)[[3, 200]].tolist() == [0, 255]
    counts[3] = 0
    with pytest.raises(ValueError, match="all voxels have one value"):
        mixture.fit(counts, 5)
    with pytest.raises(ValueError, match="of float32 are not counted"):
        mixture.histogram(np.zeros((2, 2), np.float32))
    with pytest.raises(ValueError, match="write bright or dark"):
        mixture.probabilities(mixture.Mixture((0.5, 0.5), (1, 2), (1, 1)), 256, "grey")


@settings(max_examples=examples(200), deadline=None)
@given(corners, st.tuples(*[st.integers(1, 40)] * 3), st.integers(0, 2**70), st.data())
def test_any_box_of_a_simulation_is_made_alone(
    corner: tuple[int, ...], shape: tuple[int, ...], seed: int, data: Any
) -> None:
    whole = Box.of(corner, shape)
    low = [data.draw(st.integers(0, side - 1)) for side in shape]
    more = [data.draw(st.integers(1, side - at)) for side, at in zip(shape, low, strict=True)]
    part = Box.of(np.add(corner, low).tolist(), more)
    image = simulated.image(whole, seed)
    np.testing.assert_array_equal(simulated.image(part, seed), image[part.slices(corner)])
    zyx, radii = simulated.cells(whole, seed)
    inside = ((zyx >= part.corner_zyx) & (zyx < part.end_zyx)).all(axis=1)
    assert [one.tolist() for one in simulated.cells(part, seed)] == [
        zyx[inside].tolist(),
        radii[inside].tolist(),
    ]


def test_nearly_all_cells_of_a_simulation_are_found_and_little_else() -> None:
    cutout = Box.of((5, -70, 10**6), (150, 150, 150))
    image = simulated.image(cutout, 3)
    table = mixture.probabilities(mixture.fit(mixture.histogram(image), 100), 256, "dark")
    values = mixture.above(table, Fraction(1, 2))[image]
    size = simulated.VOXEL_SIZE_NM
    spheres = Spheres.of(6 * size[0], 8 * size[0], size, Fraction("0.6"))
    parts = [
        detect(values[box.slices(cutout.corner_zyx)], box, core, cutout, spheres)
        for core, box in blocks(cutout, (2, 1, 1), (0, 0, 0), spheres.halo)
    ]
    zyx, _ = settle(parts, cutout, spheres)
    truth, _ = simulated.cells(cutout, 3)
    scores = match_points(truth, zyx, 5 * size[0], size).scores()
    assert scores["n_truth"] > 200 and scores["recall"] >= 0.94
    # also cells that the cutout cuts off are true
    every, _ = simulated.cells(Box.of((0, -75, 10**6 - 5), (160, 160, 160)), 3)
    assert match_points(every, zyx, 5 * size[0], size).scores()["precision"] >= 0.97
    dark = Blobs.of([[4.2 * side for side in size]], size, 30.0, "dark")
    found = suppress([candidates(image, cutout, cutout, cutout, dark)], dark)
    assert match_points(truth, found.zyx, 5 * size[0], size).scores()["recall"] >= 0.99


def test_a_simulation_is_the_same_everywhere_and_its_cells_are_where_it_says() -> None:
    box = Box.of((-40, 10, 10**9), (64, 64, 64))
    image = simulated.image(box, 7)
    assert simulated.image(box, 8).tobytes() != image.tobytes()
    zyx, radii = simulated.cells(box, 7)
    middles = np.rint(zyx).astype(int) - box.corner_zyx
    middles = middles[((middles >= 0) & (middles < 64)).all(axis=1)]
    at = image[tuple(middles.T)]
    assert len(at) > 8 and at.mean() == pytest.approx(simulated.DARK, abs=10)
    assert np.median(image) == pytest.approx(simulated.BRIGHT, abs=4)
    assert 5.5 <= radii.min() <= radii.max() <= 9.0
