#!/usr/bin/env python3
"""FIT_TENSOR: fit tensors to the labelled voxels of one block."""

from kit.tasks import main
from kit.units import Bundle, Unit
from subjects import SOFTWARE, dwi, fits, masks
from voxels.boxes import Box


def fit_tensor(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one block: its fractional anisotropy."""
    pulled, masked = unit.inputs
    about, box = dwi.image(pulled), Box.parse(unit.key["tensor_block"])
    mask = masks.of_box(masked, masks.LABELS, box) != 0
    volumes = about.gradients.of_shell(unit.arguments["shell"])
    signals = dwi.signals(pulled, about, box, volumes)
    found = fits.anisotropy(signals, mask, about.gradients.only(volumes))
    fits.save(bundle.directory / fits.ANISOTROPY, found)
    n_voxels = int(mask.sum())
    bundle.attributes["n_tensor_voxels"] = n_voxels
    bundle.attributes["mean_fa"] = float(found[mask].mean()) if n_voxels else None


if __name__ == "__main__":
    main("FIT_TENSOR", fit_tensor, software=SOFTWARE)
