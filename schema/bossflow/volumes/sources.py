"""What is known of the channels that are asked for."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ..core.ledger import among
from ..core.tables import FilledByBlock, schema
from ..voxels.archives.made import is_made
from .channels import NO_SHIFT, Key, asked, channel_id, channel_row, key_of, middles
from .made import Made, found
from .tables import Channel


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
    made : Made, optional
        What is known of a volume that was made here.
    middle_zyx : sequence of 3 float
        Where voxel 0 has its middle, as `Channel.Middle` has it.
    """

    channel: dict[str, Any]
    unreached: str | None
    chunk_zyx: list[int] | None
    files: dict[str, Any] | None
    chosen: dict[str, int]
    made: Made | None = None
    middle_zyx: Sequence[float] = NO_SHIFT


def resolve(described: dict[str, Any]) -> dict[tuple[Any, ...], Source]:
    """Return what is known of each described channel, by the words that rows `asked` for it with.

    Raises
    ------
    ValueError
        If an archive can't be reached and the channel is not recorded, or if what it says, or the
        voxel size that is given for it, differs from what is recorded; or if a volume that is to
        be made here is not there, or not whole.
    """
    every = described["channels"]
    made = {asked(given): _made(given) for given in every if is_made(given["source"])}
    described = {"channels": [given for given in every if not is_made(given["source"])]}
    ids = {
        key_of(given): channel_id(given["archive"], *key_of(given))
        for given in described["channels"]
    }
    rows = among(Channel(), "channel_id", set(ids.values()))
    recorded = {row["channel_id"]: row for row in rows}
    placed = middles(among(Channel.Middle(), "channel_id", recorded))
    sizes: dict[Key, Any] = {}
    for given in described["channels"]:
        size = sizes.setdefault(key_of(given), given.get("voxel_size"))
        if None not in (size, given.get("voxel_size")) and size != given["voxel_size"]:
            raise ValueError(
                f"{given['source']} is asked for with two voxel sizes, {_xyz(size)} and "
                f"{_xyz(given['voxel_size'])} nm: give one"
            )
    return made | {
        asked(given): _resolved(given, recorded.get(name), placed.get(name))
        for given in described["channels"]
        for name in (ids[key_of(given)],)
    }


def _made(given: dict[str, Any]) -> Source:
    made = found(given["source"], given["resolution"])
    channel, chunk_zyx = made.output.channel(made.request), list(made.output.chunk_zyx)
    return Source(channel, None, chunk_zyx, None, {}, made, made.output.middle_zyx)


def _xyz(size: Iterable[Any]) -> str:
    return ",".join(map(str, size))


def _resolved(
    given: dict[str, Any], recorded: dict[str, Any] | None, middle_zyx: Sequence[float] | None
) -> Source:
    chosen = given.get("chosen", {})
    if recorded and given.get("voxel_size"):
        _refuse_other_size(given, recorded)
    if given["metadata"] is None:
        if not recorded:
            raise ValueError(given["unreachable"])
        known = given["unreachable"], None, given.get("files"), chosen, None
        return Source(recorded, *known, middle_zyx or NO_SHIFT)
    channel, now_zyx = channel_row(given), tuple(given["metadata"].get("middle_zyx", NO_SHIFT))
    for name, limit in (("archive", 255), ("uri", 1024)):
        if len(channel[name]) > limit:
            raise ValueError(f"{name} {channel[name][:40]}... is longer than {limit} characters")
    was, now = recorded or {}, channel
    if middle_zyx is not None:
        was, now = was | {"middle_zyx": middle_zyx}, now | {"middle_zyx": now_zyx}
    changed = [name for name, value in now.items() if was and was[name] != value]
    if changed and _is_used(channel["channel_id"]):
        name = changed[0]
        who = "archive" if given["source"].startswith("bossdb://") else "volume"
        raise ValueError(
            f"{given['source']} changed: {name} was {was[name]}, the {who} now says "
            f"{now[name]}; if it was replaced, `bossflow invalidate --channel "
            f"{channel['channel_id']}` forgets what was made of it"
        )
    chunk_zyx = given["metadata"].get("chunk_zyx")
    return Source(channel, None, chunk_zyx, given.get("files"), chosen, None, now_zyx)


def _refuse_other_size(given: dict[str, Any], recorded: dict[str, Any]) -> None:
    """Refuse a voxel size that a user gives for a channel that is recorded with another one.

    Also if nothing was made of it yet: another run may be at it.
    """
    size = [recorded[f"voxel_size_{axis}"] for axis in "xyz"]
    if [float(side) for side in given["voxel_size"]] != size:
        known = _xyz(f"{side:.15g}" for side in size)
        raise ValueError(
            f"voxel_size {_xyz(given['voxel_size'])} is not what {given['source']} is recorded "
            f"with, {known} nm: give that, or, if that was wrong, forget the channel first, with "
            f"all that was made of it: `bossflow forget --channel {recorded['channel_id']}` (which "
            "says of what requests)"
        )


def _is_used(identity: str) -> bool:
    """Say whether something was made of a channel."""
    block_tables = (table for table, _ in schema.tables if issubclass(table, FilledByBlock))
    return any(table() & {"channel_id": identity} for table in block_tables)
