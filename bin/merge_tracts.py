#!/usr/bin/env python3
"""MERGE_TRACTS: one tractogram of all groups, its connectome, and how dense it is."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq
from kit.tasks import main
from kit.units import Bundle, Unit
from subjects import SOFTWARE, dwi, fits, masks, nifti
from subjects.groups import BUNDLE, PART, bundled, connected, density, paint
from subjects.parts import Streamlines, opened
from subjects.tractogram import as_trk, merged

RESULTS = ("lines", "connectome", "maps", "pictures")
OF_PART = ("n_seeds", "n_streamlines", "n_points", "n_left_volume")


def merge_tracts(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one subject: tractogram, connectome and density."""
    (pulled, masked, volume, *groups), made = unit.inputs, bundle.directory
    about = dwi.image(pulled)

    def parts() -> Iterator[Streamlines]:
        for one in groups:
            one.file(PART)
            yield opened(one.at(PART))

    for name in RESULTS:
        (made / name).mkdir()
        bundle.urls[f"tract_{name}"] = name
    merged(parts(), about.affine, about.shape_xyz, made / "lines" / "tractogram.trx")
    if unit.arguments["trk"]:
        as_trk(parts(), about.affine, about.shape_xyz, made / "lines" / "tractogram.trk")
    bundle.attributes["tract_n_bundle"] = None
    if chosen := {name: unit.arguments[name] for name in BUNDLE if name in unit.arguments}:
        labels = masks.whole(masked, masks.LABELS)
        some = bundled(parts(), labels, chosen, about.affine)
        out = made / "lines" / "bundle.trx"
        bundle.attributes["tract_n_bundle"], _ = merged(some, about.affine, about.shape_xyz, out)
    found = connected(groups)
    connectome = {
        "label_a": found.a,
        "label_b": found.b,
        "n_connecting": found.streamlines,
        "mean_length_mm": found.mean_length_mm,
        "mean_tract_fa": found.mean_fa,
    }
    pq.write_table(pa.table(connectome), made / "connectome" / "connectome.parquet")
    bundle.parts["Connection"] = "connectome/connectome.parquet"
    visits = density(groups, about.shape_xyz)
    nifti.write(made / "maps" / "density.nii", visits, about.affine)
    fodf, fa = (fits.mapped(volume.file(name)) for name in (fits.FODF, fits.ANISOTROPY))
    white = masks.whole(masked, masks.WHITE_MATTER)
    nifti.write(made / "maps" / "fa.nii", fa.astype("float32"), about.affine)
    paint(parts, fodf, fa, white, about.affine, made / "pictures")
    sources = pa.Table.from_pylist([one.key for one in groups])
    pq.write_table(sources, made / "sources.parquet")
    bundle.parts["Source"] = "sources.parquet"
    bundle.attributes["n_connections"] = len(found.a)
    for name in OF_PART:
        total = sum(one.manifest["attributes"][f"part_{name}"] for one in groups)
        bundle.attributes[f"tract_{name}"] = total


if __name__ == "__main__":
    main("MERGE_TRACTS", merge_tracts, software=(*SOFTWARE, "pillow", "pyarrow"))
