"""What is recorded that bears on how a request is made."""

import dataclasses
from collections import defaultdict
from collections.abc import Iterable
from itertools import islice
from math import ceil
from typing import Any

import datajoint as dj

from ... import database
from ...core import holdings, work
from ...core.ledger import look_up
from ...core.tables import Execution, Request
from ...kit.locations import url
from ...volumes.channels import meets
from ...volumes.collected import Collected, made_by, rows_of
from ...volumes.tables import Block, Cutout
from ...volumes.zeros import VOLUME
from ...voxels.boxes import Box
from .tables import BlockLabels, LabelRequest, Segmentation

LABELS_PER_VOXEL = 20_000 / 512**3  # more than most have, where none are recorded
EARLIER_REQUESTS = 3  # that a request's blocks are compared with, at most
CUTOUTS_PER_QUERY = 50  # each is a condition on six columns


LABELLED = Collected(LabelRequest, Segmentation, "n_components", "n_component_rows")


def with_recorded(
    requests: list[work.Request], of: Collected, n_labels: Iterable[int]
) -> list[work.Request]:
    """Tell requests what is recorded that bears on how they are made.

    Parameters
    ----------
    requests : list of Request
    of : Collected
    n_labels : iterable of int
        How many labels the blocks of each may have.

    Returns
    -------
    list of Request
        With the settings `n_labels`; `earlier`: the latest results of the same method whose cutouts
        meet a request's (`request_id` and the URL of the `store` of each, the latest first), as a
        block that is the same there is not written anew; and `rows`: where it is recorded, of how
        many results, how many are rows of the database, and how many its bundle was made with.
    """
    groups: dict[tuple[str, str], list[work.Request]] = defaultdict(list)
    for request in requests:
        name = request.given["channel"]["channel_id"], request.paramset.paramset_id
        groups[name].append(request)
    rows = rows_of(requests, of)
    told: dict[str, dict[str, Any]] = {
        request.request_id: {"n_labels": number, "rows": rows.get(request.request_id)}
        for request, number in zip(requests, n_labels, strict=True)
    }
    for (channel, whole), group in groups.items():
        for start in range(0, len(group), CUTOUTS_PER_QUERY):
            some = group[start : start + CUTOUTS_PER_QUERY]
            boxes = [Box.parse(request.given["cutout"]) for request in some]
            key = {"channel_id": channel, "paramset_id": whole}
            earlier = _earlier(of, key, some, boxes)
            for request, before in zip(some, earlier, strict=True):
                told[request.request_id]["earlier"] = before
    return [
        dataclasses.replace(request, settings=request.settings | told[request.request_id])
        for request in requests
    ]


def _earlier(
    of: Collected, key: dict[str, str], requests: list[work.Request], boxes: list[Box]
) -> list[list[dict[str, Any]]]:
    made = of.results * Execution.proj("executed", **made_by(of))
    rows = made * of.requests * Cutout * Request & key & [meets("cutout", box) for box in boxes]
    latest = rows.to_arrays(
        "request_id", *made_by(of), "cutout", order_by=("executed DESC", "request_id")
    )
    stores_of = holdings.at_hand(set(latest[1]))
    before = [
        (name, Box.parse(cutout), {"request_id": name, "store": url(stores_of[execution])})
        for name, execution, cutout in zip(*latest, strict=True)
        if execution in stores_of
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


def n_labels(requests: list[work.Request]) -> list[int]:
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


def by_density(requests: list[work.Request], table: Any, number: str, default: float) -> list[int]:
    """Return how much requests may have: as dense as in recorded blocks of the same parameters.

    Parameters
    ----------
    requests : list of Request
        With one parameter set for blocks each.
    table : table class
        Of blocks, whose keys name the channel and that set.
    number : str
        Its column of what each has.
    default : float
        For each voxel, where none is recorded.
    """
    (paramset,) = (name for name in table().primary_key if name.endswith("_paramset_id"))
    names = [
        (request.given["channel"]["channel_id"], stage.paramset_id)
        for request in requests
        for stage in request.stage_paramsets
    ]
    density: dict[tuple[str, str], float] = {}
    for some in database.pieces({*names}):
        keys = [{"channel_id": channel, paramset: stage} for channel, stage in some]
        blocks = table.proj(number) * Block & keys
        sums = dj.U("channel_id", paramset).aggr(
            blocks, total=f"sum({number})", voxels=f"sum({VOLUME})"
        )
        for row in sums.to_dicts():
            density[row["channel_id"], row[paramset]] = int(row["total"]) / int(row["voxels"])
    return [
        ceil(density.get(name, default) * Box.parse(request.given["cutout"]).voxel_count)
        for name, request in zip(names, requests, strict=True)
    ]


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
