"""Destinations of transfers: whose they are, and what of them is gone."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from bucket import server as server
from bucket import started as started
from making import Transferring, noise, read_level, write_precomputed
from pipeline import bossflow_says
from test_transfer import SMALL, made_by
from voxels.archives import Refused
from voxels.archives.places.destinations import Destination, spelled


@pytest.mark.parametrize("where", ["disk", pytest.param("bucket", marks=pytest.mark.s3)])
def test_of_two_that_begin_at_once_one_is_refused(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    place = str(tmp_path / "copy")
    if where == "bucket":
        request.getfixturevalue("server")
        place = f"s3://lab/{tmp_path.name.replace('_', '-')}"
    first, second = Destination(spelled(place)), Destination(spelled(place))
    is_empty = second._is_empty

    def looked() -> bool:
        found = is_empty()
        if found:
            first.claim("first")
        return found

    monkeypatch.setattr(second, "_is_empty", looked)
    with pytest.raises(Refused, match="is of request first"):
        second.claim("second")
    first.refuse_others("first", begun=True)
    first.claim("first")


def test_a_place_that_no_column_holds_is_refused() -> None:
    assert spelled(f"s3://lab/{'a' * 700}/") == f"s3://lab/{'a' * 700}"
    for place in (f"s3://lab/{'a' * 800}", "/" + "ü/" * 150):
        with pytest.raises(Refused, match="as a URL more than 800 characters"):
            spelled(place)


def test_what_is_gone_is_written_as_a_whole(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A block alone would be in a volume that nothing describes."""
    from bossflow.workflows.transfer import TransferRequest

    making = Transferring(tmp_path, monkeypatch)
    voxels, dest = noise((16, 64, 64), "uint8"), tmp_path / "copy"
    volume = write_precomputed(tmp_path / "volume", voxels)
    asked = {"source": f"precomputed://{volume}", "dest": str(dest), **SMALL}
    (request,) = making.make(**asked)["plan"]["requests"]
    shutil.rmtree(dest)
    channel = (TransferRequest & {"request_id": request}).fetch1("channel_id")
    said = bossflow_says("invalidate", "--block", "0-1_0-1_0-1", "--channel", channel, "--yes")
    assert "1 TRANSFER_BLOCK" in said[1]
    alone = making.make(**asked)
    assert alone["states"] == ["failed"] and not dest.exists()
    assert f"{dest.as_uri()} is empty, or gone: " in alone["verdict"]["missing"]
    assert "1 CREATE_VOLUME" in bossflow_says("verify", "--request", request, "--retire")[1]
    again = making.make(**asked)
    assert again["states"] == ["made"] * 5 and again["verdict"] == {"missing": None}
    np.testing.assert_array_equal(read_level(made_by(again)["transferred"], 0)[0], voxels)
