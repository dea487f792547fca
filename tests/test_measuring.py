"""What is measured of segments, block by block: as numpy says of the whole, however it is cut."""

import os
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from kit.units import Bundle, Unit
from measuring import contacts_of, segments_of
from merge_segments import merge_segments
from voxels import measuring, totals
from voxels.boxes import Box, grid
from voxels.surface import write_columns, write_planes

SIZE_NM = [40.0, 5.0, 3.0]
IDS = ("uint8", "uint16", "uint32", "uint64", "int64")


def whole_of(
    directory: Path, voxels: np.ndarray, image: Any, corner: Any, cutting: Any, bins: int
) -> dict[str, list[dict[str, Any]]]:
    """Return the rows that the two programs make of arrays, cut so."""
    block_shape, origin = cutting
    cutout = Box.of(corner, voxels.shape)
    blocks = []
    for box in grid(cutout, block_shape, origin):
        place = directory / box.name
        place.mkdir(parents=True)
        part = box.slices(corner)
        found = measuring.measure(voxels[part], None if image is None else image[part], bins)
        write_planes(place / "planes.arrow", found.labels)
        tables = {"segments": found.segments, "contacts": found.contacts}
        for name, columns in (tables | {"histogram": found.histogram}).items():
            if columns is not None:
                write_columns(place / f"{name}.arrow", columns)
        key = {"channel_id": "c", "block": box.name, "measure_paramset_id": "p"}
        blocks.append(SimpleNamespace(directory=place, key=key, file=place.joinpath))
    asked = {
        "cutout": cutout.name,
        "block_shape_zyx": block_shape,
        "origin_zyx": origin,
        "voxel_size_nm_zyx": SIZE_NM,
        "intensity_dtype": None if image is None else image.dtype.name,
        "histogram_bins": bins,
    }
    unit = Unit("u", "MERGE_SEGMENTS", {}, asked, {"max_component_rows": 10}, blocks)  # type: ignore[arg-type]
    bundle = Bundle(directory, directory)
    os.chdir(directory)
    merge_segments(unit, bundle)
    names = ("segments", "contacts", *(["histograms"] if image is not None else []))
    return {name: pq.read_table(directory / name).to_pylist() for name in names}


