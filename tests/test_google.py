"""Volumes in Google's storage, as destinations, sources and in a store."""

from collections.abc import Iterator
from pathlib import Path

import bossflow.kit.bucket_clients
import numpy as np
import obstore
import pytest
from bucket import Server
from bucket import server as server
from bucket import started as started
from google_storage import Google
from kit import bucket_clients, buckets, locations
from making import Transferring, noise, read_level, write_precomputed
from pipeline import bossflow_says
from voxels.archives.places import listing, s3

pytestmark = pytest.mark.s3


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[Google]:
    started = Google("google")
    for name, value in started.environment.items():
        monkeypatch.setenv(name, value)
    for clients in (bucket_clients, bossflow.kit.bucket_clients):
        clients.client.cache_clear()
    yield started
    started.server.shutdown()


def test_from_s3_to_google_and_back(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server, google: Google
) -> None:
    voxels = noise((16, 64, 64), "uint16")
    making = Transferring(tmp_path, monkeypatch)
    small = {"block_shape": "16,32,32", "chunk_shape": "8,16,16"}
    volume = write_precomputed(tmp_path / "volume", voxels, (3, -5, 7))
    first = {"source": f"precomputed://{volume}", "dest": "s3://lab/to-google", **small}
    assert making.make(**first)["verdict"] == {"missing": None}

    there = {"source": "precomputed://s3://lab/to-google", "dest": "gs://google/a/copy", **small}
    there |= {"compression": "gzip"}
    google.denied = True
    assert "dest gs://google/a/copy can't be used" in making.make(**there)["plan"]["problem"]
    google.denied = False
    done = making.make(**there)
    assert done["verdict"] == {"missing": None}
    (request,) = done["plan"]["requests"]
    assert making.make(**there)["plan"]["tasks"] == []
    assert bossflow_says("verify", "--request", request)[0] == 0
    google.denied = True  # which is no damage, and nothing that is recorded needs it
    why = "dest gs://google/a/copy can't be used: these credentials may not read and write it"
    plan, _ = making.plan(stage=False, **there)
    assert plan["tasks"] == [] and any(note.startswith(why) for note in plan["notes"])
    code, said = bossflow_says("verify", "--request", request, "--retire")
    assert code != 0 and f"nothing can be verified: {why}" in said
    google.denied = False
    taken = making.make(**there | {"encoding": "png"})
    assert f"and is of request {request}" in taken["plan"]["problem"]

    back = {"source": "precomputed://gs://google/a/copy", "dest": "s3://lab/from-google", **small}
    assert making.make(**back)["verdict"] == {"missing": None}
    here = {"source": "precomputed://s3://lab/from-google", "dest": str(tmp_path / "here"), **small}
    assert making.make(**here)["verdict"] == {"missing": None}
    found, start = read_level(str(tmp_path / "here"), 0)
    np.testing.assert_array_equal(found, voxels)
    assert start == (3, -5, 7)

    bucket = listing.client("gs", "google", s3.DESTINATIONS)
    (page,) = obstore.list(bucket, "a/copy")
    shard = next(entry["path"] for entry in page if entry["path"].endswith(".shard"))
    content = bytearray(obstore.get(bucket, shard).bytes())
    content[9] ^= 1
    obstore.put(bucket, shard, bytes(content))
    code, said = bossflow_says("verify", "--request", request, "--retire")
    assert code == 0 and f"gs://google/{shard} is not what was written" in said
    again = making.make(**there)
    assert again["states"] == ["made"] and again["verdict"] == {"missing": None}
    assert bossflow_says("verify", "--request", request)[0] == 0


def test_a_store_may_be_in_google_s_storage(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, google: Google
) -> None:
    """What is made there is a source, is verified, damaged and made again."""
    voxels = noise((16, 64, 64), "uint16")
    making, store = Transferring(tmp_path, monkeypatch), "gs://google/store"
    volume = write_precomputed(tmp_path / "volume", voxels, (3, -5, 7))
    small = {"block_shape": "16,32,32", "chunk_shape": "8,16,16", "store": store}
    asked = {"source": f"precomputed://{volume}", "name": "first", **small}
    done = making.make(**asked)
    assert done["verdict"] == {"missing": None}
    (request,) = done["plan"]["requests"]
    assert making.make(**asked)["plan"]["tasks"] == []
    back = {"source": "bossflow://first", "dest": str(tmp_path / "here"), **small}
    assert making.make(**back)["verdict"] == {"missing": None}
    np.testing.assert_array_equal(read_level(str(tmp_path / "here"), 0)[0], voxels)

    paths = buckets.below(locations.local(store))
    chunk = next(path for path in paths if "/volume/4_4_40/" in path.as_posix())
    content = bytearray(buckets.read(chunk))
    content[9] ^= 1
    obstore.put(*buckets.object_of(chunk), bytes(content))
    code, said = bossflow_says("verify", "--request", request, "--retire")
    assert code == 0 and "is not what its bundle says" in said
    assert making.make(**asked)["states"] == ["made"]
    assert bossflow_says("verify", "--request", request)[0] == 0
