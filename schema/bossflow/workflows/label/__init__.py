"""Exact blockwise labelling of a cutout: connected components, their table, their volume."""

import dataclasses
import os
from collections import defaultdict
from collections.abc import Sequence
from itertools import islice
from math import ceil, prod
from typing import Any

import datajoint as dj
import psutil

from ... import database
from ...core import stores, work
from ...core.ledger import among, look_up
from ...core.tables import (
    Execution,
    FilledByBlock,
    FilledByNextflow,
    ParamSet,
    Request,
    Run,
    schema,
)
from ...core.work import MIB, UnitPlan
from ...kit.digests import digest
from ...kit.locations import url
from ...volumes.channels import (
    Block,
    Channel,
    Cutout,
    PulledBlock,
    as_recorded,
    asked,
    box_columns,
    choices,
    cut,
    extent,
    itemsize,
    meets,
    metadata,
    only_zeros,
    resolve,
)
from ...voxels.boxes import Box, chunk_shape, grid, preceding

# Versions of LABEL_BLOCK with LINK_BLOCK and of STITCH with RELABEL_BLOCK. One is raised when its
# program's output changes; the golden-digest test says when.
VERSION = "2.0"
DTYPES = (
    *("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"),
    *("bool", "float16", "float32", "float64"),
)
BLOCK_VOXELS_MAX = 2**31 - 1
BLOCK_VOXELS = 512**3  # of a block whose shape is not given, where memory allows
PULLED_BLOCK_VOXELS = 2**25  # the same if it comes from an archive: one that fails costs less
BYTES_PER_VOXEL = 12  # memory of a task, at most
BLOCKS_MAX = 1_000_000
LABELS_PER_VOXEL = 20_000 / 512**3  # more than most have, where none are recorded
EARLIER_REQUESTS = 3  # that a request's blocks are compared with, at most
PULL_VERSION = "1"  # raised when voxels would be read as others: they are read again, then
NAME = "bossflow.workflows.label"  # is hashed into ids, wherever this module is


@schema
class LabelRequest(dj.Manual):
    """A cutout whose components were asked for."""

    definition = """
    # cutout to be labelled
    -> Request
    ---
    -> Cutout
    """


@schema
class BlockLabels(FilledByBlock, dj.Computed):
    """Components within one block."""

    process = "LABEL_BLOCK"
    definition = """
    # components within one block
    -> Block
    -> ParamSet.proj(label_paramset_id='paramset_id')
    ---
    n_labels : int64  # local components
    -> Execution.proj(labelled_by='execution_id')
    """


@schema
class BlockLinks(FilledByBlock, dj.Computed):
    """Which components within a block touch those of the blocks before it."""

    process = "LINK_BLOCK"
    definition = """
    # components of a block that touch those of blocks before it
    -> BlockLabels
    neighbourhood : char(16)  # hash of the names of these blocks
    ---
    n_links : int64           # pairs of local components
    -> Execution.proj(linked_by='execution_id')
    """

    class Neighbour(dj.Part):
        """A block before it."""

        definition = """
        # block before it that touches it
        -> master
        -> BlockLabels.proj(neighbour_block='block')
        """


@schema
class Segmentation(FilledByNextflow, dj.Computed):
    """The connected components of a cutout."""

    process = "STITCH"
    first_rows = {"Component": "n_component_rows"}
    definition = """
    # connected components of a cutout
    -> LabelRequest
    ---
    n_components     : int64          # numbered 1 to n by their first voxel in ZYX C order
    n_component_rows : int64          # of them in Component; all are in the Parquet files
    volume           : varchar(1024)  # URL of the Neuroglancer precomputed volume of component ids
    components       : varchar(1024)  # URL of the component table, a directory of Parquet files
    -> Execution.proj(stitched_by='execution_id')
    """

    class Source(dj.Part):
        """The blocks that a segmentation was made of."""

        definition = """
        # block that it was made of
        -> master
        -> BlockLabels
        ---
        -> BlockLinks
        """

    class Component(dj.Part):
        """One connected component."""

        definition = """
        # one connected component
        -> master
        component_id    : int64          # value in the volume, from 1
        ---
        segment_id=null : decimal(20,0)  # value in the source; null when it is foreground
        voxel_count     : int64
        bbox_x0         : int64          # (voxels) half-open, channel coordinates
        bbox_x1         : int64
        bbox_y0         : int64
        bbox_y1         : int64
        bbox_z0         : int64
        bbox_z1         : int64
        centroid_x      : float64        # (voxels) mean voxel index, channel coordinates
        centroid_y      : float64
        centroid_z      : float64
        centroid_x_nm   : float64        # (nm) centroid times voxel size
        centroid_y_nm   : float64
        centroid_z_nm   : float64
        """


