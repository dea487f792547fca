#!/usr/bin/env python3
"""SKELETON_BUCKET: the skeletons of a bucket of segments."""

import pyarrow as pa
import pyarrow.parquet as pq
from kit.tasks import main
from kit.units import Bundle, Unit
from reading import sliced
from voxels.skeletonizing import COLUMNS, How, written
from voxels.skeletons import run_files


def skeleton_bucket(unit: Unit, bundle: Bundle) -> None:
    """Write the bucket's skeletons beside those of others, and `skeletons.parquet`: a row each."""
    (index,) = unit.inputs
    (bundle.directory / "skeleton").mkdir()
    slices = sliced.of_bucket(index, unit.key["skeleton_bucket"])
    if not sliced.take(unit, bundle, slices, "skeleton_bucket", "skeleton"):
        make(unit, bundle, slices)
    sliced.put(index, bundle, "skeleton")


def make(unit: Unit, bundle: Bundle, slices: list[sliced.Slice]) -> None:
    """Make the skeletons of the bucket of the runs that blocks have of it."""
    parts = sliced.read(unit, slices, "runs.arrow", run_files.read)
    bucket, made = unit.key["skeleton_bucket"], bundle.directory / "skeleton"
    rows, n_dust = written(parts, bucket, How.of(unit.arguments), made)
    table = {
        name: pa.array([row[place] for row in rows], kind)
        for place, (name, kind) in enumerate(COLUMNS.items())
    }
    pq.write_table(pa.table(table), bundle.directory / "skeletons.parquet")
    bundle.attributes["n_bucket_skeletons"] = len(rows)
    bundle.attributes["n_bucket_dust"] = n_dust


if __name__ == "__main__":
    main("SKELETON_BUCKET", skeleton_bucket, software=("numba", "numpy", "pyarrow"))
