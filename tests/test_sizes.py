"""The sizes in a component table, compared with all of its rows at once."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from conftest import examples
from hypothesis import given, settings
from hypothesis import strategies as st

EDGES = [1, 2, 3, 4, 7, 8, 2**31, 2**53 - 1, 2**53, 2**53 + 1, 2**62 - 1, 2**62]


@settings(max_examples=examples(100))
@given(st.lists(st.sampled_from(EDGES), min_size=1, max_size=60), st.integers(1, 60))
def test_sizes_are_counted_exactly_however_the_table_is_cut(
    tmp_path_factory: object, voxels: list[int], piece: int
) -> None:
    from bossflow.look import sizes

    directory = tmp_path_factory.mktemp("table")  # type: ignore[attr-defined]
    rows = [
        {"component_id": number, "voxel_count": count, "centroid_x": number / 2}
        for number, count in enumerate(voxels, 1)
    ]
    for start in range(0, len(rows), piece):
        part = pa.Table.from_pylist(rows[start : start + piece])
        pq.write_table(part, Path(directory) / f"part-{start:05}.parquet", row_group_size=7)
    found = sizes.of(Path(directory))
    expected: dict[int, int] = {}
    for count in voxels:
        n = count.bit_length() - 1
        expected[n] = expected.get(n, 0) + 1
    assert found.counts == dict(sorted(expected.items()))
    ordered = sorted(rows, key=lambda row: (-row["voxel_count"], row["component_id"]))
    assert found.largest == ordered[: sizes.LARGEST]

    named = {"component_id": "piece_id", "voxel_count": "piece_voxels"}
    for path in Path(directory).iterdir():
        whole = pq.read_table(path)
        whole = whole.rename_columns([named.get(name, name) for name in whole.column_names])
        pq.write_table(whole, path, row_group_size=5)
    assert sizes.of(Path(directory)) == ({}, [])
    assert sizes.of(Path(directory), named) == found


def test_a_table_without_rows_or_of_something_else_has_no_sizes(tmp_path: Path) -> None:
    from bossflow.look import sizes

    pq.write_table(pa.table({"length": [1.5]}), tmp_path / "part-1.parquet")
    empty = pa.table({"component_id": pa.array([], "int64"), "voxel_count": pa.array([], "int64")})
    pq.write_table(empty, tmp_path / "part-0.parquet")
    assert sizes.of(tmp_path) == ({}, [])
