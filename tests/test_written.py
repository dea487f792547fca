"""Volumes that the ecosystem's own tools wrote are what they wrote, or are refused in a sentence.

`written.py` says how they were written, and of which releases the tools were.
"""

import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_unwritten import said
from voxels.archives import Refused, archive_of
from voxels.boxes import Box
from written import NOWHERE, PACKED, SHAPE, SIZE, voxels

with tarfile.open(PACKED) as packed:
    WRITTEN = json.loads(packed.extractfile("./written.json").read())
READABLE = sorted(name for name, told in WRITTEN.items() if "says" not in told)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("written").resolve()
    with tarfile.open(PACKED) as packed:
        packed.extractall(directory, filter="data")
    return directory


def uri_of(directory: Path, name: str) -> str:
    told = WRITTEN[name]
    return f"{told['scheme']}://file://{directory / name / told.get('path', '')}".rstrip("/")


def expected(name: str) -> Any:
    told = WRITTEN[name]
    array = voxels(told["dtype"])[tuple(slice(None, None, n) for n in told.get("every", (1, 1, 1)))]
    more = [n - m for n, m in zip(told.get("shape", array.shape), array.shape, strict=True)]
    array = np.pad(array, [(0, n) for n in more])  # to whole shards
    return np.zeros_like(array) if told.get("black") else array


def test_there_are_enough() -> None:
    assert len(READABLE) >= 25
    tools = {next(iter(told["releases"])) for told in WRITTEN.values()}
    assert len(tools) >= 8


@pytest.mark.parametrize("name", READABLE)
def test_what_was_written_is_read(written: Path, name: str) -> None:
    told, uri = WRITTEN[name], uri_of(written, name)
    archive, resolution = archive_of(uri), told.get("resolution", 0)
    found = archive.describe(uri, resolution, "", "")
    chunk = found.pop("chunk_zyx")
    few = [side * n for side, n in zip(chunk, told.get("every", (1, 1, 1)), strict=True)]
    assert all(2 * side < n for side, n in zip(few, SHAPE, strict=True)) or resolution
    offset = list(told.get("offset", NOWHERE))
    assert found == {
        "kind": told["kind"],
        "dtype": told["dtype"],
        "shape_zyx": list(told.get("shape", SHAPE)),
        "offset_zyx": offset,
        "voxel_size_nm_zyx": pytest.approx(list(told.get("size", SIZE)), rel=1e-9),
    }
    whole = Box.of(offset, found["shape_zyx"])
    read = archive.read(uri, resolution, "", "", told["dtype"], whole)
    np.testing.assert_array_equal(read, expected(name))
    part = Box.of([start + 3 for start in offset], (9, 7, 8))
    read = archive.read(uri, resolution, "", "", told["dtype"], part)
    np.testing.assert_array_equal(read, expected(name)[part.slices(offset)])
    assert (said(uri) is not None) == bool(told.get("black"))


@pytest.mark.parametrize("name", sorted(set(WRITTEN) - set(READABLE)))
def test_what_cannot_be_read_is_refused_in_a_sentence(written: Path, name: str) -> None:
    uri = uri_of(written, name)
    with pytest.raises(Refused, match=WRITTEN[name]["says"]) as caught:
        archive_of(uri).describe(uri, 0, "", "")
    assert uri in str(caught.value) and "\n" not in str(caught.value)
