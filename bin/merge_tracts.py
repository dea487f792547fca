#!/usr/bin/env python3
"""MERGE_TRACTS: one tractogram of all groups, its connectome, and how dense it is."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq
from kit.tasks import main
from kit.units import Bundle, Unit
from subjects import dwi, nifti
from subjects.groups import PART, connected, density
from subjects.parts import Streamlines, opened
from subjects.tractogram import as_trk, merged

OF_PART = ("n_seeds", "n_streamlines", "n_points", "n_left_volume")


def merge_tracts(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one subject: tractogram, connectome and density."""
    (pulled, *groups), made = unit.inputs, bundle.directory
    about = dwi.image(pulled)

    def parts() -> Iterator[Streamlines]:
        for one in groups:
            one.file(PART)
            yield opened(one.at(PART))

    merged(parts(), about.affine, about.shape_xyz, made / "tractogram.trx")
    bundle.urls["tractogram"] = "tractogram.trx"
    if unit.arguments["trk"]:
        as_trk(parts(), about.affine, about.shape_xyz, made / "tractogram.trk")
    found = connected(groups)
    connectome = {
        "label_a": found.a,
        "label_b": found.b,
        "n_connecting": found.streamlines,
        "mean_length_mm": found.mean_length_mm,
        "mean_tract_fa": found.mean_fa,
    }
    pq.write_table(pa.table(connectome), made / "connectome.parquet")
    bundle.parts["Connection"] = bundle.urls["connectome"] = "connectome.parquet"
    nifti.write(made / "density.nii", density(groups, about.shape_xyz), about.affine)
    bundle.urls["tract_density"] = "density.nii"
    sources = pa.Table.from_pylist([one.key for one in groups])
    pq.write_table(sources, made / "sources.parquet")
    bundle.parts["Source"] = "sources.parquet"
    bundle.attributes["n_connections"] = len(found.a)
    for name in OF_PART:
        total = sum(one.manifest["attributes"][f"part_{name}"] for one in groups)
        bundle.attributes[f"tract_{name}"] = total


if __name__ == "__main__":
    main("MERGE_TRACTS", merge_tracts, software=("nibabel", "numpy", "pyarrow"))
