"""Meshes of the real sample by whole runs: the same to the byte for any blocks and workers."""

import gzip
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from conftest import COUNTS, SHARED
from lab import Lab
from making import write_precomputed
from meshing import levels_in
from voxels.meshes import measures

pytestmark = [pytest.mark.nextflow, pytest.mark.shared, pytest.mark.soak]

NM_XYZ = (16, 16, 40)
SIDES = 256, 512
WAYS = [((128, 128, 128), 2), ((96, 150, 200), 1), ((256, 100, 64), 2)]
"""Block shapes, of 256 voxels a side, and how many tasks run at a time."""

TOLD = """
import json
from bossflow import Execution, MeshBucket, MeshSet
buckets = (MeshBucket * Execution.proj(..., meshed_by="execution_id")).to_dicts()
print(json.dumps([MeshSet.Mesh().to_dicts(order_by="meshed_segment_id"), buckets], default=str))
"""


@contextmanager
def on_cores(number: int) -> Iterator[None]:
    """Have what is started meanwhile see so many cores, of which Nextflow takes one for a task."""
    every = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(every)[:number])
    try:
        yield
    finally:
        os.sched_setaffinity(0, every)


@pytest.mark.parametrize("side", SIDES)
def test_meshes_are_the_same_for_three_cuttings_and_one_worker_or_two(
    tmp_path: Path, side: int
) -> None:
    import crackle

    packed = (SHARED / "data" / "connectomics.npy.ckl.gz").read_bytes()
    whole = crackle.decompress(gzip.decompress(packed)).transpose(2, 1, 0)
    voxels = np.ascontiguousarray(whole[(slice(256 - side // 2, 256 + side // 2),) * 3])
    scale = {"resolution": NM_XYZ, "chunk_size": [64, 64, 64]}
    scale |= {"encoding": "compressed_segmentation"}
    scale |= {"compressed_segmentation_block_size": [8, 8, 8]}
    volume = write_precomputed(tmp_path / "volume", voxels, kind="segmentation", **scale)
    made = []
    for number, (block_shape, workers) in enumerate(WAYS):
        with Lab(tmp_path / f"lab{number}", voxels[:1, :1, :1], (0, 0, 0)).serving() as lab:
            asked = {"source": f"precomputed://{volume}", "archive": None, "name": "real"}
            asked |= {"buckets": 4, "block_shape": [side // 256 * n for n in block_shape]}
            asked |= {"blocks_per_task": 1}
            with on_cores(workers):
                lab.nextflow(workflow="mesh", **asked).ok()
            rows, buckets = json.loads(lab.python(TOLD))
            results = lab.directory / "results" / "real"
            made.append((digests(results / "meshes"), table(results), without_request(rows)))
            assert len(buckets) == 4 and side_by_side(buckets) == (workers > 1)
            if not number:
                check(results / "meshes", rows, np.unique(voxels))
    assert made[0] == made[1] == made[2]


def side_by_side(units: list[dict[str, Any]]) -> bool:
    """Say whether two were made at a time; when they began is told in whole seconds."""
    began = [datetime.fromisoformat(one["executed"]) for one in units]
    ended = [
        start + timedelta(seconds=one["execution_seconds"])
        for start, one in zip(began, units, strict=True)
    ]
    return any(
        began[one] <= began[other] < ended[one] - timedelta(seconds=1)
        for one, other in permutations(range(len(units)), 2)
    )


def digests(directory: Path) -> dict[str, str]:
    """Return the sha256 of each file."""
    return {
        path.relative_to(directory).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in directory.rglob("*")
        if path.is_file()
    }


def table(results: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(results / "table").to_pylist()
    return rows


def without_request(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: row[name] for name in row if name != "request_id"} for row in rows]


def check(directory: Path, rows: list[dict[str, Any]], ids: np.ndarray) -> None:
    """Ids are everywhere the same; each level is closed, with half the triangles or fewer."""
    wanted = sorted(set(ids.tolist()) - {0})
    assert [int(row["meshed_segment_id"]) for row in rows] == wanted
    assert all(row["is_closed"] == 1 and 0 <= row["simplified_nm"] <= 40 for row in rows)
    told = json.loads((directory / "segment_properties" / "info").read_text())["inline"]["ids"]
    assert sorted(map(int, told)) == wanted
    by_id, found = {int(row["meshed_segment_id"]): row for row in rows}, []
    for segment, levels in levels_in(directory):
        found.append(segment)
        counts = [len(faces) for _, faces in levels]
        assert len(levels) == by_id[segment]["n_mesh_levels"], segment
        assert counts[0] >= by_id[segment]["n_faces"], segment  # cut where nodes meet
        for before, after in zip(counts, counts[1:], strict=False):
            assert 0 < 2 * after <= before, (segment, counts)
        for vertices, faces in levels:
            x, y, z = vertices.T
            places, number = np.unique(x << 42 | y << 21 | z, return_inverse=True)
            corners = number.reshape(-1)[faces].astype(np.uint32)
            assert measures.closed(corners, len(places)), segment
            COUNTS["triangles of levels"] += len(faces)
        COUNTS["levels"] += len(levels)
    assert sorted(found) == wanted
    COUNTS["meshes"] += len(wanted)
