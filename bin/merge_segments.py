#!/usr/bin/env python3
"""MERGE_SEGMENTS: add up what blocks have of a cutout's segments, a range of these at a time."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from kit.bundles import Finished, fetch, stream
from kit.tasks import main
from kit.units import Bundle, Unit
from voxels import totals
from voxels.arrow import column, strings
from voxels.boxes import Box, grid, preceding
from voxels.measuring import Columns, bits, lowest, seam, summed
from voxels.surface import read_plane, read_segment_ids, write_columns

SOURCE = ("channel_id", "block", "measure_paramset_id")


def merge_segments(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one cutout: `segments/`, `contacts/` and, of an image, `histograms/`."""
    asked = unit.arguments
    cutout, size_nm_zyx = Box.parse(asked["cutout"]), asked["voxel_size_nm_zyx"]
    boxes = grid(cutout, asked["block_shape_zyx"], asked["origin_zyx"])
    blocks = unit.inputs
    if [block.key["block"] for block in blocks] != [box.name for box in boxes]:
        raise ValueError(f"the inputs are not the {len(boxes)} blocks of cutout {cutout.name}")
    dtype = asked["intensity_dtype"]
    folders = ["segments", "contacts", *(["histograms"] if dtype else [])]
    for folder in folders:
        (bundle.directory / folder).mkdir()
    n_segments = n_contacts = 0
    with TemporaryDirectory(dir=".") as scratch:
        seams = write_seams(blocks, boxes, Path(scratch))
        ranges = totals.ranges(_rows(blocks, dtype is not None), totals.ROWS)
        for number, some in enumerate(ranges):
            name = f"part-{number:05}.parquet"
            rows = totals.joined(
                totals.segment_rows(path, box, cutout, some)
                for path, box in zip(stream(blocks, "segments.arrow"), boxes, strict=True)
            )
            segments = totals.segments(rows, cutout, size_nm_zyx, dtype)
            pq.write_table(segment_table(segments), bundle.directory / "segments" / name)
            rows = totals.joined(
                [*_labelled(blocks, "contacts.arrow", some)]
                + [totals.seam_rows(path, some) for path in seams]
            )
            contacts = totals.contacts(rows, size_nm_zyx)
            pq.write_table(contact_table(contacts), bundle.directory / "contacts" / name)
            if dtype:
                rows = totals.joined(_labelled(blocks, "histogram.arrow", some))
                table = pa.table({k: column(one) for k, one in totals.histograms(rows).items()})
                pq.write_table(table, bundle.directory / "histograms" / name)
            n_segments += len(segments["segment_id"])
            n_contacts += len(contacts["segment_id"])
    sources = {name: strings([block.key[name] for block in blocks]) for name in SOURCE}
    pq.write_table(pa.table(sources), bundle.directory / "source.parquet")
    bundle.parts |= {"Source": "source.parquet", "Segment": "segments", "Contact": "contacts"}
    bundle.urls |= {"segments": "segments", "contacts": "contacts"}
    limit = unit.settings["max_component_rows"]
    for part, name, n in (("Segment", "segment", n_segments), ("Contact", "contact", n_contacts)):
        bundle.attributes |= {f"n_{name}s": n, f"n_{name}_rows": min(n, limit)}
        if n > limit:
            bundle.part_rows[part] = limit
    edges: dict[str, int | None]
    edges = dict.fromkeys(("histogram_start", "histogram_bin_width", "histogram_bins"))
    if dtype:
        bundle.urls["histograms"] = "histograms"
        bins = asked["histogram_bins"]
        edges["histogram_start"] = lowest(dtype)
        edges |= {"histogram_bin_width": 2 ** bits(dtype) // bins, "histogram_bins": bins}
    else:
        bundle.attributes["histograms"] = None
    bundle.attributes |= edges


def write_seams(blocks: list[Finished], boxes: list[Box], directory: Path) -> list[Path]:
    """Write the contacts across the seams between each block and those before it; return where."""
    paths = []
    around = preceding(boxes, 6)
    for number, (block, before) in enumerate(zip(blocks, around, strict=True)):
        near = [blocks[other] for other in before]
        fetch([block, *near], "planes.arrow", "segments.arrow")
        found = []
        for other in near:
            axis = _axis(Box.parse(other.key["block"]), boxes[number])
            found.append(seam(axis, _side(other, axis, 1), _side(block, axis, 0)))
        if found:
            paths.append(directory / f"{number}.arrow")
            contacts = summed(totals.joined(found), ("segment_id", "other_id"))
            write_columns(paths[-1], contacts)
    return paths


def _axis(before: Box, after: Box) -> int:
    steps = zip(before.corner_zyx, after.corner_zyx, strict=True)
    return next(axis for axis, (one, other) in enumerate(steps) if one != other)


def _side(block: Finished, axis: int, end: int) -> tuple[Any, Any]:
    plane = read_plane(block.file("planes.arrow"), f"{'zyx'[axis]}{end}")
    return plane, read_segment_ids(block.file("segments.arrow"))


def _rows(blocks: list[Finished], with_image: bool) -> Iterator[tuple[Any, Any]]:
    names = ["segments.arrow", "contacts.arrow", *(["histogram.arrow"] if with_image else [])]
    for paths in zip(*(stream(blocks, name) for name in names), strict=True):
        yield totals.rows_of(*paths)


def _labelled(blocks: list[Finished], name: str, some: totals.Range) -> Iterator[Columns]:
    files = zip(stream(blocks, "segments.arrow"), stream(blocks, name), strict=True)
    return (totals.labelled_rows(path, read_segment_ids(ids), some) for ids, path in files)


def segment_table(columns: dict[str, Any]) -> pa.Table:
    """Segments as Arrow has them: ids as decimal(20, 0), null what was not measured."""
    n = len(columns["segment_id"])
    floats = {"mean_intensity": pa.float64(), "std_intensity": pa.float64()}
    table = {
        name: pa.nulls(n, floats.get(name, pa.int64())) if one is None else column(one)
        for name, one in columns.items()
    }
    ids = table.pop("segment_id").cast(pa.decimal128(20, 0))
    return pa.table({"measured_segment": ids, **table})


def contact_table(columns: dict[str, Any]) -> pa.Table:
    """Contacts as Arrow has them: ids as decimal(20, 0), 0 for no segment."""
    table = {name: column(one) for name, one in columns.items()}
    ids = {"touching_segment": "segment_id", "touched_segment": "other_id"}
    renamed = {name: table.pop(of).cast(pa.decimal128(20, 0)) for name, of in ids.items()}
    return pa.table(renamed | table)


if __name__ == "__main__":
    main("MERGE_SEGMENTS", merge_segments, software=("numpy", "pyarrow"))
