#!/usr/bin/env python3
"""MESH_BUCKET: the meshes of a bucket of segments."""

import pyarrow as pa
import pyarrow.parquet as pq
from kit.tasks import main
from kit.units import Bundle, Unit
from reading import sliced
from voxels.boxes import Box
from voxels.meshes import cube_files
from voxels.meshes.cubes import Cubes
from voxels.meshing import COLUMNS, How, written


def mesh_bucket(unit: Unit, bundle: Bundle) -> None:
    """Write the bucket's meshes beside those of others, and `meshes.parquet`: a row for each."""
    (index,) = unit.inputs
    (bundle.directory / "mesh").mkdir()
    slices = sliced.of_bucket(index, unit.key["mesh_bucket"])
    if not sliced.take(unit, bundle, slices, "mesh_bucket", "mesh"):
        make(unit, bundle, slices)
    sliced.put(index, bundle, "mesh")


def make(unit: Unit, bundle: Bundle, slices: list[sliced.Slice]) -> None:
    """Make the meshes of the bucket of the cubes that blocks have of it."""
    bucket, made = unit.key["mesh_bucket"], bundle.directory / "mesh"
    boxes = [Box.parse(one["box"]) for one in slices]
    parts = sliced.read(unit, slices, "cubes.arrow", cubes_of)
    rows = written(boxes, parts, bucket, How.of(unit.arguments), made) if boxes else []
    table = {
        name: pa.array([row[place] for row in rows], kind)
        for place, (name, kind) in enumerate(COLUMNS.items())
    }
    pq.write_table(pa.table(table), bundle.directory / "meshes.parquet")
    bundle.attributes["n_bucket_meshes"] = len(rows)


def cubes_of(content: bytes, box: Box, digest: str) -> Cubes:
    """Return what a block has of a bucket."""
    return cube_files.read(content, box.shape_zyx, digest)


if __name__ == "__main__":
    main(
        "MESH_BUCKET",
        mesh_bucket,
        software=("DracoPy", "numba", "numpy", "pyarrow"),
    )
