"""The compiled loops against what numpy, Python and tensorstore make of the same arrays."""

import numpy as np
import pytest
import tensorstore as ts
from hypothesis import given, settings
from hypothesis import strategies as st
from voxels.boxes import Box, chunk_shape, chunks_of, grid, snap
from voxels.compressed_segmentation import encode, words_max
from voxels.encoding import Chunks, EncodedLabels
from voxels.kernels import CELL, statistics

sides = st.integers(1, 20)
labels_3d = st.tuples(sides, sides, sides, st.integers(1, 600), st.integers(0, 2**32 - 1)).map(
    lambda drawn: some_labels(*drawn)
)


def some_labels(depth, height, width, many, seed):
    """Blobs of labels, or noise, with the same chance."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, many, (depth, height, -(-width // 4)), np.uint32)
    voxels = np.repeat(coarse, 4, axis=2)[:, :, :width]
    noise = random.integers(0, many, voxels.shape, np.uint32)
    return np.ascontiguousarray(np.where(random.random(voxels.shape) < seed % 3 / 2, noise, voxels))


@given(labels_3d)
def test_statistics_are_those_of_each_label_by_itself(labels):
    n = int(labels.max())
    found = statistics(labels, n)
    assert found.shape == (n + 1, 11)
    assert not found[0].any()
    for label in range(1, n + 1):
        places = np.argwhere(labels == label)
        if not len(places):
            assert not found[label].any()
            continue
        lower, upper = places.min(axis=0), places.max(axis=0) + 1
        box = [bound for axis in range(3) for bound in (lower[axis], upper[axis])]
        first = np.flatnonzero(labels.ravel() == label)[0]
        assert found[label].tolist() == [len(places), *places.sum(axis=0), *box, first]


def test_sums_of_large_labels_do_not_wrap():
    labels = np.ones((1, 2, 2**22), np.uint32)
    x = labels.size // 2 * (labels.shape[2] - 1)
    assert statistics(labels, 1)[1, :4].tolist() == [2**23, 0, 2**22, x]


@given(labels_3d)
def test_decoding_undoes_encoding(labels):
    box = Box.of((0, 0, 0), labels.shape)
    chunks = Chunks(labels.shape)
    words, tables = chunks.encode(labels, box, box)
    assert set(words[tables:].tolist()) >= set(labels.ravel().tolist())
    np.testing.assert_array_equal(chunks.decode(words, labels.shape), labels)


@settings(deadline=None, max_examples=40)
@given(labels_3d)
def test_tensorstore_reads_what_is_encoded(labels):
    """Neuroglancer's format as another program knows it: from a volume of one chunk, in memory."""
    box = Box.of((0, 0, 0), labels.shape)
    words, _ = Chunks(labels.shape).encode(labels, box, box)
    width, height, depth = labels.shape[::-1]
    context = ts.Context({"memory_key_value_store": {}})
    memory = ts.KvStore.open({"driver": "memory", "path": "v/"}, context=context).result()
    spec = {
        "driver": "neuroglancer_precomputed",
        "kvstore": {"driver": "memory", "path": "v/"},
        "multiscale_metadata": {"data_type": "uint32", "num_channels": 1, "type": "segmentation"},
        "scale_metadata": {
            "key": "s",
            "size": [width, height, depth],
            "chunk_size": [width, height, depth],
            "resolution": [1, 1, 1],
            "encoding": "compressed_segmentation",
            "compressed_segmentation_block_size": [8, 8, 8],
        },
    }
    volume = ts.open(spec, create=True, context=context).result()[..., 0]
    memory[f"s/0-{width}_0-{height}_0-{depth}"] = words.tobytes()
    np.testing.assert_array_equal(volume.read().result().T, labels)


