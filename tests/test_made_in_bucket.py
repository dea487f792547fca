"""Volumes that workflows make in a store in a bucket: the same bundles as on disk."""

import json
from pathlib import Path

import bossflow.kit.bucket_clients
import pytest
from bucket import Server
from bucket import server as server
from bucket import started as started
from kit import buckets, bundles, locations
from making import Downsampling, Transferring, noise, write_precomputed
from pipeline import bossflow_says

pytestmark = pytest.mark.s3


def contents(receipts: list[Path]) -> dict[str, str]:
    """Return the content digests of what was made, by unit."""
    lines = [json.loads(line) for path in receipts for line in path.read_text().splitlines()]
    made = [bundles.read(locations.local(line["url"])) for line in lines]
    return {bundle.manifest["unit_id"]: bundle.content_sha256 for bundle in made}


@pytest.mark.parametrize("workflow", [Downsampling, Transferring])
def test_bundles_in_a_bucket_are_those_on_disk(
    workflow: type[Downsampling],
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    server: Server,
) -> None:
    bossflow.kit.bucket_clients.client.cache_clear()
    voxels = noise((16, 64, 64), "uint32")
    volume = write_precomputed(tmp_path / "volume", voxels, (0, -32, 16), "segmentation")
    asked = {"source": f"precomputed://{volume}", "block_shape": "16,32,32", "blocks_per_task": 3}
    asked |= {"levels": 2} if workflow is Downsampling else {"chunk_shape": "8,16,16"}
    asked |= {"volume_format": "zarr"}
    on_disk, in_bucket = (workflow(tmp_path / name, monkeypatch) for name in ("disk", "bucket"))
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

    paths = buckets.below(locations.local(store))
    shard = next(path for path in paths if "/0/c/0/0/1" in path.as_posix())
    content = bytearray(buckets.read(shard))
    content[len(content) // 2] ^= 1
    server.put(shard, bytes(content))
    code, said = bossflow_says("verify", "--request", request)
    assert code != 0 and "is not what its bundle says" in said
