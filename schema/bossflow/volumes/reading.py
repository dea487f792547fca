"""How units read blocks of a channel: as they were pulled into the store, or where they lie."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from ..core import work
from ..core.work import MIB, UnitPlan
from ..voxels.archives import STREAMS
from ..voxels.archives.made import ARCHIVE, is_made
from ..voxels.archives.offsets import given_zyx
from ..voxels.boxes import Box
from ..voxels.halos import cells, widened
from .channels import NO_SHIFT, box_columns, extent, itemsize, metadata, middle_rows
from .sources import Source
from .tables import Block, Channel, Cutout

VERSION = "1"  # raised when voxels would be read as others: they are read again, then

SETTINGS: dict[str, Any] = {
    "host": "",
    "verify": False,
    "files": None,
    "chunks": [[1, 1, 1], [0, 0, 0]],
    "made": None,
    "same": {},
}
"""Those of a recorded request, of which nothing is to be made."""

PULLED_BYTES_PER_VOXEL = 24
"""Memory of a task that pulls, at most."""

Rows = tuple[tuple[Any, list[dict[str, Any]]], ...]


def settings_of(source: Source, params: dict[str, Any]) -> dict[str, Any]:
    """Return how a request's blocks are read, as `SETTINGS` has it.

    `chunks` are the shape of what is read at once, and where one of these begins.
    """
    corner = source.made.output.origin_zyx if source.made else extent(source.channel).corner_zyx
    return {
        "made": source.made,
        "verify": bool(params.get("verify_pull")),
        "host": params["bossdb_host"],
        "files": source.files,
        "chunks": [source.chunk_zyx or [1, 1, 1], list(corner)],
    }


def origin_of(given: dict[str, Any]) -> list[int]:
    """Return where the block grid begins, ZYX: of a volume that was made here, its chunks' grid."""
    if made := given.get("made"):
        return list(made["origin_zyx"])
    return list(extent(given["channel"]).corner_zyx)


class Input(NamedTuple):
    """What a unit reads a block from.

    Attributes
    ----------
    arguments : dict
        `source`, where it is read in place.
    inputs : tuple of UnitPlan
        The unit that pulls it, or those that made it.
    pulls : tuple of UnitPlan
        Of these, what is of this request.
    reads : Reads, optional
        What is read outside of the stores.
    sources : tuple of dict
        The blocks that it is read from, of a volume that was made here (`UnitPlan.sources`).
    settings : dict
        `same`, where an earlier volume has it (`volumes.growth`).
    """

    arguments: dict[str, Any]
    inputs: tuple[UnitPlan, ...]
    pulls: tuple[UnitPlan, ...] = ()
    reads: work.Reads | None = None
    sources: tuple[dict[str, Any], ...] = ()
    settings: dict[str, Any] = {}


