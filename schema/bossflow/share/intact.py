"""Whether the files of a volume are what is recorded, before its voxels are taken along."""

from collections.abc import Iterator
from pathlib import Path

from ..core import ledger, registry, stores
from ..kit import bundles, locations
from ..look import shown
from ..upkeep.elsewhere import Away, Elsewhere
from . import files
from .voxels import Source


def check(request: str, levels: list[Source]) -> None:
    """Read the files of some levels of a request's volume, and compare them with their bundles.

    Parameters
    ----------
    request : str
        Its id.
    levels : list of Source
        Of one volume.

    Raises
    ------
    ValueError
        If one is not what was recorded, or it can't be told.
    """
    layer = levels[0].volume.layer
    if layer.place is None:
        _written_elsewhere(request)
        return
    volume = f"{layer.place.path}/"
    keys = {level.number: level.key for level in layer.levels}
    others = tuple(
        f"{volume}{key}/" for number, key in keys.items() if number not in _numbers(levels)
    )
    number = 0
    for bundle in _bundles(request, layer.place.store):
        for entry in bundle.manifest["files"]:
            if not entry["path"].startswith(volume) or entry["path"].startswith(others):
                continue
            file, number = bundle.store / bundle.actual(entry["path"]), number + 1
            try:
                seen = files.seen(file, len)
            except OSError:
                raise files.damaged(file) from None
            if seen != (entry["bytes"], entry["sha256"]):
                raise files.damaged(file)
    if not number:
        raise ValueError(f"request {request} makes no volume of its own: export that of its source")


def _numbers(levels: list[Source]) -> set[int]:
    return {source.number for source in levels}


def _written_elsewhere(request: str) -> None:
    elsewhere = Elsewhere()
    for bundle in _bundles(request, None):
        try:
            problem = elsewhere.problem(bundle.manifest)
        except (Away, OSError) as error:
            raise ValueError(str(error)) from None
        if problem:
            raise ValueError(f"{problem}: `bossflow verify` tells more")


def _bundles(request: str, store: Path | None) -> Iterator[bundles.Finished]:
    """Yield the bundles of a request's own units, those in a store if one is given."""
    workflow, asked = shown.recalled(request)
    own = [unit for unit in workflow.units(asked) if "request_id" in unit.key]
    here = stores.Here()
    recorded = ledger.recorded_units(registry.stage_tables([workflow]), own)
    for one in recorded.values():
        places = [Path(place) for place in here.candidates(one)]
        places = [place for place in places if store in (None, place.parents[2])]
        if not places:
            raise ValueError(
                f"what is recorded of the volume's files is in store {here.where_is(one)}, which "
                "is away: mount it, or give credentials"
            )
        try:
            bundle = bundles.read(places[0])
        except FileNotFoundError:
            raise ValueError(
                f"{locations.shown(places[0])} is not in the store any more: bring it back, or run "
                "`bossflow invalidate --lost --store` and make it again"
            ) from None
        if bundle.content_sha256 != one.content_sha256:
            raise ValueError(f"{locations.shown(bundle.directory)} is not what was recorded")
        yield bundle
