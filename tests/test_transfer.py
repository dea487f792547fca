"""Workflow transfer: volumes written anew, voxel for voxel, and what can't be."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorstore as ts
import zarr
from kit import locations
from making import Transferring, noise, read_level, write_precomputed
from pipeline import bossflow_says
from voxels.archives import archive_of
from voxels.conversion import converted

CORNER = (-7, 13, 21)
SMALL = {"chunk_shape": "8,16,16", "block_shape": "16,32,32", "blocks_per_task": 4}


@pytest.fixture
def making(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Transferring:
    return Transferring(tmp_path, monkeypatch)


def made_by(run: dict[str, Any]) -> dict[str, Any]:
    from bossflow.workflows.transfer import TransferredVolume

    (request,) = run["plan"]["requests"]
    row: dict[str, Any] = (TransferredVolume & {"request_id": request}).fetch1()
    return row


CASES = [
    ("uint8", "image", {"volume_format": "zarr"}),
    ("uint32", "segmentation", {"compression": "gzip"}),
    ("uint32", "segmentation", {"encoding": "raw"}),
    ("uint64", "segmentation", {"encoding": "raw", "x_range": "30,71", "block_shape": "32,64,64"}),
    ("uint64", "segmentation", {"dtype": "uint32", "volume_format": "zarr", "compression": "gzip"}),
    ("float32", "image", {"dtype": "float64", "volume_format": "zarr", "compression": "none"}),
    ("uint16", "image", {"encoding": "png", "z_range": "-5,20", "x_range": "30,71"}),
    ("uint8", "image", {"dtype": "int16"}),
]


@pytest.mark.parametrize(("dtype", "kind", "asked"), CASES)
def test_a_new_volume_has_the_same_voxels(
    making: Transferring, tmp_path: Path, dtype: str, kind: str, asked: dict[str, Any]
) -> None:
    voxels = noise((37, 70, 61), dtype)
    volume = write_precomputed(tmp_path / "volume", voxels, CORNER, kind)
    asked = {"source": f"precomputed://{volume}", **SMALL, **asked}
    done = making.make(**asked)
    assert done["verdict"] == {"missing": None}, done["summary"]
    corner = list(CORNER)
    for axis, name in enumerate(("z_range", "y_range", "x_range")):
        if name in asked:
            start, stop = map(int, asked[name].split(","))
            index = [slice(None)] * 3
            index[axis] = slice(start - CORNER[axis], stop - CORNER[axis])
            voxels, corner[axis] = voxels[tuple(index)], start
    found, start = read_level(made_by(done)["transferred"], 0)
    assert found.dtype == asked.get("dtype", dtype)
    np.testing.assert_array_equal(found, voxels)
    if asked.get("volume_format") == "zarr":
        array = zarr.open(locations.local(made_by(done)["transferred"]))["0"]
        assert (array.shards, array.chunks) == ((16, 32, 32), (8, 16, 16))
        np.testing.assert_array_equal(array[:], voxels)
    else:
        assert start == tuple(corner)
        volume = Path(locations.local(made_by(done)["transferred"]))
        (scale,) = json.loads((volume / "info").read_text())["scales"]
        packed = scale.get("sharding", {}).get("data_encoding") == "gzip"
        assert packed == (kind == "segmentation")
    uri = f"{asked.get('volume_format', 'precomputed')}://{made_by(done)['transferred']}"
    told = archive_of(uri).describe(uri, 0, "", "")
    assert (told["offset_zyx"], told["shape_zyx"]) == (corner, list(voxels.shape))
    assert told["voxel_size_nm_zyx"] == [40, 4, 4]
    assert told["kind"] == {"image": "image", "segmentation": "annotation"}[kind]
    assert making.make(**asked)["plan"]["tasks"] == []


def test_as_jpeg_voxels_are_nearly_the_same(making: Transferring, tmp_path: Path) -> None:
    z, y, x = np.ogrid[:16, :40, :40]
    voxels = (2 * z + y + x).astype(np.uint8)
    volume = write_precomputed(tmp_path / "volume", voxels)
    source = f"precomputed://{volume}"
    done = making.make(source=source, encoding="jpeg", chunk_shape="16,16,16")
    found, _ = read_level(made_by(done)["transferred"], 0)
    assert np.abs(found.astype(int) - voxels).max() < 8

    from bossflow.workflows.transfer import TransferredBlock

    (row,) = (TransferredBlock & {"request_id": done["plan"]["requests"][0]}).to_dicts()
    assert row["written_sha256"] == hashlib.sha256(found).hexdigest()


def test_what_a_dtype_does_not_hold_fails_its_block_alone(
    making: Transferring, tmp_path: Path
) -> None:
    voxels = noise((16, 32, 64), "uint16")
    voxels[3, 3, 40] = 300
    volume = write_precomputed(tmp_path / "volume", voxels)
    done = making.make(source=f"precomputed://{volume}", dtype="uint8", **SMALL)
    assert done["states"] == ["failed", "made", "made"]
    assert "TRANSFER_BLOCK 32-64_0-32_0-16 (voxels go from 0 to 300" in done["verdict"]["missing"]


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"encoding": "png", "volume_format": "zarr"}, "png is not one of volume_format zarr"),
        ({"encoding": "jpeg", "dtype": "uint16"}, "jpeg of volume_format precomputed holds no"),
        ({"dtype": "int64"}, "encoding raw of volume_format precomputed holds no int64"),
        ({"dtype": "float64"}, "encoding raw of volume_format precomputed holds no float64"),
        ({"compression": "zstd"}, "not one of volume_format precomputed: give gzip or none"),
        ({"block_shape": "16,32,40"}, "blocks of [16, 32, 40] are no multiple of [8, 16, 16]"),
        ({"block_shape": "8,32,32", "compression": "gzip"}, "needs shards, and blocks of"),
    ],
)  # fmt: skip
def test_what_can_not_be_written_is_a_sentence(
    making: Transferring, tmp_path: Path, asked: dict[str, Any], sentence: str
) -> None:
    volume = write_precomputed(tmp_path / "volume", noise((16, 32, 64), "uint8"))
    run = making.make(source=f"precomputed://{volume}", **SMALL | asked)
    assert sentence in run["plan"]["problem"] and "(in the parameters)" in run["plan"]["problem"]
    assert not making.store.exists()


def test_ids_are_not_written_as_jpeg(making: Transferring, tmp_path: Path) -> None:
    volume = write_precomputed(tmp_path / "volume", noise((16, 32, 64), "uint8"))
    info = json.loads((volume / "info").read_text()) | {"type": "segmentation"}
    (volume / "info").write_text(json.dumps(info))
    run = making.make(source=f"precomputed://{volume}", **SMALL, encoding="jpeg")
    assert "encoding jpeg changes voxels, and these are ids" in run["plan"]["problem"]


def test_a_flipped_byte_is_found_and_only_its_block_is_made_again(
    making: Transferring, tmp_path: Path
) -> None:
    volume = write_precomputed(tmp_path / "volume", noise((16, 64, 64), "uint8"))
    asked = {"source": f"precomputed://{volume}", "volume_format": "zarr", **SMALL}
    done = making.make(**asked)
    (request,) = done["plan"]["requests"]
    shard = locations.local(made_by(done)["transferred"]) / "0" / "c" / "0" / "1" / "0"
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    code, said = bossflow_says("verify", "--request", request)
    assert code != 0 and "TRANSFER_BLOCK 0-32_32-64_0-16" in said
    assert "1 TRANSFER_BLOCK" in bossflow_says("verify", "--request", request, "--retire")[1]
    again = making.make(**asked)
    assert again["states"] == ["made"] and again["verdict"] == {"missing": None}
    assert bossflow_says("verify", "--request", request)[0] == 0


def test_what_was_made_before_a_kill_is_not_made_again(
    making: Transferring, tmp_path: Path
) -> None:
    volume = write_precomputed(tmp_path / "volume", noise((16, 64, 64), "uint8"))
    asked = {"source": f"precomputed://{volume}", **SMALL | {"blocks_per_task": 1}}
    plan, work_dir = making.plan(stage=False, **asked)
    some = [task for task in plan["tasks"] if not task["task"].endswith(("2", "3"))]
    assert len(plan["tasks"]) - len(some) == 2
    making.compute(plan | {"tasks": some}, work_dir)
    done = making.make(**asked)
    assert done["states"] == ["made"] * 2 + ["reused"] * 3
    found, _ = read_level(made_by(done)["transferred"], 0)
    np.testing.assert_array_equal(found, noise((16, 64, 64), "uint8"))


def test_a_changed_source_is_compared_aside_and_costs_its_block(
    making: Transferring, tmp_path: Path
) -> None:
    voxels = noise((16, 64, 64), "uint8")
    volume = write_precomputed(tmp_path / "volume", voxels)
    asked = {"source": f"precomputed://{volume}", "volume_format": "zarr", **SMALL}
    done = making.make(**asked)
    url = made_by(done)["transferred"]
    spec = {
        "driver": "neuroglancer_precomputed",
        "kvstore": {"driver": "file", "path": str(volume)},
    }
    ts.open(spec).result()[..., 0][40, 3, 3].write(201).result()
    for chunk in (volume / "4_4_40").glob("0-16_*"):  # other times, the same voxels
        chunk.touch()
    plan, work_dir = making.plan(stage=False, **asked)
    assert plan["compare"]
    making.compute(plan, work_dir)
    np.testing.assert_array_equal(read_level(url, 0)[0], voxels)  # as it is recorded
    again = making.make(**asked)
    assert again["verdict"] == {"missing": None}
    assert again["states"] == ["made"] and len(again["compared"]) == 3
    voxels[3, 3, 40] = 201
    np.testing.assert_array_equal(read_level(url, 0)[0], voxels)


def test_blocks_that_are_pulled_are_those_of_label(making: Transferring, tmp_path: Path) -> None:
    """A block that another workflow pulled is not pulled again."""
    from bossflow.core import registry
    from bossflow.volumes.tables import PulledBlock
    from steps import Cutouts

    volume = write_precomputed(tmp_path / "volume", noise((16, 64, 64), "uint8"))
    asked = {"source": f"precomputed://{volume}", "block_shape": "16,32,32", "stage": True}
    labelling = Cutouts(tmp_path / "label", making.monkeypatch)
    labelling.directory.mkdir()
    labelling.volume, labelling.store = volume, making.store
    labelling.label(**asked)
    before = len(PulledBlock())
    done = making.make(**asked, chunk_shape="16,16,16")
    assert done["verdict"] == {"missing": None} and len(PulledBlock()) == before
    tables = registry.stage_tables(registry.load_all())
    assert tables["PULL_BLOCK"] is PulledBlock


@pytest.mark.parametrize(
    ("dtype", "values", "to", "kept"),
    [
        ("uint64", [0, 2**32 - 1], "uint32", True),
        ("uint64", [0, 2**32], "uint32", False),
        ("int8", [-1], "uint64", False),
        ("uint8", [0, 2], "bool", False),
        ("int64", [2**53, -(2**53)], "float64", True),
        ("int64", [2**53 + 1], "float64", False),
        ("float32", [0.0, 254.0], "uint8", True),
        ("float32", [0.5], "uint8", False),
        ("float32", [np.nan], "uint8", False),
        ("float64", [2.0**64], "uint64", False),
        ("float64", [0.1, np.nan, np.inf], "float32", True),
        ("float64", [1e300], "float32", False),
    ],
)  # fmt: skip
def test_nothing_wraps(dtype: str, values: list[Any], to: str, kept: bool) -> None:
    voxels = np.array(values, dtype)
    if kept:
        np.testing.assert_array_equal(converted(voxels, to), np.array(values).astype(to))
    else:
        with pytest.raises(ValueError, match="not hold|nothing is rounded"):
            converted(voxels, to)


def test_a_destination_holds_the_volume_and_is_verified(
    making: Transferring, tmp_path: Path
) -> None:
    voxels, dest = noise((16, 64, 64), "uint8"), tmp_path / "copies" / "of mine%20#*ü"
    volume = write_precomputed(tmp_path / "volume", voxels)
    asked = {"source": f"precomputed://{volume}", "volume_format": "zarr", "dest": str(dest)}
    done = making.make(**asked, **SMALL)
    assert done["verdict"] == {"missing": None}
    (request,) = done["plan"]["requests"]
    assert made_by(done)["transferred"] == dest.as_uri()
    assert json.loads((dest / "bossflow.json").read_text())["request"] == request
    np.testing.assert_array_equal(read_level(str(dest), 0)[0], voxels)
    assert making.make(**asked, **SMALL)["plan"]["tasks"] == []
    assert bossflow_says("verify", "--request", request)[0] == 0

    other = making.make(**asked, **SMALL | {"chunk_shape": "8,8,8"})
    assert f"holds something already, and is of request {request}" in other["plan"]["problem"]
    shard = dest / "0" / "c" / "0" / "0" / "1"
    content = bytearray(shard.read_bytes())
    content[7] ^= 1
    shard.write_bytes(content)
    code, said = bossflow_says("verify", "--request", request)
    assert code != 0 and f"{shard.as_uri()} is not what was written" in said
    bossflow_says("verify", "--request", request, "--retire")
    assert making.make(**asked, **SMALL)["states"] == ["made"]
    np.testing.assert_array_equal(read_level(str(dest), 0)[0], voxels)

    gone = bossflow_says("invalidate", "--request", request, "--yes")
    assert "forgot" in gone[1] and shard.exists()
    again = making.make(**asked, **SMALL)
    assert sorted(again["states"]) == ["made"] * 5 and again["verdict"] == {"missing": None}


def test_a_destination_of_others_is_left_alone(making: Transferring, tmp_path: Path) -> None:
    volume = write_precomputed(tmp_path / "volume", noise((16, 32, 32), "uint8"))
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "notes.txt").write_text("mine")
    asked = {"source": f"precomputed://{volume}", **SMALL}
    run = making.make(**asked, dest=str(tmp_path / "theirs"))
    assert "holds something already, and has no bossflow.json" in run["plan"]["problem"]
    for dest in ("s3://bucket", "s3://bucket/a?b", "http://lab/data", "s3://bucket/../other"):
        run = making.make(**asked, dest=dest)
        assert "can't be used: give a directory, or s3://bucket/path" in run["plan"]["problem"]
    assert not making.store.exists()
