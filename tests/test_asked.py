"""Volumes as users' tools leave them, labelled as a whole and compared with cc3d."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import bossflow
import numpy as np
import pytest
from asked import ASKED, SHAPE, mask, volume_of
from asked import cutouts as cutouts
from changing import made
from describe import described
from expected import read_volume, whole
from formats import n5, ome, plain_zarr
from hostile import SCHEMA
from scipy import ndimage
from steps import Cutouts
from test_describe import EM, TOKEN
from test_describe import host as host

TYPES = {
    "scipy": ndimage.label(mask())[0],
    "mask": mask(),
    "int8": np.random.default_rng(4).integers(0, 3, SHAPE, np.int8),
    "whole floats": np.random.default_rng(5).integers(0, 3, SHAPE).astype("f4"),
}


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("stage", [False, True])
def test_segments_of_any_type_are_labelled(cutouts: Cutouts, name: str, stage: bool) -> None:
    voxels = TYPES[name]
    source = plain_zarr(cutouts.directory / "a.zarr", voxels, 2)
    found = volume_of(cutouts.label(**ASKED | {"source": source, "stage": stage}))
    np.testing.assert_array_equal(found, whole(voxels.astype("u4"), 18, 2))


@pytest.mark.parametrize("above", ["0.5", 0.5, "0.50"])
def test_a_probability_map_is_cut_at_a_decimal(cutouts: Cutouts, above: Any) -> None:
    voxels = np.random.default_rng(6).random(SHAPE, np.float32)
    voxels[3:5] = np.nan
    source = plain_zarr(cutouts.directory / "a.zarr", voxels)
    asked = ASKED | {"source": source, "component_of": "foreground"}
    found = volume_of(cutouts.label(**asked, foreground_above=above))
    np.testing.assert_array_equal(found, whole((voxels > 0.5).astype("u1"), 18, 2))
    if above == "0.5":
        assert "nothing to compute" in cutouts.label(**asked, foreground_above="0.500")["summary"]


def test_negative_ids_fail_the_run_with_their_place(cutouts: Cutouts) -> None:
    voxels = np.ones(SHAPE, np.int16)
    voxels[17, 20, 25] = -1
    source = plain_zarr(cutouts.directory / "a.zarr", voxels)
    ran = cutouts.label(**ASKED | {"source": source})
    assert "failed" in ran["states"]
    assert "voxel 25,20,17 (x,y,z) is -1, which is no segment id" in ran["verdict"]["missing"]


def test_a_type_that_holds_no_numbers_is_refused(cutouts: Cutouts) -> None:
    source = plain_zarr(cutouts.directory / "a.zarr", np.ones(SHAPE, "c8"))
    problem = cutouts.plan(**ASKED | {"source": source})[0]["problem"]
    assert problem.startswith(f"{source} has dtype complex64: only uint8, ")


UNSTATED: dict[str, Callable[[Path], str]] = {
    "zarr 2": lambda path: plain_zarr(path, mask().astype("u1"), 2, attributes={}),
    "zarr 3": lambda path: plain_zarr(path, mask().astype("u1"), attributes={}),
    "no unit": lambda path: ome(
        path, mask().astype("u1"), unit=None, scale=dict.fromkeys("zyx", 1)
    ),
    "n5": lambda path: n5(path, mask().astype("u1"), name="v"),
    "n5 without unit": lambda path: n5(path, mask().astype("u1"), resolution=[1, 1, 1]),
}


@pytest.mark.parametrize("form", UNSTATED)
def test_a_voxel_size_is_taken_where_none_is_stated(cutouts: Cutouts, form: str) -> None:
    source = UNSTATED[form](cutouts.directory / "volume")
    asked = ASKED | {"source": source, "stage": form == "zarr 3"}
    problem = cutouts.plan(**asked)[0]["problem"]
    assert "give it in nm as voxel_size x,y,z, such as --voxel_size 4,4,40, or " in problem
    if form in ("zarr 2", "n5"):
        example = "[4, 8, 40]" if form == "n5" else "[40, 8, 4]"
        order = "x, y, z" if form == "n5" else "z, y, x"
        assert f"resolution and units, such as {example} and " in problem
        assert f"in the order of its axes, which is {order}" in problem
    ran = cutouts.label(**asked, voxel_size="4,8.5,40")
    np.testing.assert_array_equal(volume_of(ran), whole(mask().astype("u1"), 18, 2))
    url = ran["requests"].splitlines()[1].split(",")[2]
    assert read_volume(url)[2] == [4, 8.5, 40]
    asked_again = cutouts.label(**asked, voxel_size=[4.0, "8.50", 40])
    assert "nothing to compute" in asked_again["summary"]


def test_another_voxel_size_than_is_recorded_is_refused(cutouts: Cutouts) -> None:
    source = UNSTATED["zarr 3"](cutouts.directory / "volume")
    asked = ASKED | {"source": source}
    assert cutouts.plan(**asked, voxel_size="4,4,40")[0]["problem"] is None  # nothing is made yet
    problem = cutouts.plan(**asked, voxel_size="40,4,4")[0]["problem"]
    (channel,) = (bossflow.Channel() & {"uri": source}).to_arrays("channel_id")
    assert problem == (
        f"voxel_size 40,4,4 is not what {source} is recorded with, 4,4,40 nm: give that, or, if "
        "that was wrong, forget the channel first, with all that was made of it: `bossflow forget "
        f"--channel {channel}` (which says of what requests)"
    )
    assert cutouts.plan(**asked, voxel_size="4,4,40.0")[0]["problem"] is None
    assert "states no voxel size" in cutouts.plan(**asked)[0]["problem"]


def test_one_volume_has_one_voxel_size(cutouts: Cutouts) -> None:
    source = UNSTATED["zarr 3"](cutouts.directory / "volume")
    sheet = cutouts.directory / "sheet.csv"
    sheet.write_text('x_range,voxel_size\n0:5,"4,4,40"\n5:9,4:4:40.0\n9:12,4:4:4.5\n')
    problem = cutouts.plan(**ASKED | {"source": source}, sheet=sheet)[0]["problem"]
    assert problem == f"{source} is asked for with two voxel sizes, 4,4,40 and 4,4,4.5 nm: give one"
    assert not (bossflow.Channel() & {"uri": source})


def test_a_voxel_size_that_a_volume_does_not_state_is_refused(cutouts: Cutouts, host: str) -> None:
    source = plain_zarr(cutouts.directory / "volume", mask().astype("u1"))
    asked = ASKED | {"source": source}
    problem = cutouts.plan(**asked, voxel_size="40,8,4")[0]["problem"]
    assert problem == (
        f"{source} states voxels of 4,8,40 nm (x,y,z), and voxel_size says 40,8,4: leave "
        "voxel_size out, or correct what the volume states (in the parameters)"
    )
    assert cutouts.plan(**asked, voxel_size="4,8,40")[0]["problem"] is None
    asked_of_bossdb = {"source": EM, "bossdb_host": host, "voxel_size": "4,4,40"}
    problem = described(asked_of_bossdb, SCHEMA, None, TOKEN, "/")["problem"]
    assert problem.startswith(f"{EM} states voxels of 8,4,30 nm (x,y,z), and voxel_size says 4,4,4")
    made(cutouts.label(**asked))
