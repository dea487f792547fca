"""Workflow downsample: levels of volumes on disk, against what the whole array gives."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from making import Downsampling, noise, read_level, write_precomputed
from pipeline import bossflow_says
from voxels.archives import archive_of
from voxels.boxes import Box
from voxels.downsampling import coarser, downsample


@pytest.fixture
def making(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Downsampling:
    return Downsampling(tmp_path, monkeypatch)


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
    ("uint16", "segmentation", {"factor": "2,2,2", "levels": 2, "block_shape": "128,128,128"}),
    ("uint64", "segmentation", ZARR | {"method": "mean", "block_shape": "9,16,24"}),
]


@pytest.mark.parametrize(("dtype", "kind", "asked"), CASES, ids=[f"{c[0]}-{c[1]}" for c in CASES])
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
    uri = f"{asked.get('volume_format', 'precomputed')}://{row['pyramid']}"
    for number in range(asked["levels"]):  # what another run would see of it
        told = archive_of(uri).describe(uri, number, "", "")
        factor = [side ** (number + 1) for side in step]
        assert told["voxel_size_nm_zyx"] == [40 * factor[0], 4 * factor[1], 4 * factor[2]]
        rest = [side ** (asked["levels"] - number - 1) for side in step]
        first = coarser(Box.of(corner, voxels.shape), factor).corner_zyx
        origin = [low - low % side for low, side in zip(first, rest, strict=True)]
        assert told["offset_zyx"] == origin
    assert making.make(source=f"precomputed://{volume}", **asked)["plan"]["tasks"] == []
    code, said = bossflow_says("verify", "--request", done["plan"]["requests"][0])
    assert code == 0, said


def test_levels_of_a_level_are_those_of_one_run(making: Downsampling, tmp_path: Path) -> None:
    """Two and then one of the last: as three at once, and by blocks of another grid."""
    voxels = noise((24, 64, 48), "uint8")
    volume = write_precomputed(tmp_path / "volume", voxels, (8, -64, 16))
    asked = {"factor": "2,2,2", "volume_format": "zarr"}
    whole = making.make(source=f"precomputed://{volume}", levels=3, **asked)
    some = making.make(source=f"precomputed://{volume}", levels=2, block_shape="4,12,8", **asked)
    source = f"zarr://{pyramid_of(some)['pyramid']}"
    last = making.make(source=source, resolution=1, levels=1, block_shape="2,6,4", **asked)
    found = read_level(pyramid_of(last)["pyramid"], 0)[0]
    np.testing.assert_array_equal(found, read_level(pyramid_of(whole)["pyramid"], 2)[0])


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"factor": "1,1,1"}, "factor 1,1,1 in the parameters makes no coarser level"),
        ({"encoding": "jpeg"}, "encoding jpeg in the parameters changes voxels"),
        ({"levels": 12, "factor": "2,2,2"}, "voxel of level 10 in the parameters is made of 1024"),
        ({"levels": 3, "block_shape": "4,12,16"}, "of which block_shape is no multiple"),
        ({"method": "mean", "encoding": "compressed_segmentation"}, "holds no uint8"),
    ],
)  # fmt: skip
def test_levels_that_can_not_be_made_are_a_sentence(
    making: Downsampling, tmp_path: Path, asked: dict[str, Any], sentence: str
) -> None:
    volume = write_precomputed(tmp_path / "volume", noise((16, 32, 64), "uint8"))
    run = making.make(source=f"precomputed://{volume}", **asked)
    assert sentence in run["plan"]["problem"]
    assert not making.store.exists()


def test_without_parameters_levels_go_on_until_the_whole_is_seen_at_once(
    making: Downsampling, tmp_path: Path
) -> None:
    """And halve the axes along which voxels are smallest: these are of 4 x 4 x 40 nm."""
    volume = write_precomputed(tmp_path / "volume", noise((8, 1500, 2000), "uint8"))
    row = pyramid_of(making.make(source=f"precomputed://{volume}"))

    from bossflow.workflows.downsample import Pyramid

    levels = (Pyramid.Level & {"request_id": row["request_id"]}).to_dicts(order_by="level")
    found = [[level[f"factor_{axis}"] for axis in "zyx"] for level in levels]
    assert found == [[1, 2, 2], [1, 4, 4]]


def test_a_level_is_not_forgotten_without_its_request(making: Downsampling, tmp_path: Path) -> None:
    """Not even while nothing is there: its blocks could not be recorded again."""
    from bossflow import MadeChannel

    volume = write_precomputed(tmp_path / "volume", noise((16, 64, 64), "uint8"))
    asked = {"source": f"precomputed://{volume}", "levels": 2, "block_shape": "16,32,32"}
    (request,) = making.make(**asked)["plan"]["requests"]
    assert bossflow_says("invalidate", "--request", request, "--yes")[0] == 0
    channels = (MadeChannel & {"request_id": request}).to_arrays(
        "channel_id", order_by="channel_id"
    )
    code, said = bossflow_says("forget", "--channel", channels[0], "--yes")
    assert code != 0 and f"refers to it: request {request}" in said
    assert making.make(**asked)["verdict"] == {"missing": None}
    code, said = bossflow_says("forget", request, "--channel", channels[0], "--yes")
    assert code == 0 and len(MadeChannel & {"request_id": request}) == 0, said


def test_what_a_killed_run_left_is_invalidated_too(making: Downsampling, tmp_path: Path) -> None:
    """The next run would take it, as nothing else tells that the source was another one."""
    from bossflow.workflows.downsample import DownsampleRequest

    voxels = noise((16, 64, 64), "uint8")
    volume = write_precomputed(tmp_path / "volume", voxels)
    asked = {"source": f"precomputed://{volume}", "levels": 1, "factor": "2,2,2"}
    asked |= {"block_shape": "16,32,32"}
    plan, work_dir = making.plan(stage=False, **asked)
    making.compute(plan, work_dir)
    (request,) = plan["requests"]
    channel = (DownsampleRequest & {"request_id": request}).fetch1("channel_id")
    chunk = volume / "4_4_40" / "0-16_0-16_0-16"
    looked = chunk.stat()
    chunk.write_bytes(bytes(looked.st_size))
    os.utime(chunk, ns=(looked.st_atime_ns, looked.st_mtime_ns))
    voxels[:16, :16, :16] = 0
    said = bossflow_says("invalidate", "--block", "0-1_0-1_0-1", "--channel", channel, "--yes")[1]
    assert "1 bundle that no run has recorded yet" in said
    done = making.make(**asked)
    assert sorted(done["states"]) == ["made"] + ["reused"] * 4
    check(pyramid_of(done)["pyramid"], voxels, (0, 0, 0), [(2, 2, 2)], "mean")
