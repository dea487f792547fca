"""Blobs: maxima of the Laplacian of Gaussian, those of the whole to the bit, by any blocks."""

from typing import Any

import numpy as np
import pytest
from conftest import SOAK, examples
from detecting import apart, beyond, blocks, corners, response, volumes, voxel_sizes
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.feature import blob_log
from voxels.boxes import Box
from voxels.detection.blobs import IMAGES, Blobs, Candidates, candidates, suppress


@st.composite
def searches(draw: Any) -> Blobs:
    steps = draw(st.lists(st.tuples(*[st.floats(0.4, 0.9)] * 3), min_size=1, max_size=3))
    return Blobs.of(
        np.cumsum(steps, axis=0),
        draw(voxel_sizes),
        draw(st.sampled_from([0.01, 3.0, 20.0])),
        draw(st.sampled_from(["bright", "dark"])),
        draw(st.floats(0.3, 2.0)),
    )


def same(one: Candidates, other: Candidates) -> bool:
    return all(
        a.tobytes() == b.tobytes() and a.shape == b.shape for a, b in zip(one, other, strict=True)
    )


def of_the_whole(image: np.ndarray, box: Box, asked: Blobs) -> Candidates:
    return candidates(image, box, box, box, asked)


@settings(max_examples=1000 if SOAK else 40, deadline=None)
@given(
    volumes(),
    st.sampled_from(IMAGES),
    corners,
    searches(),
    st.tuples(*[st.integers(1, 4)] * 3),
    corners,
    st.randoms(use_true_random=False),
)
def test_blobs_of_blocks_are_those_of_the_whole_in_its_order(
    values: np.ndarray,
    dtype: str,
    corner: tuple[int, ...],
    asked: Blobs,
    number: tuple[int, ...],
    origin: tuple[int, ...],
    random: Any,
) -> None:
    image = values.astype(dtype)
    cutout = Box.of(corner, image.shape)
    parts = [
        candidates(image[box.slices(corner)], box, core, beyond(box, cutout), asked)
        for core, box in blocks(cutout, number, origin, asked.halo)
    ]
    random.shuffle(parts)
    whole = of_the_whole(image, cutout, asked)
    assert same(Candidates.of(parts), whole)
    found = suppress(parts, asked)
    assert same(found, apart(whole, asked))
    assert same(found.ordered(), found)


@settings(max_examples=examples(300), deadline=None)
@given(volumes(most=16), corners, searches())
def test_responses_are_those_of_slower_filters_and_candidates_their_maxima(
    values: np.ndarray, corner: tuple[int, ...], asked: Blobs
) -> None:
    found = of_the_whole(values, Box.of(corner, values.shape), asked)
    responses = [response(values, asked, scale) for scale in range(len(asked.sigmas))]
    stack = np.pad(np.stack(responses), 1, constant_values=-np.inf)
    near = 1e-3  # of 255
    places = (found.scale, *(found.zyx - corner).T)
    wanted = np.stack(responses)[places]
    np.testing.assert_allclose(found.response, wanted, atol=near)
    highest = np.lib.stride_tricks.sliding_window_view(stack, (3, 3, 3, 3)).max(axis=(4, 5, 6, 7))
    assert (highest[places] <= wanted + near).all() and (wanted >= asked.threshold - near).all()
    is_found = np.zeros(highest.shape, bool)
    is_found[places] = True
    surely = (np.stack(responses) >= asked.threshold + near) & (
        stack[1:-1, 1:-1, 1:-1, 1:-1] == highest
    )
    others = np.sort(
        np.lib.stride_tricks.sliding_window_view(stack, (3, 3, 3, 3)).reshape(*highest.shape, -1)
    )[..., -2]
    assert is_found[surely & (others < highest - near)].all()


def balls(shape: tuple[int, ...], middles: np.ndarray, radius: float) -> np.ndarray:
    places = np.moveaxis(np.indices(shape), 0, -1)
    nearest = np.min([((places - one) ** 2).sum(axis=-1) for one in middles], axis=0)
    return (np.sqrt(nearest) <= radius).astype(np.float32)


