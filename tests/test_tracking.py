"""Seeds and streamlines: however they are cut, those of one call of dipy for the whole volume."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from subjects import parts, seeds, stepping, tracking
from subjects.tracking import How, Tracked, track
from tracked import small

SHAPE = (60, 70, 60)
HOW = How("probabilistic", 0.15, 0.5, 25, 3, 100)


@settings(max_examples=20)
@given(st.sets(st.integers(0, 60 * 70 * 60 - 1), max_size=9), st.integers(1, 4))
def test_a_seed_follows_from_its_voxel_and_its_number_alone(chosen: set[int], most: int) -> None:
    numbers = np.array(sorted(chosen, key=lambda one: one % 7), np.int64)
    found = seeds.seeds_of(numbers, SHAPE, range(most), 5).reshape(most, len(numbers), 3)
    np.testing.assert_array_equal(
        found[-1], seeds.seeds_of(numbers, SHAPE, [most - 1], 5), strict=True
    )
    for at, number in enumerate(numbers.tolist()):
        alone = seeds.seeds_of(np.array([number]), SHAPE, range(most), 5)
        np.testing.assert_array_equal(found[:, at], alone)
        key = np.array([5, most - 1], np.uint64)
        block = np.random.Philox(key=key, counter=number).random_raw(4)[:3]
        expected = np.unravel_index(number, SHAPE) + (block >> np.uint64(32)) / 2**32 - 0.5
        np.testing.assert_array_equal(alone[-1], expected)
    assert (np.rint(found - 2.0**-34) == np.stack(np.unravel_index(numbers, SHAPE), 1)).all()


def test_groups_of_any_number_are_ranges_of_one_order_and_about_as_large() -> None:
    mask = np.zeros(SHAPE, bool)
    mask[5:50, 8:60, 10:30] = True
    ordered = seeds.voxels_of(mask)
    np.testing.assert_array_equal(np.sort(ordered), np.flatnonzero(mask))
    for number in (1, 7, 64):
        groups = seeds.group_of(ordered, number)
        assert (np.diff(groups) >= 0).all()
        sizes = np.bincount(groups, minlength=number)
        assert len(sizes) == number and sizes.min() * number / len(ordered) > 0.85
    assert len(np.unique(ordered[1:] - ordered[:-1])) > 1000, "neighbours are far apart"


def test_jittered_seeds_have_random_states_of_their_own() -> None:
    """As `seeds` says: states of middles are few, and those of 50,000 jittered seeds differ."""
    middles = np.stack(np.unravel_index(np.arange(60 * 70 * 60), SHAPE), 1)
    assert len(np.unique(middles @ [2, 3, 5])) == 619
    inside = np.flatnonzero(((middles - 30) ** 2).sum(1) < 23**2)[:50_000]
    states = (seeds.seeds_of(inside, SHAPE, [0], 1) @ [2.0, 3.0, 5.0] * seeds.RANDOM_STATE) // 1
    assert len(states) == 50_000 and 49_985 < len(np.unique(states)) < 50_000
    assert states.max() < 2**31


def tracked(
    directory: Path, groups: int, how: How, threads: int = 1
) -> tuple[parts.Streamlines, list[Tracked]]:
    """Track from each voxel twice, in so many groups."""
    sh, fa, affine = small()
    ordered = seeds.voxels_of(fa > 0.2)
    of, told, made = seeds.group_of(ordered, groups), [], []
    for number in range(2):
        for group in range(groups):
            own = directory / f"{groups}_{how.algorithm}_{threads}_{number}_{group}"
            own.mkdir()
            places = seeds.seeds_of(ordered[of == group], fa.shape, [number], 3)
            told.append(track(sh, fa, affine, places, how, own, threads))
            made.append(parts.opened(own))
    lengths = np.concatenate([one.lengths for one in made])
    positions = np.concatenate([one.positions for one in made])
    return parts.Streamlines(positions, np.append(0, np.cumsum(lengths))), told


@pytest.mark.parametrize("algorithm", ["probabilistic", "deterministic"])
def test_streamlines_of_any_groups_are_those_of_one_call_of_dipy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, algorithm: str
) -> None:
    from dipy.tracking import tracker
    from dipy.tracking.stopping_criterion import ThresholdStoppingCriterion

    sh, fa, affine = small()
    how = HOW._replace(algorithm=algorithm)
    every = seeds.seeds_of(seeds.voxels_of(fa > 0.2), fa.shape, range(2), 3)
    whole = list(
        getattr(tracker, f"{algorithm}_tracking")(
            *(every, ThresholdStoppingCriterion(fa, how.fa_stop), np.eye(4)),
            **{"sh": sh, "voxel_size": np.sqrt((affine[:3, :3] ** 2).sum(0)), "nbr_threads": 1},
            **{"step_size": how.step_mm, "max_angle": how.max_angle},
            **{"min_len": how.min_length_mm, "max_len": how.max_length_mm},
            random_seed=seeds.RANDOM_STATE,
        )
    )
    assert len(whole) > 100
    expected = np.concatenate(whole) @ affine[:3, :3].T + affine[:3, 3]
    one, told = tracked(tmp_path, 1, how)
    np.testing.assert_array_equal(one.lengths, [len(line) for line in whole])
    np.testing.assert_array_equal(one.positions, parts.world(np.concatenate(whole), affine))
    np.testing.assert_allclose(one.positions, expected, rtol=1e-6, atol=1e-5)
    monkeypatch.setattr(tracking, "POINTS", 2**12)  # 20 streamlines at once
    for groups, threads in ((1, 2), (7, 1), (64, 1))[: 3 if algorithm == "probabilistic" else 1]:
        cut, own = tracked(tmp_path, groups, how, threads)
        np.testing.assert_array_equal(cut.positions, one.positions)
        np.testing.assert_array_equal(cut.offsets, one.offsets)
        assert np.array_equal(np.sum(own, axis=0), np.sum(told, axis=0))
    stepping.compile_all()
    assert len(stepping.follow.signatures) == 1, "what set-up compiles is what tracking needs"
    total = Tracked(*np.sum(told, axis=0).tolist())
    assert total[:3] == (len(every), len(whole), len(expected))
    step = how.step_mm / np.sqrt((affine[:3, :3] ** 2).sum(0))
    near = [(np.abs(line[[0, -1]] - 4.5) > 5 - step).any() for line in whole]
    assert total.n_left_volume == sum(near) > 10


@pytest.mark.parametrize("algorithm", ["probabilistic", "deterministic"])
def test_streamlines_of_a_volume_that_is_long_and_not_cubic(tmp_path: Path, algorithm: str) -> None:
    """Random states beyond 31 bits, voxels that are no cubes, seeds in what is no brain."""
    from dipy.tracking import tracker
    from dipy.tracking.stopping_criterion import ThresholdStoppingCriterion

    random, shape = np.random.default_rng(2), (4, 5, 900)
    sh = random.normal(size=(*shape, 15)) * 0.2
    sh[..., 0] = 1
    sh[:, :, 400:410] = 0
    fa = np.ones(shape)
    affine = np.diag([1.25, 2, 1.5, 1])
    places = np.concatenate(
        [(random.random((60, 3)) - 0.5) * [3, 4, 30] + [1.5, 2, z] for z in (15, 405, 440, 870)]
    )
    how = How(algorithm, 0.1, 0.4, 40, 1, 60)
    whole = list(
        getattr(tracker, f"{algorithm}_tracking")(
            *(places, ThresholdStoppingCriterion(fa, 0.1), np.eye(4)),
            **{"sh": sh, "voxel_size": np.array([1.25, 2, 1.5]), "step_size": 0.4, "max_angle": 40},
            **{"min_len": 1, "max_len": 60, "random_seed": seeds.RANDOM_STATE, "nbr_threads": 1},
        )
    )
    told = track(sh, fa, affine, places, how, tmp_path)
    assert told.n_streamlines == len(whole) > 100 and told.n_left_volume > 50
    made = parts.opened(tmp_path)
    np.testing.assert_array_equal(made.lengths, [len(line) for line in whole])
    np.testing.assert_array_equal(made.positions, parts.world(np.concatenate(whole), affine))


def test_no_seeds_are_no_streamlines(tmp_path: Path) -> None:
    sh, fa, affine = small()
    assert track(sh, fa, affine, np.empty((0, 3)), HOW, tmp_path) == (0, 0, 0, 0)
    none = parts.opened(tmp_path)
    assert len(none) == 0 and none.positions.shape == (0, 3) and none.positions.dtype == "<f4"
    assert list(parts.batches([none])) == []


def test_volumes_that_are_mapped_are_not_copied(tmp_path: Path) -> None:
    sh, fa, affine = small()
    np.save(tmp_path / "sh.npy", sh)
    (tmp_path / "part").mkdir()
    places = seeds.seeds_of(seeds.voxels_of(fa > 0.3), fa.shape, [0], 3)
    mapped = np.load(tmp_path / "sh.npy", mmap_mode="c")
    told = track(mapped, fa, affine, places, HOW, tmp_path / "part")
    assert told.n_streamlines > 20
    np.testing.assert_array_equal(np.load(tmp_path / "sh.npy"), sh)


def test_lengths_that_no_streamline_can_have_are_refused(tmp_path: Path) -> None:
    sh, fa, affine = small()
    for how in (HOW._replace(max_length_mm=0.6), HOW._replace(min_length_mm=50, max_length_mm=40)):
        with pytest.raises(ValueError, match=r"steps of 0\.5 mm .* give another max_length_mm"):
            own = tmp_path / f"{how.min_length_mm}"
            own.mkdir()
            track(sh, fa, affine, np.full((1, 3), 5.0), how, own)
