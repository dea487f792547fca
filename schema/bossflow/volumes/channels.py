"""Channels of an archive, cutouts that were asked for, blocks that were pulled."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

import datajoint as dj
import numpy as np

from .. import database
from ..core.ledger import among
from ..core.tables import Execution, FilledByBlock, Run, schema
from ..kit.digests import digest
from ..voxels.archives import DEFAULT_PORTS, spelled
from ..voxels.boxes import Box

BOX_NAME_MAX = 64  # of the columns `cutout` and `block`


@schema
class Channel(dj.Manual):
    """One image or annotation array at one resolution."""

    definition = """
    # array at one resolution, in an archive or in the store
    channel_id   : char(16)       # hash of archive, uri, resolution, and what was chosen
    ---
    archive      : varchar(255)   # host and port, or the name given with `archive`
    uri          : varchar(1024)
    resolution   : int32          # 0 is the finest
    kind         : varchar(16)    # image or annotation
    dtype        : varchar(16)
    channel_x0   : int64          # (voxels) extent, half-open
    channel_x1   : int64
    channel_y0   : int64
    channel_y1   : int64
    channel_z0   : int64
    channel_z1   : int64
    voxel_size_x : float64        # (nm)
    voxel_size_y : float64        # (nm)
    voxel_size_z : float64        # (nm)
    -> [nullable] Execution.proj(written_by='execution_id')
    """

    class Choice(dj.Part):
        """The index that was chosen on another axis, of a volume that has several there."""

        definition = """
        # index chosen on an axis beside x, y and z
        -> master
        chosen_axis  : varchar(16)  # channel or time
        ---
        chosen_index : int64        # from 0
        """


@schema
class Cutout(dj.Manual):
    """A box of a channel that a user asked for."""

    definition = """
    # box of a channel that was asked for
    -> Channel
    cutout    : varchar(64)  # x0-x1_y0-y1_z0-z1, half-open, channel voxels
    ---
    cutout_x0 : int64        # (voxels)
    cutout_x1 : int64
    cutout_y0 : int64
    cutout_y1 : int64
    cutout_z0 : int64
    cutout_z1 : int64
    """


@schema
class Block(dj.Manual):
    """A cell of the channel's block grid, clipped to a cutout."""

    definition = """
    # cell of the block grid, clipped to a cutout
    -> Channel
    block    : varchar(64)  # x0-x1_y0-y1_z0-z1, half-open, channel voxels
    ---
    block_x0 : int64        # (voxels)
    block_x1 : int64
    block_y0 : int64
    block_y1 : int64
    block_z0 : int64
    block_z1 : int64
    """


@schema
class PulledBlock(FilledByBlock, dj.Imported):
    """A block's voxels, pulled from the archive into the store.

    Blocks of a volume that is read in place have none.
    """

    process = "PULL_BLOCK"
    pulled = True
    definition = """
    # voxels pulled from the archive
    -> Block
    ---
    voxels_sha256 : char(64)  # of the ZYX C-order little-endian bytes
    -> Execution.proj(pulled_by='execution_id')
    """


VOLUME = " * ".join(f"(block_{axis}1 - block_{axis}0)" for axis in "xyz")
"""SQL: how many voxels a row of `Block` has."""


def channel_id(
    archive: str, uri: str, resolution: int, chosen: Iterable[tuple[str, int]] = ()
) -> str:
    """Return a channel's id: archive and, where there are several, channel and time are part."""
    return digest([archive, uri, resolution, *filter(None, [dict(chosen)])])[:16]


def as_recorded(described: dict[str, Any], requests: Any) -> dict[str, Any]:
    """Return what DESCRIBE found, with each archive named as its channel is recorded.

    Earlier versions took host and port of an address as they were typed, and no path. What is
    recorded so keeps its name and its ids: the name that was typed comes first, then the one
    spelling, then any other spelling of the same.

    Parameters
    ----------
    described : dict
        As DESCRIBE leaves it, with no name given with `archive`.
    requests : DataJoint expression
        Requests, joined to the channel that each is for.
    """
    named: dict[Key, str] = {}
    left = [given for given in described["channels"] if given["host"]]
    # No index finds other spellings: all of them at once, and only of what is not there by its id.
    for column, values in (("channel_id", _ids), ("uri", _uris)):
        there = _archives(column, sorted({value for given in left for value in values(given)}))
        for given in left:
            name = _recorded_name(given, there[_key(given)[:2]], requests)
            if name:
                named[_key(given)] = name
        left = [given for given in left if _key(given) not in named]
    channels = [
        given | {"archive": named.get(_key(given), given["archive"])}
        for given in described["channels"]
    ]
    return described | {"channels": channels}