@st.composite
def volumes(draw: Any) -> tuple[np.ndarray, np.ndarray | None, list[int], list[Any], int]:
    """Draw segments, an image, where they lie, five cuttings, and bins of histograms."""
    shape = [draw(st.integers(1, 9)) for _ in range(3)]
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    dtype = draw(st.sampled_from(IDS))
    most = min(np.iinfo(dtype).max, draw(st.sampled_from([1, 3, 40, 2**63, 2**64 - 1])))
    names = random.integers(0, most, draw(st.integers(1, 30)), np.uint64, endpoint=True)
    repeats = draw(st.integers(1, 4))
    places = random.integers(0, len(names), shape).repeat(repeats, 2)
    voxels = np.where(random.random(places.shape) < 0.2, 0, names[places]).astype(dtype)
    image, bins = None, 1
    if draw(st.booleans()):
        kind = np.iinfo(draw(st.sampled_from(measuring.INTENSITIES)))
        image = random.integers(kind.min, kind.max, voxels.shape, kind.dtype, endpoint=True)
        bins = 2 ** draw(st.integers(0, kind.bits if kind.bits == 8 else 10))
    corner = [draw(st.integers(-(10**6), 10**6)) for _ in range(3)]
    cuttings = [(list(voxels.shape), corner)]
    for _ in range(4):
        sides = [draw(st.integers(-(-side // 3), side)) for side in voxels.shape]
        cuttings.append((sides, [low - draw(st.integers(0, 9)) for low in corner]))
    return voxels, image, corner, cuttings, bins


@settings(max_examples=examples(100), deadline=None)
@given(volumes(), st.sampled_from([1, 5, totals.ROWS]))
def test_any_cutting_gives_what_numpy_says_of_the_whole(drawn: Any, rows: int) -> None:
    voxels, image, corner, cuttings, bins = drawn
    before, most = os.getcwd(), totals.ROWS
    totals.ROWS = rows
    try:
        with TemporaryDirectory() as scratch:
            first, *others = (
                whole_of(Path(scratch, str(number)), voxels, image, corner, cutting, bins)
                for number, cutting in enumerate(cuttings)
            )
    finally:
        totals.ROWS = most
        os.chdir(before)
    assert all(one == first for one in others)

    wanted = segments_of(voxels, image, corner)
    assert [int(row["measured_segment"]) for row in first["segments"]] == sorted(wanted)
    for row in first["segments"]:
        one = wanted[int(row["measured_segment"])]
        assert row["segment_voxel_count"] == one["n"]
        for axis, (low, high), total in zip("zyx", one["box"], one["sums"], strict=True):
            assert (row[f"segment_{axis}0"], row[f"segment_{axis}1"]) == (low, high)
            assert row[f"segment_centroid_{axis}"] == total / one["n"]
        if image is None:
            assert row["std_intensity"] is row["min_intensity"] is None
            continue
        values = [Fraction(value) for value in one["values"].tolist()]
        mean = sum(values) / one["n"]
        variance = sum((value - mean) ** 2 for value in values) / one["n"]
        assert row["mean_intensity"] == float(mean)
        assert row["std_intensity"] == pytest.approx(float(variance) ** 0.5, rel=1e-15, abs=0)
        assert (row["min_intensity"], row["max_intensity"]) == (min(values), max(values))
    found = {
        (int(row["touching_segment"]), int(row["touched_segment"])): [
            row[f"faces_{axis}"] for axis in "zyx"
        ]
        for row in first["contacts"]
    }
    assert found == contacts_of(voxels) and list(found) == sorted(found)
    for row in first["contacts"]:
        area = row["faces_z"] * 15 + row["faces_y"] * 120 + row["faces_x"] * 200
        assert row["contact_area_nm2"] == area
    if image is not None:
        kind = np.iinfo(image.dtype)
        width = (int(kind.max) - int(kind.min) + 1) // bins
        counted = {
            (row["segment_id"], row["bin"]): row["voxel_count"] for row in first["histograms"]
        }
        expected: dict[tuple[int, int], int] = {}
        for segment, one in wanted.items():
            for value in one["values"].tolist():
                place = segment, (value - int(kind.min)) // width
                expected[place] = expected.get(place, 0) + 1
        assert counted == expected


def test_sums_that_64_bits_do_not_hold_are_exact() -> None:
    """Squares of 16-bit values of many blocks, near to what each may have."""
    n, value = 2**31 - 1, 2**16 - 1
    one = {"voxel_count": n, "value_sum": n * value, "square_sum": n * value**2}
    assert one["square_sum"] < 2**63 < 40 * one["square_sum"]
    box = Box.of((0, 0, 0), (1, 1, 1))
    with TemporaryDirectory() as scratch:
        path = Path(scratch, "segments.arrow")
        columns = {name: np.array([number], np.int64) for name, number in one.items()}
        places = [f"{what}_{axis}" for what in ("sum", "lower", "upper") for axis in "zyx"]
        columns |= {name: np.zeros(1, np.int64) for name in places}
        columns |= {"value_min": columns["value_sum"] * 0, "value_max": columns["value_sum"] * 0}
        write_columns(path, {"segment_id": np.array([2**64 - 1], np.uint64), **columns})
        whole = totals.Range(1, 2**64 - 1)
        rows = totals.joined([totals.segment_rows(path, box, box, whole)] * 40)
    told = totals.segments(rows, box, [1.0, 1.0, 1.0], "uint16")
    assert told["mean_intensity"].tolist() == [float(value)]
    assert told["std_intensity"].tolist() == [0.0]


def test_a_cutout_of_nothing_has_tables_without_rows(tmp_path: Path) -> None:
    here = os.getcwd()
    try:
        voxels, image = np.zeros((4, 4, 4), np.uint32), np.ones((4, 4, 4), np.uint8)
        cutting = [2, 4, 4], [0, 0, 0]
        told = whole_of(tmp_path, voxels, image, (0, 0, 0), cutting, 256)
    finally:
        os.chdir(here)
    assert told == {"segments": [], "contacts": [], "histograms": []}
    schema = pq.read_schema(tmp_path / "segments" / "part-00000.parquet")
    assert schema.field("measured_segment").type == pa.decimal128(20, 0)


def test_histograms_of_many_segments_are_counted_in_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(3)
    voxels = random.integers(0, 60, (6, 7, 8), np.uint16)
    image = random.integers(0, 2**16, voxels.shape, np.uint16)
    whole = measuring.measure(voxels, image, 64)
    monkeypatch.setattr(measuring, "_COUNTS_BYTES", 64 * 4 * 7)
    parts = measuring.measure(voxels, image, 64)
    for one, other in ((whole.histogram, parts.histogram), (whole.segments, parts.segments)):
        assert one and other and one.keys() == other.keys()
        assert all(np.array_equal(one[name], other[name]) for name in one)
