#!/usr/bin/env python3
"""APPLY_BLOCK: a user's function, called with a block and its halo; voxels or rows come of it."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from call_function import distributions, image_of, returned
from functions.caller import Caller
from functions.rows import table_of
from kit.tasks import main
from kit.units import Bundle, Unit
from numpy.typing import NDArray
from reading import reader, software
from tools.applied import keep_rows, keep_sources, keep_voxels
from voxels.boxes import Box


def apply_block(caller: Caller, unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one block: `rows.parquet`, or its files of the new volume."""
    if "command" in unit.arguments:
        raise ValueError(
            "a command makes it, which is not run to compare: `bossflow invalidate` has it made "
            "again"
        )
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
            keep_voxels(unit, bundle, begun, _voxels(told, made, about["dtype"]))
        else:
            keep_rows(bundle, table_of(told, made))
    keep_sources(bundle, inputs)


def _voxels(told: dict[str, Any], directory: Path, dtype: str) -> NDArray[Any]:
    """Return the array that a function returned."""
    if told["kind"] != "numpy":
        raise ValueError(
            f"the function returned no array, but was to return voxels of {dtype}: have it "
            "return one, or for rows leave out dtype and the annotation that names one"
        )
    voxels: NDArray[Any] = np.load(directory / "result.npy", mmap_mode="r", allow_pickle=False)
    return voxels


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
