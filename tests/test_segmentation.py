"""The segmentation's volume, as tensorstore reads it."""

import json
from collections import Counter

import numpy as np
import pytest
import tensorstore as ts
from conftest import examples
from hypothesis import example, given, settings
from hypothesis import strategies as st
from voxels import pyramid
from voxels.boxes import Box, chunk_shape, grid
from voxels.encoding import EncodedLabels
from voxels.pyramid import create_segmentation, levels
from voxels.segmentation import take_block, write_block

VOXEL_SIZE = (30.0, 4.0, 3.5)
NO_OFFSET = (0, 0, 0)


def read_volume(directory, level=0):
    """Voxels of a level of a precomputed volume, ZYX, and its box; a missing chunk is an error."""
    spec = {
        "driver": "neuroglancer_precomputed",
        "kvstore": {"driver": "file", "path": str(directory)},
        "scale_index": level,
        "fill_missing_data_reads": False,
    }
    store = ts.open(spec).result()[..., 0]
    box = Box.of(store.domain.origin[::-1], store.domain.shape[::-1])
    return store.read().result().T, box


def files_in(directory):
    """All files below a directory, by their paths in it."""
    paths = (path for path in directory.rglob("*") if path.is_file())
    return {path.relative_to(directory).as_posix() for path in paths}


def write_volume(directory, labels, cutout, block_shape, origin, voxel_size=VOXEL_SIZE):
    """Write a volume block by block, every label one higher; return what each block wrote."""
    scratch = directory / "scratch"
    scratch.mkdir(parents=True)
    volume = directory / "volume"
    create_segmentation(volume, cutout, block_shape, origin, voxel_size)
    lookup = np.arange(1, int(labels.max()) + 2, dtype=np.uint32)
    lookup[0] = 0
    written = {}
    for block in grid(cutout, block_shape, origin):
        part = np.ascontiguousarray(labels[block.slices(cutout.corner_zyx)])
        encoded = EncodedLabels.of(part, block, chunk_shape(block_shape), origin)
        written[block] = write_block(volume, scratch, block, block_shape, origin, encoded, lookup)
    assert not list(scratch.iterdir())
    return volume, written


def test_the_info_says_what_neuroglancer_needs(tmp_path):
    cutout = Box.parse("-5-300_10-20_25-50")
    create_segmentation(tmp_path, cutout, (25, 150, 262), (0, 0, -4), VOXEL_SIZE)
    assert json.loads((tmp_path / "info").read_text()) == {
        "@type": "neuroglancer_multiscale_volume",
        "type": "segmentation",
        "data_type": "uint32",
        "num_channels": 1,
        "scales": [
            {
                "key": "3.5_4_30",
                "resolution": [3.5, 4, 30],
                "voxel_offset": [-266, 0, 25],
                "size": [566, 20, 25],
                "chunk_sizes": [[262, 150, 25]],
                "encoding": "compressed_segmentation",
                "compressed_segmentation_block_size": [8, 8, 8],
            }
        ],
    }


def test_blocks_fill_a_volume_and_share_no_file(tmp_path):
    """The cutout starts inside cells and chunks, and one chunk lies wholly outside it."""
    cutout, block_shape, origin = Box.parse("-40-70_21-60_5-40"), (16, 32, 64), (1, -3, -2)
    labels = np.random.default_rng(0).integers(0, 90, cutout.shape_zyx, np.uint32)
    directory, written = write_volume(tmp_path, labels, cutout, block_shape, origin)
    files = [file for files in written.values() for file in files]
    assert len(set(files)) == len(files), "no file is written by two blocks"
    assert files_in(directory) == {"info"} | {
        file.relative_to(directory).as_posix() for file in files
    }
    found, volume = read_volume(directory)
    assert volume == Box.parse("-66-70_-3-60_1-40")
    inside = cutout.slices(volume.corner_zyx)
    np.testing.assert_array_equal(found[inside], labels + (labels > 0))
    found[inside] = 0
    assert not found.any()


def test_chunks_of_nothing_are_written_too(tmp_path):
    box = Box.parse("50-64_0-16_60-64")
    labels = np.zeros(box.shape_zyx, np.uint32)
    directory, written = write_volume(tmp_path, labels, box, (64, 16, 64), NO_OFFSET)
    assert written[box] == [directory / "3.5_4_30" / "0-64_0-16_0-64"]
    assert not read_volume(directory)[0].any()


