#!/usr/bin/env python3
"""MERGE_REGIONS: merge the regions of a cutout by the affinities between them, the strongest first.

The graphs of blocks are added up a range of regions at a time (`voxels.totals`).
"""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from kit.bundles import Finished, stream
from kit.tasks import main
from kit.units import Bundle, Unit
from numpy.typing import NDArray
from voxels import totals
from voxels.agglomeration import Merges, agglomerate, regions_of
from voxels.arrow import column, repeated, strings
from voxels.boxes import Box, grid
from voxels.contingency import Table, added
from voxels.region_graph import BINS, RegionGraph
from voxels.surface import read_columns

SOURCE = ("channel_id", "block", "region_paramset_id", "region_surroundings")

ROWS = 1_000_000
"""Of a row group."""

PAIRS = pa.schema(
    [(name, pa.uint64()) for name in ("region", "other")]
    + [(name, pa.int64()) for name in ("affinity_sum", "edge_count", "affinity_max")]
)
HISTOGRAM = pa.schema([("bins", pa.list_(pa.uint8())), ("bin_edges", pa.list_(pa.int64()))])


def merge_regions(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one cutout: its regions, their graph, the merges, and what came of them.

    `regions.parquet` has all regions with their voxels, `graph.parquet` all pairs that touch,
    `merges.parquet` what was merged, and `segments.parquet` for each threshold, in order, which
    segment each region is in.
    """
    asked, blocks = unit.arguments, unit.inputs
    cutout = Box.parse(asked["cutout"])
    boxes = grid(cutout, asked["block_shape_zyx"], asked["origin_zyx"])
    if [block.key["block"] for block in blocks] != [box.name for box in boxes]:
        raise ValueError(f"the inputs are not the {len(boxes)} blocks of cutout {cutout.name}")
    quantile, unit_of_score = asked["quantile"], 1
    if quantile is not None:  # scores are bins
        unit_of_score = (np.iinfo(asked["affinity_dtype"]).max + 1) // BINS
    regions = added(
        Table(ids.astype(np.uint64), np.zeros(len(ids), np.uint64), voxels.astype(np.int64))
        for ids, voxels in map(_regions, stream(blocks, "regions.arrow"))
    )
    ids, files = regions.a, bundle.directory
    of_regions = {"region": column(ids), "voxel_count": column(regions.voxels)}
    pq.write_table(pa.table(of_regions), files / "regions.parquet", row_group_size=ROWS)
    del regions
    graph = write_graph(blocks, quantile is not None, files / "graph.parquet")
    thresholds = [Fraction(text) for text in asked["thresholds"]]
    merges = agglomerate(graph, [one / unit_of_score for one in thresholds], quantile)
    n_pairs = len(graph.region)
    del graph
    table = merge_table(merges, unit_of_score)
    pq.write_table(table, files / "merges.parquet", row_group_size=ROWS)
    write_segments(ids, merges, asked["thresholds"], files / "segments.parquet")
    levels = {
        "level_threshold": strings(asked["thresholds"]),
        "n_level_merges": column(np.array(merges.until, np.int64)),
        "n_level_segments": column(len(ids) - np.array(merges.until, np.int64)),
    }
    pq.write_table(pa.table(levels), files / "levels.parquet")
    sources = {name: strings([block.key[name] for block in blocks]) for name in SOURCE}
    pq.write_table(pa.table(sources), files / "source.parquet")
    bundle.parts |= {"Source": "source.parquet", "Merge": "merges.parquet"}
    bundle.parts["Level"] = "levels.parquet"
    bundle.urls |= {
        f"agglomerated_{name}": f"{name}.parquet"
        for name in ("regions", "graph", "merges", "segments")
    }
    limit = unit.settings["max_component_rows"]
    bundle.attributes |= {"n_regions": len(ids), "n_region_pairs": n_pairs}
    bundle.attributes |= {"n_merges": len(table), "n_merge_rows": min(len(table), limit)}
    if len(table) > limit:
        bundle.part_rows["Merge"] = limit


def _regions(path: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    columns = read_columns(path)
    return columns["segment_id"], columns["voxel_count"]


def write_graph(blocks: list[Finished], with_histogram: bool, path: Path) -> RegionGraph:
    """Add up the graphs of blocks and write that of the whole; return it, as it was written."""
    each = (_rows(pairs, with_histogram) for pairs in stream(blocks, "pairs.arrow"))
    schema = pa.schema([*PAIRS, *(HISTOGRAM if with_histogram else ())])
    parts = []
    with pq.ParquetWriter(path, schema) as writer:
        for some in totals.ranges(each, totals.ROWS):
            graph = RegionGraph.of(_parts(blocks, some, with_histogram))
            writer.write_table(_table(graph, schema), row_group_size=ROWS)
            parts.append(graph)
    return RegionGraph(*map(np.concatenate, zip(*parts, strict=True)))


def _rows(path: Path, with_histogram: bool) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the regions that pairs of a block are of, and how many rows its files have of each."""
    columns = read_columns(path, ["region", "histogram_end"])
    rows = np.ones(len(columns["region"]), np.int64)
    if with_histogram:
        rows += _counts(columns["histogram_end"], 0)
    return columns["region"], rows


def _parts(
    blocks: list[Finished], some: totals.Range, with_histogram: bool
) -> Iterator[RegionGraph]:
    """Yield what each block has of pairs of a range of regions."""
    none = np.zeros(0, np.uint8)
    names = ["pairs.arrow", *(["histogram.arrow"] if with_histogram else [])]
    for path, *others in zip(*(stream(blocks, name) for name in names), strict=True):
        columns = read_columns(path)
        part, ends = some.of(columns["region"]), columns.pop("histogram_end")
        start, stop = (int(ends[at - 1]) if at else 0 for at in (part.start, part.stop))
        bin_count = np.zeros(part.stop - part.start, np.int64)
        bins = bin_edges = none
        for other in others:
            bins, bin_edges = (one[start:stop] for one in read_columns(other).values())
            bin_count = _counts(ends[part], start)
        region, other_region, total, count, most = (columns[name][part] for name in PAIRS.names)
        yield RegionGraph(
            region.astype(np.uint64),
            other_region.astype(np.uint64),
            total.astype(np.int64),
            count.astype(np.int64),
            most.astype(np.int64),
            bin_count,
            bins.astype(np.uint8),
            bin_edges.astype(np.int64),
        )


def _counts(ends: NDArray[Any], start: int) -> NDArray[np.int64]:
    """Return how many rows there are up to each end, from the one before it on."""
    until = np.concatenate([[start], ends.astype(np.int64)])
    counts: NDArray[np.int64] = until[1:] - until[:-1]
    return counts


def _table(graph: RegionGraph, schema: Any) -> pa.Table:
    """Return pairs as Arrow has them, a list for each of the bins that are not empty."""
    columns = [column(one) for one in graph[: len(PAIRS)]]
    if len(schema) > len(PAIRS):
        ends = np.concatenate([[0], np.cumsum(graph.bin_count)]).astype(np.int32)
        columns += [
            pa.ListArray.from_arrays(column(ends), column(one))
            for one in (graph.bins, graph.bin_edges)
        ]
    return pa.table(columns, schema=schema)


def merge_table(merges: Merges, unit_of_score: int) -> pa.Table:
    """Return merges as Arrow has them: ids as decimal(20, 0), as no signed integer holds all."""
    numerator = merges.numerator * unit_of_score
    ids = {"merge_kept": merges.kept, "merge_gone": merges.gone}
    return pa.table(
        {
            "merge_step": column(np.arange(1, len(numerator) + 1)),
            **{name: column(one).cast(pa.decimal128(20, 0)) for name, one in ids.items()},
            "score_numerator": column(numerator),
            "score_denominator": column(merges.denominator),
            "merge_score": column(numerator / merges.denominator),
        }
    )


def write_segments(
    ids: NDArray[np.uint64], merges: Merges, thresholds: list[str], path: Path
) -> None:
    """Write for each threshold which segment each region is in, in order of regions."""
    ids_type = pa.uint64()
    schema = pa.schema(
        [("threshold", pa.string()), ("supervoxel_id", ids_type), ("segment_id", ids_type)]
    )
    with pq.ParquetWriter(path, schema) as writer:
        for text, until in zip(thresholds, merges.until, strict=True):
            segments = regions_of(ids, merges, until)
            for start in range(0, len(ids), ROWS):
                some = slice(start, start + ROWS)
                n = len(ids[some])
                columns = [repeated(text, n), column(ids[some]), column(segments[some])]
                writer.write_table(pa.table(columns, schema=schema))


if __name__ == "__main__":
    main("MERGE_REGIONS", merge_regions, software=("numba", "numpy", "pyarrow"))
