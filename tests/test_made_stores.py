"""Volumes of volumes whose source looks changed, asked for with another store than theirs."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorstore as ts
from kit import digests
from making import Downsampling, Transferring, noise, write_precomputed

ASKED = {
    Downsampling: {"levels": 1, "factor": "1,2,2", "block_shape": "16,16,16"},
    Transferring: {"chunk_shape": "8,8,8", "block_shape": "16,16,16"},
}


@pytest.fixture(params=[Downsampling, Transferring], ids=["downsample", "transfer"])
def made(
    request: pytest.FixtureRequest, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Downsampling:
    making: Downsampling = request.param(tmp_path, monkeypatch)
    making.volume = write_precomputed(tmp_path / "volume", noise((16, 32, 32), "uint8"))
    done = run(making, tmp_path / "store")
    assert done["states"] == ["made"] * 5
    return making


def run(making: Downsampling, store: Path, **more: Any) -> dict[str, Any]:
    asked = ASKED[type(making)] | {"source": f"precomputed://{making.volume}"}
    done: dict[str, Any] = making.make(store=str(store), **asked | more)
    assert not done["plan"]["problem"], done["plan"]["problem"]
    assert done["verdict"] == {"missing": None}, done["summary"]
    return done


def touch(making: Downsampling) -> None:
    for path in digests.files_below(making.volume):
        os.utime(path, ns=(1, path.stat().st_mtime_ns + 10**9))


def test_what_is_in_another_store_here_is_compared(made: Downsampling, tmp_path: Path) -> None:
    touch(made)
    again = run(made, tmp_path / "other")
    assert len(again["compared"]) == 4 and again["plan"]["tasks"] == []
    kvstore = {"driver": "file", "path": str(made.volume)}
    volume = ts.open({"driver": "neuroglancer_precomputed", "kvstore": kvstore}).result()
    volume[:16, :16].write(np.zeros((16, 16, 16, 1), np.uint8)).result()
    again = run(made, tmp_path / "other")
    assert len(again["compared"]) >= 1 and len(again["plan"]["tasks"]) >= 1


def test_what_is_away_can_not_be_compared_and_is_made_again(
    made: Downsampling, tmp_path: Path
) -> None:
    touch(made)
    (tmp_path / "store").rename(tmp_path / "not mounted")
    again = run(made, tmp_path / "other")
    assert not again["compared"] and again["states"] == ["made"] * 5
    assert sum(again["recorded"][0]["copied"].values()) == 5
