"""What a source is, told before anything is read: for DESCRIBE, and for `bossflow describe`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from ..boxes import Box
from . import NOTHING, Contents, Reader, Refused, SizeUnknown, Unreachable, archive_of, naming
from .made import is_made


def metadata(
    reader: Reader,
    uri: str,
    resolution: int,
    host: str,
    token: str,
    chosen: Mapping[str, int] = NOTHING,
    size_nm_zyx: Sequence[float] | None = None,
) -> dict[str, Any]:
    """Return a channel's metadata, as `Reader.describe` does.

    Raises
    ------
    Refused
        Also if it states another voxel size than the one that is given.
    Unreachable
    """
    told = reader.describe(uri, resolution, host, token, chosen=chosen, size_nm_zyx=size_nm_zyx)
    stated = told["voxel_size_nm_zyx"]
    if size_nm_zyx and list(size_nm_zyx) != stated:
        sizes = (stated, size_nm_zyx)
        own, other = (",".join(f"{side:.15g}" for side in reversed(size)) for size in sizes)
        raise Refused(
            f"{uri} states voxels of {own} nm (x,y,z), and voxel_size says {other}: leave "
            "voxel_size out, or correct what the volume states"
        )
    return told


def image(uri: str, host: str, token: str, where: str) -> dict[str, Any] | None:
    """Return the metadata of an image at its finest resolution."""
    if is_made(uri):
        return None
    try:
        return archive_of(uri).describe(uri, 0, host, token)
    except Refused as error:
        raise Refused(f"image_source: {error} (in {where})") from None
    except Unreachable as error:
        return {"unreachable": f"image_source: {error} (in {where})"}


def survey(
    uri: str,
    directory: str,
    host: str,
    token: str,
    block_zyx: Sequence[int],
    resolution: int | None = None,
    chosen: Mapping[str, int] = NOTHING,
    size_nm_zyx: Sequence[float] | None = None,
) -> dict[str, Any]:
    """Return what there is at a URI, and what a block of it costs to read.

    Parameters
    ----------
    uri : str
        Any source but `bossflow://`; a relative path in it starts at `directory`.
    host, token, chosen, size_nm_zyx
        As for `Reader.describe`.
    block_zyx : sequence of int
        Voxels of a block, of which the first of the volume is taken.
    resolution : int, optional
        The only one that is told.

    Returns
    -------
    dict
        `source` in its one spelling, `archive`, `format`, `levels` (as `level` gives them; with
        `problem`, a sentence, and no voxel size where that is not stated; or `resolution` and
        `problem` alone) and `inside`: lists of URIs by what they are.

    Raises
    ------
    Refused
        If there is nothing, or no resolution can be read, and nothing else be named.
    Unreachable
    """
    reader = archive_of(uri)
    uri = reader.canonical(uri, directory)
    found = reader.contents(uri, host, token)
    asked = found.resolutions if resolution is None else [resolution]
    if resolution is not None and not found.resolutions:
        raise Refused(f"{uri} is no volume but holds some: name one of {_names(found)}")
    levels: list[dict[str, Any]] = []
    for number in asked:
        problem: dict[str, Any] = {}
        try:
            try:
                told = metadata(reader, uri, number, host, token, chosen, size_nm_zyx)
            except SizeUnknown as error:
                told = metadata(reader, uri, number, host, token, chosen, (1.0, 1.0, 1.0))
                problem = {"voxel_size_nm_xyz": None, "problem": str(error)}
            box = first_block(told, block_zyx)
            cost = reader.cost(uri, number, host, token, box, told.get("chosen", NOTHING))
            levels.append(level(number, told, box, cost) | problem)
        except Refused as error:
            levels.append({"resolution": number, "problem": str(error)})
    if levels and not found.inside and not any("dtype" in one for one in levels):
        raise Refused(levels[0]["problem"])
    told_archive = reader.archive_name(uri, host)
    return {
        "source": uri,
        "archive": told_archive,
        "format": found.format,
        "levels": levels,
        "inside": found.inside,
    }


@contextmanager
def told_in(where: str, called: Mapping[str, str] = MappingProxyType({})) -> Iterator[None]:
    """Add to a refusal where the refused was asked for, and what parameters are `called` there."""
    try:
        yield
    except Refused as error:
        raise Refused(f"{naming.sentence(error, called)} (in {where})") from None


def cutout_of(row: Mapping[str, Any], whole: Box) -> Box:
    """Return the box that an asked-for row names; absent ranges are the whole extent.

    Raises
    ------
    ValueError
        If a range leaves the channel.
    """
    bounds: list[int] = []
    for axis, low, high in zip("xyz", whole[::2], whole[1::2], strict=True):
        start, stop = row[f"{axis}_range"] or (low, high)
        if start < low or stop > high:
            raise ValueError(
                f"{axis}_range {start}..{stop} in {row['where']} leaves the channel: "
                f"{row['source']} at resolution {row['resolution']} has {axis} {low}..{high}"
            )
        bounds += [start, stop]
    return Box(*bounds)


def first_block(told: Mapping[str, Any], block_zyx: Sequence[int]) -> Box:
    """Return the first block of a volume."""
    shape = [min(pair) for pair in zip(block_zyx, told["shape_zyx"], strict=True)]
    return Box.of(told["offset_zyx"], shape)


def level(
    resolution: int, told: Mapping[str, Any], box: Box, cost: tuple[int, int]
) -> dict[str, Any]:
    """Return one resolution, as JSON has it: what has axes is XYZ.

    Returns
    -------
    dict
        `resolution`, `kind`, `dtype`, `extent_xyz` (voxels, half-open), `voxel_size_nm_xyz`,
        `chunk_xyz`, `chosen` where it was one of several, and `block`: its `box`, and the
        `requests` and at most `bytes` (decoded) that it takes to read.
    """
    extent = Box.of(told["offset_zyx"], told["shape_zyx"])
    return {
        "resolution": resolution,
        "kind": told["kind"],
        "dtype": told["dtype"],
        "extent_xyz": [extent[0:2], extent[2:4], extent[4:6]],
        "voxel_size_nm_xyz": [*reversed(told["voxel_size_nm_zyx"])],
        "chunk_xyz": [*reversed(told["chunk_zyx"])],
        **({"chosen": told["chosen"]} if told.get("chosen") else {}),
        "block": {"box": box.name, "requests": cost[0], "bytes": cost[1]},
    }


def _names(found: Contents) -> str:
    return ", ".join(name for names in found.inside.values() for name in names[:3])
