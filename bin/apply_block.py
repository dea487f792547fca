#!/usr/bin/env python3
"""APPLY_BLOCK: a user's function, called with a block and its halo; voxels or rows come of it."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from call_function import distributions, image_of, returned
from functions.caller import Caller
from functions.rows import table_of
from kit import bundles, outside
from kit.bundles import Finished
from kit.tasks import main
from kit.units import Bundle, Unit
from numpy.typing import NDArray
from reading import reader, software
from voxels.arrow import strings
from voxels.boxes import Box
from voxels.made_files import digest_of, write
from voxels.made_volumes import Volume


def apply_block(caller: Caller, unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one block: `rows.parquet`, or its files of the new volume."""
    *inputs, staged, begun = unit.inputs
    bundle.container, asked = image_of(staged), unit.arguments
    wide = Box.parse(asked["with_halo"])
    with TemporaryDirectory(prefix="block-", dir=".") as scratch:
        made, block = Path(scratch, "made"), Path(scratch, "block.npy")
        np.save(block, reader(unit, inputs, wide)(wide), allow_pickle=False)
        handed = {
            "block": str(block.absolute()),
            "box": [*zip(wide.corner_zyx, wide.end_zyx, strict=True)],
            "voxel_size_nm": asked["voxel_size_nm_zyx"],
            "halo": asked["halo_zyx"],
        }
        paths = unit.settings["paths"]
        told = returned(caller, staged, asked["arguments"], paths, made, handed=handed)
        block.unlink()
        if about := begun.manifest["arguments"]["volume"]:
            _write(unit, bundle, begun, Volume.of(about), told, made)
        else:
            table = table_of(told, made)
            pq.write_table(table, bundle.directory / "rows.parquet")
            bundle.attributes |= {"applied_sha256": None, "n_block_rows": table.num_rows}
    if pulled := [one.key["block"] for one in inputs if one.manifest["process"] == "PULL_BLOCK"]:
        pq.write_table(
            pa.table({"pulled_block": strings(pulled)}), bundle.directory / "pulled.parquet"
        )
        bundle.parts["Pulled"] = "pulled.parquet"


def _write(
    unit: Unit,
    bundle: Bundle,
    begun: Finished,
    volume: Volume,
    told: dict[str, Any],
    directory: Path,
) -> None:
    """Write the block's files into the volume, of what the function returned."""
    box, files = Box.parse(unit.arguments["box"]), bundle.directory / "volume"
    voxels = _voxels(unit.arguments, volume, told, directory)
    written = write(volume, 0, voxels, box, files)
    bundle.attributes |= {"applied_sha256": written, "n_block_rows": None}
    bundle.made_sha256 = digest_of(volume.dtype, [(box, written)])
    into = begun.file("volume")
    with bundles.held(begun, into) as held:
        outside.put(bundle, files, into, held)


def _voxels(
    asked: dict[str, Any], volume: Volume, told: dict[str, Any], directory: Path
) -> NDArray[Any]:
    """Return the voxels of a block that a function returned, without its halo."""
    if told["kind"] != "numpy":
        raise ValueError(
            f"the function returned no array, but was to return voxels of {volume.dtype}: have it "
            "return one, or for rows leave out dtype and the annotation that names one"
        )
    box, wide = Box.parse(asked["box"]), Box.parse(asked["with_halo"])
    voxels: NDArray[Any] = np.load(directory / "result.npy", mmap_mode="r", allow_pickle=False)
    if voxels.dtype != volume.dtype:
        raise ValueError(
            f"the function returned voxels of {voxels.dtype}, but was to return {volume.dtype}: "
            "give that dtype, or have the function convert them"
        )
    if voxels.shape not in (box.shape_zyx, wide.shape_zyx):
        shapes = " or, with its halo, ".join(map(str, {box.shape_zyx: 0, wide.shape_zyx: 0}))
        raise ValueError(f"the function returned voxels of shape {voxels.shape}, not {shapes}")
    own = box.slices(wide.corner_zyx if voxels.shape == wide.shape_zyx else box.corner_zyx)
    return np.ascontiguousarray(voxels[own])


def _versions(unit: Unit) -> Iterable[str]:
    return {*distributions(unit.inputs[-2].manifest["arguments"]), *software(unit)}


if __name__ == "__main__":
    caller = Caller()
    try:
        main(
            "APPLY_BLOCK",
            partial(apply_block, caller),
            software=("numpy", "pyarrow", "tensorstore"),
            of_unit=_versions,
        )
    finally:
        caller.close()
