#!/usr/bin/env python3
"""BEGIN_APPLY: begin what a function makes of the blocks of a cutout."""

from kit.tasks import main
from kit.units import Bundle, Unit
from voxels.made_metadata import create
from voxels.made_volumes import Volume


def begin_apply(unit: Unit, bundle: Bundle) -> None:
    """Write what describes the new volume, if one is made, and no chunk yet."""
    functions = [staged.key["function_id"] for staged in unit.inputs]
    bundle.attributes["applied_function"] = functions[0] if functions else None  # of a command
    if volume := unit.arguments["volume"]:
        create(Volume.of(volume), bundle.directory / "volume")
        bundle.urls["applied_volume"] = "volume"
    else:
        bundle.attributes["applied_volume"] = None


if __name__ == "__main__":
    main("BEGIN_APPLY", begin_apply)
