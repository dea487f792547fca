"""An archive that misbehaves, met by whole runs through real intern."""

import json
from pathlib import Path

import pytest
from expected import Store, check, whole
from voxels.arrays import read_array
from weather import EXPIRED, STORM, VOXELS, Weather
from weather import lab as lab

pytestmark = pytest.mark.faults


def test_a_run_through_a_storm_ends_as_in_calm_weather(lab: Weather, tmp_path: Path) -> None:
    """Seeded faults of all kinds that end by themselves, and a token that expires halfway."""
    with lab.serving(STORM | {"seed": 5, "throttle": 0.02, "token_expires": 40}):
        ended = lab.run(verify_pull=True)
        assert ended.code != 0
        assert EXPIRED in ended.text
        (request,) = lab.status()["requests"]
        done = request["units"]["PULL_BLOCK"]["recorded"]
        assert 0 < done == lab.pulled() < 8
    lab.token = "second"
    with lab.serving(STORM | {"seed": 6, "throttle": 0.02}):
        completed = lab.run(verify_pull=True).ok()
        assert f"found       {done} PULL_BLOCK" in completed.text
        assert f"recorded    {8 - done} PULL_BLOCK" in completed.text
    (request,) = lab.status()["requests"]
    check(lab, request, whole(VOXELS, 26, 0), (0, 0, 0))
    calm = Weather(tmp_path / "calm", VOXELS, (0, 0, 0))
    with calm.serving():
        calm.run().ok()
    calm.bossflow("db", "stop")
    name = request["request"]
    stores = [Store(one.home / "store", name).content for one in (calm, lab)]
    assert stores[0] == stores[1] and len(stores[0]) == 8 * 4 + 1


def test_a_channel_that_changes_after_plan_fails_and_is_made_anew(lab: Weather) -> None:
    with lab.serving({"change": {"after": 3, "x_voxel_size": 16}}):
        failed = lab.run()
        assert failed.code != 0
        assert "neurons changed since PLAN: voxel_size_nm_zyx was [30.0, 8.0, 8.0]" in failed.text
        assert lab.pulled() == 0
        assert lab.status()["totals"]["units_recorded"] == 0
        lab.run().ok()
    (request,) = lab.status()["requests"]
    info = json.loads((Path(request["volume"].removeprefix("file://")) / "info").read_text())
    assert info["scales"][0]["resolution"] == [16, 8, 30]


def test_blocks_of_zeros_are_told_of(lab: Weather) -> None:
    """As BossDB answers where a resolution was never made; a block of one id is none of these."""
    lab.voxels = VOXELS.copy()
    lab.voxels[:10, :20, :20] = 7
    with lab.serving({"seed": 1, "zeros": 0.3}):
        made = lab.run().ok()
    store = Store(lab.home / "store", "")
    zeros = [
        block
        for (process, block), bundle in store.manifests.items()
        if process == "PULL_BLOCK"
        and not read_array((lab.home / "store" / bundle["files"][0]["path"]).parent).any()
    ]
    assert 0 < len(zeros) < 8 and "0-20_0-20_0-10" not in zeros
    told = f"{len(zeros)} of 8 pulled blocks hold only zeros (first: {min(zeros)}): if the archive"
    assert told in made.text
    (request,) = lab.status()["requests"]
    assert told in request["note"]
