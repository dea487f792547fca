"""Volumes that requests make, each level of one a channel: declared by workflows, found again."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple

import datajoint as dj

from ..core import given, installed, ledger, migrations, registry, work
from ..core.tables import Request
from ..voxels.archives.made import ARCHIVE, is_made, named, uri_of
from ..voxels.boxes import Box
from .channels import NO_SHIFT, box_columns, channel_id, middle_rows
from .tables import Block, Channel, MadeBlock, MadeChannel


class Output(NamedTuple):
    """A level of a volume that a request makes.

    Attributes
    ----------
    name : str
        Of the volume, among those of the request.
    level : int
        0 is the finest.
    kind, dtype : str
        As of a `Channel`; uint64 for ids of which nobody knows the number before.
    extent : Box
        Voxels of this level that the request tells of: of a larger volume, no others.
    voxel_size_nm_zyx : tuple of float
    origin_zyx, chunk_zyx : tuple of int
        Where in the channel's coordinates the grid of chunks begins, and their shape.
    files : dict
        Where it is: its `format` (`precomputed`, `zarr`), the `volume`'s directory in the bundle
        of the unit within which its units write, and the directory of the `level` in that.
    middle_zyx : tuple of float
        Where voxel 0 has its middle, as `Channel.Middle` has it.
    """

    name: str
    level: int
    kind: str
    dtype: str
    extent: Box
    voxel_size_nm_zyx: tuple[float, ...]
    origin_zyx: tuple[int, ...]
    chunk_zyx: tuple[int, ...]
    files: dict[str, str]
    middle_zyx: tuple[float, ...] = NO_SHIFT

    def channel(self, request_id: str) -> dict[str, Any]:
        """Return the `Channel` row of this output of a request."""
        sizes = zip("zyx", self.voxel_size_nm_zyx, strict=True)
        return {
            "channel_id": _identity(request_id, self.name, self.level),
            "archive": ARCHIVE,
            "uri": uri_of(request_id, self.name),
            "resolution": self.level,
            "kind": self.kind,
            "dtype": self.dtype,
            **box_columns("channel", self.extent),
            **{f"voxel_size_{axis}": float(size) for axis, size in sizes},
        }

    def block(self, request_id: str, box: Box) -> dict[str, Any] | None:
        """Return the key of the block that a unit makes of it; None if none of it is told of."""
        try:
            inside = self.extent.intersect(box)
        except ValueError:
            return None
        return {
            "channel_id": _identity(request_id, self.name, self.level),
            "block": inside.name,
        }


@lru_cache(4096)
def _identity(request_id: str, name: str, level: int) -> str:
    """Return the id of the channel of an output."""
    return channel_id(ARCHIVE, uri_of(request_id, name), level)


class Volumes(NamedTuple):
    """What a workflow's units make: volumes (`work.Makes`).

    Attributes
    ----------
    outputs : callable
        Takes a request, also one that is recalled; returns its outputs. Pure.
    table : table class
    rewrites : bool
        Whether volumes of other parameters may have most voxels in common, of the same source.
    """

    outputs: Callable[[work.Request], list[Output]]
    table: Any = MadeBlock
    rewrites: bool = False

    def registered(self, request_ids: list[str]) -> set[str]:
        """Return the requests whose channels and blocks are registered."""
        making = dj.U("request_id") & MadeChannel()
        return {row["request_id"] for row in ledger.among(making, "request_id", request_ids)}

    def rows(self, request: work.Request, units: list[work.UnitPlan]) -> work.Rows:
        """Return the channels that a request makes, and the blocks that its units make of them."""
        identity = request.request_id
        outputs = self.outputs(request)
        channels = [output.channel(identity) for output in outputs]
        made = [
            {"channel_id": row["channel_id"], "request_id": identity, "output_name": output.name}
            for row, output in zip(channels, outputs, strict=True)
        ]
        blocks = [
            key | box_columns("block", Box.parse(key["block"]))
            for unit in units
            for key in unit.makes
        ]
        middles = [
            row
            for channel, output in zip(channels, outputs, strict=True)
            for row in middle_rows(channel, output.middle_zyx)
        ]
        return (
            (Channel, channels),
            (Channel.Middle, middles),
            (Block, blocks),
            (MadeChannel, made),
        )


class Made(NamedTuple):
    """A recorded output of a request, as a source of others.

    Attributes
    ----------
    request : str
        Its id.
    workflows : tuple of str
        Whose it is, and what it was made of, and that (`Request.sources`).
    output : Output
    blocks : Blocks
    """

    request: str
    workflows: tuple[str, ...]
    output: Output
    blocks: "Blocks"

    @property
    def given(self) -> dict[str, Any]:
        """What a request is given that reads it: where its grid of chunks begins, and its files."""
        return {"origin_zyx": list(self.output.origin_zyx), "files": self.output.files}


def found(uri: str, level: int) -> Made:
    """Return what is recorded of the output of a request that a URI names.

    Raises
    ------
    ValueError
        If there is no such request, volume or level, or it is not whole.
    """
    workflow, request, outputs = outputs_of(uri)
    identity = request.request_id
    names = sorted({output.name for output in outputs})
    wanted = named(uri).output
    if wanted not in names and (wanted or len(names) > 1):
        raise ValueError(
            f"{uri} names none of the volumes of request {identity}: {', '.join(names)}"
        )
    levels = [output for output in outputs if output.name == (wanted or names[0])]
    output = next((one for one in levels if one.level == level), None)
    if output is None:
        known = ", ".join(str(one.level) for one in levels)
        raise ValueError(f"resolution {level} is not one of {uri}: it has {known}")
    units = workflow.units(request)
    blocks = Blocks(output.channel(identity)["channel_id"], units)
    recorded = ledger.recorded_units(registry.stage_tables([workflow]), blocks.units)
    if len(recorded) < len(blocks.units):
        recorded = ledger.recorded_units(registry.stage_tables([workflow]), units)
        left = Counter(unit.process for unit in units if unit.unit_id not in recorded)
        raise ValueError(
            f"{uri} is not whole: request {identity} misses {work.numbers(left)}; first run what "
            f"asked for it again: `bossflow status --request {identity}` shows what that was"
        )
    if len(MadeBlock() & {"channel_id": blocks.channel_id}) < len(blocks.units):
        raise ValueError(
            f"{uri} was made by an earlier bossflow, and its blocks are not told of yet: run "
            "`bossflow db migrate`, which is safe to run again"
        )
    return Made(identity, _workflows(workflow, request), output, blocks)


def outputs_of(uri: str) -> tuple[work.Workflow, work.Request, list[Output]]:
    """Return the request that a URI names, and all levels of all volumes that it makes.

    Raises
    ------
    ValueError
        If there is no such request, or it makes none.
    """
    workflow, request = recalled(named(uri).request)
    outputs = workflow.makes.outputs(request) if isinstance(workflow.makes, Volumes) else []
    if not outputs:
        raise ValueError(f"{uri}: request {request.request_id} makes no volume in a store")
    return workflow, request, outputs


def recalled(name: str) -> tuple[work.Workflow, work.Request]:
    """Return the request that a name, or the start of an id, means, and its workflow."""
    identity = ledger.named(Request, name)
    (of,) = (Request() & {"request_id": identity}).to_arrays("workflow")
    workflow = installed.opened(str(of))
    (request,) = given.recalled(workflow, [identity])
    return workflow, request


def _workflows(workflow: work.Workflow, request: work.Request) -> tuple[str, ...]:
    """Return a request's workflow, and those of the volumes that it was made of.

    Without those that can't be used here: of what is recorded they are not needed.
    """
    further: tuple[str, ...] = ()
    uri = request.given.get("channel", {}).get("uri", "")
    if is_made(uri):
        with suppress(registry.NotInstalled, migrations.NotDeployed):
            further = _workflows(*recalled(named(uri).request))
    return (workflow.name, *further)


class Blocks:
    """Units that make the blocks of a channel, found by the boxes that they meet.

    Parameters
    ----------
    identity : str
        The channel's id.
    units : iterable of UnitPlan
        Units that make boxes of a grid.
    """

    def __init__(self, identity: str, units: Iterable[work.UnitPlan]) -> None:
        self.channel_id = identity
        self._units = {
            Box.parse(key["block"]): unit
            for unit in units
            for key in unit.makes
            if key["channel_id"] == identity
        }
        self._starts = [sorted({box[at] for box in self._units}) for at in (0, 2, 4)]
        self._by_corner: dict[tuple[int, ...], Box] = {box[::2]: box for box in self._units}

    @property
    def units(self) -> list[work.UnitPlan]:
        """Return the units that make them."""
        return [*self._units.values()]

    def meeting(self, box: Box) -> list[Box]:
        """Return the blocks that have a voxel in a box."""
        axes = [
            starts[max(0, bisect_right(starts, low) - 1) : bisect_left(starts, high)]
            for starts, low, high in zip(self._starts, box[::2], box[1::2], strict=True)
        ]
        corners = product(*axes)
        near = [self._by_corner[corner] for corner in corners if corner in self._by_corner]
        return [other for other in near if other.meets(box)]

    def inputs(self, box: Box) -> tuple[work.UnitPlan, ...]:
        """Return the units that a box is read from: that which holds the volume, then its blocks'.

        Those that write into no other's bundle hold themselves what they make.
        """
        units = [self._units[other] for other in self.meeting(box)]
        holders = {one.unit_id: one for unit in units if (one := unit.within) is not None}
        return (*holders.values(), *units)

    def sources(self, box: Box, **also: Any) -> tuple[dict[str, Any], ...]:
        """Return the blocks that a box is read from, as rows of a part `Source`.

        That refers to `MadeBlock.proj(source_block='block')`; `also` are columns beside.
        """
        return tuple(also | {"source_block": other.name} for other in self.meeting(box))
