#!/usr/bin/env python3
"""CREATE_VOLUME: begin the volume that a cutout is transferred to."""

from kit.tasks import main
from kit.units import Bundle, Unit
from voxels.made_files import create
from voxels.made_volumes import Volume


def create_volume(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of a volume: what describes it, in `volume/`, and no chunk yet."""
    create(Volume.of(unit.arguments), bundle.directory / "volume")
    bundle.urls["transferred"] = "volume"


if __name__ == "__main__":
    main("CREATE_VOLUME", create_volume)
