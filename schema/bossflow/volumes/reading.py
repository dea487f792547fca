"""How units read blocks of a channel: as they were pulled into the store, or where they lie."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from ..core import work
from ..core.work import MIB, UnitPlan
from ..voxels.boxes import Box
from .channels import box_columns, itemsize, metadata
from .sources import Source
from .tables import Block, Channel, Cutout

VERSION = "1"  # raised when voxels would be read as others: they are read again, then

SETTINGS: dict[str, Any] = {"host": "", "verify": False, "files": None, "layer": 1}
"""Those of a recorded request, of which nothing is to be made."""

PULLED_BYTES_PER_VOXEL = 24
"""Memory of a task that pulls, at most."""

Rows = tuple[tuple[Any, list[dict[str, Any]]], ...]


def settings_of(source: Source, params: dict[str, Any]) -> dict[str, Any]:
    """Return how a request's blocks are read: `SETTINGS`, and `layer`, planes to read at once."""
    return {
        "verify": bool(params.get("verify_pull")),
        "host": params["bossdb_host"],
        "files": source.files,
        "layer": (source.chunk_zyx or [1])[0],
    }


class Input(NamedTuple):
    """What a unit reads a block from.

    Attributes
    ----------
    arguments : dict
        `source`, where it is read in place.
    inputs : tuple of UnitPlan
        The unit that pulls it, where one does.
    reads : Reads, optional
        What is read outside of the stores.
    """

    arguments: dict[str, Any]
    inputs: tuple[UnitPlan, ...]
    reads: work.Reads | None


def is_staged(source: str, params: dict[str, Any]) -> bool:
    """Say whether blocks are copied into the store: always from an archive, else if asked for."""
    return source.startswith("bossdb://") or bool(params.get("stage"))


def block_input(
    channel: dict[str, Any],
    chosen: dict[str, int],
    box: Box,
    staged: bool,
    settings: dict[str, Any],
) -> Input:
    """Return what a block is read from.

    Parameters
    ----------
    channel : dict
        Its `Channel` row.
    chosen : dict
        Index of `channel` or `time`, where there is more than one.
    box : Box
    staged : bool
        Whether it is copied into the store.
    settings : dict
        How: `host`, `verify` and `files`, as in `SETTINGS`.
    """
    source = {name: channel[name] for name in ("uri", "resolution", "dtype")}
    if chosen:
        source["chosen"] = chosen
    reads = work.Reads(VERSION, box, settings["files"], not staged)
    if not staged:
        return Input({"source": source}, (), reads)
    pull = UnitPlan(
        "PULL_BLOCK",
        {"channel_id": channel["channel_id"], "block": box.name},
        source | {"box": box.name, "version": VERSION},
        settings={name: settings[name] for name in ("host", "verify")}
        | {"metadata": metadata(channel)},
        asks=work.Asks(memory=512 * MIB + PULLED_BYTES_PER_VOXEL * box.voxel_count),
        reads=reads,
        amount=box.voxel_count,
        amount_unit="voxels",
    )
    return Input({}, (pull,), None)


def rows(
    channel: dict[str, Any], chosen: dict[str, int], cutout: Box, boxes: Iterable[Box]
) -> Rows:
    """Return the rows that say what is read: the channel, a cutout of it, and its blocks."""
    key = {"channel_id": channel["channel_id"]}
    return (
        (Channel, [channel]),
        *(
            (Channel.Choice, [key | {"chosen_axis": name, "chosen_index": index}])
            for name, index in chosen.items()
        ),
        (Cutout, [key | {"cutout": cutout.name} | box_columns("cutout", cutout)]),
        (Block, [key | {"block": box.name} | box_columns("block", box) for box in boxes]),
    )


def read_bytes(unit: UnitPlan) -> int:
    """Return how many bytes of voxels a unit asks of the archive, or of a volume in place."""
    source = unit.arguments if unit.process == "PULL_BLOCK" else unit.arguments.get("source")
    if not source:
        return 0
    return Box.parse(unit.arguments["box"]).voxel_count * itemsize(source["dtype"])