def _ids(given: dict[str, Any]) -> list[str]:
    return [channel_id(name, *_key(given)) for name in (_typed(given), given["archive"])]


def _uris(given: dict[str, Any]) -> list[str]:
    return [given["source"]]


Key = tuple[str, int, tuple[tuple[str, int], ...]]
"""What a channel is in its archive: URI, resolution, and what was chosen of it."""


def _key(given: dict[str, Any]) -> Key:
    chosen = tuple(sorted(given.get("chosen", {}).items()))
    return given["source"], given["resolution"], chosen


def asked(given: dict[str, Any]) -> tuple[Any, ...]:
    """Return the words for a channel in a row, or in what DESCRIBE found for it."""
    size = given.get("voxel_size")
    words = given["source"], given["resolution"], given.get("channel"), given.get("time")
    return (*words, size and tuple(size))


def _typed(given: dict[str, Any]) -> str:
    """Return host and port of a described channel's archive as they were typed."""
    host: str = given["host"]
    return host.partition("://")[2].partition("/")[0]


def _archives(column: str, values: list[str]) -> dict[tuple[str, int], list[str]]:
    """Return URI and resolution to the archives of the recorded channels with such values."""
    conn = Channel().connection
    found: dict[tuple[str, int], list[str]] = defaultdict(list)
    for some in database.pieces(values):
        rows = conn.query(
            f"SELECT archive, uri, resolution FROM {Channel.full_table_name} WHERE {column} IN %s",
            (tuple(some),),
        ).fetchall()
        for archive, uri, resolution in rows:
            found[uri, resolution].append(archive)
    return found


def _recorded_name(given: dict[str, Any], archives: list[str], requests: Any) -> str | None:
    """Return which recorded archive is that of a described channel, if any is."""
    typed, own = _typed(given), given["archive"]
    ranked = sorted(archives, key=lambda name: (name != typed, name != own, name))
    return next((name for name in ranked if _is_archive(name, given, requests)), None)


def _is_archive(name: str, given: dict[str, Any], requests: Any) -> bool:
    """Say whether a recorded name is that of a described channel's archive.

    A name without a path may mean any archive under that host: a run that asked for it must have
    given this address. A name that was only ever given with `archive` is no address.
    """
    host, _, path = given["archive"].partition("/")
    if name == given["archive"] or (name == _typed(given) and not path):
        return True
    spellings = {spelled(f"{scheme}://{name}") for scheme in DEFAULT_PORTS}
    if name != _typed(given) and host not in spellings:
        return False
    asked = requests & {"channel_id": channel_id(name, *_key(given))}
    runs = (Run.proj("run_parameters", first_run_id="run_id") & asked).to_arrays("run_parameters")
    hosts = [run.get("bossdb_host") or "" for run in runs if not run.get("archive")]
    if path:
        return any(one == given["host"] or spelled(one) == given["archive"] for one in hosts)
    return bool(hosts) or not len(runs)


