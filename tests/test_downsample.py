"""Workflow downsample: levels of volumes on disk, against what the whole array gives."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from making import Downsampling, read_level, write_precomputed
from pipeline import bossflow_says
from voxels.boxes import Box
from voxels.downsampling import coarser, downsample


@pytest.fixture
def making(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Downsampling:
    return Downsampling(tmp_path, monkeypatch)


def noise(shape: tuple[int, ...], dtype: str, seed: int = 0) -> np.ndarray:
    voxels = np.random.default_rng(seed).integers(0, 200, shape)
    return (voxels // 50 if dtype == "uint32" else voxels).astype(dtype)


def pyramid_of(run: dict[str, Any]) -> dict[str, Any]:
    from bossflow.workflows.downsample import Pyramid

    (request,) = run["plan"]["requests"]
    row: dict[str, Any] = (Pyramid & {"request_id": request}).fetch1()
    return row


def check(url: str, voxels: np.ndarray, corner: Any, steps: Any, method: str) -> None:
    """Compare levels with those of the whole array; below the cutout there is nothing."""
    box, total = Box.of(corner, voxels.shape), np.ones(3, int)
    for number, step in enumerate(steps):
        voxels = downsample(voxels, box.corner_zyx, step, method)
        box, total = coarser(box, step), total * step
        found, start = read_level(url, number)
        whole = np.prod(steps, axis=0) // total
        origin = [low - low % side for low, side in zip(box.corner_zyx, whole, strict=True)]
        if (Path(url.removeprefix("file://")) / "info").exists():
            assert list(start) == origin
        inside = box.slices(origin)
        assert found.shape == tuple(part.stop for part in inside)
        np.testing.assert_array_equal(found[inside], voxels)
        found[inside] = 0
        assert not found.any()


ZARR = {"volume_format": "zarr", "levels": 2}
CASES = [
    ("uint8", "image", {"factor": "1,2,2", "levels": 3, "block_shape": "8,32,32"}),
    ("uint32", "segmentation", {"factor": "2,2,2", "levels": 3, "block_shape": "16,16,32"}),
    ("uint16", "image", ZARR | {"factor": "2,3,3", "block_shape": "16,36,36"}),
    ("float32", "image", {"levels": 2, "compression": "gzip", "block_shape": "32,32,32"}),
    ("uint64", "segmentation", ZARR | {"method": "mean", "block_shape": "9,16,24"}),
]


@pytest.mark.parametrize(("dtype", "kind", "asked"), CASES, ids=[case[0] for case in CASES])
def test_levels_are_those_of_the_whole(
    making: Downsampling, tmp_path: Path, dtype: str, kind: str, asked: dict[str, Any]
) -> None:
    corner, voxels = (-7, 13, 21), noise((37, 70, 61), dtype)
    volume = write_precomputed(tmp_path / "volume", voxels, corner, kind)
    done = making.make(source=f"precomputed://{volume}", **asked)
    assert done["verdict"] == {"missing": None}, done["summary"]
    row = pyramid_of(done)
    assert row["n_levels"] == asked["levels"]
    step = [int(side) for side in asked.get("factor", "1,2,2").split(",")]
    method = asked.get("method") or {"image": "mean", "segmentation": "mode"}[kind]
    check(row["pyramid"], voxels, corner, [step] * asked["levels"], method)
    assert making.make(source=f"precomputed://{volume}", **asked)["plan"]["tasks"] == []
    code, said = bossflow_says("verify", "--request", done["plan"]["requests"][0])
    assert code == 0, said
