"""`bossflow export` of what a store in a bucket holds: its files are copied, its voxels read."""

from pathlib import Path

import numpy as np
import pytest
from bucket import Server
from bucket import server as server
from bucket import started as started
from making import Transferring, noise, read_level, write_precomputed
from pipeline import bossflow_says
from test_export import export

pytestmark = pytest.mark.s3


def test_a_result_in_a_bucket_is_taken_along(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    voxels = noise((16, 24, 40), "uint32")
    copy = Transferring(tmp_path, monkeypatch)
    copy.volume = write_precomputed(tmp_path / "volume", voxels, (0, -32, 16), "segmentation")
    asked = {"block_shape": "8,16,16", "chunk_shape": "8,8,8", "volume_format": "zarr"}
    store = f"s3://lab/{tmp_path.name.replace('_', '-')}"
    ran = copy.make(source=f"precomputed://{copy.volume}", store=store, **asked)
    (request,) = ran["plan"]["requests"]

    export(request, "npy", tmp_path / "npy")
    (path,) = (tmp_path / "npy").glob("*.npy")
    np.testing.assert_array_equal(np.load(path), voxels)
    export(request, "ro-crate", tmp_path / "crate", "--with-data")
    (path,) = (tmp_path / "crate" / "data").glob("CREATE_VOLUME/*/*/volume")
    np.testing.assert_array_equal(read_level(str(path), 0)[0], voxels)

    server.answer = lambda method, path: "403 Forbidden" if "/0/c/" in path else None
    code, said = bossflow_says(
        *("export", request, "--format", "ro-crate", "--with-data", "--to", f"{tmp_path}/none")
    )
    assert code == 1 and said.count("\n") == 1 and not (tmp_path / "none").exists(), said
