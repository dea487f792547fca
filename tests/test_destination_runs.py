"""Transfers to a destination under Nextflow: killed, run again, damaged, invalidated."""

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import obstore
import psutil
import pytest
from bucket import server as server
from bucket import started as started
from file_server import Server
from lab import Lab
from making import noise, read_level, write_precomputed
from voxels.archives.places import listing, s3
from voxels.boxes import Box, grid

pytestmark = pytest.mark.nextflow

VOXELS = noise((32, 64, 64), "uint16")
BLOCKS = [box.name for box in grid(Box.of((0, 0, 0), VOXELS.shape), (16, 32, 32), (0, 0, 0))]


def kill(directory: Path) -> None:
    """Kill the run that was started in a directory, and its tasks."""
    found: dict[bool, list[psutil.Process]] = {True: [], False: []}
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):  # it ended meanwhile
            place = Path(process.cwd())
            if place == directory or place.is_relative_to(directory / "work"):
                found[place == directory].append(process)
    for process in (*found[True], *found[False]):  # first who would start others
        with contextlib.suppress(psutil.Error):
            process.kill()


def killing(lab: Lab, after: int) -> Callable[[str], None]:
    """Return what a server does when it is asked: kill a run that has made so many blocks."""
    todo = [after]

    def asked(path: str) -> None:
        if todo and len(bundles(lab)) >= todo[0]:
            todo.clear()
            kill(lab.directory)

    return asked


def bundles(lab: Lab, process: str = "TRANSFER_BLOCK") -> list[dict[str, Any]]:
    """Return what the bundles in the store say that a process left."""
    found = (lab.home / "store").glob(f"{process}/*/*/bundle.json")
    return [json.loads(path.read_text()) for path in found]


def objects(dest: str) -> dict[str, tuple[object, bytes]]:
    """Return when each file of a destination was written, and what it holds."""
    if not dest.startswith("s3://"):
        files = [path for path in Path(dest).rglob("*") if path.is_file()]
        return {
            str(path.relative_to(dest)): (path.stat().st_mtime_ns, path.read_bytes())
            for path in files
        }
    bucket = listing.client("s3", "lab", s3.DESTINATIONS)
    start = f"{dest.removeprefix('s3://lab/')}/"
    return {
        one["path"].removeprefix(start): (
            one["last_modified"],
            bytes(obstore.get(bucket, one["path"]).bytes()),
        )
        for page in obstore.list(bucket, start)
        for one in page
    }


def write(dest: str, name: str, content: bytes) -> None:
    if dest.startswith("s3://"):
        bucket = listing.client("s3", "lab", s3.DESTINATIONS)
        obstore.put(bucket, f"{dest.removeprefix('s3://lab/')}/{name}", content)
    else:
        (Path(dest) / name).write_bytes(content)


@pytest.mark.parametrize("where", ["disk", pytest.param("bucket", marks=pytest.mark.s3)])
def test_a_destination_gets_what_is_missing_and_keeps_what_is_there(
    where: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    dest = str(tmp_path / "copies" / "of mine")
    if where == "bucket":
        request.getfixturevalue("server")
        dest = f"s3://lab/{tmp_path.name.replace('_', '-')}"
    write_precomputed(tmp_path / "data" / "volume", VOXELS)
    files = Server(tmp_path / "data")
    asked = {"workflow": "transfer", "source": f"precomputed://http://{files.host}/volume"}
    asked |= {"archive": None, "bossdb_host": None, "block_shape": [16, 32, 32], "name": "copy"}
    asked |= {"chunk_shape": [16, 16, 32], "volume_format": "zarr", "dest": dest}
    with Lab(tmp_path / "lab", VOXELS, (0, 0, 0)).serving() as lab:
        try:
            files.answer = killing(lab, after=3)
            assert lab.nextflow(**asked, blocks_per_task=len(BLOCKS)).code != 0
        finally:
            files.answer = lambda path: None
        before, made = objects(dest), [*bundles(lab, "CREATE_VOLUME"), *bundles(lab)]
        assert 4 <= len(made) < 1 + len(BLOCKS)

        lab.nextflow(**asked).ok()
        now = objects(dest)
        for bundle in made:
            for file in bundle["elsewhere"]["files"]:
                assert now[file["path"]] == before[file["path"]]
        assert len(bundles(lab)) == len(BLOCKS)

        damaged, invalid = BLOCKS[1], BLOCKS[-1]
        of_damaged = next(one for one in bundles(lab) if one["key"]["block"] == damaged)
        (file,) = of_damaged["elsewhere"]["files"]
        content = bytearray(now[file["path"]][1])
        content[len(content) // 2] ^= 1
        write(dest, file["path"], bytes(content))
        said = lab.bossflow("verify", "--request", "copy", "--retire")
        assert f"{file['path']} is not what was written" in said and "1 TRANSFER_BLOCK" in said
        (channel,) = {one["channel"] for one in lab.status()["requests"]}
        lab.bossflow("invalidate", "--block", invalid, "--channel", channel, "--yes")
        assert objects(dest).keys() == now.keys()
        mended = lab.nextflow(**asked).ok()
        assert "2 TRANSFER_BLOCK" in mended.text
        after = objects(dest)
        assert {name: after[name][1] for name in after} == {name: now[name][1] for name in now}
        assert "as recorded" in lab.bossflow("verify", "--request", "copy")
        if where == "disk":
            np.testing.assert_array_equal(read_level(dest, 0)[0], VOXELS)
    files.server.shutdown()