@schema
class SegmentationBlock(FilledByBlock, dj.Computed):
    """A block of the segmentation's volume."""

    process = "RELABEL_BLOCK"
    definition = """
    # block written to the volume
    -> Segmentation.Source
    ---
    lookup_sha256 : char(64)  # of its labels' component ids
    -> Execution.proj(relabelled_by='execution_id')
    """


TABLES = (PulledBlock, BlockLabels, BlockLinks, Segmentation, SegmentationBlock)


def expand(
    params: dict[str, Any], described: dict[str, Any]
) -> tuple[list[work.Request], list[str]]:
    """Return one request for each asked-for cutout, and notes on archives not reached.

    Raises
    ------
    ValueError
        If a cutout leaves its channel, the channel can't be labelled, or two rows ask the same.
    """
    if not params.get("archive"):
        described = as_recorded(described, LabelRequest() * Request())
    sources = resolve(described)
    notes = list(dict.fromkeys(one.unreached for one in sources.values() if one.unreached))
    shapes: dict[tuple[str, bool], list[int]] = {}
    requests: dict[str, tuple[work.Request, str]] = {}
    for row in described["rows"]:
        source = sources[asked(row)]
        cutout = cut(row, source.channel)
        staged = _is_staged(row["source"], params)
        if row["block_shape"] is None:
            name = source.channel["channel_id"], staged
            if name not in shapes:
                shapes[name] = _block_shape(source.channel, staged, source.chunk_zyx)
            row = row | {"block_shape": shapes[name]}
        _check(row, source.channel, cutout)
        request = _request(
            source.channel,
            cutout,
            tuple(row["block_shape"]),
            row["connectivity"],
            row["component_of"],
            row["foreground_above"],
            row["min_voxels"],
            staged=staged,
            verify=bool(params.get("verify_pull")),
            host=params["bossdb_host"],
            max_component_rows=int(params["max_component_rows"]),
            files=source.files,
            chosen=source.chosen,
        )
        if request.request_id in requests:
            raise ValueError(
                f"{row['where']} asks for the same as {requests[request.request_id][1]}: "
                f"{row['source']} {cutout.name}"
            )
        request = dataclasses.replace(request, name=row.get("name"))
        requests[request.request_id] = request, row["where"]
    return _with_recorded(_as_before([request for request, _ in requests.values()])), notes


CUTOUTS_PER_QUERY = 50  # each is a condition on six columns


def _with_recorded(requests: list[work.Request]) -> list[work.Request]:
    """Tell requests what is recorded that bears on how they are made.

    `earlier` are the latest segmentations of the same method whose cutouts meet a request's
    (`request_id` and the URL of the `store` of each, the latest first): a block that is the same
    there is not written anew. `n_labels` is how many labels its blocks may have: as many as those
    that are recorded there, or many. `rows` are, where it is recorded, of how many components,
    how many are rows of the database, and how many its bundle was made with.
    """
    groups: dict[tuple[str, str], list[work.Request]] = defaultdict(list)
    for request in requests:
        name = request.given["channel"]["channel_id"], request.paramset.paramset_id
        groups[name].append(request)
    rows = _rows(requests)
    told: dict[str, dict[str, Any]] = {
        request.request_id: {"n_labels": number, "rows": rows.get(request.request_id)}
        for request, number in zip(requests, _n_labels(requests), strict=True)
    }
    for (channel, whole), group in groups.items():
        for start in range(0, len(group), CUTOUTS_PER_QUERY):
            some = group[start : start + CUTOUTS_PER_QUERY]
            boxes = [Box.parse(request.given["cutout"]) for request in some]
            earlier = _earlier({"channel_id": channel, "paramset_id": whole}, some, boxes)
            for request, before in zip(some, earlier, strict=True):
                told[request.request_id]["earlier"] = before
    return [
        dataclasses.replace(request, given=request.given | told[request.request_id])
        for request in requests
    ]


