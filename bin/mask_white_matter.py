#!/usr/bin/env python3
"""MASK_WHITE_MATTER: bring a segmentation onto the grid of a diffusion image."""

import io

from kit.tasks import main
from kit.units import Bundle, Unit
from subjects import dwi, masks, places


def mask_white_matter(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one segmentation: labels of the image's voxels, and which are tracked."""
    asked, about = unit.arguments, dwi.image(unit.inputs[0])
    path = unit.settings["segmentation"]
    name = f"segmentation {path}"
    content = places.checked(asked["segmentation"] | {"path": path})
    labels = masks.check(
        masks.read(io.BytesIO(content), name),
        about.affine,
        about.shape_xyz,
        asked["white_matter_labels"],
        name,
    )
    white = masks.chosen(labels, asked["white_matter_labels"])
    masks.save(bundle.directory, labels, white)
    bundle.attributes["n_labelled_voxels"] = int((labels != 0).sum())
    bundle.attributes["n_white_matter_voxels"] = int(white.sum())


if __name__ == "__main__":
    main("MASK_WHITE_MATTER", mask_white_matter, software=("nibabel", "numpy"))
