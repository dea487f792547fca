"""The workflow skeleton a step at a time in the test's process, and how its skeletons are read."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorstore as ts
from collect_skeletons import collect_skeletons
from index_runs import index_runs
from making import Downsampling
from pull_block import pull_block
from runs_block import runs_block
from skeleton_bucket import skeleton_bucket

FORK, PAIR, TUBE, DUST = 2**40 + 1, 2**63 + 9, 3, 7


class Skeletonizing(Downsampling):
    """A volume on disk whose segments are skeletonized."""

    workflow = "skeleton"
    programs = {
        "PULL_BLOCK": pull_block,
        "RUNS_BLOCK": runs_block,
        "INDEX_RUNS": index_runs,
        "SKELETON_BUCKET": skeleton_bucket,
        "COLLECT_SKELETONS": collect_skeletons,
    }


def neurites() -> np.ndarray:
    """Return segments of 32 x 48 x 64 voxels: a tube, a fork, two pieces of one, and dust."""
    voxels = np.zeros((32, 48, 64), np.uint64)
    voxels[3:8, 4:9, 2:62] = TUBE
    voxels[14:19, 20:25, 5:60] = FORK
    voxels[14:19, 24:46, 30:35] = FORK
    voxels[22:26, 4:44, 8:12] = voxels[22:26, 30:34, 30:60] = PAIR
    voxels[29:31, 2:4, 2:4] = DUST
    return voxels


def skeleton_set(run: dict[str, Any]) -> dict[str, Any]:
    """Return the one request of a run: its rows of `RunIndex` and `SkeletonSet`."""
    from bossflow import RunIndex, SkeletonSet

    (request,) = run["plan"]["requests"]
    row: dict[str, Any] = (RunIndex * SkeletonSet & {"request_id": request}).fetch1()
    return row


def rows(run: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the database says of each skeleton of a run's one request, by segment id."""
    from bossflow import SkeletonSet

    (request,) = run["plan"]["requests"]
    found: list[dict[str, Any]] = (SkeletonSet.Skeleton & {"request_id": request}).to_dicts(
        order_by="skeletonized_segment_id"
    )
    return found


def directory_of(run: dict[str, Any]) -> Path:
    """Return the directory of a run's skeletons."""
    return Path(skeleton_set(run)["skeletons"].removeprefix("file://"))


def files(run: dict[str, Any]) -> dict[str, bytes]:
    """Return what the directory of a run's skeletons holds, by path."""
    directory = directory_of(run)
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


class Lines(NamedTuple):
    """Vertices (nm, XYZ), the two of each edge, and radii (nm)."""

    vertices: np.ndarray
    edges: np.ndarray
    radii: np.ndarray


def lines(directory: Path, segment: int) -> Lines | None:
    """Read a skeleton by the format's own words, shards by tensorstore; None if there is none."""
    about = json.loads((directory / "info").read_text())
    assert about["@type"] == "neuroglancer_skeletons"
    assert about["transform"] == [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]
    (radius,) = about["vertex_attributes"]
    assert radius == {"id": "radius", "data_type": "float32", "num_components": 1}
    if "sharding" in about:
        spec = {
            "driver": "neuroglancer_uint64_sharded",
            "base": {"driver": "file", "path": f"{directory}/"},
            "metadata": about["sharding"],
        }
        answer = ts.KvStore.open(spec).result().read(segment.to_bytes(8, "big")).result()
        content = answer.value if answer.state == "value" else None
    else:
        path = directory / str(segment)
        content = path.read_bytes() if path.exists() else None
    if content is None:
        return None
    n, m = np.frombuffer(content, "<u4", 2).tolist()
    assert len(content) == 8 + 12 * n + 8 * m + 4 * n
    vertices = np.frombuffer(content, "<f4", 3 * n, 8).reshape(-1, 3)
    edges = np.frombuffer(content, "<u4", 2 * m, 8 + 12 * n).reshape(-1, 2)
    return Lines(vertices, edges, np.frombuffer(content, "<f4", n, 8 + 12 * n + 8 * m))
