#!/usr/bin/env python3
"""MESH_BUCKET: the meshes of a bucket of segments."""

import os
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from kit import bundles, digests, locations, outside, verification
from kit.bundles import Finished
from kit.tasks import main
from kit.units import Bundle, Unit
from voxels.boxes import Box
from voxels.meshes import cube_files
from voxels.meshes.cubes import Cubes
from voxels.meshing import COLUMNS, How, written


def mesh_bucket(unit: Unit, bundle: Bundle) -> None:
    """Write the bucket's meshes beside those of others, and `meshes.parquet`: a row for each."""
    (index,) = unit.inputs
    made = bundle.directory / "mesh"
    made.mkdir()
    slices = slices_of(index, unit.key["mesh_bucket"])
    if not take(unit, bundle, slices, made):
        make(unit, bundle, slices, made)
    directory = index.file("mesh/info").parent
    with bundles.held(index, directory) as held:
        outside.put(bundle, made, directory, held)


def slices_of(index: Finished, bucket: int) -> list[dict[str, Any]]:
    """Return what an index says of a bucket: each block with cubes of it, by number and box."""
    own = [("bucket", "=", bucket)]
    found = pq.read_table(index.file("slices.parquet"), filters=own).to_pylist()
    given = index.manifest["inputs"]
    return [one | {"box": given[one["block"]]["key"]["block"]} for one in found]


def take(unit: Unit, bundle: Bundle, slices: list[dict[str, Any]], made: Path) -> bool:
    """Take what an earlier request made of the same cubes, in the same way, if it is whole."""
    for earlier in unit.settings["earlier"] if bundle.kept else ():
        try:
            same = find(unit, earlier, slices)
            if same is None:
                continue
            verification.verify(same, same.store)
            entries = same.manifest["files"]
            for entry, path in zip(entries, same.files_in(""), strict=True):
                own = (same.store / entry["path"]).is_relative_to(same.directory)
                target = bundle.directory / path.name if own else made / path.name
                try:
                    os.link(path, target)
                except OSError:  # on another file system, or another user's
                    shutil.copyfile(path, target)
            if not bundles.in_place(same):
                raise ValueError("it was made anew meanwhile")
        except (OSError, ValueError) as error:
            print(f"the bucket is not taken from request {earlier['request_id']}: {error}")
            for path in [*made.iterdir(), *bundle.directory.glob("*.parquet")]:
                path.unlink()
            continue
        bundle.attributes |= same.manifest["attributes"]
        bundle.taken_from = locations.url(same.directory)
        return True
    return False


def find(unit: Unit, earlier: dict[str, Any], slices: list[dict[str, Any]]) -> Finished | None:
    """Return the bundle of a bucket of an earlier request, if it was made of the same cubes."""
    store = locations.local(earlier["store"])
    name = digests.unit_id(unit.process, unit.key | {"request_id": earlier["request_id"]})
    try:
        there = bundles.read(locations.place(store, unit.process, name))
        (given,) = there.manifest["inputs"]
        index = bundles.read(locations.place(store, given["process"], given["unit_id"]))
    except FileNotFoundError:
        return None
    if there.manifest["arguments"] != unit.arguments:
        return None
    if index.content_sha256 != given["content_sha256"]:
        return None
    theirs = slices_of(index, unit.key["mesh_bucket"])
    same = [(one["box"], one["digest"]) for one in theirs]
    return there if same == [(one["box"], one["digest"]) for one in slices] else None


def make(unit: Unit, bundle: Bundle, slices: list[dict[str, Any]], made: Path) -> None:
    """Make the meshes of the bucket of the cubes that blocks have of it."""
    (index,) = unit.inputs
    asked, bucket = unit.arguments, unit.key["mesh_bucket"]
    blocks = unit.opened(index, [one["block"] for one in slices])
    boxes = [Box.parse(one["box"]) for one in slices]
    parts = locations.each(cubes_of, zip(boxes, slices, blocks, strict=True), index.directory)
    rows = written(boxes, parts, bucket, How.of(asked), made) if boxes else []
    table = {
        name: pa.array([row[place] for row in rows], kind)
        for place, (name, kind) in enumerate(COLUMNS.items())
    }
    pq.write_table(pa.table(table), bundle.directory / "meshes.parquet")
    bundle.attributes["n_bucket_meshes"] = len(rows)


def cubes_of(given: tuple[Box, dict[str, Any], Finished]) -> Cubes:
    """Read what a block has of a bucket, from its slice of the file alone."""
    box, one, block = given
    content = block.span("cubes.arrow", one["start"], one["end"])
    try:
        return cube_files.read(content, box.shape_zyx, one["digest"])
    except ValueError as error:
        raise ValueError(f"block {box.name} in {locations.shown(block.store)}: {error}") from None


if __name__ == "__main__":
    main(
        "MESH_BUCKET",
        mesh_bucket,
        software=("DracoPy", "numba", "numpy", "pyarrow"),
    )
