"""A chunk that is damaged is an error that names it, or other voxels: never zeros, never a crash.

Eleven kinds of chunk, each with five kinds of damage. A byte that is flipped is noticed where there
is a checksum (`CHECKED`), or decodes to something else, as docs/volumes.md says of each encoding.
"""

import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import test_encodings
from conftest import SEED, SOAK
from formats import CHUNK, OFFSET, SHAPE, precomputed, whole
from test_encodings import KEY, blobs
from voxels.archives import Refused
from voxels.archives.volumes import chunkwise
from voxels.boxes import Box, grid

WHOLE = Box.of(OFFSET, SHAPE)
FIRST, *_, LAST = grid(WHOLE, CHUNK, OFFSET)
OTHER = next(box for box in grid(WHOLE, CHUNK, OFFSET) if box.shape_zyx != CHUNK)
KINDS = (
    "raw", "png", "compressed_segmentation", "crackle", "compresso", "fpzip", "kempressed", "jxl",
    "raw.gz", "raw.br", "raw.zstd",
)  # fmt: skip
DAMAGE = ("cut", "flipped", "empty", "of another chunk", "garbage")
CHECKED = ("png", "crackle", "raw.gz")


def write(path: Path, kind: str) -> str:
    encoding, _, suffix = kind.partition(".")
    if encoding in test_encodings.ENCODINGS:
        return test_encodings.write(path, encoding, suffix and f".{suffix}")
    dtype = "uint8" if encoding == "png" else "uint32"
    voxels = blobs().astype(dtype)
    voxels[LAST.slices(OFFSET)] = 0  # tensorstore writes no such chunk
    return precomputed(path, voxels, CHUNK, OFFSET, encoding)


def damaged(content: bytes, other: bytes, how: str, rng: random.Random) -> bytes:
    at = rng.randrange(len(content))
    return {
        "cut": content[:at] or content[:1],
        "flipped": content[:at] + bytes([content[at] ^ 1 << rng.randrange(8)]) + content[at + 1 :],
        "empty": b"",
        "of another chunk": other,
        "garbage": rng.randbytes(99),
    }[how]


@pytest.mark.parametrize("how", DAMAGE)
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_an_error_that_names_the_chunk(
    tmp_path: Path, kind: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunkwise, "_WORTH_LOOPS", 1)
    rng = random.Random(f"{SEED} {kind} {how}")
    uri = write(tmp_path / "volume", kind)
    right = whole(uri)
    suffix = "".join(kind.partition(".")[1:])
    file, other = (tmp_path / "volume" / KEY / (box.name + suffix) for box in (FIRST, OTHER))
    content = file.read_bytes()
    for _ in range((20 if SOAK else 2) if how in ("cut", "flipped") else 1):
        file.write_bytes(damaged(content, other.read_bytes(), how, rng))
        try:
            found = whole(uri)
        except Refused as error:
            what = f"^box {WHOLE.name} of {re.escape(uri)} at resolution 0 can't be read: .*"
            assert re.match(what + FIRST.name, str(error)), error
            assert "\n" not in str(error)
            continue
        assert how == "flipped" or (kind, how) == ("png", "cut"), "it was read"
        _is_something_else(found, right, exactly=kind in CHECKED)  # a png's end holds no voxels


def _is_something_else(found: Any, right: Any, exactly: bool) -> None:
    """Compare what was read with what is right: other chunks are, the damaged one is not zero."""
    inside = FIRST.slices(OFFSET)
    if exactly:  # what was flipped stands for nothing
        np.testing.assert_array_equal(found, right)
    assert found[inside].any()
    found[inside] = right[inside]
    np.testing.assert_array_equal(found, right)


def test_where_outlines_of_crackle_changed_no_plane_is_zero(tmp_path: Path) -> None:
    """Their package leaves such planes unwritten, and says nothing; every byte of them matters."""
    uri = write(tmp_path / "volume", "crackle")
    file = tmp_path / "volume" / KEY / FIRST.name
    content = file.read_bytes()
    for plane in range(CHUNK[0]):  # the checksums of the planes' outlines are at the end
        at = len(content) - 4 * CHUNK[0] + 4 * plane
        file.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        with pytest.raises(
            Refused, match=f"its chunk {FIRST.name} is damaged: its plane z {plane}"
        ):
            whole(uri)
