"""What can be asked: cutouts of segmentations whose ids are to be rewritten by a table."""

import dataclasses
from math import prod
from typing import Any

from ...core import work
from ...core.tables import Request
from ...volumes import reading, writing
from ...volumes.archive_names import as_recorded
from ...volumes.channels import asked, cut, extent, voxel_size
from ...volumes.citations import with_citations
from ...volumes.growth import with_earlier
from ...volumes.images import with_image
from ...volumes.sources import Source, resolve
from ...voxels.archives.made import uri_of
from ...voxels.made_volumes import in_shards
from ...voxels.pyramid import levels
from .made_tables import resolve as resolve_table
from .tables import RemappedBlock, RemapRequest
from .units import SETTINGS, blocks, volume

NAME = "bossflow.workflows.remap"  # is hashed into ids: constant
VERSION = "1"  # raised when the programs make something else of the same

BLOCK_VOXELS = 2**26  # of a block whose shape is not given
DTYPES = ("uint8", "uint16", "uint32", "uint64")


def expand(
    params: dict[str, Any], described: dict[str, Any]
) -> tuple[list[work.Request], list[str]]:
    """Return one request for each asked-for cutout, and notes on archives not reached.

    Raises
    ------
    ValueError
        If a cutout leaves its channel, or the channel holds no segment ids.
    """
    if not params.get("archive"):
        described = as_recorded(described, RemapRequest() * Request())
    sources = resolve(described)
    notes = dict.fromkeys(source.unreached for source in sources.values() if source.unreached)
    tables = _tables(described["rows"])
    each = zip(described["rows"], tables, strict=True)
    requests = [
        with_citations(
            with_image(_request(row, sources[asked(row)], table, params), row, described), described
        )
        for row, table in each
    ]
    return with_earlier(RemappedBlock, requests), [*notes]


def _tables(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the table of each row: as DESCRIBE has read it, or as a request made it."""
    known: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        key = row["table"], str(row["threshold"])
        if row["id_table"]["identity"] is None and key not in known:
            known[key] = resolve_table(row)
    return [known.get((row["table"], str(row["threshold"])), row["id_table"]) for row in rows]


def _request(
    row: dict[str, Any], source: Source, table: dict[str, Any], params: dict[str, Any]
) -> work.Request:
    channel = source.channel
    if channel["dtype"] not in DTYPES:
        raise ValueError(
            f"{row['source']} has dtype {channel['dtype']}, and a table is of segment ids: only "
            f"{', '.join(DTYPES)} are rewritten; transfer it with one of these as dtype first"
        )
    cutout = cut(row, channel)
    block_shape = row["block_shape"] or _block_shape(extent(channel).shape_zyx)
    every = levels(cutout, block_shape, (0, 0, 0), voxel_size(channel))
    factors = [list(level.factor_zyx) for level in every]
    origin = [low - low % by for low, by in zip(cutout.corner_zyx, factors[-1], strict=True)]
    parameters = {
        "table": table["identity"],
        "missing": row["missing"],
        **writing.written(row, "uint64", True, in_shards(block_shape, factors)),
        "factors": factors,
        "block_shape": block_shape,
        "staged": reading.is_staged(source, params),
    }
    request = work.Request(
        workflow=NAME,
        paramset=work.ParamSet("remap", VERSION, parameters),
        subject=[channel["channel_id"], cutout.name],
        given=reading.given_of(source, cutout)
        | {"origin_zyx": origin}
        | {name: table[name] for name in ("made_table",) if name in table},
        name=row.get("name"),
        where=row["where"],
        settings=reading.settings_of(source, params)
        | {name: table[name] for name in SETTINGS if name in table},
        sources=(*(source.made.workflows if source.made else ()), *table.get("sources", ())),
    )
    writing.refuse_impossible(row, volume(request))
    key = {"channel_id": channel["channel_id"], "cutout": cutout.name}
    asked_for = (RemapRequest, [{"request_id": request.request_id} | key])
    rows = reading.rows(request.given, blocks(cutout.name, block_shape, origin))
    return dataclasses.replace(request, rows=(*rows, asked_for))


def again(request: work.Request, params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that ask for a recorded request."""
    how = request.paramset.parameters
    told = reading.asked_again(request.given, params) | writing.asked_again(how)
    told |= {"missing": how["missing"]}
    if "request" in how["table"]:  # else it is written anew (`unpack`)
        told |= {"table": uri_of(how["table"]["request"]), "threshold": how["table"]["threshold"]}
    return told


def _block_shape(sides_zyx: tuple[int, ...]) -> list[int]:
    """Return the block shape of who gives none: usual chunks, doubled as long as that fits."""
    block = [64, 64, 64]
    while 2 * prod(block) <= BLOCK_VOXELS:
        growing = [axis for axis in range(3) if block[axis] < sides_zyx[axis]]
        if not growing:
            break
        block[min(growing, key=block.__getitem__)] *= 2
    return block
