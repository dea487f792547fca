"""Metadata and voxels read from a real archive through real intern."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bossdb_server import (
    BIN,
    OFFSET_ZYX,
    SHAPE_ZYX,
    SMALL,
    TOKEN,
    URI,
    WHOLE,
    Serve,
    archive,
    part_of,
    pull,
    telling,
    voxels_of,
)
from bossdb_server import host as host
from bossdb_server import quick as quick
from bossdb_server import serve as serve
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from voxels.archives import archive_of, bossdb
from voxels.archives.bossdb import cutouts, frames
from voxels.arrays import read_array
from voxels.boxes import Box

# What is right


def test_describe_tells_what_a_channel_is(host: str) -> None:
    assert archive_of(URI).describe(URI, 0, host, "public") == {
        "kind": "annotation",
        "dtype": "uint64",
        "shape_zyx": [30, 40, 540],
        "offset_zyx": [5, 500, 7],
        "voxel_size_nm_zyx": [30.0, 4.0, 8.0],
        "chunk_zyx": [16, 512, 512],
    }


@pytest.mark.parametrize(
    ("unit", "nanometers"),
    [("nanometers", 0.57), ("micrometers", 570), ("Millimeters", 570e3), ("centimeters", 570e4)],
)
def test_voxel_sizes_are_told_in_nanometers(serve: Serve, unit: str, nanometers: float) -> None:
    host = serve(telling(archive(), voxel_unit=unit, y_voxel_size=0.57))
    assert bossdb.describe(URI, 0, host, "public")["voxel_size_nm_zyx"][1] == nanometers


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint64"])
@pytest.mark.parametrize("box", [WHOLE, SMALL, Box(511, 512, 512, 513, 15, 17)])
def test_a_box_is_read_as_it_is(serve: Serve, dtype: str, box: Box) -> None:
    voxels = voxels_of(dtype)
    host = serve(archive(voxels))
    found = bossdb.read(URI, 0, host, "public", dtype, box)
    assert found.dtype == dtype and found.flags.c_contiguous and found.flags.writeable
    np.testing.assert_array_equal(found, voxels[box.slices(OFFSET_ZYX)])


def test_zeros_are_read_as_zeros(serve: Serve) -> None:
    host = serve(archive(np.zeros(SHAPE_ZYX, "uint64")))
    assert not pull(host, WHOLE).any()


# Requests


@given(st.data())
def test_requests_tile_the_box_along_cuboid_borders(data: st.DataObject) -> None:
    sides = data.draw(st.tuples(*[st.integers(1, 1500)] * 3))
    corner = data.draw(st.tuples(*[st.integers(-600, 3000)] * 3))
    itemsize = data.draw(st.sampled_from([1, 2, 4, 8]))
    box = Box.of(corner, (min(sides[0], 200), *sides[1:]))
    parts = cutouts.requests_of(box, itemsize)
    assert sum(part.voxel_count for part in parts) == box.voxel_count
    assert len(set(parts)) == len(parts)
    for part in parts:
        assert box.contains(part)
        one_cuboid = part.shape_zyx[0] <= 16
        assert one_cuboid or part.voxel_count * itemsize <= cutouts.LARGEST_REQUEST_BYTES
        for corner_of_part, corner_of_box, side in zip(
            part.corner_zyx, box.corner_zyx, frames.CUBOID_ZYX, strict=True
        ):
            assert corner_of_part == corner_of_box or corner_of_part % side == 0


@pytest.mark.parametrize(
    ("box", "itemsize", "number"),
    [
        (Box(0, 512, 0, 512, 0, 512), 1, 8),
        (Box(0, 512, 0, 512, 0, 128), 8, 8),
        (Box(0, 128, 0, 128, 0, 128), 8, 4),
        (Box(0, 64, 0, 64, 0, 64), 1, 1),
    ],
)
def test_requests_are_neither_huge_nor_many(box: Box, itemsize: int, number: int) -> None:
    assert len(cutouts.requests_of(box, itemsize)) == number


def test_the_archive_is_asked_for_just_these_requests(serve: Serve) -> None:
    asked = []

    def note(request: Request) -> None:
        path = request.path_params
        asked.append(f"{path['x']}_{path['y']}_{path['z']}".replace(":", "-"))

    host = serve(archive(faults=note))
    pull(host, WHOLE)
    assert sorted(asked) == sorted(part.name for part in cutouts.requests_of(WHOLE, 8))


# The home, and the program


def test_what_lies_in_the_home_changes_nothing_and_nothing_is_left_there(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    (home / ".intern").mkdir(parents=True)
    (home / ".intern" / "intern.cfg").write_text(
        "[Default]\nprotocol = http\nhost = 127.0.0.1:1\ntoken = theirs\n"
    )
    (home / ".netrc").write_text("machine 127.0.0.1 login me password theirs\n")
    (home / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("NETRC", raising=False)
    for name, value in {"PROTOCOL": "http", "HOST": "127.0.0.1:1", "TOKEN": "theirs"}.items():
        monkeypatch.setenv(f"INTERN_{name}", value)
    before = sorted(home.rglob("*"))
    host = serve(archive(token=TOKEN))
    assert bossdb.describe(URI, 0, host, TOKEN)["kind"] == "annotation"
    bossdb.read(URI, 0, host, TOKEN, "uint64", SMALL)
    assert sorted(home.rglob("*")) == before


def pull_block(tmp_path: Path, host: str, token: str) -> tuple[dict[str, Any], str]:
    """Run the program on one block; return its receipt and what it printed."""
    unit = {
        "unit_id": "a1" * 16,
        "process": "PULL_BLOCK",
        "key": {"channel_id": "c" * 16, "block": SMALL.name},
        "arguments": {
            "uri": URI,
            "resolution": 0,
            "dtype": "uint64",
            "box": SMALL.name,
        },
        "settings": {"host": host, "verify": True, "metadata": {"dtype": "uint64"}},
        "inputs": [],
    }
    header = {
        "process": "PULL_BLOCK",
        "run_id": "r",
        "store": str(tmp_path / "store"),
        "code": "c",
    }
    task = tmp_path / "task.jsonl"
    task.write_text(json.dumps(header) + "\n" + json.dumps(unit) + "\n")
    done = subprocess.run(
        [sys.executable, BIN / "pull_block.py", task],
        cwd=tmp_path,
        env={"BOSSDB_TOKEN": token, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    receipt = json.loads((tmp_path / "receipts.jsonl").read_text())
    return receipt, done.stdout + done.stderr + json.dumps(receipt)


def test_pull_block_leaves_the_voxels_and_their_digest(serve: Serve, tmp_path: Path) -> None:
    host = serve(archive(token=TOKEN))
    receipt, said = pull_block(tmp_path, host, f"{TOKEN}\n")
    assert receipt["state"] == "made", said
    directory = tmp_path / "store" / "PULL_BLOCK" / "a1" / ("a1" * 16)
    bundle = json.loads((directory / "bundle.json").read_text())
    assert bundle["attributes"] == {
        "voxels_sha256": hashlib.sha256(part_of(SMALL).tobytes()).hexdigest(),
    }
    np.testing.assert_array_equal(read_array(directory / "voxels.zarr"), part_of(SMALL))
    assert TOKEN not in said + (directory / "bundle.json").read_text()


def test_pull_block_says_why_it_failed_without_showing_the_token(
    serve: Serve, tmp_path: Path
) -> None:
    host = serve(archive(token=TOKEN))
    receipt, said = pull_block(tmp_path, host, "not-this-one")
    assert receipt["state"] == "failed"
    assert receipt["error"].startswith(f"{host} refuses the token for {URI}")
    assert "not-this-one" not in said and TOKEN not in said
