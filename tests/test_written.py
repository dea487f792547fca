"""Volumes that the ecosystem's own tools wrote are what they wrote, or are refused in a sentence.

`writers` says how they were written, and of which releases the tools were.
"""

import copy
import csv
import json
import tarfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import examples
from expected import read_volume, whole
from file_server import Server
from file_server import server as server
from hypothesis import given, settings
from hypothesis import strategies as st
from lab import Lab
from unwritten import said
from voxels.archives import Refused, Unreachable, archive_of
from voxels.archives.volumes import opening
from voxels.boxes import Box
from writers import NOWHERE, OFFSET, SHAPE, SIZE, voxels
from written import PACKED

with tarfile.open(PACKED) as packed:
    WRITTEN = json.loads(packed.extractfile("./written.json").read())
HERE = [name for name, told in WRITTEN.items() if find_spec(told.get("needs", "json"))]
"""Those whose codecs are installed."""

READABLE = sorted(name for name in HERE if "says" not in WRITTEN[name])


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("written").resolve()
    with tarfile.open(PACKED) as packed:
        packed.extractall(directory)
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


MIDDLES = {
    "cloudvolume_second_scale": [0, 0.25, 0.25],
    "omezarr_second_level": [0, 0.5, 0.5],  # of every second voxel, which lie where they did
}


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
    assert found.pop("middle_zyx", [0, 0, 0]) == MIDDLES.get(name, [0, 0, 0])
    assert found == {
        "kind": told["kind"],
        "dtype": told["dtype"],
        "shape_zyx": list(told.get("shape", SHAPE)),
        "offset_zyx": offset,
        "voxel_size_nm_zyx": pytest.approx(list(told.get("size", SIZE)), rel=1e-9),
    }
    extent = Box.of(offset, found["shape_zyx"])
    read = archive.read(uri, resolution, "", "", told["dtype"], extent)
    np.testing.assert_array_equal(read, expected(name))
    part = Box.of([start + 3 for start in offset], (9, 7, 8))
    read = archive.read(uri, resolution, "", "", told["dtype"], part)
    np.testing.assert_array_equal(read, expected(name)[part.slices(offset)])
    assert (said(uri) is not None) == bool(told.get("black"))


@pytest.mark.parametrize("name", READABLE)
def test_it_is_the_same_over_http(written: Path, server: Server, name: str) -> None:
    server.directory = written
    told, resolution = WRITTEN[name], WRITTEN[name].get("resolution", 0)
    here, away = uri_of(written, name), server.over_http(uri_of(written, name))
    archive = archive_of(here)
    found = archive.describe(away, resolution, "", "")
    assert found == archive.describe(here, resolution, "", "")
    offset = tuple(found["offset_zyx"])
    part = Box.of([start + 3 for start in offset], (9, 7, 8))
    read = archive.read(away, resolution, "", "", told["dtype"], part)
    np.testing.assert_array_equal(read, expected(name)[part.slices(offset)])
    note = archive.unwritten(away, resolution, "", "", [part], None)
    assert (note is not None) == bool(told.get("black"))


@pytest.mark.parametrize(
    ("name", "offset"),
    [
        ("zarr3_without_size", NOWHERE),
        ("dask_zarr", NOWHERE),
        ("tensorstore_n5_without_size", NOWHERE),
        ("omezarr_without_units", OFFSET),
    ],
)
def test_what_states_no_size_is_read_with_one(written: Path, name: str, offset: Any) -> None:
    uri = uri_of(written, name)
    archive = archive_of(uri)
    found = archive.describe(uri, 0, "", "", size_nm_zyx=SIZE)
    assert found["voxel_size_nm_zyx"] == list(SIZE) and found["offset_zyx"] == list(offset)
    read = archive.read(uri, 0, "", "", "uint32", Box.of(offset, SHAPE))
    np.testing.assert_array_equal(read, voxels())


@pytest.mark.parametrize("name", sorted(set(HERE) - set(READABLE)))
def test_what_cannot_be_read_is_refused_in_a_sentence(written: Path, name: str) -> None:
    uri = uri_of(written, name)
    with pytest.raises(Refused, match=WRITTEN[name]["says"]) as caught:
        said(uri)
    assert uri in str(caught.value) and "\n" not in str(caught.value)


# ---- metadata that nobody should write ----

VALUES = (
    None, 0, -1, 2**70, float("nan"), float("inf"), "", "nm", "zyx", "../..", [], [None], [1, 2, 3],
    ["z", "y", "x"], [1e300] * 3, [[1, 2, 3]], {}, {"name": "z"}, {"axes": ["z", "y", "x"]}, True,
)  # fmt: skip
KEYS = (
    "transform", "offset", "resolution", "units", "pixelResolution", "pixelWidth", "pixelHeight",
    "pixelDepth", "axes", "axis_names", "_ARRAY_DIMENSIONS", "dimension_units", "multiscales",
    "scales", "downsamplingFactors", "translation", "dimension_names", "ome", "numChannels",
    "plate",
)  # fmt: skip


