#!/usr/bin/env python3
"""FIT_FODF: fit fibre orientation distributions to the white matter of one block."""

from kit.tasks import main
from kit.units import Bundle, Unit
from subjects import SOFTWARE, dwi, fits, masks
from voxels.boxes import Box


def fit_fodf(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one block: coefficients of its voxels of white matter, in C order."""
    asked, (pulled, masked, of_fibre) = unit.arguments, unit.inputs
    about, box = dwi.image(pulled), Box.parse(unit.key["fodf_block"])
    mask = masks.of_box(masked, masks.WHITE_MATTER, box)
    volumes = about.gradients.of_shell(asked["shell"])
    told = of_fibre.manifest["attributes"]
    found = fits.fodf(
        dwi.signals(pulled, about, box, volumes),
        mask,
        about.gradients.only(volumes),
        fits.Response(*(told[f"response_{name}"] for name in fits.Response._fields)),
        asked["sh_order"],
    )
    fits.save(bundle.directory / fits.FODF, found)
    bundle.attributes["n_fodf_voxels"] = len(found)


if __name__ == "__main__":
    main("FIT_FODF", fit_fodf, software=SOFTWARE)