def test_a_block_that_does_not_fit_its_volume_is_refused(tmp_path):
    cutout, block_shape = Box.parse("0-64_0-16_0-40"), (16, 16, 32)
    create_segmentation(tmp_path, cutout, block_shape, NO_OFFSET, VOXEL_SIZE)

    def write(name, block_shape=block_shape, origin=NO_OFFSET):
        box = Box.parse(name)
        encoded = EncodedLabels.of(np.ones(box.shape_zyx, np.uint32), box, block_shape, origin)
        write_block(tmp_path, tmp_path, box, block_shape, origin, encoded, np.arange(2, dtype="u4"))

    with pytest.raises(ValueError, match="leaves its volume, 0-64_0-16_0-40"):
        write("64-96_0-16_0-16")
    with pytest.raises(ValueError, match="shares a chunk with another block"):
        write("0-32_0-16_0-10")
    with pytest.raises(ValueError, match="shares a chunk with another block"):
        write("32-64_0-16_8-16", origin=(8, 0, 0), block_shape=(8, 16, 32))


def test_levels_halve_the_smallest_axes_until_the_whole_is_seen_at_once():
    cutout = Box.of(NO_OFFSET, (1000, 1024, 1024))
    found = levels(cutout, (512, 512, 512), NO_OFFSET, (30, 8, 8))
    assert [level.factor_zyx for level in found] == [
        (1, 1, 1),
        (1, 2, 2),
        (1, 4, 4),
        (2, 8, 8),
        (4, 16, 16),
    ]
    assert found[-1].volume == Box.of(NO_OFFSET, (250, 64, 64))
    assert len(levels(cutout, (512, 512, 512), NO_OFFSET, (8, 8, 8))) == 4
    # no voxel may be made of two blocks: neither an odd side nor an odd corner can be halved
    assert len(levels(cutout, (125, 512, 512), NO_OFFSET, (8, 8, 8))) == 1
    assert len(levels(cutout, (512, 512, 512), (1, 0, 0), (8, 8, 8))) == 1


