"""A function of blocks with its store in a bucket: halos of pulled copies, a volume, rows."""

from pathlib import Path

import numpy as np
import pytest
from applying import Applying
from applying import applying as applying
from bucket import Server
from bucket import server as server
from bucket import started as started
from making import noise, write_precomputed
from pipeline import bossflow_says
from scipy import ndimage

pytestmark = pytest.mark.s3


def test_blocks_in_a_bucket_are_what_they_are_on_disk(
    applying: Applying, server: Server, tmp_path: Path
) -> None:
    voxels = noise((16, 16, 24), "uint8")
    volume = write_precomputed(tmp_path / "volume", voxels)
    store = f"s3://lab/{tmp_path.name.replace('_', '-')}"
    asked = {"source": f"precomputed://{volume}", "store": store, "stage": True}
    asked |= {"chunk_shape": "8,8,8", "block_shape": "8,16,16", "halo": "8,8,8"}
    first = applying.apply("smooth", **asked, arguments='{"sigma": 2}')
    (request,) = first["plan"]["requests"]
    asked |= {"source": f"bossflow://{request}", "stage": False, "halo": "0,0,0"}
    done = applying.apply("told", **asked)
    table = applying.made(done, "AppliedRows")
    assert table["n_applied_rows"] == 4 and table["applied_rows"].startswith(store)
    to = tmp_path / "npy"
    code, said = bossflow_says("export", request, "--format", "npy", "--to", str(to))
    assert code == 0, said
    (file,) = to.rglob("*.npy")
    whole = ndimage.gaussian_filter(voxels.astype(np.float32), 2, truncate=4.0)
    np.testing.assert_array_equal(np.load(file).view("u4"), whole.view("u4"))
    assert not applying.store.exists()
