"""Volumes that workflows make in a store in a bucket: the same bundles as on disk."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import obstore
import pytest
from bossflow.workflows.transfer import TransferredVolume
from bucket import THEIRS, Server
from bucket import server as server
from bucket import started as started
from kit import buckets, bundles, locations
from making import Downsampling, Transferring, noise, read_level, write_precomputed
from pipeline import bossflow_says
from voxels.archives.places import listing, s3

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


@pytest.fixture
def elsewhere(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Start an S3 of another owner, with the credentials of destinations."""
    other = Server("theirs")
    other.owner = THEIRS
    words = {"ENDPOINT_URL": other.url, "ACCESS_KEY_ID": THEIRS[0], "SECRET_ACCESS_KEY": THEIRS[1]}
    for name, value in words.items():
        monkeypatch.setenv(f"BOSSFLOW_DEST_AWS_{name}", value)
    yield other
    other.server.shutdown()


def test_a_destination_has_credentials_of_its_own(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, elsewhere: Server
) -> None:
    """The store is here, the volume goes to another one's bucket, and is verified there."""
    voxels = noise((16, 64, 64), "uint8")
    volume = write_precomputed(tmp_path / "volume", voxels)
    making = Transferring(tmp_path, monkeypatch)
    asked = {"source": f"precomputed://{volume}", "block_shape": "16,32,32"}
    asked |= {"chunk_shape": "8,16,16", "dest": "s3://theirs/a/copy", "compression": "gzip"}
    monkeypatch.setenv("BOSSFLOW_DEST_AWS_SECRET_ACCESS_KEY", "another")
    refused = making.make(**asked)
    assert "dest s3://theirs/a/copy can't be used" in refused["plan"]["problem"]
    assert not making.store.exists()
    monkeypatch.setenv("BOSSFLOW_DEST_AWS_SECRET_ACCESS_KEY", THEIRS[1])
    done = making.make(**asked)
    assert done["verdict"] == {"missing": None}
    assert not any(THEIRS[1] in path.read_text() for path in making.store.rglob("bundle.json"))
    (request,) = done["plan"]["requests"]
    assert bossflow_says("verify", "--request", request)[0] == 0

    monkeypatch.setenv("BOSSFLOW_SOURCE_AWS_ENDPOINT_URL", elsewhere.url)
    monkeypatch.setenv("BOSSFLOW_SOURCE_AWS_ACCESS_KEY_ID", THEIRS[0])
    monkeypatch.setenv("BOSSFLOW_SOURCE_AWS_SECRET_ACCESS_KEY", THEIRS[1])
    back = making.make(source="precomputed://s3://theirs/a/copy", volume_format="zarr")
    assert back["verdict"] == {"missing": None}
    (row,) = (
        TransferredVolume() & [{"request_id": n} for n in back["plan"]["requests"]]
    ).to_dicts()
    np.testing.assert_array_equal(read_level(row["transferred"], 0)[0], voxels)

    bucket = listing.client("s3", "theirs", s3.DESTINATIONS)
    (page,) = obstore.list(bucket, "a/copy")
    shard = next(entry["path"] for entry in page if entry["path"].endswith(".shard"))
    content = bytearray(obstore.get(bucket, shard).bytes())
    content[9] ^= 1
    obstore.put(bucket, shard, bytes(content))
    code, said = bossflow_says("verify", "--request", request)
    assert code != 0 and f"s3://theirs/{shard} is not what was written" in said
    monkeypatch.setenv("BOSSFLOW_DEST_AWS_PROFILE", "another")
    code, said = bossflow_says("verify", "--request", request)
    assert code != 0 and "can't be verified: BOSSFLOW_DEST_AWS_ACCESS_KEY_ID and" in said
    monkeypatch.delenv("BOSSFLOW_DEST_AWS_PROFILE")
    obstore.delete(bucket, shard)
    assert f"s3://theirs/{shard} is missing" in bossflow_says("verify", "--request", request)[1]
