"""Meshes in a store in a bucket: the same bundles as on disk, and a viewer finds them."""

from pathlib import Path

import bossflow.kit.bucket_clients
import pytest
from bucket import Server
from bucket import server as server
from bucket import started as started
from making import write_precomputed
from meshing import Meshing
from pipeline import bossflow_says
from test_made_in_bucket import contents
from test_mesh import segments

pytestmark = pytest.mark.s3


def test_meshes_in_a_bucket_are_those_on_disk(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    from bossflow.look import view

    bossflow.kit.bucket_clients.client.cache_clear()
    volume = write_precomputed(tmp_path / "volume", segments((13, 20, 20)), kind="segmentation")
    asked = {"source": f"precomputed://{volume}", "block_shape": "8,16,16", "buckets": 2}
    on_disk, in_bucket = (Meshing(tmp_path / name, monkeypatch) for name in ("disk", "bucket"))
    on_disk.directory.mkdir()
    in_bucket.directory.mkdir()
    there = contents(on_disk.compute(*on_disk.plan(stage=False, **asked)))
    store = f"s3://lab/{tmp_path.name.replace('_', '-')}"
    done = in_bucket.make(store=store, **asked)
    assert done["verdict"] == {"missing": None}, done["summary"]
    assert contents(done["receipts"]) == there
    (request,) = done["plan"]["requests"]
    assert bossflow_says("verify", "--request", request)[0] == 0
    assert in_bucket.make(store=store, **asked)["plan"]["tasks"] == []
    (one,) = view.opened([request], "public")[0]
    (mesh,) = on_disk.store.glob("INDEX_SURFACES/*/*/mesh")
    for path in mesh.rglob("*"):
        if path.is_file():
            content, name = path.read_bytes(), path.relative_to(mesh).as_posix()
            assert one.volume.answer(f"mesh/{name}") == ("file", (content, None))
            part = content[3:7], "bytes 3-6/*"
            assert one.volume.answer(f"mesh/{name}", "bytes=3-6") == ("file", part)
