"""Tractograms of many parts: read as others read them, and no larger than their numbers."""

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from subjects import parts, pictures
from subjects.parts import Streamlines
from subjects.tractogram import as_trk, merged

AFFINE = np.array([[-1.9, 0.2, 0, 30], [0.2, 1.9, 0.1, -40], [0, -0.1, 2, -20], [0, 0, 0, 1.0]])
SHAPE = (30, 40, 20)


def written(directory: Path, number: int, lines: int, most: int = 90) -> Iterator[Streamlines]:
    """Write so many parts, and yield them one at a time; the second one is empty."""
    for at in range(number):
        random, own = np.random.default_rng(at), directory / str(at)
        if not own.exists():
            own.mkdir()
            lengths = random.integers(1, most, 0 if at == 1 else lines)
            points = parts.world(random.random((lengths.sum(), 3)) * SHAPE - 0.5, AFFINE)
            part = parts.Written(own)
            half = len(lengths) // 2
            for some in (slice(half), slice(half, None)):
                start, end = lengths[: some.start or 0].sum(), lengths[: some.stop].sum()
                part.add(points[start:end], lengths[some])
            assert part.close() == len(lengths)
        yield parts.opened(own)


def test_one_trx_of_parts_is_what_trx_python_reads_and_concatenates(tmp_path: Path) -> None:
    trx = pytest.importorskip("trx.trx_file_memmap", reason="pip install trx-python")
    every = list(written(tmp_path, 5, 40))
    path = tmp_path / "all.trx"
    told = merged(every, AFFINE, SHAPE, path)
    read = trx.load(str(path))
    lines = [line for part in every for line in np.split(part.positions, part.offsets[1:-1])]
    lines = [line for line in lines if len(line)]
    assert told == (len(lines), sum(map(len, lines))) == (160, len(read.streamlines._data))
    for line, other in zip(lines, read.streamlines, strict=True):
        np.testing.assert_array_equal(line, other)
    assert read.streamlines._data.dtype == np.float32
    np.testing.assert_array_equal(read.header["DIMENSIONS"], SHAPE)
    np.testing.assert_allclose(read.header["VOXEL_TO_RASMM"], AFFINE, rtol=1e-6)
    singles = [merged([one], AFFINE, SHAPE, tmp_path / f"{at}.trx") for at, one in enumerate(every)]
    assert singles[1] == (0, 0) and not len(trx.load(str(tmp_path / "1.trx")).streamlines)
    joined = trx.concatenate([trx.load(str(tmp_path / f"{at}.trx")) for at in (0, 2, 3, 4)])
    np.testing.assert_array_equal(joined.streamlines._data, read.streamlines._data)
    np.testing.assert_array_equal(joined.streamlines._offsets, read.streamlines._offsets)
    merged(parts.batches(every, 100), AFFINE, SHAPE, tmp_path / "again.trx")
    assert (tmp_path / "again.trx").read_bytes() == path.read_bytes()


def test_a_tractogram_of_200_000_streamlines_is_streamed(tmp_path: Path) -> None:
    for _ in written(tmp_path, 101, 2000, 40):
        pass
    tracemalloc.start()
    path = tmp_path / "all.trx"
    streamlines, points = merged(written(tmp_path, 101, 2000), AFFINE, SHAPE, path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert streamlines == 200_000 and points > 3_000_000
    assert path.stat().st_size < 1.001 * (12 * points + 8 * (streamlines + 1))
    assert peak < 2**24, "positions are mapped, and two numbers a streamline are held"


def test_trk_is_what_nibabel_reads(tmp_path: Path) -> None:
    import nibabel

    every = list(written(tmp_path, 3, 20))
    as_trk(parts.batches(every, 300), AFFINE, SHAPE, tmp_path / "all.trk")
    read = nibabel.streamlines.load(tmp_path / "all.trk")
    assert read.header["nb_streamlines"] == 40 and read.header["voxel_order"] == b"LAS"
    np.testing.assert_array_equal(read.header["dimensions"], SHAPE)
    np.testing.assert_allclose(read.affine, AFFINE, rtol=1e-6)
    positions = np.concatenate([one.positions for one in every])
    np.testing.assert_allclose(read.streamlines.get_data(), positions, atol=2e-5)
    assert read.streamlines.get_data().shape == positions.shape


def test_batches_are_whole_streamlines(tmp_path: Path) -> None:
    every = list(written(tmp_path, 4, 30))
    for most in (1, 100, 10**6):
        found = list(parts.batches(every, most))
        lengths = np.concatenate([one.lengths for one in found])
        np.testing.assert_array_equal(lengths, np.concatenate([one.lengths for one in every]))
        assert all(len(one.positions) <= most or len(one) == 1 for one in found)
        positions = np.concatenate([one.positions for one in found])
        np.testing.assert_array_equal(positions, np.concatenate([o.positions for o in every]))
    chosen = np.arange(len(every[0])) % 3 == 1
    kept = every[0].only(chosen)
    for line, at in enumerate(np.flatnonzero(chosen)):
        start, end = every[0].offsets[at : at + 2]
        own = kept.positions[kept.offsets[line] : kept.offsets[line + 1]]
        np.testing.assert_array_equal(own, every[0].positions[start:end])


def test_pictures_show_left_on_the_left_and_do_not_depend_on_the_order(tmp_path: Path) -> None:
    random, mask = np.random.default_rng(0), np.zeros(SHAPE, bool)
    mask[20:, :, 4] = True  # the first axis runs to the left
    fa, sh = random.random(SHAPE), random.random((*SHAPE, 45))
    canvas = pictures.fa_slice(fa, mask, AFFINE)
    seen = (canvas == (255, 200, 0)).all(axis=2)
    assert canvas.shape == (640, 480, 3) and seen.any() and not seen[:, 160:].any()
    painted = pictures.direction_slice(sh, fa, mask, AFFINE).any(axis=2)
    assert painted[:, :160].any() and not painted[:, 160:].any()
    every = list(written(tmp_path, 4, 30))
    picture = pictures.tractogram(parts.batches(every, 200), AFFINE, SHAPE, 80)
    again = pictures.tractogram(every[::-1], AFFINE, SHAPE, 80)
    np.testing.assert_array_equal(picture, again)
    assert picture.any(axis=2).mean() > 0.1
    assert pictures.png(picture)[:4] == b"\x89PNG"


def test_lines_are_painted_in_the_colours_of_their_directions() -> None:
    for axis in range(3):
        points = np.full((2, 3), 10.0)
        points[1, axis] += 5
        line = Streamlines(parts.world(points, np.eye(4)), np.array([0, 2], np.uint64))
        picture = pictures.tractogram([line], np.eye(4), SHAPE, 200)
        there = picture[picture.any(axis=2)]
        assert len(there) > 10 and there[:, axis].all()
        assert not np.delete(there, axis, axis=1).any()
