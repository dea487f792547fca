#!/usr/bin/env python3
"""TRACK_GROUP: track from the seeds of one group, and say what its streamlines connect."""

from kit.tasks import main
from kit.units import Bundle, Unit
from subjects import SOFTWARE, dwi, fits, masks
from subjects.groups import PART, keep, seeds
from subjects.parts import opened
from subjects.tracking import How, track


def track_group(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one group and seed number: streamlines, connections, visits."""
    asked, (pulled, masked, volume) = unit.arguments, unit.inputs
    affine = dwi.image(pulled).affine
    fodf, fa = (fits.mapped(volume.file(name)) for name in (fits.FODF, fits.ANISOTROPY))
    of_group = asked["seed_groups"], unit.key["seed_group"]
    white = masks.whole(masked, masks.WHITE_MATTER)
    begun = seeds(white, *of_group, unit.key["seed_number"], asked["random_seed"])
    numbers = {name: float(asked[name]) for name in How._fields if name != "algorithm"}
    (bundle.directory / PART).mkdir()
    done = track(
        fodf, fa, affine, begun, How(asked["algorithm"], **numbers), bundle.directory / PART
    )
    part = opened(bundle.directory / PART)
    keep(part, masks.whole(masked, masks.LABELS), fa, affine, bundle.directory)
    bundle.attributes |= {f"part_{name}": one for name, one in done._asdict().items()}


if __name__ == "__main__":
    main("TRACK_GROUP", track_group, software=SOFTWARE)
