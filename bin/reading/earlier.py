"""Files of a block that an earlier volume has, for one that has grown."""

from collections.abc import Callable
from pathlib import Path

from kit import bundles, locations
from kit.bundles import Finished
from kit.taking import Places
from voxels.made_files import moved
from voxels.made_volumes import Volume


def places_in(volume: Volume) -> Places:
    """Return where a block's files go that is taken (`kit.taking`), in the directory `volume`.

    The block was written within the last input of its bundle, as arguments of which describe the
    volume that it was of. Files of its own stay where they are in it.
    """

    def places(earlier: Finished) -> Callable[[Path], Path]:
        *_, created = earlier.manifest["inputs"]
        host = locations.place(earlier.store, created["process"], created["unit_id"])
        theirs = Volume.of(bundles.read(host).manifest["arguments"])
        inside = host / "volume"

        def place(path: Path) -> Path:
            if path.is_relative_to(earlier.directory):
                return path.relative_to(earlier.directory)
            return Path("volume", moved(theirs, volume, path.relative_to(inside).as_posix()))

        return place

    return places
