"""Workflow mesh: the same files whatever the blocks, read back as others read them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from making import write_precomputed
from meshing import Meshing, closed_volume, directory_of, files, finest, mesh_set, rows
from pipeline import bossflow_says

IDS = np.array([0, 3, 2**40 + 1, 7, 2**63 + 9], np.uint64)


@pytest.fixture
def meshing(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Meshing:
    return Meshing(tmp_path, monkeypatch)


def segments(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Return blobs of a few ids, some of which touch the border, and zeros."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, len(IDS), [-(-side // 6) for side in shape])
    voxels = coarse.repeat(6, 0).repeat(6, 1).repeat(6, 2)[tuple(map(slice, shape))]
    return IDS[np.where(random.random(shape) < 0.1, 0, voxels)]


def test_files_are_the_same_for_any_blocks(meshing: Meshing, tmp_path: Path) -> None:
    voxels = segments((26, 40, 33))
    volume = write_precomputed(tmp_path / "volume", voxels, (-7, 13, 21), "segmentation")
    asked: dict[str, Any] = {"source": f"precomputed://{volume}", "buckets": 4, "keep": "1"}
    one = meshing.make(**asked, block_shape="64,64,64")
    assert one["verdict"] == {"missing": None}, one["summary"]
    other = meshing.make(**asked, block_shape="8,16,11")
    assert mesh_set(one)["request_id"] != mesh_set(other)["request_id"]
    assert files(one) == files(other)
    assert [row["meshed_segment_id"] for row in rows(one)] == sorted(map(int, IDS[1:]))
    for row in rows(one):
        segment = int(row["meshed_segment_id"])
        surface = finest(directory_of(one), segment)
        assert surface is not None and row["is_closed"] == 1
        inside = np.argwhere(voxels == segment)[:, ::-1] + [21, 13, -7]
        low, high = inside.min(axis=0) * [4, 4, 40], (inside.max(axis=0) + 1) * [4, 4, 40]
        np.testing.assert_allclose(surface[0].min(axis=0), low, atol=0.05)
        np.testing.assert_allclose(surface[0].max(axis=0), high, atol=0.05)
        assert closed_volume(surface) == pytest.approx(row["volume_nm3"], rel=1e-3)
    assert finest(directory_of(one), 12345) is None
    assert meshing.make(**asked, block_shape="64,64,64")["plan"]["tasks"] == []
    code, said = bossflow_says("verify", "--request", one["plan"]["requests"][0])
    assert code == 0, said
