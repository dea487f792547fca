#!/usr/bin/env python3
"""CREATE_VOLUME: begin the volume that a cutout is transferred to."""

import shutil

from kit import store_ids
from kit.tasks import main
from kit.units import Bundle, Unit
from voxels.archives.places.destinations import Destination
from voxels.made_metadata import create
from voxels.made_volumes import Volume


def create_volume(unit: Unit, bundle: Bundle) -> None:
    """Write what describes a volume, and no chunk yet: in its bundle, or where `dest` says."""
    made, dest = bundle.directory / "volume", unit.arguments["dest"]
    create(Volume.of(unit.arguments), made)
    if not dest:
        bundle.urls["transferred"] = "volume"
        return
    bundle.attributes["transferred"] = dest
    if bundle.kept:
        destination = Destination(dest)
        store = store_ids.store_id(bundle.final.parents[2]) or ""
        marker = destination.claim(unit.key["request_id"], store, unit.settings["owners"])
        bundle.elsewhere = {
            "place": dest,
            "marker": marker,
            "files": destination.put(made),
        }
    shutil.rmtree(made)


if __name__ == "__main__":
    main("CREATE_VOLUME", create_volume)