def test_a_ball_is_found_at_its_middle_and_the_scale_of_its_radius_where_skimage_finds_it() -> None:
    middles = np.array([(12, 12, 12), (12, 12, 37), (30, 30, 14), (20, 36, 36)])
    radius = 5.0
    image = balls((44, 50, 50), middles, radius)
    sigmas = [radius / np.sqrt(3) * factor for factor in (0.6, 0.8, 1.0, 1.25)]
    asked = Blobs.of([(one,) * 3 for one in sigmas], (1, 1, 1), 0.3)
    found = suppress([of_the_whole(image, Box.of((0, 0, 0), image.shape), asked)], asked)
    assert sorted(map(tuple, found.zyx.tolist())) == sorted(map(tuple, middles.tolist()))
    assert set(found.scale.tolist()) == {2}
    theirs = blob_log(image, min_sigma=sigmas[2], max_sigma=sigmas[2], num_sigma=1, threshold=0.3)
    assert sorted(map(tuple, theirs[:, :3].astype(int).tolist())) == sorted(
        map(tuple, found.zyx.tolist())
    )


def test_a_flat_voxel_size_gives_the_response_of_the_same_object_in_round_voxels() -> None:
    """The Laplacian is that of space, not that of voxels."""
    middle = np.array([(20, 20, 20)])
    fine = balls((41, 41, 41), middle, 6.0)
    flat = np.ascontiguousarray(fine[::2])
    found = []
    for image, size in ((fine, (10, 10, 10)), (flat, (20, 10, 10))):
        asked = Blobs.of([(35.0, 35.0, 35.0)], size, 0.3)
        found.append(of_the_whole(image, Box.of((0, 0, 0), image.shape), asked))
    assert [one.zyx.tolist() for one in found] == [[[20, 20, 20]], [[10, 20, 20]]]
    assert found[0].response[0] == pytest.approx(found[1].response[0], rel=0.02)


def test_of_equal_maxima_the_first_is_kept_and_in_what_is_even_or_beside_nan_there_are_none() -> (
    None
):
    asked = Blobs.of([(1.0, 1.0, 1.0)], (1, 1, 1), 0.5, separation=2.0)
    image = np.zeros((9, 9, 30), np.float32)
    image[4, 4, 4:8:3] = 100  # two maxima of one height
    box = Box.of((0, 0, 0), image.shape)
    every = of_the_whole(image, box, asked)
    heights = every.response.tolist()
    assert len(heights) == 2 and heights[0] == heights[1]
    assert suppress([every], asked).zyx.tolist() == [[4, 4, 4]]
    image[4, 4, 20] = 100
    image[4, 4, 8] = np.nan
    assert of_the_whole(image, box, asked).zyx.tolist() == [[4, 4, 20]]
    even = np.full((20, 20, 20), 65535, np.uint16)
    assert not len(of_the_whole(even, Box.of((0, 0, 0), even.shape), asked).scale)
    assert not len(suppress([], asked).scale)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (([], (1, 1, 1), 1.0), "must be numbers above 0"),
        (([(1, 0, 1)], (1, 1, 1), 1.0), "must be numbers above 0"),
        (([(1, 1, 1)], (1, 1, 1), 0.0), "must be numbers above 0"),
        (([(1, 1, 1)], (1, 1, 1), float("nan")), "must be numbers above 0"),
        (([(1, 1, 1)], (1, 1, 0), 1.0), "must be numbers above 0"),
        (([(1, 1, 1), (2, 1, 2)], (1, 1, 1), 1.0), "larger than the one before"),
        (([(1, 1, 1)], (1, 1, 1), 1.0, "grey"), "write bright or dark"),
    ],
)
def test_blobs_that_can_not_be_found_are_refused(asked: tuple[Any, ...], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Blobs.of(*asked)


def test_a_block_without_its_halo_and_other_types_are_refused() -> None:
    asked = Blobs.of([(1.0, 1.0, 2.0)], (1, 1, 1), 1.0)
    assert asked.halo == (5, 5, 9)
    cutout, core = Box.of((0, 0, 0), (40, 40, 40)), Box.of((9, 9, 9), (5, 5, 5))
    for box in (Box.of((4, 4, 1), (15, 15, 21)), core, Box.of((-1, 0, 0), (40, 40, 40))):
        with pytest.raises(ValueError, match="does not have the 5,5,9 voxels"):
            candidates(np.zeros(box.shape_zyx, np.uint8), box, core, cutout, asked)
    with pytest.raises(ValueError, match="searched for in uint64: give uint8"):
        of_the_whole(np.zeros((3, 3, 3), np.uint64), Box.of((0, 0, 0), (3, 3, 3)), asked)
