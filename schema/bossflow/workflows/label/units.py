"""What a request takes: the units of its blocks, and the one of the whole."""

from functools import cache
from typing import Any

from ...core import work
from ...core.work import MIB, UnitPlan
from ...kit.digests import digest
from ...volumes.channels import itemsize, metadata, voxel_size
from ...voxels.boxes import Box, grid, preceding
from .outputs import origin_of, outputs

SETTINGS: dict[str, Any] = {
    "host": "",
    "verify": False,
    "files": None,
    "max_component_rows": 0,
    "n_labels": 0,
    "rows": None,
    "earlier": [],
    "made": None,
    "same": {},
}
"""Those of a recorded request, of which nothing is to be made."""

PULL_VERSION = "1"  # raised when voxels would be read as others: they are read again, then


def units(request: work.Request) -> list[UnitPlan]:
    """Return pull, label and links of every block, stitch, and relabel of every block."""
    channel, parameters = request.given["channel"], request.paramset.parameters
    how_made = SETTINGS | request.settings
    (stage,) = request.stage_paramsets
    connectivity = parameters["connectivity"]
    cutout = Box.parse(request.given["cutout"])
    origin_zyx = origin_of(request)
    made, blocks = request.given.get("made"), how_made["made"] and how_made["made"].blocks
    same = how_made["same"]
    shape_zyx = tuple(parameters["block_shape"])
    geometry = {
        "cutout": cutout.name,
        "block_shape_zyx": list(shape_zyx),
        "origin_zyx": list(origin_zyx),
    }
    pulls, labels = [], []
    boxes = grid(cutout, shape_zyx, origin_zyx)
    source = {name: channel[name] for name in ("uri", "resolution", "dtype")}
    if request.given["chosen"]:
        source["chosen"] = request.given["chosen"]
    if made:
        source["files"] = made["files"]
    settings = {name: how_made[name] for name in ("host", "verify")}
    settings["metadata"] = metadata(channel)
    sizes = [box.voxel_count for box in boxes]
    for box, size in zip(boxes, sizes, strict=True):
        name = box.name
        reads = work.Reads(PULL_VERSION, box, how_made["files"], not parameters["staged"])
        block = {"channel_id": channel["channel_id"], "block": name}
        how = {
            "box": name,
            "connectivity": connectivity,
            "component_of": parameters["component_of"],
            "foreground_above": parameters.get("foreground_above", 0),
            "chunk_shape_zyx": stage.parameters["chunk_shape"],
            "origin_zyx": list(origin_zyx),
        }
        label_key = block | {"label_paramset_id": stage.paramset_id}
        if parameters["staged"]:
            pull = UnitPlan(
                "PULL_BLOCK",
                block,
                source | {"box": name, "version": PULL_VERSION},
                settings=settings,
                asks=_asks("PULL_BLOCK", size),
                reads=reads,
                amount=size,
                amount_unit="voxels",
            )
            pulls.append(pull)
        else:
            how["source"] = source
        asks = _asks("LABEL_BLOCK", size)
        in_place = reads if reads.in_place and not made else None
        labels.append(
            UnitPlan(
                "LABEL_BLOCK",
                label_key,
                how,
                blocks.inputs(box) if blocks else tuple(pulls[-1:]),
                asks=asks,
                reads=in_place,
                settings={"same": same[name]} if name in same else {},
                sources=blocks.sources(box) if blocks else (),
                amount=size,
                amount_unit="voxels",
            )
        )
    # What a block is linked to decides its unit: a larger cutout has the same where it has no more.
    links = []
    around_each = preceding(boxes, connectivity)
    for label, size, numbers in zip(labels, sizes, around_each, strict=True):
        around = [labels[number] for number in numbers]
        neighbourhood = digest(sorted(other.key["block"] for other in around))[:16]
        links.append(
            UnitPlan(
                "LINK_BLOCK",
                label.key | {"neighbourhood": neighbourhood},
                {"connectivity": connectivity},
                (label, *around),
                asks=_asks("LINK_BLOCK", size),
                amount=size,
                amount_unit="voxels",
            )
        )
    key = {"request_id": request.request_id}
    limit = how_made["max_component_rows"]
    n_components, n_rows, in_bundle = how_made["rows"] or (limit, 0, limit)
    more = min(limit, n_components)
    stitch = UnitPlan(
        "STITCH",
        key,
        geometry
        | {
            "min_voxels": parameters["min_voxels"],
            "voxel_size_nm_zyx": voxel_size(channel),
        },
        (*labels, *links),
        settings={"max_component_rows": limit},
        asks=_asks("STITCH", how_made["n_labels"], 4096 * len(boxes)),
        add_rows={"Component": more} if n_rows < more else {},
        settings_again={"max_component_rows": in_bundle},  # part of the content
    )
    volume = outputs(request)
    relabels = [
        UnitPlan(
            "RELABEL_BLOCK",
            key | label.key,
            geometry | {"box": label.arguments["box"], "number": number},
            (stitch, label),
            settings={"earlier": how_made["earlier"]},
            asks=_asks("RELABEL_BLOCK", size),
            amount=size,
            amount_unit="voxels",
            within=stitch,
            makes=tuple(
                made_key
                for level, output in volume
                if (made_key := output.block(request.request_id, level.of(box)))
            ),
        )
        for number, (label, box, size) in enumerate(zip(labels, boxes, sizes, strict=True))
    ]
    return [*pulls, *labels, *links, stitch, *relabels]


@cache
def _asks(process: str, size: int, more: int = 0) -> work.Asks:
    """Return the memory that a unit may take, by voxels of its block, or labels to be stitched.

    The largest that benchmarks have seen, with half a GiB for what any program takes (0.2) and for
    what is around it.
    """
    each = {"PULL_BLOCK": 24, "LABEL_BLOCK": 13, "LINK_BLOCK": 1, "STITCH": 100, "RELABEL_BLOCK": 2}
    return work.Asks(memory=512 * MIB + each[process] * size + more)


def pulled_bytes(unit: UnitPlan) -> int:
    """Return how many bytes of voxels a unit asks of the archive, or of a volume in place."""
    source = unit.arguments if unit.process == "PULL_BLOCK" else unit.arguments.get("source")
    if not source:
        return 0
    return Box.parse(unit.arguments["box"]).voxel_count * itemsize(source["dtype"])


def seconds(unit: UnitPlan) -> float:
    """Return roughly how long a unit takes on one core."""
    fixed = {"LINK_BLOCK": 0.1, "STITCH": 0.0015 * len(unit.inputs)}  # labels and links of a block
    per_voxel = {"PULL_BLOCK": 1 / 40e6, "LABEL_BLOCK": 1 / 60e6, "RELABEL_BLOCK": 1 / 150e6}
    return 0.03 + fixed.get(unit.process, 0) + per_voxel.get(unit.process, 0) * unit.amount
