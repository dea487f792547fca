#!/usr/bin/env python3
"""DETECT_BLOCK: search one block, with what is around it, for blobs or spheres."""

from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from kit.bundles import Finished
from kit.taking import take
from kit.tasks import main
from kit.units import Bundle, Unit
from numpy.typing import NDArray
from reading import reader, software
from tools.applied import keep_sources
from voxels.arrow import strings
from voxels.boxes import Box
from voxels.detection import files
from voxels.detection.blobs import candidates
from voxels.detection.mixture import Mixture, probabilities
from voxels.detection.searches import Spheres, search_of
from voxels.detection.spheres import detect
from voxels.detection.values import at_least, in_255ths, looked_up


def detect_block(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one block: what is certain in it, and what others decide."""
    if take(unit, bundle):
        return
    asked = unit.arguments
    mixed = asked["mixture"] != "none"
    inputs = unit.inputs[:-1] if mixed else unit.inputs
    core, wide, beyond = (Box.parse(asked[name]) for name in ("box", "with_halo", "beyond"))
    search = search_of(asked, asked["voxel_size_nm_zyx"])
    image = reader(unit, inputs, wide)(wide)
    if mixed:
        image = _probable(image, unit.inputs[-1], asked["mixture"])
    if isinstance(search, Spheres):
        values = at_least(in_255ths(image), Fraction(asked["min_probability"]))
        del image
        found = detect(values, wide, core, beyond, search)
        files.write_spheres(bundle.directory, found, wide)
        numbers = len(found.certain), len(found.open)
    else:
        places = candidates(image, wide, core, beyond, search)
        files.write_candidates(bundle.directory / files.CANDIDATES, places, wide)
        numbers = 0, len(places.scale)
    bundle.attributes |= dict(zip(("n_certain", "n_open"), numbers, strict=True))
    keep_sources(bundle, inputs)
    if mixed:
        fitted = unit.inputs[-1].key
        columns = {name: strings([fitted[name]]) for name in ("cutout", "mixture_paramset_id")}
        pq.write_table(pa.table(columns), bundle.directory / "mixture.parquet")
        bundle.parts["Mixture"] = "mixture.parquet"


def _probable(image: NDArray[Any], fitted: Finished, which: str) -> NDArray[np.uint8]:
    """Return the probability of each voxel to be of the darker or the brighter kind, in 255ths."""
    told = fitted.manifest["attributes"]
    dark, bright = (
        [told[f"{kind}_{name}"] for name in ("weight", "mean", "variance")]
        for kind in ("dark", "bright")
    )
    mixture = Mixture(*zip(dark, bright, strict=True))
    return looked_up(image, probabilities(mixture, np.iinfo(image.dtype).max + 1, which))


if __name__ == "__main__":
    main(
        "DETECT_BLOCK",
        detect_block,
        software=("numba", "numpy", "pyarrow", "tensorstore"),
        of_unit=software,
    )
