"""The sizes of what a segmentation shows: how many of which size, and the largest."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .elements import element

LARGEST = 8


class Sizes(NamedTuple):
    """How large components are.

    Attributes
    ----------
    counts : dict
        How many have from 2^n to below 2^(n+1) voxels, by n.
    largest : list of dict
        The first `LARGEST` by size, then by number, with all that is known of them.
    """

    counts: dict[int, int]
    largest: list[dict[str, Any]]


def of(directory: Path, columns: Mapping[str, str] = MappingProxyType({})) -> Sizes:
    """Return the sizes in a component table: Parquet files, read a row group at a time.

    What has no columns `component_id` and `voxel_count` has no sizes; `columns` are what these and
    others are called in the table.
    """
    counts = np.zeros(64, np.int64)
    groups = list(_groups(directory, {columns.get(name, name) for name in _RANK}))
    top = None
    for number, (path, group) in enumerate(groups):
        piece = _read(path, group, columns, _RANK)
        voxels = piece["voxel_count"].to_numpy()
        # exact, where a logarithm would round 2^n - 1 up
        counts += np.bincount(np.frexp(voxels.astype(np.longdouble))[1] - 1, minlength=64)
        own = piece.append_column("group", pa.array(np.full(len(piece), number)))
        own = own.select([*_RANK, "group"])
        both = own if top is None else pa.concat_tables([top, own])
        top = both.take(pc.select_k_unstable(both, LARGEST, [*_RANK.items()]))
    if top is None:
        return Sizes({}, [])
    chosen = top["component_id"]
    rows: dict[int, dict[str, Any]] = {}
    for number in set(top["group"].to_pylist()):
        path, group = groups[number]
        whole = _read(path, group, columns)
        found = whole.filter(pc.is_in(whole["component_id"], chosen.combine_chunks()))
        rows |= {row["component_id"]: row for row in found.to_pylist()}
    found_counts = {int(n): int(counts[n]) for n in np.flatnonzero(counts)}
    return Sizes(found_counts, [rows[name] for name in chosen.to_pylist()])


_RANK = {"voxel_count": "descending", "component_id": "ascending"}


def _groups(directory: Path, needed: set[str]) -> Iterator[tuple[Path, int]]:
    for path in sorted(directory.glob("*.parquet")):
        about = pq.read_metadata(path)
        if needed <= set(about.schema.names):
            yield from ((path, group) for group in range(about.num_row_groups))


def _read(
    path: Path, group: int, columns: Mapping[str, str], wanted: Iterable[str] | None = None
) -> Any:
    """Read a row group, or the columns that are wanted of it, by the names of components."""
    names = None if wanted is None else [columns.get(name, name) for name in wanted]
    own = {theirs: name for name, theirs in columns.items()}
    with pq.ParquetFile(path) as file:
        found = file.read_row_group(group, names)
    return found.rename_columns([own.get(name, name) for name in found.column_names])


def chart(counts: dict[int, int], title: str) -> Element:
    """Return a chart of how many have which size, as SVG; its text says the numbers."""
    first, last = min(counts), max(counts)
    most, wide, high = max(counts.values()), 44, 120
    width = wide * (last - first + 1) + 8
    bars = []
    for n in range(first, last + 1):
        number, x = counts.get(n, 0), 4 + wide * (n - first)
        tall = max(1, round(high * number / most)) if number else 0
        bars += [
            element("rect", x=x + 2, y=20 + high - tall, width=wide - 4, height=tall, class_="bar"),
            element("text", short(number), x=x + wide / 2, y=14 + high - tall, **_MIDDLE)
            if number
            else None,
            element("text", short(2**n), x=x, y=36 + high, **_MIDDLE | {"text_anchor": "start"}),
        ]
    axis = {"x1": 4, "x2": width - 4, "y1": 20 + high, "y2": 20 + high}
    return element(
        "svg",
        bars,
        element("line", class_="axis", **axis),
        viewBox=f"0 0 {width} {high + 44}",
        width=width,
        height=high + 44,
        role="img",
        aria_label=title,
    )


_MIDDLE = {"text_anchor": "middle", "font_size": "11"}


def short(number: int) -> str:
    """Return a number in few signs: `512`, `1.0k`, `3.4M`."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.3g}{unit}"
    return str(number)
