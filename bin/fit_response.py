#!/usr/bin/env python3
"""FIT_RESPONSE: estimate the signal of one fibre from the middle of an image."""

from kit.tasks import main
from kit.units import Bundle, Unit
from subjects import SOFTWARE, dwi, fits, masks


def fit_response(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one image: the response, in its row."""
    asked, (pulled, masked) = unit.arguments, unit.inputs
    about = dwi.image(pulled)
    box = dwi.middle(about.shape_xyz, asked["response_radius"])
    volumes = about.gradients.of_shell(asked["shell"])
    found = fits.response(
        dwi.signals(pulled, about, box, volumes),
        masks.of_box(masked, masks.WHITE_MATTER, box),
        about.gradients.only(volumes),
        float(asked["response_fa"]),
    )
    bundle.attributes |= {f"response_{name}": one for name, one in found._asdict().items()}


if __name__ == "__main__":
    main("FIT_RESPONSE", fit_response, software=SOFTWARE)