def choices(rows: Any) -> dict[str, dict[str, int]]:
    """Return what was chosen of channels, by id, in rows of `Channel.Choice`."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for row in rows.to_dicts(order_by="chosen_axis"):
        found[row["channel_id"]][row["chosen_axis"]] = row["chosen_index"]
    return dict(found)


def channel_row(given: dict[str, Any]) -> dict[str, Any]:
    """Return the `Channel` row of one described channel (DESCRIBE's `channels` entry)."""
    metadata = given["metadata"]
    row = {
        "channel_id": channel_id(given["archive"], *_key(given)),
        "archive": given["archive"],
        "uri": given["source"],
        "resolution": given["resolution"],
        "kind": metadata["kind"],
        "dtype": metadata["dtype"],
    }
    axes = zip(
        "zyx",
        metadata["offset_zyx"],
        metadata["shape_zyx"],
        metadata["voxel_size_nm_zyx"],
        strict=True,
    )
    for axis, start, size, voxel in axes:
        row |= {
            f"channel_{axis}0": start,
            f"channel_{axis}1": start + size,
            f"voxel_size_{axis}": float(voxel),
        }
    return row


def metadata(channel: dict[str, Any]) -> dict[str, Any]:
    """Return what `describe` of an archive says of a `Channel` row."""
    whole = extent(channel)
    return {
        "kind": channel["kind"],
        "dtype": channel["dtype"],
        "shape_zyx": list(whole.shape_zyx),
        "offset_zyx": list(whole.corner_zyx),
        "voxel_size_nm_zyx": [channel[f"voxel_size_{axis}"] for axis in "zyx"],
    }


def extent(channel: dict[str, Any]) -> Box:
    """Return a `Channel` row's whole box."""
    return Box(*(channel[f"channel_{axis}{end}"] for axis in "xyz" for end in "01"))


def box_columns(prefix: str, box: Box) -> dict[str, int]:
    """Return a box as columns `<prefix>_x0` … `<prefix>_z1` (voxels)."""
    return {f"{prefix}_{name}": value for name, value in box._asdict().items()}


def itemsize(dtype: str) -> int:
    """Return the bytes of a voxel, by the name of its type."""
    return int(np.dtype(dtype).itemsize)


def only_zeros(blocks: Any, dtype: str) -> dict[str, tuple[list[str], int]]:
    """Return requests' blocks that were pulled as nothing but zeros: names, and of how many pulled.

    An archive may answer with zeros where it holds nothing, such as a resolution that was never
    made. The digest of zeros is known, and only a bundle that is small can have it.

    Parameters
    ----------
    blocks : DataJoint expression
        Rows with the key of `Block` and a `request_id`, by which they are told.
    dtype : str
        Of the channels.
    """
    voxel_bytes = itemsize(dtype)
    bundle = Execution.proj("bundle_bytes", pulled_by="execution_id")
    pulled = blocks.proj() * PulledBlock()
    small = f"bundle_bytes < 4096 + {VOLUME} * {voxel_bytes} / 100"
    empty: dict[str, list[str]] = defaultdict(list)
    for row in (pulled * Block * bundle & small).to_dicts():
        voxels = Box.parse(row["block"]).voxel_count
        if row["voxels_sha256"] == _sha256_of_zeros(voxels * voxel_bytes):
            empty[row["request_id"]].append(row["block"])
    if not empty:
        return {}
    some = pulled & [{"request_id": name} for name in empty]
    counts = dj.U("request_id").aggr(some, n="count(*)").to_dicts()
    return {row["request_id"]: (sorted(empty[row["request_id"]]), int(row["n"])) for row in counts}


@cache
def _sha256_of_zeros(n_bytes: int) -> str:
    found = hashlib.sha256()
    for start in range(0, n_bytes, 2**20):
        found.update(bytes(min(2**20, n_bytes - start)))
    return found.hexdigest()


def meets(prefix: str, box: Box) -> str:
    """Return the SQL condition that columns as `box_columns` names them meet a box."""
    ranges = zip("xyz", box.corner_zyx[::-1], box.end_zyx[::-1], strict=True)
    return " AND ".join(
        f"{prefix}_{axis}0 < {end} AND {prefix}_{axis}1 > {start}" for axis, start, end in ranges
    )


class Source(NamedTuple):
    """What is known of a channel that is asked for.

    Attributes
    ----------
    channel : dict
        Its `Channel` row.
    unreached : str, optional
        Why the archive was not asked, if it was not.
    chunk_zyx : list of int, optional
        The shape that it is best read in, where that is known.
    files : dict, optional
        How it is looked at for changes; None where nothing tells.
    chosen : dict
        Index of `channel` or `time`, where there is more than one.
    """

    channel: dict[str, Any]
    unreached: str | None
    chunk_zyx: list[int] | None
    files: dict[str, Any] | None
    chosen: dict[str, int]


def resolve(described: dict[str, Any]) -> dict[tuple[Any, ...], Source]:
    """Return what is known of each described channel, by the words that rows `asked` for it with.

    Raises
    ------
    ValueError
        If an archive can't be reached and the channel is not recorded, or if what it says, or the
        voxel size that is given for it, differs from what is recorded.
    """
    ids = {
        _key(given): channel_id(given["archive"], *_key(given)) for given in described["channels"]
    }
    rows = among(Channel(), "channel_id", set(ids.values()))
    recorded = {row["channel_id"]: row for row in rows}
    sizes: dict[Key, Any] = {}
    for given in described["channels"]:
        size = sizes.setdefault(_key(given), given.get("voxel_size"))
        if None not in (size, given.get("voxel_size")) and size != given["voxel_size"]:
            raise ValueError(
                f"{given['source']} is asked for with two voxel sizes, {_xyz(size)} and "
                f"{_xyz(given['voxel_size'])} nm: give one"
            )
    return {
        asked(given): _resolved(given, recorded.get(ids[_key(given)]))
        for given in described["channels"]
    }


def _xyz(size: Iterable[Any]) -> str:
    return ",".join(map(str, size))


def _resolved(given: dict[str, Any], recorded: dict[str, Any] | None) -> Source:
    chosen = given.get("chosen", {})
    if recorded and given.get("voxel_size"):
        _refuse_other_size(given, recorded)
    if given["metadata"] is None:
        if not recorded:
            raise ValueError(given["unreachable"])
        return Source(recorded, given["unreachable"], None, given.get("files"), chosen)
    channel = channel_row(given)
    for name, limit in (("archive", 255), ("uri", 1024)):
        if len(channel[name]) > limit:
            raise ValueError(f"{name} {channel[name][:40]}... is longer than {limit} characters")
    changed = [name for name, value in channel.items() if recorded and recorded[name] != value]
    if recorded and changed and _is_used(channel["channel_id"]):
        name = changed[0]
        who = "archive" if given["source"].startswith("bossdb://") else "volume"
        raise ValueError(
            f"{given['source']} changed: {name} was {recorded[name]}, the {who} now says "
            f"{channel[name]}; if it was replaced, `bossflow invalidate --channel "
            f"{channel['channel_id']}` forgets what was made of it"
        )
    return Source(channel, None, given["metadata"].get("chunk_zyx"), given.get("files"), chosen)


def _refuse_other_size(given: dict[str, Any], recorded: dict[str, Any]) -> None:
    """Refuse a voxel size that a user gives for a channel that is recorded with another one.

    Also if nothing was made of it yet: another run may be at it.
    """
    size = [recorded[f"voxel_size_{axis}"] for axis in "xyz"]
    if [float(side) for side in given["voxel_size"]] != size:
        there = _xyz(f"{side:.15g}" for side in size)
        raise ValueError(
            f"voxel_size {_xyz(given['voxel_size'])} is not what {given['source']} is recorded "
            f"with, {there} nm: give that, or, if that was wrong, forget the channel first, with "
            f"all that was made of it: `bossflow forget --channel {recorded['channel_id']}` (which "
            "says of what requests)"
        )


def _is_used(identity: str) -> bool:
    """Say whether something was made of a channel."""
    block_tables = (table for table, _ in schema.tables if issubclass(table, FilledByBlock))
    return any(table() & {"channel_id": identity} for table in block_tables)


def cut(row: dict[str, Any], channel: dict[str, Any]) -> Box:
    """Return the box that an asked-for row names; absent ranges are the whole extent.

    Raises
    ------
    ValueError
        If a range leaves the channel, or the box's name is longer than its column.
    """
    whole = extent(channel)
    bounds: list[int] = []
    for axis in "xyz":
        low, high = channel[f"channel_{axis}0"], channel[f"channel_{axis}1"]
        start, stop = row[f"{axis}_range"] or (low, high)
        if start < low or stop > high:
            raise ValueError(
                f"{axis}_range {start}..{stop} in {row['where']} leaves the channel: "
                f"{row['source']} at resolution {row['resolution']} has {axis} {low}..{high}"
            )
        bounds += [start, stop]
    box = Box(*bounds)
    assert whole.contains(box)
    if len(box.name) > BOX_NAME_MAX:
        raise ValueError(
            f"the cutout {box.name} in {row['where']} lies too far out: its name has more than "
            f"{BOX_NAME_MAX} characters"
        )
    return box