def asked_again(given: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that ask for a recorded request's source and cutout.

    Parameters
    ----------
    given : dict
        As `given_of` returns it.
    params : dict
        Of a run that read it, such as by which address.
    """
    channel, box = given["channel"], Box.parse(given["cutout"])
    uri, chosen, told = channel["uri"], given["chosen"], {}
    offset = given_zyx(chosen)
    if not is_made(uri):
        told["archive"] = channel["archive"]
    if not uri.startswith((f"{ARCHIVE}://", "bossdb://")):  # stated or given: the same is taken
        sizes = (float(channel[f"voxel_size_{axis}"]) for axis in "xyz")
        told["voxel_size"] = [format(Decimal(repr(size)), "f") for size in sizes]
    return told | {
        "source": uri,
        "resolution": channel["resolution"],
        "x_range": [box.x0, box.x1],
        "y_range": [box.y0, box.y1],
        "z_range": [box.z0, box.z1],
        **{name: chosen[name] for name in ("channel", "time") if name in chosen},
        **({"offset": offset[::-1]} if offset else {}),
        **{name: params[name] for name in ("bossdb_host", "verify_pull") if params.get(name)},
    }


def is_staged(source: Source, params: dict[str, Any]) -> bool:
    """Say whether blocks are copied into the store: always from an archive, else if asked for.

    What was made here is in a store already.
    """
    from_archive = source.channel["uri"].startswith("bossdb://")
    return source.made is None and (from_archive or bool(params.get("stage")))


def given_of(source: Source, cutout: Box) -> dict[str, Any]:
    """Return what a request is given that reads a cutout of a source."""
    given = {"channel": source.channel, "chosen": source.chosen, "cutout": cutout.name}
    given |= {"made": source.made.given} if source.made else {}
    return given | ({"middle_zyx": list(source.middle_zyx)} if any(source.middle_zyx) else {})


def block_input(given: dict[str, Any], box: Box, staged: bool, settings: dict[str, Any]) -> Input:
    """Return what a block is read from.

    Parameters
    ----------
    given : dict
        As `given_of` returns it.
    box : Box
    staged : bool
        Whether it is copied into the store.
    settings : dict
        How, as in `SETTINGS`.
    """
    channel = given["channel"]
    source = {name: channel[name] for name in ("uri", "resolution", "dtype")}
    if given["chosen"]:
        source["chosen"] = given["chosen"]
    if "made" in given:
        source["files"] = given["made"]["files"]
        blocks = settings["made"].blocks if settings["made"] else None
        if blocks is None:  # of a request that is recalled, of which nothing is to be made
            return Input({"source": source}, ())
        same = {"same": settings["same"][box.name]} if box.name in settings["same"] else {}
        inputs = {"inputs": blocks.inputs(box), "sources": blocks.sources(box)}
        return Input({"source": source}, **inputs, settings=same)
    reads = work.Reads(VERSION, box, settings["files"], not staged)
    if not staged:
        return Input({"source": source}, (), reads=reads)
    pull = UnitPlan(
        "PULL_BLOCK",
        {"channel_id": channel["channel_id"], "block": box.name},
        source | {"box": box.name, "version": VERSION},
        settings={name: settings[name] for name in ("host", "verify")}
        | {"metadata": metadata(channel)},
        asks=work.Asks(memory=512 * MIB + PULLED_BYTES_PER_VOXEL * box.voxel_count),
        reads=reads,
        together=shares_file(given, box, settings),
        amount=box.voxel_count,
        amount_unit="voxels",
    )
    return Input({}, (pull,), (pull,))


class WithHalo:
    """What units read blocks with a halo from.

    Where blocks are copied into the store that is those of the neighbours, so nothing is pulled
    twice; else the source, or the units that made it.

    Parameters
    ----------
    given : dict
        As `given_of` returns it.
    halo_zyx : sequence of 3 int
        Voxels on each side, which end at the cutout; no more than a block has.
    block_shape_zyx, origin_zyx : sequence of 3 int
        The grid of blocks.
    staged : bool
        Whether they are copied into the store.
    settings : dict
        How, as in `SETTINGS`.
    before_zyx : sequence of 3 int, optional
        Voxels before a block, where these are others than behind it.
    """

    def __init__(
        self,
        given: dict[str, Any],
        halo_zyx: Sequence[int],
        block_shape_zyx: Sequence[int],
        origin_zyx: Sequence[int],
        staged: bool,
        settings: dict[str, Any],
        before_zyx: Sequence[int] | None = None,
    ) -> None:
        self._given, self._halo, self._settings = given, (halo_zyx, before_zyx), settings
        self._cutout = Box.parse(given["cutout"])
        self._grid, self._staged = (block_shape_zyx, origin_zyx), staged
        self._copies: dict[Box, UnitPlan] = {}

    def box(self, block: Box) -> Box:
        """Return a block with its halo."""
        behind, before = self._halo
        return widened(block, behind, self._cutout, before)

    def input(self, block: Box) -> Input:
        """Return what a block is read from with its halo; of the `pulls` the block's own."""
        wide = self.box(block)
        if not self._staged:
            return block_input(self._given, wide, False, self._settings)
        near = tuple(self._copy(cell) for cell in self.cells(block))
        return Input({}, near, (self._copy(block),))

    def cells(self, block: Box) -> list[Box]:
        """Return the blocks that have voxels of a block with its halo."""
        return cells(self.box(block), self._cutout, *self._grid)

    def _copy(self, block: Box) -> UnitPlan:
        if block not in self._copies:
            (pull,) = block_input(self._given, block, True, self._settings).pulls
            self._copies[block] = pull
        return self._copies[block]


def is_stream(channel: dict[str, Any], chunk_zyx: Sequence[int] | None) -> bool:
    """Say whether a channel is a file that is one stream, by what is read of it at once."""
    scheme = channel["uri"].partition("://")[0]
    return scheme in STREAMS and tuple(chunk_zyx or ()) == extent(channel).shape_zyx


def shares_file(given: dict[str, Any], box: Box, settings: dict[str, Any]) -> bool:
    """Say whether a block is to be read by the task that reads the one before: of a stream.

    Parameters
    ----------
    given : dict
        As `given_of` returns it.
    box : Box
    settings : dict
        As `SETTINGS`.
    """
    is_first = Box.parse(given["cutout"]).corner_zyx == box.corner_zyx
    return is_stream(given["channel"], settings["chunks"][0]) and not is_first


def rows(given: dict[str, Any], boxes: Iterable[Box]) -> Rows:
    """Return the rows that say what is read: the channel, a cutout of it, and its blocks.

    Parameters
    ----------
    given : dict
        As `given_of` returns it.
    boxes : iterable of Box
    """
    channel, cutout = given["channel"], Box.parse(given["cutout"])
    key = {"channel_id": channel["channel_id"]}
    return (
        (Channel, [channel]),
        *(
            (Channel.Choice, [key | {"chosen_axis": name, "chosen_index": index}])
            for name, index in given["chosen"].items()
        ),
        (Channel.Middle, middle_rows(channel, given.get("middle_zyx", NO_SHIFT))),
        (Cutout, [key | {"cutout": cutout.name} | box_columns("cutout", cutout)]),
        (Block, [key | {"block": box.name} | box_columns("block", box) for box in boxes]),
    )


def read_bytes(unit: UnitPlan) -> int:
    """Return how many bytes of voxels a unit asks of the archive, or of a volume in place."""
    asked = unit.arguments
    source = asked if unit.process == "PULL_BLOCK" else asked.get("source")
    if not source:
        return 0
    return Box.parse(asked.get("with_halo", asked["box"])).voxel_count * itemsize(source["dtype"])