def mode(voxels, factor):
    """Most frequent value of each cell, of several the first in C order."""
    shape = [-(-side // step) for side, step in zip(voxels.shape, factor, strict=True)]
    found = np.zeros(shape, voxels.dtype)
    for place in np.ndindex(*shape):
        cell = voxels[tuple(slice(p * f, p * f + f) for p, f in zip(place, factor, strict=True))]
        found[place] = Counter(cell.ravel().tolist()).most_common(1)[0][0]
    return found


@st.composite
def volumes(draw):
    """Cutout, block shape, origin and voxel size, so that there often are levels."""
    block = [draw(st.sampled_from([4, 6, 8, 12, 16, 24, 32])) for _ in range(3)]
    origin = [draw(st.sampled_from([0, 0, 4, -8, 3])) for _ in range(3)]
    lower = [draw(st.integers(-10, 30)) for _ in range(3)]
    shape = [draw(st.integers(1, 40)) for _ in range(3)]
    size = draw(st.sampled_from([(8.0, 8.0, 8.0), (30.0, 8.0, 8.0), (9.0, 8.0, 40.0)]))
    return Box.of(lower, shape), block, origin, size


@settings(max_examples=examples(250))
@given(volumes(), st.integers(0, 2**32 - 1), st.booleans())
def test_every_level_is_the_mode_of_the_one_before(tmp_path_factory, volume, seed, sharded):
    """Also sharded, in volumes too small for that; each shard is one block's alone."""
    cutout, block_shape, origin, voxel_size = volume
    random = np.random.default_rng(seed)
    labels = random.integers(0, 4, cutout.shape_zyx, np.uint32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pyramid, "_WHOLE_VOXELS", 1)
        patch.setattr(pyramid, "_UNSHARDED_CHUNKS_MAX", 0 if sharded else 10**9)
        patch.setattr("voxels.boxes._CHUNK_VOXELS", 64)
        directory, written = write_volume(
            tmp_path_factory.mktemp("v"), labels, cutout, block_shape, origin, voxel_size
        )
    files = [file for files in written.values() for file in files]
    assert len(set(files)) == len(files)
    scales = json.loads((directory / "info").read_text())["scales"]
    fine, box = read_volume(directory)
    inside = cutout.slices(box.corner_zyx)
    np.testing.assert_array_equal(fine[inside], labels + (labels > 0))
    assert fine.sum() == fine[inside].sum()
    for number in range(1, len(scales)):
        factor = [
            round(after / before)
            for after, before in zip(
                scales[number]["resolution"][::-1],
                scales[number - 1]["resolution"][::-1],
                strict=True,
            )
        ]
        coarse, there = read_volume(directory, number)
        assert [c * f for c, f in zip(there.corner_zyx, factor, strict=True)] == list(
            box.corner_zyx
        )
        np.testing.assert_array_equal(coarse, mode(fine, factor))
        fine, box = coarse, there


def test_large_volumes_are_sharded_by_block(tmp_path, monkeypatch):
    cutout, block_shape = Box.parse("0-300_0-350_100-300"), (128, 128, 128)
    labels = np.zeros(cutout.shape_zyx, np.uint32)
    labels[::50, ::50, ::50] = np.arange(4 * 7 * 6).reshape(4, 7, 6) + 1
    size = (8.0, 8.0, 8.0)
    few, _ = write_volume(tmp_path / "few", labels, cutout, block_shape, NO_OFFSET, size)
    assert "sharding" not in json.loads((few / "info").read_text())["scales"][0]
    monkeypatch.setattr(pyramid, "_UNSHARDED_CHUNKS_MAX", 100)
    many, written = write_volume(tmp_path / "many", labels, cutout, block_shape, NO_OFFSET, size)
    scales = json.loads((many / "info").read_text())["scales"]
    assert len(scales) > 1
    assert all("sharding" in scale for scale in scales)
    assert all(len(files) == len(scales) for files in written.values())
    for level in range(len(scales)):
        np.testing.assert_array_equal(read_volume(many, level)[0], read_volume(few, level)[0])


LATER_IN_SHARDS = Box.parse("8-32_0-8_0-8"), [8, 8, 8], [0, 0, 0], (8.0, 8.0, 8.0)


@settings(max_examples=examples(80))
@given(
    volumes(),
    st.tuples(*[st.integers(0, 30)] * 6),
    st.integers(0, 2**32 - 1),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
@example(LATER_IN_SHARDS, (0, 0, 8, 0, 0, 0), 0, True, True, True)
def test_a_block_taken_from_another_volume_is_as_if_it_were_written(
    tmp_path_factory, volume, more, seed, sharded, also_sharded, can_link
):
    """Also where shards are numbered otherwise, and where there are other levels."""
    cutout, block_shape, origin, voxel_size = volume
    lower = [side - before for side, before in zip(cutout.corner_zyx, more[:3], strict=True)]
    upper = [side + after for side, after in zip(cutout.end_zyx, more[3:], strict=True)]
    grown = Box.of(lower, [b - a for a, b in zip(lower, upper, strict=True)])
    random = np.random.default_rng(seed)
    labels = random.integers(0, 4, grown.shape_zyx, np.uint32)
    part = np.ascontiguousarray(labels[cutout.slices(grown.corner_zyx)])
    root = tmp_path_factory.mktemp("v")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pyramid, "_WHOLE_VOXELS", 1000)
        patch.setattr("voxels.boxes._CHUNK_VOXELS", 64)
        made = []
        for name, voxels, box, is_sharded in (
            ("earlier", part, cutout, sharded),
            ("now", labels, grown, also_sharded),
        ):
            patch.setattr(pyramid, "_UNSHARDED_CHUNKS_MAX", 0 if is_sharded else 10**9)
            made.append(write_volume(root / name, voxels, box, block_shape, origin, voxel_size))
        taking = root / "taking" / "volume"
        create_segmentation(taking, grown, block_shape, origin, voxel_size)
        if not can_link:
            patch.setattr("os.link", refuse_links)
        (earlier, there), (now, written) = made
        for block in there.keys() & written.keys():
            before = {path: path.read_bytes() for path in there[block]}
            args = taking, root, block, block_shape, origin, earlier, there[block]
            taken = [path.relative_to(taking) for path in take_block(*args)]
            assert taken == [path.relative_to(now) for path in written[block]]
            for path in taken:
                assert (taking / path).read_bytes() == (now / path).read_bytes()
            assert before == {path: path.read_bytes() for path in before}


def refuse_links(*_):
    raise PermissionError(1, "Operation not permitted")


def test_a_chunk_missing_from_another_volume_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(pyramid, "_UNSHARDED_CHUNKS_MAX", 0)
    cutout, block_shape = Box.parse("0-64_0-64_0-64"), (64, 64, 64)
    labels = np.zeros(cutout.shape_zyx, np.uint32)
    volume, written = write_volume(tmp_path, labels, cutout, block_shape, NO_OFFSET)
    grown = Box.parse("0-640_0-64_0-64")
    create_segmentation(tmp_path / "grown", grown, block_shape, NO_OFFSET, VOXEL_SIZE)
    (files,) = (files for files in written.values())
    files[0].unlink()
    with pytest.raises(ValueError, match="chunk 0-64_0-64_0-64 is not in"):
        take_block(tmp_path / "grown", tmp_path, cutout, block_shape, NO_OFFSET, volume, files)
