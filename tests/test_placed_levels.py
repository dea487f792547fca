"""Levels that are copied alone, or downsampled once more, lie as in the pyramid they are of."""

from pathlib import Path
from typing import Any

import bossflow
import numpy as np
import pytest
import zarr
from making import Downsampling, Transferring, noise, write_precomputed
from pipeline import bossflow_says
from voxels.archives import archive_of

CORNER, SIZE_NM = (-7, 13, 21), (40.0, 4.0, 4.0)
ASKED = {"factor": "2,2,2", "volume_format": "zarr"}


class Levels(Downsampling):
    """Downsampling and transfer on one store, of one volume."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(directory, monkeypatch)
        self.copy = Transferring(directory / "copy", monkeypatch)
        self.copy.directory.mkdir()
        self.copy.store = self.store
        self.source = write_precomputed(directory / "volume", noise((37, 50, 41), "uint8"), CORNER)


@pytest.fixture
def made(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Levels:
    return Levels(tmp_path, monkeypatch)


def levels(made: Levels, source: str = "", **asked: Any) -> tuple[str, str]:
    """Return the request, and where its levels are."""
    done = made.make(source=source or f"precomputed://{made.source}", **ASKED | asked)
    assert done["verdict"] == {"missing": None}, done["plan"]["problem"]
    (request,) = done["plan"]["requests"]
    return request, (bossflow.Pyramid & {"request_id": request}).fetch1("pyramid")


def copied(made: Levels, source: str, **asked: Any) -> str:
    shapes = {"chunk_shape": "2,2,2", "block_shape": "8,8,8", "volume_format": "zarr"}
    done = made.copy.make(source=source, **shapes | asked)
    assert done["verdict"] == {"missing": None}, done["plan"]["problem"]
    (request,) = done["plan"]["requests"]
    return str((bossflow.TransferredVolume & {"request_id": request}).fetch1("transferred"))


def placed(url: str, number: int = 0) -> np.ndarray:
    """Return scale and translation of a level of an OME-Zarr image, read by zarr-python."""
    group = zarr.open_group(url.removeprefix("file://"), mode="r")
    (image,) = group.attrs["ome"]["multiscales"]
    assert {axis["unit"] for axis in image["axes"]} == {"nanometer"}
    dataset = image["datasets"][number]
    assert group[dataset["path"]].ndim == 3
    scale, translation = dataset["coordinateTransformations"]
    assert (scale["type"], translation["type"]) == ("scale", "translation")
    return np.array([scale["scale"], translation["translation"]])


def middles(factor: int, corner: Any) -> np.ndarray:
    """Return size and middle of a voxel, of the middles of the source's voxels."""
    windows = [range(factor * at, factor * (at + 1)) for at in corner]
    return np.array([[factor] * 3, np.mean(windows, axis=1)]) * SIZE_NM


def grid_at(corner: Any, factor: int, rest: int = 1) -> list[int]:
    """Return where a level begins: at a point of the grid of the last level."""
    first = [low // factor for low in corner]
    return [low - low % rest for low in first]


def test_all_ways_to_a_level_place_it_alike(made: Levels) -> None:
    whole, url = levels(made, levels=3, block_shape="16,16,16")
    for number, factor in enumerate((2, 4, 8)):
        corner = grid_at(CORNER, factor, 8 // factor)
        np.testing.assert_allclose(placed(url, number), middles(factor, corner))
    first, _ = levels(made, levels=1, block_shape="6,10,14")
    second, of_second = levels(made, f"bossflow://{first}", levels=1)
    _, of_third = levels(made, f"bossflow://{second}", levels=1)
    copy = copied(made, f"bossflow://{whole}@2")
    for found, factor in ((of_second, 4), (of_third, 8), (copy, 8)):
        np.testing.assert_allclose(placed(found), middles(factor, grid_at(CORNER, factor)))
    part = placed(copied(made, f"bossflow://{whole}@2", x_range="3,7"))
    np.testing.assert_allclose(part[:, 2], middles(8, (0, 0, 3))[:, 2])


def test_volumes_that_tell_it_are_believed(made: Levels) -> None:
    """OME-Zarr by its translation, precomputed by its scales, which all begin at 0."""
    _, url = levels(made, levels=2)
    copy = copied(made, f"zarr://{url}", resolution=1)
    np.testing.assert_allclose(placed(copy), middles(4, grid_at(CORNER, 4)))
    first, url = levels(made, levels=2, factor="3,3,3", volume_format="precomputed")
    told = archive_of("precomputed://").describe(f"precomputed://{url}", 1, "", "")
    assert told["middle_zyx"] == pytest.approx(
        [1 / 3] * 3
    )  # of its own finest, which is all it says
    expected = middles(9, grid_at(CORNER, 9))
    np.testing.assert_allclose(placed(copied(made, f"bossflow://{first}@1")), expected)
    copy = copied(made, f"precomputed://{url}", resolution=1)
    np.testing.assert_allclose(placed(copy), expected - [[0] * 3, SIZE_NM])


def test_a_place_is_kept_with_the_channel(made: Levels) -> None:
    """So that who asks again while the volume can't be reached is told the same."""
    request, url = levels(made, levels=2)
    source = f"zarr://file://{url.removeprefix('file://')}"
    copied(made, source, resolution=1)
    (row,) = (bossflow.Channel * bossflow.Channel.Middle & {"uri": source}).to_dicts()
    assert [row[f"middle_{axis}"] for axis in "zyx"] == [0.375] * 3
    of_request = bossflow.MadeChannel & {"request_id": request}
    names = [{"channel_id": name} for name in of_request.to_arrays("channel_id")]
    assert len(bossflow.Channel.Middle & names) == 2
    assert bossflow_says("forget", request, "--yes")[0] == 0
    assert not bossflow.Channel.Middle & names and not bossflow.Channel & names
