"""What an earlier request made of the same, taken instead of being made again."""

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from . import buckets, bundles, locations, verification
from .bundles import Finished
from .units import Bundle, Unit

Places = Callable[[Finished], Callable[[Path], Path]]
"""Takes the bundle that is taken; returns what tells where a file of it goes in the new one's
directory. Either raises ValueError where it can't be taken.
"""


def take(
    unit: Unit, bundle: Bundle, places: Places | None = None, others: Sequence[Finished] = ()
) -> bool:
    """Fill a bundle with what another one holds, if PLAN found one that was made of the same.

    The setting `same` names it: its `url` and `content_sha256`, and the digests that its sources
    `made`. It must be whole, of the same arguments but for the source's `uri`, and this unit's
    sources must still be those that PLAN compared. Files are linked, or copied where they can't
    be. One in a bucket is not taken: to fetch it takes no less than to make it. What is only
    compared is made.

    Parameters
    ----------
    unit : Unit
    bundle : Bundle
    places : callable, optional
        Where its files go; absent: where they are in the other one.
    others : sequence of Finished
        The last of its inputs that are not of the volume that has grown: an image's. The other
        bundle must be made of these very ones.

    Returns
    -------
    bool
        Whether it was taken.
    """
    same = unit.settings.get("same")
    own = unit.inputs[: len(unit.inputs) - len(others)]
    made_of = [digest for digest in map(_made, own) if digest]
    if not (same and bundle.kept and made_of):
        return False
    directory = locations.local(same["url"])
    if buckets.holds(directory) or made_of != same["made"]:
        return False
    try:
        earlier = bundles.read(directory)
        manifest = earlier.manifest
        if earlier.content_sha256 != same["content_sha256"] or not _alike(unit, manifest):
            return False
        if others and manifest["inputs"][-len(others) :] != [one.as_input for one in others]:
            return False
        verification.verify(earlier, earlier.store)
        place = places(earlier) if places else lambda path: path.relative_to(directory)
        for entry in manifest["files"]:
            path = earlier.store / entry["path"]
            target = bundle.directory / place(path)
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(path, target)
            except OSError:  # on another file system, or another user's
                shutil.copyfile(path, target)
        if not bundles.in_place(earlier):
            raise ValueError("it was set aside meanwhile")
    except (OSError, ValueError) as error:
        print(f"{unit.process} is not taken from {locations.shown(directory)}: {error}")
        for path in bundle.directory.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        return False
    bundle.attributes |= manifest["attributes"]
    bundle.urls |= manifest["urls"]
    bundle.parts |= manifest["parts"]
    bundle.part_rows |= manifest.get("part_rows", {})
    bundle.made_sha256 = manifest.get("made_sha256")
    bundle.taken_from = same["url"]
    return True


def _made(given: bundles.Finished) -> str | None:
    digest: str | None = given.manifest.get("made_sha256")
    return digest


def _alike(unit: Unit, manifest: dict[str, object]) -> bool:
    """Say whether a bundle was made with a unit's arguments, of another source."""
    theirs = manifest["arguments"]
    assert isinstance(theirs, dict)
    mine = unit.arguments
    return bool(
        manifest["process"] == unit.process
        and mine | {"source": mine["source"] | {"uri": ""}}
        == theirs | {"source": theirs.get("source", {}) | {"uri": ""}}
    )
