"""`bossflow channels`: what is registered is seen."""

import json
from pathlib import Path
from typing import Any

import pytest
from steps import Cutouts, write_volume
from test_core import bossflow_says
from test_invalidate import channel_of

SHAPE = {"block_shape": [16, 16, 16], "stage": False}


@pytest.fixture
def cutouts(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cutouts:
    made = Cutouts(tmp_path, monkeypatch)
    made.volume = write_volume(tmp_path / "volume.zarr", (32, 16, 16))
    return made


def asked(cutouts: Cutouts, **params: Any) -> str:
    """Label a cutout; return the id of its request."""
    done = cutouts.label(**SHAPE | params)
    assert done["plan"]["problem"] is None, done["plan"]["problem"]
    assert done["verdict"] == {"missing": None}
    (request,) = done["plan"]["requests"]
    return str(request)


def listed(cutouts: Cutouts) -> dict[str, Any]:
    """Return what `bossflow channels` says of the volume."""
    code, text = bossflow_says("channels", "--json")
    assert code == 0, text
    (one,) = (one for one in json.loads(text) if one["source"].endswith(str(cutouts.volume)))
    return dict(one)


def test_channels_are_listed(cutouts: Cutouts) -> None:
    asked(cutouts, z_range=[0, 16])
    asked(cutouts, z_range=[0, 16], min_voxels=5)
    one = listed(cutouts)
    assert one == {
        "channel": channel_of(cutouts),
        "source": f"zarr://{cutouts.volume.as_uri()}",
        "archive": "file",
        "resolution": 0,
        "kind": one["kind"],
        "dtype": "uint8",
        "extent_xyz": [[0, 16], [0, 16], [0, 32]],
        "voxel_size_nm_xyz": [8.0, 8.0, 30.0],
        "requests": 2,
        "blocks": 1,
    }
    code, text = bossflow_says("channels")
    (line,) = (line for line in text.splitlines() if one["channel"] in line)
    assert code == 0 and "0:16 0:16 0:32" in line and "8 8 30" in line, text
    code, text = bossflow_says("verify", "--channel", "0123456789abcdef0")
    assert code == 1 and "see `bossflow channels`" in text, text
