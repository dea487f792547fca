"""Workflow agglomerate in the test's process, and what it should find, of the whole at once."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from making import Downsampling
from merge_regions import merge_regions
from pull_block import pull_block
from region_block import region_block
from voxels.agglomeration import agglomerate, regions_of
from voxels.boxes import Box
from voxels.region_graph import region_graph


class Agglomerating(Downsampling):
    """A segmentation and its affinities on disk."""

    workflow = "agglomerate"
    programs = {
        "PULL_BLOCK": pull_block,
        "REGION_BLOCK": region_block,
        "MERGE_REGIONS": merge_regions,
    }


def segmentation(shape_zyx: tuple[int, int, int], dtype: str = "uint32", seed: int = 1) -> Any:
    """Return regions of 3 voxels a side, some of them alike, a few ids large, and some 0."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 150, [-(-side // 3) for side in shape_zyx])
    fine = coarse.repeat(3, 0).repeat(3, 1).repeat(3, 2)[tuple(map(slice, shape_zyx))]
    large = np.array([2**63 + 5, 2**40]) if dtype == "uint64" else np.array([250, 251])
    ids = np.concatenate([np.arange(148), large]).astype(dtype)
    return ids[fine]


def rows(done: dict[str, Any]) -> dict[str, Any]:
    """Return the row of what a run's one request made."""
    from bossflow import Agglomeration

    assert done["verdict"] == {"missing": None}, done["summary"]
    (request,) = done["plan"]["requests"]
    row: dict[str, Any] = (Agglomeration & {"request_id": request}).fetch1()
    return row


def table(row: dict[str, Any], name: str) -> dict[str, list[Any]]:
    """Return the columns of a Parquet file of it."""
    path = Path(row[f"agglomerated_{name}"].removeprefix("file://"))
    columns: dict[str, list[Any]] = pq.read_table(path).to_pydict()
    return columns


def check(
    done: dict[str, Any],
    regions: np.ndarray,
    edges: np.ndarray,
    thresholds: Sequence[str],
    quantile: int | None = None,
) -> None:
    """Compare all files and rows of a run's one request with the same code on the whole."""
    from bossflow import Agglomeration

    row = rows(done)
    whole = Box.of((0, 0, 0), regions.shape)
    ids, voxel_count, graph = region_graph(regions, [*edges], whole, whole)
    wanted = {"region": ids.tolist(), "voxel_count": voxel_count.tolist()}
    assert table(row, "regions") == wanted
    told = table(row, "graph")
    bins, bin_edges = told.pop("bins", None), told.pop("bin_edges", None)
    assert told == {name: getattr(graph, name).tolist() for name in told}
    if quantile is not None and bins and bin_edges:
        ends = np.cumsum(graph.bin_count)[:-1]
        assert bins == [one.tolist() for one in np.split(graph.bins, ends)]
        assert bin_edges == [one.tolist() for one in np.split(graph.bin_edges, ends)]
    else:
        assert bins is None
    of_bin = 256 if quantile is not None and edges.dtype == np.uint16 else 1
    merges = agglomerate(graph, [Fraction(one) / of_bin for one in thresholds], quantile)
    told = table(row, "merges")
    assert [int(one) for one in told["merge_kept"]] == merges.kept.tolist()
    assert [int(one) for one in told["merge_gone"]] == merges.gone.tolist()
    assert told["score_numerator"] == (merges.numerator * of_bin).tolist()
    assert told["score_denominator"] == merges.denominator.tolist()
    told = table(row, "segments")
    key = {"request_id": row["request_id"]}
    levels = {one["level_threshold"]: one for one in (Agglomeration.Level & key).to_dicts()}
    assert {*levels} == {*thresholds}
    for number, (threshold, until) in enumerate(zip(thresholds, merges.until, strict=True)):
        some = slice(number * len(ids), (number + 1) * len(ids))
        segments = regions_of(ids, merges, until).tolist()
        assert told["threshold"][some] == [threshold] * len(ids)
        assert told["supervoxel_id"][some] == ids.tolist()
        assert told["segment_id"][some] == segments
        assert levels[threshold]["n_level_merges"] == until
        assert levels[threshold]["n_level_segments"] == len({*segments})
    assert len(told["threshold"]) == len(thresholds) * len(ids)
    assert row["n_regions"] == len(ids) and row["n_region_pairs"] == len(graph.region)
    assert row["n_merges"] == len(merges.kept)
    listed = (Agglomeration.Merge & key).to_dicts(order_by="merge_step")
    assert [int(one["merge_kept"]) for one in listed] == merges.kept[: row["n_merge_rows"]].tolist()
