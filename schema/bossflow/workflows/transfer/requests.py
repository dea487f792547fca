"""What can be asked: cutouts to be written to new volumes."""

import dataclasses
from fractions import Fraction
from typing import Any

from ...core import work
from ...core.ledger import among
from ...core.tables import Request
from ...volumes import destinations, reading, writing
from ...volumes.archive_names import as_recorded
from ...volumes.channels import asked, cut, itemsize
from ...volumes.citations import with_citations
from ...volumes.growth import with_earlier
from ...volumes.images import with_image
from ...volumes.sources import Source, resolve
from ...voxels.boxes import Box
from ...voxels.made_volumes import in_shards
from .blocks import LAYER_BYTES, READS_MAX, as_read, in_cubes, in_one_file, recorded_shape
from .tables import TransferredBlock, TransferredVolume, TransferRequest
from .units import blocks, volume

NAME = "bossflow.workflows.transfer"  # is hashed into ids: constant
VERSION = "1"  # raised when the programs make something else of the same


def expand(
    params: dict[str, Any], described: dict[str, Any]
) -> tuple[list[work.Request], list[str]]:
    """Return one request for each asked-for cutout, and notes on archives not reached.

    Raises
    ------
    ValueError
        If a cutout leaves its channel, or the new volume can't be as it is asked for.
    """
    if not params.get("archive"):
        described = as_recorded(described, TransferRequest() * Request())
    sources = resolve(described)
    notes = dict.fromkeys(source.unreached for source in sources.values() if source.unreached)
    requests = [
        with_citations(
            with_image(_request(row, sources[asked(row)], params), row, described), described
        )
        for row in described["rows"]
    ]
    owners, unseen, empty = destinations.refuse_taken(requests, described)
    begun = {row["request_id"] for row in among(TransferredVolume(), "request_id", empty)}
    requests = [
        dataclasses.replace(
            request,
            settings=request.settings | {"owners": owners.get(request.request_id, [])},
            notes=(*request.notes, *(empty[name] for name in begun & {request.request_id})),
        )
        for request in requests
    ]
    return with_earlier(TransferredBlock, requests), [*notes, *unseen]


def _request(row: dict[str, Any], source: Source, params: dict[str, Any]) -> work.Request:
    channel = source.channel
    cutout = cut(row, channel)
    dtype, chunk_shape = row["dtype"] or channel["dtype"], row["chunk_shape"]
    bytes_per_voxel = max(itemsize(dtype), itemsize(channel["dtype"]))
    block_shape, note = row["block_shape"], ""
    if not block_shape:
        block_shape, note = _block_shape(row, source, cutout, bytes_per_voxel)
    whole = in_shards(block_shape, [[1, 1, 1]], chunk_shape)
    parameters = {
        **writing.written(row, dtype, channel["kind"] == "annotation", whole),
        "dtype": dtype,
        "dest": destinations.spelled(row),
        "chunk_shape": chunk_shape,
        "block_shape": block_shape,
        "staged": reading.is_staged(source, params),
    }
    if row["value_range"]:
        parameters["value_range"] = _value_range(row, dtype, channel["dtype"])
    request = work.Request(
        workflow=NAME,
        paramset=work.ParamSet("transfer", VERSION, parameters),
        subject=[channel["channel_id"], cutout.name],
        given=reading.given_of(source, cutout),
        name=row.get("name"),
        where=row["where"],
        settings=reading.settings_of(source, params),
        sources=source.made.workflows if source.made else (),
        notes=tuple(filter(None, [note])),
    )
    writing.refuse_impossible(row, volume(request))
    key = {"channel_id": channel["channel_id"], "cutout": cutout.name}
    boxes = blocks(cutout, parameters["block_shape"])
    asked_for = (TransferRequest, [{"request_id": request.request_id} | key])
    rows = reading.rows(request.given, boxes)
    return dataclasses.replace(request, rows=(*rows, asked_for))


def again(request: work.Request, params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that ask for a recorded request."""
    asked = request.paramset.parameters
    how = {"dtype": asked["dtype"], "chunk_shape": asked["chunk_shape"]}
    how |= {"dest": asked["dest"]} if asked["dest"] else {}
    how |= {name: asked[name] for name in ("value_range",) if name in asked}
    return reading.asked_again(request.given, params) | writing.asked_again(asked) | how


def _value_range(row: dict[str, Any], dtype: str, of: str) -> list[Any]:
    """Return the range of floats that becomes all of an unsigned type."""
    low, high = row["value_range"]
    if dtype not in ("uint8", "uint16"):
        raise ValueError(
            f"value_range in {row['where']} is for dtype uint8 or uint16, not {dtype}: give one of "
            "these as dtype"
        )
    if not of.startswith("float"):
        raise ValueError(
            f"value_range in {row['where']} is for floats, and {row['source']} has {of}: leave it "
            "out"
        )
    if Fraction(low) >= Fraction(high):
        raise ValueError(
            f"value_range {low},{high} in {row['where']} is empty or reversed: the first must be "
            "below the second"
        )
    return [low, high]


def _block_shape(
    row: dict[str, Any], source: Source, cutout: Box, bytes_per_voxel: int
) -> tuple[list[int], str]:
    """Return the block shape of who gave none, and a note on it, if any."""
    chunk_shape = row["chunk_shape"]
    cubes = in_cubes(chunk_shape, cutout, bytes_per_voxel)
    if not in_one_file(source.channel):
        return cubes, ""
    if source.chunk_zyx is None:  # it can't be reached
        return recorded_shape(source.channel, cutout, chunk_shape) or cubes, ""
    sharded = row["volume_format"] == "precomputed" and row["compression"] == "gzip"
    is_stream = reading.is_stream(source.channel, source.chunk_zyx)
    at_once = [1, 1, source.chunk_zyx[2]] if is_stream else source.chunk_zyx
    block, reads = as_read(at_once, chunk_shape, source.channel, cutout, bytes_per_voxel)
    if sharded:
        note = (
            f"compression gzip needs shards, and so blocks of {_shown(cubes)}: by blocks of "
            f"{_shown(block)} no part of {source.channel['uri']} would be read again, as with "
            "volume_format zarr"
        )
        return cubes, note if cubes != block and len(blocks(cutout, cubes)) > 1 else ""
    if reads <= READS_MAX:
        return block, ""
    return block, (
        f"{source.channel['uri']} is best read in parts of {_shown(source.chunk_zyx)}, and blocks "
        f"of whole ones are larger than {LAYER_BYTES // 2**30} GiB: by blocks of {_shown(block)} "
        f"each part is read {reads:.1f} times; a flatter chunk_shape or a block_shape changes that"
    )


def _shown(shape_zyx: list[int]) -> str:
    return ",".join(map(str, shape_zyx))