def _rows(requests: list[work.Request]) -> dict[str, tuple[int, int, int]]:
    made = Segmentation * Execution.proj("run_id", stitched_by="execution_id")
    made_by = made * Run.proj("run_parameters")
    found = {}
    for row in among(made_by, "request_id", (request.request_id for request in requests)):
        total, rows = row["n_components"], row["n_component_rows"]
        # what was added since is in no bundle: the run that made it knows its own limit
        limit = int(row["run_parameters"].get("max_component_rows", rows))
        found[row["request_id"]] = total, rows, min(limit, rows)
    return found


def _earlier(
    key: dict[str, str], requests: list[work.Request], boxes: list[Box]
) -> list[list[dict[str, Any]]]:
    made = Segmentation * Execution.proj("executed", stitched_by="execution_id")
    rows = made * LabelRequest * Cutout * Request & key & [meets("cutout", box) for box in boxes]
    latest = rows.to_arrays(
        "request_id", "stitched_by", "cutout", order_by=("executed DESC", "request_id")
    )
    there = stores.at_hand(set(latest[1]))
    before = [
        (name, Box.parse(cutout), {"request_id": name, "store": url(there[made_by])})
        for name, made_by, cutout in zip(*latest, strict=True)
        if made_by in there
    ]
    found = []
    for request, box in zip(requests, boxes, strict=True):
        other = (
            told
            for name, cutout, told in before
            if name != request.request_id and cutout.meets(box)
        )
        found.append(list(islice(other, EARLIER_REQUESTS)))
    return found


def _n_labels(requests: list[work.Request]) -> list[int]:
    """Return how many labels requests may have: as dense as in their blocks that are recorded."""
    names = BlockLabels().primary_key
    keys = [
        [(row["channel_id"], row["block"], stage.paramset_id) for row in dict(request.rows)[Block]]
        for request in requests
        for stage in request.stage_paramsets
    ]
    every = (dict(zip(names, key, strict=True)) for some in keys for key in some)
    labels = {tuple(key): int(n) for *key, n in look_up(BlockLabels, every, ["t.n_labels"])}
    found = []
    for request, some in zip(requests, keys, strict=True):
        there = [key for key in some if key in labels]
        voxels = sum(Box.parse(block).voxel_count for _, block, _ in there)
        density = sum(labels[key] for key in there) / voxels if there else LABELS_PER_VOXEL
        found.append(ceil(density * Box.parse(request.given["cutout"]).voxel_count))
    return found


