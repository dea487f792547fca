"""Meshes in a store in a bucket: the same bundles as on disk, and a viewer finds them."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from bucket import Server
from bucket import server as server
from bucket import started as started
from making import write_precomputed
from meshing import Meshing, rows
from pipeline import bossflow_says
from test_made_in_bucket import contents
from test_mesh import segments, taken
from voxels.meshes.shard import Sharding

CUBES = "/cubes.arrow"

pytestmark = pytest.mark.s3


def check_fetched(server: Server, same: Path) -> None:
    """Of files of cubes no byte is fetched but those of a bucket, in one request for a block."""
    files = [path.stat().st_size for path in same.glob("SURFACE_BLOCK/*/*/cubes.arrow")]
    (index,) = same.glob("INDEX_SURFACES/*/*/slices.parquet")
    slices = pq.read_table(index).to_pylist()
    fetched = [n for method, path, n in server.sent if (method, path[-12:]) == ("GET", CUBES)]
    assert sorted(fetched) == sorted(one["end"] - one["start"] for one in slices)
    assert len(slices) > len(files) and sum(fetched) < sum(files), "each would be fetched twice"


def test_meshes_in_a_bucket_are_those_on_disk(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    from bossflow.look import view

    voxels = segments((13, 20, 20))
    upper = voxels[8:]
    upper[Sharding(1).shards(upper) == 0] = 0
    volume = write_precomputed(tmp_path / "volume", voxels, kind="segmentation")
    asked = {"source": f"precomputed://{volume}", "block_shape": "8,16,16", "buckets": 2}
    on_disk, in_bucket = (Meshing(tmp_path / name, monkeypatch) for name in ("disk", "bucket"))
    on_disk.directory.mkdir()
    in_bucket.directory.mkdir()
    there = contents(on_disk.compute(*on_disk.plan(stage=False, **asked)))
    store = f"s3://lab/{tmp_path.name.replace('_', '-')}"
    server.sent.clear()
    done = in_bucket.make(store=store, **asked)
    check_fetched(server, on_disk.store)
    assert done["verdict"] == {"missing": None}, done["summary"]
    assert contents(done["receipts"]) == there
    (request,) = done["plan"]["requests"]
    assert bossflow_says("verify", "--request", request)[0] == 0
    assert in_bucket.make(store=store, **asked)["plan"]["tasks"] == []
    (mesh,) = on_disk.store.glob("INDEX_SURFACES/*/*/mesh")
    lower = asked | {"z_range": [0, 8]}
    there = contents(on_disk.compute(*on_disk.plan(stage=False, **lower)))
    small = in_bucket.make(store=store, **lower)
    assert small["verdict"] == {"missing": None}, small["summary"]
    assert taken(small, "MESH_BUCKET") == {"0": True, "1": False}, "nothing of 0 was above"
    assert contents(small["receipts"]).items() <= there.items()
    assert bossflow_says("verify", "--request", *small["plan"]["requests"])[0] == 0
    assert bossflow_says("page", "-o", str(tmp_path / "index.html"))[0] == 0
    page = (tmp_path / "index.html").read_text()
    pictures = page.count('<img src="data:image/webp;base64,')
    assert page.count('alt="the mesh of segment ') == len(rows(small)) > 0
    assert pictures == 3 + len(rows(small)) and "could not be painted" not in page
    (one,) = view.opened([request], "public")[0]
    for path in mesh.rglob("*"):
        if path.is_file():
            content, name = path.read_bytes(), path.relative_to(mesh).as_posix()
            assert one.volume.answer(f"mesh/{name}") == ("file", (content, None))
            part = content[3:7], "bytes 3-6/*"
            assert one.volume.answer(f"mesh/{name}", "bytes=3-6") == ("file", part)
