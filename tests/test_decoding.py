"""Chunks of compressed_segmentation that others wrote, whole and damaged, against tensorstore."""

from typing import Any

import numpy as np
import pytest
import tensorstore as ts
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from voxels.boxes import Box
from voxels.decoding import decode

sides = st.integers(1, 20)
shapes = st.tuples(sides, sides, sides)
cells = st.tuples(*[st.sampled_from([1, 3, 4, 8, 9, 16])] * 3)
volumes = st.tuples(
    shapes, cells, st.sampled_from(["uint32", "uint64"]), st.integers(1, 3), st.integers(0, 2**32)
)


class Volume:
    """One chunk, in memory, that tensorstore writes and reads."""

    def __init__(self, shape: Any, cell: Any, dtype: str, channels: int, seed: int) -> None:
        random = np.random.default_rng(seed)
        many = int(random.choice([1, 2, 5, 20, 300, 5000]))
        wide = random.integers(0, 2**63, many, "uint64") * np.uint64(2) + np.uint64(1)
        self.voxels = wide.astype(dtype)[random.integers(0, many, (*shape, channels))]
        self.cell, self.dtype = cell, dtype
        self.chunk = Box.of((0, 0, 0), shape)
        context = ts.Context({"memory_key_value_store": {}})
        place = {"driver": "memory", "path": "v/"}
        self.memory = ts.KvStore.open(place, context=context).result()
        spec = {
            "driver": "neuroglancer_precomputed",
            "kvstore": place,
            "multiscale_metadata": {
                "data_type": dtype, "num_channels": channels, "type": "segmentation"
            },
            "scale_metadata": {
                "key": "s",
                "size": shape[::-1],
                "chunk_size": shape[::-1],
                "resolution": [1, 1, 1],
                "encoding": "compressed_segmentation",
                "compressed_segmentation_block_size": cell[::-1],
            },
        }  # fmt: skip
        kept = {"store_data_equal_to_fill_value": True}
        self.store = ts.open(spec | kept, create=True, context=context).result()
        self.store.write(self.voxels.transpose(2, 1, 0, 3)).result()

    @property
    def words(self) -> Any:
        return np.frombuffer(self.memory[f"s/{self.chunk.name}"], np.uint32)

    def read(self, words: Any, box: Box, channel: int) -> Any:
        """Read some words as ours does."""
        found = np.full(box.shape_zyx, 7, self.dtype)
        decode(words, self.chunk, self.cell, found, box, channel)
        return found

    def by_tensorstore(self, words: Any) -> Any:
        """Read some words by tensorstore, if it takes them."""
        self.memory[f"s/{self.chunk.name}"] = words.tobytes()
        try:
            return self.store.read().result().transpose(2, 1, 0, 3)
        except ValueError as error:
            assert "Corrupted" in str(error)
            return None


@settings(deadline=None)
@given(volumes, st.tuples(sides, sides, sides), st.tuples(*[st.integers(-5, 19)] * 3))
def test_parts_of_chunks_are_as_tensorstore_wrote_them(
    volume: Any, shape: Any, corner: Any
) -> None:
    made, box = Volume(*volume), Box.of(corner, shape)
    assume(box.meets(made.chunk))
    part = box.intersect(made.chunk)
    for channel in range(made.voxels.shape[3]):
        expected = np.full(shape, 7, made.dtype)
        expected[part.slices(corner)] = made.voxels[(*part.slices((0, 0, 0)), channel)]
        np.testing.assert_array_equal(made.read(made.words, box, channel), expected)


@settings(deadline=None)
@given(volumes, st.integers(0), st.integers(1, 2**32 - 1), st.integers(0, 40), st.booleans())
def test_of_a_damaged_chunk_is_read_what_tensorstore_reads_or_nothing(
    volume: Any, place: int, flipped: int, cut: int, in_headers: bool
) -> None:
    made = Volume(*volume)
    channels = made.voxels.shape[3]
    counts = [-(-side // cell) for side, cell in zip(made.chunk.shape_zyx, made.cell, strict=True)]
    headers = 2 * int(np.prod(counts))
    words = made.words.copy()
    words[place % (channels + headers if in_headers else len(words))] ^= np.uint32(flipped)
    words = words[: len(words) - cut % len(words)]
    for start in words[:channels].tolist():
        own = words[start : start + headers]
        # tensorstore leaves out bits of the one, and takes the other for none
        assume(not (own[1::2] >> 24).any() and not (own[::2] >> 24 == 32).any())
    expected = made.by_tensorstore(words)
    found, failed = [], 0
    for channel in range(channels):
        try:
            found.append(made.read(words, made.chunk, channel))
        except ValueError:
            failed += 1
    assert (expected is None) == (failed > 0)
    if expected is not None:
        np.testing.assert_array_equal(np.stack(found, axis=-1), expected)


@pytest.mark.parametrize("dtype", ["uint32", "uint64"])
@pytest.mark.parametrize("bits", [16, 32])
def test_a_cell_may_be_of_wide_values_that_lie_far_behind(dtype: str, bits: int) -> None:
    chunk = Box.of((0, 0, 0), (1, 1, 4))
    ids = np.array([2**32 - 1, 5, 0, 9], "uint32").astype(dtype) * np.dtype(dtype).type(3)
    far = 2**24 + 5
    words = np.zeros(far + 4 * bits // 32, np.uint32)
    words[:3] = 1, bits << 24 | 2, far - 1
    words[3 : 3 + ids.nbytes // 4] = ids.view("uint32")
    order = np.array([3, 0, 2, 1], f"uint{bits}")
    words[far:] = order.view("uint32")
    found = np.zeros((1, 1, 4), dtype)
    decode(words, chunk, (1, 1, 4), found, chunk)
    np.testing.assert_array_equal(found[0, 0], ids[order])
    words[far:] = np.full(4, 2**bits - 1, f"uint{bits}").view("uint32")
    if bits == 32:
        with pytest.raises(ValueError, match="cell 0 names words that it does not have"):
            decode(words, chunk, (1, 1, 4), found, chunk)
    for shorter in (words[:-1], words[:2], words[:1], words[:0]):
        with pytest.raises(ValueError, match=r"(names|ends|fewer)"):
            decode(shorter, chunk, (1, 1, 4), found, chunk)


def test_arrays_that_do_not_fit_are_refused() -> None:
    chunk, words = Box.of((0, 0, 0), (8, 8, 8)), np.array([1, 2, 0, 3], np.uint32)
    for voxels, cell, says in (
        (np.zeros((8, 8, 8), "int64"), (8, 8, 8), "takes no ids"),
        (np.zeros((8, 8, 16), "uint32")[..., ::2], (8, 8, 8), "takes no ids"),
        (np.zeros((8, 8, 9), "uint32"), (8, 8, 8), "is not that of"),
        (np.zeros((8, 8, 8), "uint32"), (8, 0, 8), "are none"),
        (np.zeros((8, 8, 8), "uint32"), (2**20, 2**20, 8), "are none"),
    ):
        with pytest.raises(ValueError, match=says):
            decode(words, chunk, cell, voxels, chunk)
