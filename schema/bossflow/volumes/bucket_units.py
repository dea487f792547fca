"""What is made of segments by bucket: units of blocks, their index, buckets, and the whole."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..core import work
from ..core.work import MIB, UnitPlan
from ..voxels.boxes import Box, grid
from . import reading

SETTINGS: dict[str, Any] = {"max_component_rows": 0, "rows": None, "earlier": []}
"""Those of a recorded request, beside those of reading."""


@dataclass(frozen=True)
class Steps:
    """Processes, and what columns of their tables are called.

    Attributes
    ----------
    block, index, bucket, collect : str
        Processes: of blocks, of the request, of each bucket, and of the request again.
    paramset, number : str
        In the key of a block its parameter set, and in that of a bucket its number.
    part : str
        The part table that lists what was made.
    """

    block: str
    index: str
    bucket: str
    collect: str
    paramset: str
    number: str
    part: str


def blocks(request: work.Request) -> list[Box]:
    """Return the blocks of a request: of a grid that begins where its source's chunks do."""
    given, shape = request.given, request.paramset.parameters["block_shape"]
    return grid(Box.parse(given["cutout"]), shape, reading.origin_of(given))


def units(
    request: work.Request,
    steps: Steps,
    how: dict[str, Any],
    block_memory: Callable[[Box], int],
    bucket_memory: Callable[[int], int],
) -> list[UnitPlan]:
    """Return pulls of blocks, where they are copied; blocks; the index; buckets; the whole.

    Parameters
    ----------
    request : Request
        With a parameter set for blocks, and `buckets` and `staged` among its parameters.
    steps : Steps
    how : dict
        Arguments of the index and the buckets, beside the number of these.
    block_memory, bucket_memory : callable
        Take a block, or the voxels of a bucket; return the bytes that it may take.
    """
    given, asked = request.given, request.paramset.parameters
    settings = reading.SETTINGS | SETTINGS | request.settings
    (stage,) = request.stage_paramsets
    pulls: list[UnitPlan] = []
    each: list[UnitPlan] = []
    boxes = blocks(request)
    for box in boxes:
        of_task = box
        together = not asked["staged"] and reading.shares_file(given, box, settings)
        if together:  # no other size of task for the last one
            of_task = boxes[0]
        found = reading.block_input(given, box, asked["staged"], settings)
        pulls += found.pulls
        unit = UnitPlan(
            steps.block,
            {
                "channel_id": given["channel"]["channel_id"],
                "block": box.name,
                steps.paramset: stage.paramset_id,
            },
            found.arguments | {"box": box.name, "buckets": asked["buckets"]},
            found.inputs,
            settings=found.settings,
            asks=work.Asks(memory=block_memory(of_task)),
            reads=found.reads,
            together=together,
            amount=box.voxel_count,
            amount_unit="voxels",
            sources=found.sources,
        )
        each.append(unit)
    key = {"request_id": request.request_id}
    how = how | {"buckets": asked["buckets"]}
    index = UnitPlan(
        steps.index,
        key,
        how,
        tuple(each),
        asks=work.Asks(memory=512 * MIB + (4096 + 128 * asked["buckets"]) * len(each)),
    )
    voxels = -(-Box.parse(given["cutout"]).voxel_count // asked["buckets"])
    buckets = [
        UnitPlan(
            steps.bucket,
            key | {steps.number: bucket},
            how,
            (index,),
            settings={"earlier": settings["earlier"]},
            through=True,
            asks=work.Asks(memory=bucket_memory(voxels)),
            within=index,
            name=f"bucket {bucket}",
            amount=voxels,
            amount_unit="voxels",
        )
        for bucket in range(asked["buckets"])
    ]
    return [*pulls, *each, index, *buckets, _collect(steps, index, buckets, settings)]


def _collect(
    steps: Steps, index: UnitPlan, buckets: list[UnitPlan], settings: dict[str, Any]
) -> UnitPlan:
    """Return the unit that tells of all that was made."""
    limit = settings["max_component_rows"]
    number, n_rows, in_bundle = settings["rows"] or (limit, 0, limit)
    more = min(limit, number)
    return UnitPlan(
        steps.collect,
        index.key,
        {},
        (index, *buckets),
        settings={"max_component_rows": limit},
        add_rows={steps.part: more} if n_rows < more else {},
        settings_again={"max_component_rows": in_bundle},  # part of the content
        within=index,
    )