def _check(row: dict[str, Any], channel: dict[str, Any], cutout: Box) -> None:
    if channel["dtype"] not in DTYPES:
        raise ValueError(
            f"{row['source']} has dtype {channel['dtype']}: only {', '.join(DTYPES)} are labelled"
        )
    if row["component_of"] == "segment" and row["foreground_above"]:
        raise ValueError(
            f"foreground_above {row['foreground_above']} in {row['where']} has no effect on "
            "component_of segment: set component_of to foreground, or leave it out"
        )
    chunk_shape(row["block_shape"])
    whole, blocks, voxels = extent(channel), 1, 1
    ends = zip(whole.corner_zyx, cutout.corner_zyx, cutout.end_zyx, row["block_shape"], strict=True)
    for origin, start, end, side in ends:
        start -= (start - origin) % side  # a block is written with its whole cell below the cutout
        blocks *= -(-(end - start) // side)
        voxels *= min(side, end - start)
    if voxels > BLOCK_VOXELS_MAX:
        raise ValueError(
            f"block_shape {row['block_shape']} in {row['where']} makes blocks of 2^31 voxels or "
            "more: choose a smaller one"
        )
    if blocks > BLOCKS_MAX:
        raise ValueError(
            f"block_shape {row['block_shape']} in {row['where']} cuts {cutout.name} into "
            f"{blocks:,} blocks, more than {BLOCKS_MAX:,}: give ranges, or a larger block_shape"
        )


def _is_staged(source: str, params: dict[str, Any]) -> bool:
    """Say whether blocks are copied into the store: always from an archive, else if asked for."""
    return source.startswith("bossdb://") or bool(params.get("stage"))


def _block_shape(
    channel: dict[str, Any], staged: bool, chunk_zyx: Sequence[int] | None
) -> list[int]:
    """Return the block shape, ZYX, of a channel whose user gave none.

    The one of the first request for the channel, so that its blocks serve again, whatever machine
    this is. Otherwise chunks of the source, doubled until a block fills its share of the memory.
    """
    asked = LabelRequest() * Request() * ParamSet * Run.proj("run_started", first_run_id="run_id")
    first = (asked & {"channel_id": channel["channel_id"]}).to_dicts(
        order_by=("run_started", "request_id"), limit=1
    )
    if first:
        shape: list[int] = first[0]["parameters"]["block_shape"]
        return shape
    share = psutil.virtual_memory().total // 2 // (os.cpu_count() or 1)
    most = min(PULLED_BLOCK_VOXELS if staged else BLOCK_VOXELS, share // BYTES_PER_VOXEL)
    block = list(chunk_zyx or (64, 64, 64))
    try:
        chunk_shape(block)
    except ValueError:
        block = [64, 64, 64]
    while prod(block) > most and any(side % 2 == 0 for side in block):
        block[block.index(max(side for side in block if side % 2 == 0))] //= 2
    sides = extent(channel).shape_zyx
    while 2 * prod(block) <= most:
        growing = [side for side, end in zip(block, sides, strict=True) if side < end]
        if not growing:
            break
        smallest = min(growing)
        axis = next(
            axis for axis in range(3) if block[axis] == smallest and block[axis] < sides[axis]
        )
        block[axis] *= 2
    return block


def _request(
    channel: dict[str, Any],
    cutout: Box,
    block_shape_zyx: tuple[int, int, int],
    connectivity: int,
    component_of: str,
    foreground_above: int | str,
    min_voxels: int,
    version: str = VERSION,
    staged: bool = True,
    verify: bool = False,
    host: str = "",
    max_component_rows: int = 0,
    files: dict[str, Any] | None = None,
    chosen: dict[str, int] | None = None,
) -> work.Request:
    label: dict[str, Any] = {"connectivity": connectivity, "component_of": component_of}
    if component_of == "foreground":
        label["foreground_above"] = foreground_above
    # the chunks are part of what a block leaves: blocks of another grid may be the same box
    of_block = label | {"chunk_shape": list(chunk_shape(block_shape_zyx))}
    if staged and not channel["uri"].startswith("bossdb://"):
        # a set of its own: a run that reads the volume in place makes other bundles of each block
        of_block["staged"] = True
    stage = work.ParamSet("label_block", version.split(".")[0], of_block)
    whole = work.ParamSet(
        "label",
        version,
        label | {"min_voxels": min_voxels, "block_shape": list(block_shape_zyx), "staged": staged},
    )
    cutout_key = {"channel_id": channel["channel_id"], "cutout": cutout.name}
    request = work.Request(
        workflow=NAME,
        paramset=whole,
        subject=[channel["channel_id"], cutout.name],
        given={
            "channel": channel,
            "chosen": chosen or {},
            "cutout": cutout.name,
            "verify": verify,
            "host": host,
            "max_component_rows": max_component_rows,
            "files": files,
            "earlier": [],
            "n_labels": 0,
            "rows": None,
        },
        stage_paramsets=(stage,),
    )
    whole_channel = extent(channel)
    boxes = grid(cutout, block_shape_zyx, whole_channel.corner_zyx)
    channel_key = {"channel_id": channel["channel_id"]}
    rows = (
        (Channel, [channel]),
        *(
            (Channel.Choice, [channel_key | {"chosen_axis": name, "chosen_index": index}])
            for name, index in (chosen or {}).items()
        ),
        (Cutout, [cutout_key | box_columns("cutout", cutout)]),
        (
            Block,
            [channel_key | {"block": box.name} | box_columns("block", box) for box in boxes],
        ),
        (LabelRequest, [{"request_id": request.request_id} | cutout_key]),
    )
    return dataclasses.replace(request, rows=rows)


def _as_before(requests: list[work.Request]) -> list[work.Request]:
    """Give requests that were made before copies had a label set of their own the set they had."""
    plain: dict[str, work.ParamSet] = {}
    for request in requests:
        (stage,) = request.stage_paramsets
        if "staged" in stage.parameters:
            plain[request.request_id] = _plain(stage)
    keys = [
        {"request_id": name, "label_paramset_id": stage.paramset_id}
        for name, stage in plain.items()
    ]
    had: set[str] = set()
    for some in database.pieces(keys):
        made = Segmentation.Source() & some
        had |= set((dj.U("request_id") & made).to_arrays("request_id"))
    return [
        dataclasses.replace(request, stage_paramsets=(plain[request.request_id],))
        if request.request_id in had
        else request
        for request in requests
    ]


def _plain(stage: work.ParamSet) -> work.ParamSet:
    without = {key: one for key, one in stage.parameters.items() if key != "staged"}
    return dataclasses.replace(stage, parameters=without)


def units(request: work.Request) -> list[UnitPlan]:
    """Return pull, label and links of every block, stitch, and relabel of every block."""
    channel, parameters = request.given["channel"], request.paramset.parameters
    (stage,) = request.stage_paramsets
    connectivity = parameters["connectivity"]
    cutout = Box.parse(request.given["cutout"])
    whole = extent(channel)
    origin_zyx = (whole.z0, whole.y0, whole.x0)
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
    settings = {
        "host": request.given["host"],
        "verify": request.given["verify"],
        "metadata": metadata(channel),
    }
    for box in boxes:
        reads = work.Reads(PULL_VERSION, box, request.given["files"], not parameters["staged"])
        block = {"channel_id": channel["channel_id"], "block": box.name}
        how = {
            "box": box.name,
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
                source | {"box": box.name, "version": PULL_VERSION},
                settings=settings,
                memory=_memory("PULL_BLOCK", box.voxel_count),
                reads=reads,
            )
            pulls.append(pull)
        else:
            how["source"] = source
        memory = _memory("LABEL_BLOCK", box.voxel_count)
        in_place = reads if reads.in_place else None
        labels.append(
            UnitPlan(
                "LABEL_BLOCK", label_key, how, tuple(pulls[-1:]), memory=memory, reads=in_place
            )
        )
    # What a block is linked to decides its unit: a larger cutout has the same where it has no more.
    links = []
    for label, box, numbers in zip(labels, boxes, preceding(boxes, connectivity), strict=True):
        around = [labels[number] for number in numbers]
        neighbourhood = digest(sorted(other.key["block"] for other in around))[:16]
        links.append(
            UnitPlan(
                "LINK_BLOCK",
                label.key | {"neighbourhood": neighbourhood},
                {"connectivity": connectivity},
                (label, *around),
                memory=_memory("LINK_BLOCK", box.voxel_count),
            )
        )
    key = {"request_id": request.request_id}
    limit = request.given["max_component_rows"]
    n_components, there, in_bundle = request.given["rows"] or (limit, 0, limit)
    more = min(limit, n_components)
    stitch = UnitPlan(
        "STITCH",
        key,
        geometry
        | {
            "min_voxels": parameters["min_voxels"],
            "voxel_size_nm_zyx": [channel[f"voxel_size_{axis}"] for axis in "zyx"],
        },
        (*labels, *links),
        settings={"max_component_rows": limit},
        memory=_memory("STITCH", request.given["n_labels"]) + 4096 * len(boxes),
        add_rows={"Component": more} if there < more else {},
        settings_again={"max_component_rows": in_bundle},  # part of the content
    )
    relabels = [
        UnitPlan(
            "RELABEL_BLOCK",
            key | label.key,
            geometry | {"box": label.arguments["box"], "number": number},
            (stitch, label),
            settings={"earlier": request.given["earlier"]},
            memory=_memory("RELABEL_BLOCK", box.voxel_count),
            within=stitch,
        )
        for number, (label, box) in enumerate(zip(labels, boxes, strict=True))
    ]
    return [*pulls, *labels, *links, stitch, *relabels]


def _memory(process: str, size: int) -> int:
    """Return the bytes that a unit may take, by voxels of its block, or labels to be stitched.

    The largest that benchmarks have seen, with half a GiB for what any program takes (0.2) and for
    what is around it.
    """
    each = {"PULL_BLOCK": 24, "LABEL_BLOCK": 13, "LINK_BLOCK": 1, "STITCH": 100, "RELABEL_BLOCK": 2}
    return 512 * MIB + each[process] * size


def recall(request_ids: list[str]) -> dict[str, work.Request]:
    """Return recorded requests by id."""
    asked = [{"request_id": name} for name in request_ids]
    rows = (LabelRequest() * Request() * ParamSet & asked).to_dicts()
    named = [{"channel_id": name} for name in {row["channel_id"] for row in rows}]
    channels = {row["channel_id"]: row for row in (Channel() & named).to_dicts()}
    chosen = choices(Channel.Choice() & named)
    requests = [
        _request(
            channels[row["channel_id"]],
            Box.parse(row["cutout"]),
            tuple(row["parameters"]["block_shape"]),
            row["parameters"]["connectivity"],
            row["parameters"]["component_of"],
            row["parameters"].get("foreground_above", 0),
            row["parameters"]["min_voxels"],
            version=row["method_version"],
            staged=row["parameters"]["staged"],
            chosen=chosen.get(row["channel_id"]),
        )
        for row in rows
    ]
    names = (row["request_id"] for row in rows)
    return dict(zip(names, _as_before(requests), strict=True))


def describe(
    requests: list[work.Request], counts: list[dict[str, tuple[int, int]]]
) -> list[dict[str, Any]]:
    """Return channel, source, box, method, parameters and result of each request."""
    asked = [{"request_id": request.request_id} for request in requests]
    found = {row["request_id"]: row for row in (Segmentation() & asked).to_dicts()}
    zeros = _zeros([request for request in requests if request.request_id in found])
    bare = [one for one in requests if found.get(one.request_id, {}).get("n_components") == 0]
    zeros = _of_nothing(bare) | zeros
    return [
        _described(request, number, found.get(request.request_id, {}), zeros)
        for request, number in zip(requests, counts, strict=True)
    ]


def _described(
    request: work.Request,
    counts: dict[str, tuple[int, int]],
    found: dict[str, Any],
    zeros: dict[str, str],
) -> dict[str, Any]:
    channel = request.given["channel"]
    blocks_recorded, blocks_total = counts["LABEL_BLOCK"]
    return {
        "channel": channel["channel_id"],
        "source": channel["uri"],
        "archive": channel["archive"],
        "resolution": channel["resolution"],
        "chosen": request.given["chosen"] or None,
        "box": request.given["cutout"],
        "method": request.paramset.method,
        "parameters": request.paramset.parameters,
        "blocks_total": blocks_total,
        "blocks_recorded": blocks_recorded,
        "n_components": found.get("n_components"),
        "n_component_rows": found.get("n_component_rows"),
        "volume": found.get("volume"),
        "components": found.get("components"),
        "note": "; ".join(filter(None, [rest(found), zeros.get(request.request_id)])) or None,
    }


def rest(segmentation: dict[str, Any]) -> str | None:
    """Say where the components are that are not rows of the database; None if all are."""
    rows, all_of_them = (segmentation.get(name, 0) for name in ("n_component_rows", "n_components"))
    if rows == all_of_them:
        return None
    return (
        f"the database lists the first {rows} components, the other {all_of_them - rows} are in "
        f"{segmentation['components']}"
    )


def _zeros(requests: list[work.Request]) -> dict[str, str]:
    """Say of requests, by id, which blocks were pulled as nothing but zeros, if any were."""
    by_dtype: dict[str, list[dict[str, str]]] = defaultdict(list)
    for request in requests:
        by_dtype[request.given["channel"]["dtype"]].append({"request_id": request.request_id})
    return {
        name: f"{len(empty)} of {pulled} pulled blocks hold only zeros (first: {empty[0]}): if the "
        "archive has data there, was it downsampled to this resolution? `bossflow invalidate "
        f"--block {empty[0]}` has it pulled again"
        for dtype, some in by_dtype.items()
        for name, (empty, pulled) in only_zeros(Segmentation.Source() & some, dtype).items()
    }


def _of_nothing(requests: list[work.Request]) -> dict[str, str]:
    """Say of requests without components, by id, why there are none."""
    some = [{"request_id": request.request_id} for request in requests]
    labels = Segmentation.Source * BlockLabels.proj("n_labels") & some
    local = dj.U("request_id").aggr(labels, n="sum(n_labels)").to_dicts() if some else []
    sums = {row["request_id"]: int(row["n"]) for row in local}
    told = {}
    for request in requests:
        asked = request.paramset.parameters
        above = asked.get("foreground_above", 0)
        if sums.get(request.request_id):
            why = f"all of its components have fewer than {asked['min_voxels']} voxels"
        elif above:
            why = f"none of its voxels is above {above}"
        else:
            why = "all of its voxels are zero: are they so in the source, or is it not whole?"
        told[request.request_id] = why
    return told


def in_words(counts: dict[str, int]) -> str:
    """Return numbers of units as a user would say them: `1 segmentation, 64 blocks`."""
    names = {"STITCH": "segmentation", "LABEL_BLOCK": "block"}
    return ", ".join(
        f"{counts.get(process, 0):,} {name}" + ("" if counts.get(process) == 1 else "s")
        for process, name in names.items()
    )


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
    return 0.03 + fixed.get(unit.process, 0) + per_voxel.get(unit.process, 0) * unit.voxels
