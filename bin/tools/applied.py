"""What was made of a block, voxels of a new volume or rows, becomes its bundle."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from kit import bundles, outside
from kit.bundles import Finished
from kit.units import Bundle, Unit
from numpy.typing import NDArray
from voxels.arrow import strings
from voxels.boxes import Box
from voxels.made_files import digest_of, write
from voxels.made_volumes import Volume


def keep_voxels(
    unit: Unit, bundle: Bundle, begun: Finished, voxels: NDArray[Any], by: str = "function"
) -> None:
    """Write the voxels (ZYX) that were made of a block into the volume that was begun.

    Parameters
    ----------
    unit : Unit
        Of APPLY_BLOCK.
    bundle : Bundle
    begun : Finished
        Of BEGIN_APPLY.
    voxels : ndarray
        Of the volume's dtype, as large as the block, or as the block with its halo.
    by : str
        What made them: `function` or `command`.

    Raises
    ------
    ValueError
        If they are of another dtype or shape.
    """
    volume = Volume.of(begun.manifest["arguments"]["volume"])
    box, files = Box.parse(unit.arguments["box"]), bundle.directory / "volume"
    written = write(volume, 0, _own(unit.arguments, volume, voxels, by), box, files)
    bundle.attributes |= {"applied_sha256": written, "n_block_rows": None}
    bundle.made_sha256 = digest_of(volume.dtype, [(box, written)])
    into = begun.file("volume")
    with bundles.held(begun, into) as held:
        outside.put(bundle, files, into, held)


def _own(asked: dict[str, Any], volume: Volume, voxels: NDArray[Any], by: str) -> NDArray[Any]:
    """Return the voxels of a block without its halo."""
    if voxels.dtype != volume.dtype:
        raise ValueError(
            f"the {by} returned voxels of {voxels.dtype}, but was to return {volume.dtype}: "
            f"give that dtype, or have the {by} convert them"
        )
    box, wide = Box.parse(asked["box"]), Box.parse(asked["with_halo"])
    if voxels.shape not in (box.shape_zyx, wide.shape_zyx):
        shapes = " or, with its halo, ".join(map(str, {box.shape_zyx: 0, wide.shape_zyx: 0}))
        raise ValueError(f"the {by} returned voxels of shape {voxels.shape}, not {shapes}")
    own = box.slices(wide.corner_zyx if voxels.shape == wide.shape_zyx else box.corner_zyx)
    return np.ascontiguousarray(voxels[own])


def keep_rows(bundle: Bundle, table: pa.Table) -> None:
    """Keep the rows that were made of a block."""
    pq.write_table(table, bundle.directory / "rows.parquet")
    bundle.attributes |= {"applied_sha256": None, "n_block_rows": table.num_rows}


def keep_sources(bundle: Bundle, inputs: Iterable[Finished]) -> None:
    """Name the copies of blocks that a block was made of, where there are some."""
    if pulled := [one.key["block"] for one in inputs if one.manifest["process"] == "PULL_BLOCK"]:
        pq.write_table(
            pa.table({"pulled_block": strings(pulled)}), bundle.directory / "pulled.parquet"
        )
        bundle.parts["Pulled"] = "pulled.parquet"
