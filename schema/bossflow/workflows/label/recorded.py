"""What is recorded that bears on how a request is made."""

import dataclasses
from collections import defaultdict
from itertools import islice
from math import ceil
from typing import Any

import datajoint as dj

from ... import database
from ...core import holdings, work
from ...core.ledger import among, look_up
from ...core.tables import Execution, Request, Run
from ...kit.locations import url
from ...volumes.channels import meets
from ...volumes.tables import Block, Cutout
from ...voxels.boxes import Box
from .tables import BlockLabels, LabelRequest, Segmentation

LABELS_PER_VOXEL = 20_000 / 512**3  # more than most have, where none are recorded
EARLIER_REQUESTS = 3  # that a request's blocks are compared with, at most
CUTOUTS_PER_QUERY = 50  # each is a condition on six columns


def with_recorded(requests: list[work.Request]) -> list[work.Request]:
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
    rows = rows_of(requests)
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
        dataclasses.replace(request, settings=request.settings | told[request.request_id])
        for request in requests
    ]


def rows_of(requests: list[work.Request]) -> dict[str, tuple[int, int, int]]:
    """Return of recorded ones how many components, rows of these, and rows of its bundle's run."""
    made = Segmentation * Execution.proj("run_id", stitched_by="execution_id")
    made_by = made * Run.proj("run_parameters")
    told = {}
    for row in among(made_by, "request_id", (request.request_id for request in requests)):
        total, rows = row["n_components"], row["n_component_rows"]
        # what was added since is in no bundle: the run that made it knows its own limit
        limit = int(row["run_parameters"].get("max_component_rows", rows))
        told[row["request_id"]] = total, rows, min(limit, rows)
    return told


def _earlier(
    key: dict[str, str], requests: list[work.Request], boxes: list[Box]
) -> list[list[dict[str, Any]]]:
    made = Segmentation * Execution.proj("executed", stitched_by="execution_id")
    rows = made * LabelRequest * Cutout * Request & key & [meets("cutout", box) for box in boxes]
    latest = rows.to_arrays(
        "request_id", "stitched_by", "cutout", order_by=("executed DESC", "request_id")
    )
    stores_of = holdings.at_hand(set(latest[1]))
    before = [
        (name, Box.parse(cutout), {"request_id": name, "store": url(stores_of[made_by])})
        for name, made_by, cutout in zip(*latest, strict=True)
        if made_by in stores_of
    ]
    earlier = []
    for request, box in zip(requests, boxes, strict=True):
        other = (
            told
            for name, cutout, told in before
            if name != request.request_id and cutout.meets(box)
        )
        earlier.append(list(islice(other, EARLIER_REQUESTS)))
    return earlier


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
    numbers = []
    for request, some in zip(requests, keys, strict=True):
        known = [key for key in some if key in labels]
        voxels = sum(Box.parse(block).voxel_count for _, block, _ in known)
        density = sum(labels[key] for key in known) / voxels if known else LABELS_PER_VOXEL
        numbers.append(ceil(density * Box.parse(request.given["cutout"]).voxel_count))
    return numbers


def as_before(requests: list[work.Request]) -> list[work.Request]:
    """Give requests that were made before copies had a label set of their own the set they had."""
    plain: dict[str, work.ParamSet] = {}
    for request in requests:
        (stage,) = request.stage_paramsets
        if "staged" in stage.parameters:
            plain[request.request_id] = read_in_place(stage)
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


def read_in_place(stage: work.ParamSet) -> work.ParamSet:
    """Return the label set that blocks have which are read in place, and all had before."""
    without = {key: value for key, value in stage.parameters.items() if key != "staged"}
    return dataclasses.replace(stage, parameters=without)
