"""A changed table: what is made of segments that it leaves alone is taken."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from making import write_precomputed
from meshing import Meshing, files
from remapping import Remapping, write_table
from test_mesh import taken
from voxels.meshes.shard import Sharding


@pytest.fixture
def remapping(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Remapping:
    return Remapping(tmp_path, monkeypatch)


def test_a_merge_costs_the_meshes_of_its_buckets(
    remapping: Remapping, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or of a split, by another table of the source, or of what came of the first one."""
    voxels = np.zeros((32, 24, 24), np.uint32)
    voxels[2:14, 3:20, 4:11], voxels[2:14, 3:20, 11:20] = 5, 6
    voxels[3:14, 21:23, 2:20], voxels[18:30, 4:20, 5:18] = 9, 12
    volume = write_precomputed(tmp_path / "volume", voxels, kind="segmentation")
    cells: dict[str, Any] = {"block_shape": "16,24,24", "source": f"precomputed://{volume}"}
    (tmp_path / "mesh").mkdir()
    meshing = Meshing(tmp_path / "mesh", monkeypatch)
    meshing.store = remapping.store
    meshed = {"buckets": 8, "block_shape": "16,24,24"}

    def made(name: str, mapping: dict[int, int], **asked: Any) -> Any:
        table = write_table(tmp_path / f"{name}.csv", mapping)
        (request,) = remapping.make(**cells | asked, table=table)["plan"]["requests"]
        done = meshing.make(source=f"bossflow://{request}", **meshed)
        assert done["verdict"] == {"missing": None}, done["summary"]
        return done

    def anew(run: Any) -> set[str]:
        return {name for name, was in taken(run, "MESH_BUCKET").items() if not was}

    def buckets(*segments: int) -> set[str]:
        return {str(Sharding(3).shards([segment])[0]) for segment in segments}

    first = made("first", {5: 5, 6: 6, 9: 9, 12: 12})
    merged = made("merged", {5: 5, 6: 5, 9: 9, 12: 12})
    assert buckets(5, 6).isdisjoint(buckets(9, 12))
    assert anew(merged) == buckets(5, 6)
    assert taken(merged, "SURFACE_BLOCK") == {"0-24_0-24_0-16": False, "0-24_0-24_16-32": True}
    split = made("split", {5: 5, 6: 600, 9: 9, 12: 12})
    assert anew(split) == buckets(600)  # 5 is as in the first, and 6 is gone as in the second
    (request,) = remapping.make(**cells, table=str(tmp_path / "first.csv"))["plan"]["requests"]
    corrected = made("last", {12: 9}, source=f"bossflow://{request}", missing="keep")
    assert anew(corrected) == buckets(9, 12)
    assert taken(corrected, "SURFACE_BLOCK")["0-24_0-24_0-16"]
    there = files(merged)
    assert {name for name, content in files(first).items() if there.get(name) != content} == {
        *(f"{int(bucket):x}.shard" for bucket in buckets(5, 6)),
        "segment_properties/info",
    }
