#!/usr/bin/env python3
"""PULL_DWI: cut a subject's diffusion image into blocks, in one pass over its file."""

from kit.tasks import main
from kit.units import Bundle, Unit
from subjects import dwi, places


def pull_dwi(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one image: its blocks, and what is known of it."""
    ordered = ("dwi", "bvals", "bvecs")
    named = {name: unit.arguments[name] | {"path": unit.settings[name]} for name in ordered}
    names = [f"{name} {one['path']}" for name, one in named.items()]
    bvals, bvecs = (places.checked(named[name]).decode("ascii") for name in ("bvals", "bvecs"))
    with places.opened(named["dwi"]["path"]) as file:
        places.check(file, named["dwi"])
        block_zyx = unit.arguments["block_zyx"]
        about = dwi.cut(file.stream, (bvals, bvecs), block_zyx, bundle.directory, names)
    x, y, z = about.shape_xyz
    bundle.attributes |= {
        "dwi_x": x,
        "dwi_y": y,
        "dwi_z": z,
        "n_volumes": len(about.gradients.bvals),
        "n_unweighted": int(about.gradients.unweighted.sum()),
        "shells": about.gradients.shells,
        "dwi_affine": about.affine.tolist(),
    }


if __name__ == "__main__":
    main("PULL_DWI", pull_dwi, software=("nibabel", "numpy"))
