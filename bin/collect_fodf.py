#!/usr/bin/env python3
"""COLLECT_FODF: put the fits of all blocks together, as volumes that are mapped into memory."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from kit.tasks import main
from kit.units import Bundle, Unit
from subjects import dwi, fits, masks
from voxels.boxes import Box


def collect_fodf(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one image: distributions and anisotropy of the whole, and of what."""
    pulled, masked, *blocks = unit.inputs
    shape, n = dwi.image(pulled).shape_xyz, unit.arguments["n_coefficients"]
    made = {
        name: np.lib.format.open_memmap(bundle.directory / name, "w+", np.float64, whole)
        for name, whole in ((fits.FODF, (*shape, n)), (fits.ANISOTROPY, shape))
    }
    tensors, fodfs = blocks[: len(blocks) // 2], blocks[len(blocks) // 2 :]
    for tensor, fodf in zip(tensors, fodfs, strict=True):
        box = Box.parse(fodf.key["fodf_block"])
        place = box.slices((0, 0, 0))[::-1]
        made[fits.ANISOTROPY][place] = np.load(tensor.file(fits.ANISOTROPY))
        mask = masks.of_box(masked, masks.WHITE_MATTER, box)
        made[fits.FODF][place][mask] = np.load(fodf.file(fits.FODF))
    for one in made.values():
        one.flush()
    names = [one.key["fodf_block"] for one in fodfs]
    sources = pa.table({"fodf_block": names, "tensor_block": names})
    pq.write_table(sources, bundle.directory / "sources.parquet")
    bundle.parts["Source"] = "sources.parquet"
    bundle.urls |= {"fodf_volume": fits.FODF, "fa_volume": fits.ANISOTROPY}


if __name__ == "__main__":
    main("COLLECT_FODF", collect_fodf, software=("numpy", "pyarrow"))
