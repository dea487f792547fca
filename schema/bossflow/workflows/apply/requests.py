"""What can be asked: a function, or a command, to be applied to the blocks of cutouts."""

import dataclasses
import json
from decimal import Decimal
from math import prod
from pathlib import Path
from typing import Any

from ...core import work
from ...core.tables import Request
from ...volumes import reading, writing
from ...volumes.archive_names import as_recorded
from ...volumes.channels import asked, cut
from ...volumes.citations import with_citations
from ...volumes.images import with_image
from ...volumes.sources import Source, resolve
from ...voxels.boxes import Box, grid
from ...voxels.halos import refuse_beyond_neighbours
from ...voxels.made_volumes import in_shards
from ..map.again import as_given, lost_file, unpack_function, why
from ..map.requests import function_rows
from . import commands
from .seconds import with_seconds
from .tables import ApplyRequest
from .units import units, volume

NAME = "bossflow.workflows.apply"  # is hashed into ids: constant
VERSION = "1"  # raised when the same function would be called, or its results kept, otherwise

BLOCK_VOXELS = 2**24
"""Of a block whose shape is not given: functions hold it several times."""

IDS = ("uint32", "uint64", "int32", "int64")
"""What voxels are taken for ids of, where nothing is said."""


def expand(
    params: dict[str, Any], described: dict[str, Any]
) -> tuple[list[work.Request], list[str]]:
    """Return one request for each asked-for cutout, and notes on archives not reached.

    Raises
    ------
    ValueError
        If a cutout leaves its channel, a halo is too wide, or a volume can't be as it is asked for.
    """
    if not params.get("archive"):
        described = as_recorded(described, ApplyRequest() * Request())
    sources = resolve(described)
    notes = dict.fromkeys(source.unreached for source in sources.values() if source.unreached)
    requests = [
        with_citations(
            with_image(_request(row, sources[asked(row)], params), row, described), described
        )
        for row in described["rows"]
    ]
    return with_seconds(requests), [*notes]


def _request(row: dict[str, Any], source: Source, params: dict[str, Any]) -> work.Request:
    channel = source.channel
    cutout, halo = cut(row, channel), row["halo"]
    block_shape = row["block_shape"] or _block_shape(row["chunk_shape"], halo, cutout)
    try:
        refuse_beyond_neighbours(halo, block_shape, cutout, row["chunk_shape"])
    except ValueError as error:
        raise ValueError(f"{error} (in {row['where']})") from None
    parameters = {
        **(commands.identity(row["tool"]) if "tool" in row else _identity(row["call"])),
        "halo": halo,
        "block_shape": block_shape,
        "staged": reading.is_staged(source, params),
        "volume": _volume(row, block_shape) if row["dtype"] else None,
    }
    request = work.Request(
        workflow=NAME,
        paramset=work.ParamSet("apply", VERSION, parameters),
        subject=[channel["channel_id"], cutout.name],
        given=reading.given_of(source, cutout)
        | ({"image": row["tool"]["image"]} if "tool" in row else row["call"])
        | {"exact": row["exact"]},
        name=row.get("name"),
        where=row["where"],
        settings=reading.settings_of(source, params)
        | (commands.run(row["tool"]) if "tool" in row else {"project": row["project_dir"]})
        | {"memory": _bytes(row["memory"])}
        | {name: row[name] for name in ("requirements",) if row.get(name)},
        sources=source.made.workflows if source.made else (),
    )
    if made := volume(request):
        writing.refuse_impossible(row, made)
    key = {"channel_id": channel["channel_id"], "cutout": cutout.name}
    boxes = grid(cutout, block_shape, cutout.corner_zyx)
    asked_for = (ApplyRequest, [{"request_id": request.request_id} | key])
    called = [function_rows(row["call"]["function"])] if "call" in row else []
    rows = (*reading.rows(request.given, boxes), *called, asked_for)
    return dataclasses.replace(request, rows=rows)


def _identity(call: dict[str, Any]) -> dict[str, Any]:
    return {"function": call["function"]["digest"], "arguments": call["arguments"]}


def _bytes(memory: str | None) -> int | None:
    """Return how much `16 GB` is, as Nextflow counts."""
    units = {"MB": work.MIB, "GB": work.GIB, "TB": 1024 * work.GIB}
    return int(Decimal(memory[:-2].strip()) * units[memory[-2:]]) if memory else None


def _volume(row: dict[str, Any], block_shape: list[int]) -> dict[str, Any]:
    """Return how the new volume is written."""
    dtype, chunk_shape = row["dtype"], row["chunk_shape"]
    kind = row["kind"] or ("annotation" if dtype in IDS else "image")
    if kind == "annotation" and dtype.startswith("float"):
        raise ValueError(
            f"kind annotation is of ids, which are no {dtype}: give kind image, or have the "
            f"function return whole numbers (in {row['where']})"
        )
    whole = in_shards(block_shape, [[1, 1, 1]], chunk_shape)
    how = writing.written(row, dtype, kind == "annotation", whole)
    return how | {"dtype": dtype, "kind": kind, "chunk_shape": chunk_shape}


def again(request: work.Request, params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that ask for a recorded request."""
    asked, given = request.paramset.parameters, request.given
    made = asked["volume"] or {}
    told = {
        "halo": asked["halo"],
        "block_shape": asked["block_shape"],
        "stage": asked["staged"],
        "exact": given["exact"],
        **{name: made[name] for name in ("dtype", "kind", "chunk_shape") if name in made},
        **{name: made[name] for name in ("encoding", "compression") if name in made},
        **{name: params[name] for name in ("memory",) if params.get(name)},
    }
    told |= {"volume_format": made["format"]} if made else {}
    return reading.asked_again(given, params) | told | commands.again(request, params)


def unpack(request: work.Request, directory: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Write the sources of a recorded request's function; return parameters, and what is left out.

    Raises
    ------
    ValueError
        If the sources are not here.
    """
    given = request.given
    if "function" not in given:
        return {}, {}
    if lost := lost_file(given["arguments"], given["paths"]):
        return {}, {unit.unit_id: why(lost) for unit in units(request)}
    arguments = as_given(given["function"], given["arguments"], given["paths"])
    return unpack_function(request, directory) | {"arguments": json.dumps(arguments)}, {}


def _block_shape(chunk_zyx: list[int], halo_zyx: list[int], cutout: Box) -> list[int]:
    """Return the block shape of who gave none: whole chunks, and no thinner than the halo."""
    block = [
        max(1, -(-halo // chunk)) * chunk for halo, chunk in zip(halo_zyx, chunk_zyx, strict=True)
    ]
    while 2 * prod(block) <= BLOCK_VOXELS:
        sides = zip(block, cutout.shape_zyx, strict=True)
        growing = [axis for axis, (side, whole) in enumerate(sides) if side < whole]
        if not growing:
            break
        block[min(growing, key=lambda axis: block[axis])] *= 2
    return block
