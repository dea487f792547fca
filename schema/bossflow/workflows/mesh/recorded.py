"""What is recorded that bears on how a request is made."""

import dataclasses
from collections import defaultdict
from typing import Any

from ...core import holdings, work
from ...core.ledger import among
from ...core.tables import Execution, Request, Run
from ...kit.locations import url
from ...volumes import growth
from ...volumes.tables import Cutout
from ...voxels.archives.made import is_made
from ...voxels.boxes import Box
from .tables import MeshRequest, MeshSet

EARLIER_REQUESTS = 3  # whose buckets a request's are compared with, at most


def with_recorded(requests: list[work.Request]) -> list[work.Request]:
    """Tell requests what is recorded that bears on how they are made.

    `earlier` are the latest of the same parameters whose cutouts meet a request's (`request_id`,
    and the URL of the `store` of each): a bucket of the same cubes there is not meshed again.
    `rows` are, where it is recorded, of how many meshes, how many are rows of the database, and
    how many its bundle was made with.
    """
    rows, earlier = rows_of(requests), _earlier(requests)
    return [
        dataclasses.replace(
            request,
            settings=request.settings
            | {"rows": rows.get(request.request_id), "earlier": earlier[request.request_id]},
        )
        for request in requests
    ]


def rows_of(requests: list[work.Request]) -> dict[str, tuple[int, int, int]]:
    """Return of recorded ones how many meshes, rows of these, and rows of its bundle's run."""
    made = MeshSet * Execution.proj("run_id", meshes_collected_by="execution_id")
    made_by = made * Run.proj("run_parameters")
    told = {}
    for row in among(made_by, "request_id", (request.request_id for request in requests)):
        total, rows = row["n_meshes"], row["n_mesh_rows"]
        # what was added since is in no bundle: the run that made it knows its own limit
        limit = int(row["run_parameters"].get("max_component_rows", rows))
        told[row["request_id"]] = total, rows, min(limit, rows)
    return told


def _earlier(requests: list[work.Request]) -> dict[str, list[dict[str, Any]]]:
    """Return by request the latest others with the same parameters that meet its cutout.

    Of another channel too: the same volume made by a larger request is one. What is there of
    another source has other cubes.
    """
    made = MeshSet * Execution.proj("executed", meshes_collected_by="execution_id")
    made = made * MeshRequest * Cutout * Request.proj("paramset_id")
    rows = among(made, "paramset_id", {one.paramset.paramset_id for one in requests})
    rows.sort(key=lambda row: (row["executed"], row["request_id"]), reverse=True)
    stores_of = holdings.at_hand({row["meshes_collected_by"] for row in rows})
    alike: dict[str, list[tuple[Box, str, dict[str, Any]]]] = defaultdict(list)
    for row in rows:
        if store := stores_of.get(row["meshes_collected_by"]):
            told = {"request_id": row["request_id"], "store": url(store)}
            one = Box.parse(row["cutout"]), row["channel_id"], told
            alike[row["paramset_id"]].append(one)
    found, near = {}, _near(requests)
    for request in requests:
        cutout, channel = Box.parse(request.given["cutout"]), request.given["channel"]["channel_id"]
        others = [
            (of != channel, of not in near.get(channel, ()), told)
            for box, of, told in alike[request.paramset.paramset_id]
            if told["request_id"] != request.request_id and box.meets(cutout)
        ]
        others.sort(key=lambda other: other[:2])  # of its own channel first, then of one alike
        found[request.request_id] = [told for *_, told in others[:EARLIER_REQUESTS]]
    return found


def _near(requests: list[work.Request]) -> dict[str, list[str]]:
    """Return the channels that are alike those of requests that were made here."""
    channels = [request.given["channel"] for request in requests]
    return growth.alike({one["channel_id"] for one in channels if is_made(one["uri"])})
