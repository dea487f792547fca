"""A segmentation that was made here, compared with a truth voxel by voxel."""

import hashlib
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core import work
from ..kit.digests import digest
from ..look import counted
from ..look.layer import Layer
from ..look.layer import Level as Shown
from ..look.overlaps import Apart, Level, levels, parts, where_both
from ..look.served import Volume
from ..voxels import agreement, files
from ..voxels.archives import Refused, Unreachable, archive_of, offsets
from ..voxels.archives.made import is_made, named
from ..voxels.boxes import Box
from ..voxels.contingency import Table
from ..voxels.detection.matching import match_labels
from . import recording
from .sides import LABELS, REQUEST, Result, Truth, result

Progress = Callable[[int, int], None]

_BOSSDB = "https://api.bossdb.io"


class Noted(Volume):
    """A volume of which the digests of all that is read are kept, by box."""

    def __init__(self, layer: Layer, token: str) -> None:
        super().__init__(layer, token)
        self.noted: dict[str, str] = {}

    def looks(self, number: int, box: Box) -> str | None:
        """Return a digest of what the files of a box look like; None where nothing tells."""
        of = self.uri, number, self.layer.host, self._token
        told = self._archive.files(*of, [box], self.layer.chosen)
        if told is None:
            return None
        (seen,) = files.seen(told, [box])
        return digest([*of[:2], dict(self.layer.chosen), box.name, seen])[:32]

    def read(self, number: int, box: Box) -> NDArray[Any]:
        """Return the voxels of a box of a level, ZYX."""
        voxels = super().read(number, box)
        sha256 = hashlib.sha256(np.ascontiguousarray(voxels).data).hexdigest()
        self.noted[box.name] = f"{voxels.dtype.name} {sha256}"
        return voxels


def check(where: str, asked: Mapping[str, Any]) -> None:
    """Refuse a volume that can't be opened, or has no labels.

    Raises
    ------
    ValueError
    """
    try:
        _opened(where, asked)
    except (Refused, Unreachable) as error:
        raise ValueError(str(error)) from None


def scored(
    kind: str,
    where: str,
    asked: Mapping[str, Any],
    found: Result,
    how: work.ParamSet,
    told: Progress,
) -> dict[str, float] | None:
    """Return the score of a segmentation, which is recorded if it was not.

    What is recorded is found without reading, of a truth that was made here, or whose files look as
    they did. Any other volume is read, to know whether it is the same.

    Raises
    ------
    ValueError
        If they can't be compared, or voxels can't be read.
    """
    try:
        own = levels(found.request.request_id)
        if kind == REQUEST:
            return _of_request(where, asked, found, own, how, told)
        return _of_volume(where, asked, found, own, how, told)
    except (Apart, Refused, Unreachable) as error:
        raise ValueError(str(error)) from None


def _of_request(
    where: str,
    asked: Mapping[str, Any],
    found: Result,
    own: list[Level],
    how: work.ParamSet,
    told: Progress,
) -> dict[str, float] | None:
    other, uri = result(where), str(asked["uri"])
    output = named(uri).output if is_made(uri) else ""
    a, b, box = where_both(levels(where, output), own)
    place = f"bossflow://{where}/{a.volume}@{a.number}"
    truth = Truth(REQUEST, place, other.sha256, (place,), None, other.executions)
    key = recording.key_of(found, truth, how)
    if (numbers := recording.recorded(key)) is None:
        blocks = parts(a, b, box)
        table = counted.overlap((a, counted.volume(a)), (b, counted.volume(b)), blocks, told)
        recording.record(found, truth, how, _numbers(table, how.parameters), {})
        numbers = recording.recorded(key)
    return numbers


def _of_volume(
    where: str,
    asked: Mapping[str, Any],
    found: Result,
    own: list[Level],
    how: work.ParamSet,
    told: Progress,
) -> dict[str, float] | None:
    volume = _opened(where, asked)
    a, b, box = where_both(_levels(volume), own)
    seen = volume.looks(a.number, box)
    key = recording.key_of_seen(found, seen, how) if seen else None
    if key and (numbers := recording.recorded(key)):
        return numbers
    table = counted.overlap((a, volume), (b, counted.volume(b)), {box: False}, told)
    told_of = [box.name, *(f"{name} {sha256}" for name, sha256 in sorted(volume.noted.items()))]
    truth = Truth(LABELS, volume.uri, digest(told_of), (box.name,), seen=seen)
    recording.record(found, truth, how, _numbers(table, how.parameters), {})
    return recording.recorded(recording.key_of(found, truth, how))


def _opened(uri: str, asked: Mapping[str, Any]) -> Noted:
    """Open a volume of labels that was not made here.

    Raises
    ------
    Refused, Unreachable
    ValueError
        If it has no ids.
    """
    reader, host = archive_of(uri), str(asked.get("bossdb_host") or _BOSSDB)
    uri, resolution = reader.canonical(uri, os.getcwd()), int(asked.get("resolution") or 0)
    chosen = {name: asked[name] for name in ("channel", "time") if asked.get(name) is not None}
    chosen |= offsets.chosen_of(asked.get("offset"))
    size = asked.get("voxel_size")  # counts where none is stated
    known = [Shown(resolution, Box(0, 1, 0, 1, 0, 1), tuple(map(float, size)), "")] if size else []
    layer = Layer(
        *("", "truth", "segmentation", uri),
        archive=reader.archive_name(uri, host),
        host=host,
        resolution=resolution,
        chosen=chosen,
        levels=tuple(known),
        reads=True,
    )
    volume = Noted(layer, os.environ.get("BOSSDB_TOKEN", "").strip() or "public")
    if volume.kind != "segmentation":
        raise ValueError(f"truth {uri} holds {volume.finest['dtype']}, which are no labels")
    return volume


def _levels(volume: Noted) -> list[Level]:
    return [
        Level(
            "",
            "truth",
            number,
            Box.of(told["offset_zyx"], told["shape_zyx"]),
            tuple(map(float, reversed(told["voxel_size_nm_zyx"]))),
            None,
        )
        for number, told in volume.levels.items()
    ]


def _numbers(table: Table, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of `Score` that segmentations have."""
    measured = agreement.measures(table, asked["background"])
    same = "vi_split_bits", "vi_merge_bits", "vi_bits", "adapted_rand_error", "rand_index"
    return match_labels(table, asked["overlap"]).scores() | {
        "n_scored_voxels": measured["voxels"],
        **{name: measured[name] for name in same},
        "rand_precision": measured["precision"],
        "rand_recall": measured["recall"],
    }
