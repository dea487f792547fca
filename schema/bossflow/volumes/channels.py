"""What a channel is, by its row or by what DESCRIBE found, and boxes of it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..kit.digests import digest
from ..voxels.archives.survey import cutout_of
from ..voxels.boxes import Box

BOX_NAME_MAX = 64  # of the columns `cutout` and `block`

NO_SHIFT = (0.0, 0.0, 0.0)
"""Of a channel whose voxel 0 has its middle where the finest level's has."""

Key = tuple[str, int, tuple[tuple[str, int], ...]]
"""What a channel is in its archive: URI, resolution, and what was chosen of it."""


def key_of(given: dict[str, Any]) -> Key:
    """Return what a channel is that DESCRIBE found."""
    chosen = tuple(sorted(given.get("chosen", {}).items()))
    return given["source"], given["resolution"], chosen


def asked(given: dict[str, Any]) -> tuple[Any, ...]:
    """Return the words for a channel in a row, or in what DESCRIBE found for it."""
    size = given.get("voxel_size")
    offset = given.get("offset")
    words = given["source"], given["resolution"], given.get("channel"), given.get("time")
    return (*words, size and tuple(size), offset and tuple(offset))


def channel_id(
    archive: str, uri: str, resolution: int, chosen: Iterable[tuple[str, int]] = ()
) -> str:
    """Return a channel's id: archive and, where there are several, channel and time are part."""
    return digest([archive, uri, resolution, *filter(None, [dict(chosen)])])[:16]


def channel_row(given: dict[str, Any]) -> dict[str, Any]:
    """Return the `Channel` row of one described channel (DESCRIBE's `channels` entry)."""
    metadata = given["metadata"]
    row = {
        "channel_id": channel_id(given["archive"], *key_of(given)),
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


def middle_rows(channel: dict[str, Any], middle_zyx: Sequence[float]) -> list[dict[str, Any]]:
    """Return the `Channel.Middle` row of a `Channel` row, if it has one."""
    columns = {f"middle_{axis}": shift for axis, shift in zip("zyx", middle_zyx, strict=True)}
    return [{"channel_id": channel["channel_id"]} | columns] if any(middle_zyx) else []


def middles(rows: Iterable[dict[str, Any]]) -> dict[str, tuple[float, ...]]:
    """Return where voxel 0 of channels has its middle (voxels, ZYX), in `Channel.Middle` rows."""
    return {row["channel_id"]: tuple(row[f"middle_{axis}"] for axis in "zyx") for row in rows}


def middle_of_level(made_of: Mapping[str, Any], factor_zyx: Sequence[int]) -> tuple[float, ...]:
    """Return where voxel 0 of a level has its middle, in the level's voxels, ZYX.

    Parameters
    ----------
    made_of : mapping
        With the `middle_zyx` of the channel that it is made of, in its voxels, if it has one.
    factor_zyx : sequence of 3 int
        How many of its voxels make one.
    """
    shifts = zip(made_of.get("middle_zyx", NO_SHIFT), factor_zyx, strict=True)
    return tuple((shift + (factor - 1) / 2) / factor for shift, factor in shifts)


def choices(rows: Any) -> dict[str, dict[str, int]]:
    """Return what was chosen of channels, by id, in rows of `Channel.Choice`."""
    chosen: dict[str, dict[str, int]] = defaultdict(dict)
    for row in rows.to_dicts(order_by="chosen_axis"):
        chosen[row["channel_id"]][row["chosen_axis"]] = row["chosen_index"]
    return dict(chosen)


def metadata(channel: dict[str, Any]) -> dict[str, Any]:
    """Return what `describe` of an archive says of a `Channel` row."""
    whole = extent(channel)
    return {
        "kind": channel["kind"],
        "dtype": channel["dtype"],
        "shape_zyx": list(whole.shape_zyx),
        "offset_zyx": list(whole.corner_zyx),
        "voxel_size_nm_zyx": voxel_size(channel),
    }


def voxel_size(channel: dict[str, Any]) -> list[float]:
    """Return a `Channel` row's voxel size, ZYX (nm)."""
    return [channel[f"voxel_size_{axis}"] for axis in "zyx"]


def extent(channel: dict[str, Any]) -> Box:
    """Return a `Channel` row's whole box."""
    return Box(*(channel[f"channel_{axis}{end}"] for axis in "xyz" for end in "01"))


def itemsize(dtype: str) -> int:
    """Return the bytes of a voxel, by the name of its type."""
    return int(np.dtype(dtype).itemsize)


def box_columns(prefix: str, box: Box) -> dict[str, int]:
    """Return a box as columns `<prefix>_x0` … `<prefix>_z1` (voxels)."""
    return {f"{prefix}_{name}": value for name, value in box._asdict().items()}


def meets(prefix: str, box: Box) -> str:
    """Return the SQL condition that columns as `box_columns` names them meet a box."""
    ranges = zip("xyz", box.corner_zyx[::-1], box.end_zyx[::-1], strict=True)
    return " AND ".join(
        f"{prefix}_{axis}0 < {end} AND {prefix}_{axis}1 > {start}" for axis, start, end in ranges
    )


def cut(row: dict[str, Any], channel: dict[str, Any]) -> Box:
    """Return the box that an asked-for row names; absent ranges are the whole extent.

    Raises
    ------
    ValueError
        If a range leaves the channel, or the box's name is longer than its column.
    """
    box = cutout_of(row, extent(channel))
    if len(box.name) > BOX_NAME_MAX:
        raise ValueError(
            f"the cutout {box.name} in {row['where']} lies too far out: its name has more than "
            f"{BOX_NAME_MAX} characters"
        )
    return box