def test_the_richest_chunk_fits_the_words_that_are_reserved():
    """Every voxel has an id of its own, the highest ones too."""
    labels = np.arange(2**32 - 32**3, 2**32, dtype=np.uint64).astype(np.uint32).reshape(32, 32, 32)
    np.random.default_rng(0).shuffle(labels.reshape(-1))
    words = np.empty(words_max(labels.shape), np.uint32)
    tables, end = encode(labels, (0, 0, 0), labels.shape, words, np.empty_like(words))
    assert end == len(words)
    assert end - tables == labels.size
    np.testing.assert_array_equal(Chunks(labels.shape).decode(words, labels.shape), labels)


def test_the_largest_chunk_can_count_its_words():
    for shape in ((512, 512, 512), (25, 512, 512), (128, 127, 254), (300, 1000, 90)):
        assert words_max(chunk_shape(shape)) < 2**24


def test_cells_of_one_value_and_equal_tables_take_no_more_than_they_must():
    labels = np.zeros((CELL, CELL, 4 * CELL), np.uint32)
    labels[..., ::2] = 9
    words, tables = Chunks(labels.shape).encode(labels, *2 * [Box.of((0, 0, 0), labels.shape)])
    assert sorted(words[tables:].tolist()) == [0, 9]
    labels[..., CELL:] = 9
    words, tables = Chunks(labels.shape).encode(labels, *2 * [Box.of((0, 0, 0), labels.shape)])
    assert sorted(words[tables:].tolist()) == [0, 9]


corners = st.tuples(*[st.integers(-9, 9)] * 3)


@given(labels_3d, corners, corners, st.tuples(*[st.integers(1, 20)] * 3), st.integers(0, 9))
def test_labels_of_a_block_come_back_relabelled(labels, corner, origin, chunk, seed):
    box = Box.of(corner, labels.shape)
    encoded = EncodedLabels.of(labels, box, chunk, origin)
    chunks = chunks_of(box, chunk, origin)
    assert [len(encoded.index) - 1, encoded.index[-1, 0]] == [len(chunks), len(encoded.words)]
    lookup = np.random.default_rng(seed).integers(0, 2**32, int(labels.max()) + 1, np.uint32)
    lookup[0] = 0
    whole = snap(box, chunk, origin)
    found = np.zeros(whole.shape_zyx, np.uint32)
    decoder = Chunks(chunk)
    for part, words in encoded.relabel(lookup, chunks).items():
        found[part.slices(whole.corner_zyx)] = decoder.decode(words, part.shape_zyx)
    inside = box.slices(whole.corner_zyx)
    np.testing.assert_array_equal(found[inside], lookup[labels])
    found[inside] = 0
    assert not found.any()


def test_labels_beyond_the_look_up_table_are_refused():
    labels = np.array([[[0, 3, 3]]], np.uint32)
    box = Box.of((0, 0, 0), labels.shape)
    encoded = EncodedLabels.of(labels, box, (1, 1, 3), (0, 0, 0))
    with pytest.raises(ValueError, match="ends at label 2 but the block has 3"):
        encoded.relabel(np.zeros(3, np.uint32), [box])


def test_encoded_labels_come_back_from_their_files(tmp_path):
    labels = some_labels(20, 20, 20, 50, 4)
    box = Box.of((3, 4, 5), labels.shape)
    encoded = EncodedLabels.of(labels, box, (8, 8, 8), (0, 0, 0))
    encoded.write(tmp_path)
    found = EncodedLabels.read(tmp_path)
    np.testing.assert_array_equal(found.words, encoded.words)
    np.testing.assert_array_equal(found.index, encoded.index)


@given(st.tuples(*[st.integers(1, 600)] * 3))
def test_chunks_divide_their_block(block):
    try:
        chunk = chunk_shape(block)
    except ValueError as error:
        assert "can't be cut into chunks" in str(error)
        return
    assert not any(side % part for side, part in zip(block, chunk, strict=True))
    whole = Box.of((0, 0, 0), block)
    assert all(part.shape_zyx == chunk for part in grid(whole, chunk, (0, 0, 0)))