def places(told: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of everything that is in a piece of JSON."""
    inside = told.items() if isinstance(told, dict) else enumerate(told)
    for key, value in inside:
        yield (*path, key)
        if isinstance(value, (dict, list)):
            yield from places(value, (*path, key))


def change(told: dict[str, Any], data: st.DataObject) -> None:
    """Put a value in the place of another one, or beside."""
    *path, last = data.draw(st.sampled_from([*places(told), ("axes",)]))
    if data.draw(st.booleans()):
        attributes = told.get("attributes")
        path, last = ["attributes"] * isinstance(attributes, dict), data.draw(st.sampled_from(KEYS))
    place: Any = told
    for key in path:
        place = place[key]
    place[last] = copy.deepcopy(data.draw(st.sampled_from(VALUES)))


@settings(max_examples=examples(3000), deadline=None)
@given(data=st.data())
def test_any_metadata_are_read_or_refused_in_a_sentence(written: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(HERE)))
    uri, resolution = uri_of(written, name), WRITTEN[name].get("resolution", 0)
    about = ("info", "zarr.json", ".zarray", ".zattrs", "attributes.json")
    files = sorted(path for path in (written / name).rglob("*") if path.name in about)
    file = data.draw(st.sampled_from(files))
    before = file.read_text()
    told = json.loads(before)
    for _ in range(data.draw(st.integers(1, 3))):
        change(told, data)
    archive = archive_of(uri)
    try:
        file.write_text(json.dumps(told))
        opening.opened_level.cache_clear()
        found = archive.describe(uri, resolution, "", "")
        box = Box.of(found["offset_zyx"], found["shape_zyx"])
        if box.voxel_count < 10**6:
            seen = archive.files(uri, resolution, "", "", [box])
            archive.unwritten(uri, resolution, "", "", [box], seen)
            archive.read(uri, resolution, "", "", found["dtype"], box)
    except (Refused, Unreachable) as error:
        assert "\n" not in str(error)
    finally:
        file.write_text(before)
        opening.opened_level.cache_clear()


# ---- whole runs ----

CUT = {"z": (3, 17), "y": (2, 20), "x": (4, 25)}
"""Voxels from the first: parts of at least two chunks of each axis."""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    made = Lab(tmp_path_factory.mktemp("lab"), np.zeros((1, 1, 1)), NOWHERE)
    yield made
    made.bossflow("db", "stop")


def sheet(lab: Lab, written: Path, *names: str) -> dict[str, Any]:
    """Write a sheet that asks for a part of each volume; return the parameters of a run of it."""
    path = lab.directory / f"{len(names)}.csv"
    with path.open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["name", "source", "resolution", *(f"{axis}_range" for axis in CUT)])
        for name in names:
            told = WRITTEN[name]
            offset, every = told.get("offset", NOWHERE), told.get("every", (1, 1, 1))
            ranges = [
                f"{first + low // n}:{first + high // n}"
                for first, (low, high), n in zip(offset, CUT.values(), every, strict=True)
            ]
            rows.writerow([name, uri_of(written, name), told.get("resolution", 0), *ranges])
    return {"source": None, "bossdb_host": None, "archive": None, "input": str(path)}


@pytest.mark.nextflow
def test_one_run_over_all_of_them_equals_cc3d(lab: Lab, written: Path) -> None:
    given = {"connectivity": 26, "block_shape": [16, 32, 16], "min_voxels": 2}
    names = [name for name in READABLE if not WRITTEN[name]["dtype"].startswith("float")]
    ran = lab.nextflow(**given, **sheet(lab, written, *names)).ok()
    black = [name for name in names if WRITTEN[name].get("black")]
    assert ran.text.count("note: none of the chunks of") == len(black) > 0
    sources = {(uri_of(written, name), WRITTEN[name].get("resolution", 0)): name for name in names}
    asked = lab.status()["requests"]
    assert len(asked) == len(names)
    for request in asked:
        name = sources[request["source"], request["resolution"]]
        told = WRITTEN[name]
        box = Box.parse(request["box"])
        cut = expected(name)[box.slices(told.get("offset", NOWHERE))]
        labels = whole(cut, 26, 2)
        found, corner, size = read_volume(request["volume"])
        inside = box.slices(corner)
        np.testing.assert_array_equal(found[inside], labels, err_msg=name)
        assert np.count_nonzero(found) == np.count_nonzero(labels), name
        assert size == pytest.approx(list(told.get("size", SIZE))[::-1], rel=1e-9), name
        assert request["n_components"] == labels.max(), name
        assert bool(request["n_components"]) != (name in black) == bool(request["note"]), name


def test_one_that_cannot_be_read_ends_a_run_before_it_begins(lab: Lab, written: Path) -> None:
    bad = "omezarr_03"
    ran = lab.run(**sheet(lab, written, bad, *READABLE[:2]))
    assert ran.code != 0 and set(ran.tasks) <= {"DESCRIBE", "PLAN"}
    (line,) = [line for line in ran.text.splitlines() if "OME-Zarr 0.3" in line]
    assert uri_of(written, bad) in line and "(in line 2 of 3.csv)" in line
