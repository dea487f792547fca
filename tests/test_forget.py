"""`bossflow channels` and `bossflow forget`: what is registered is seen, and can be mended."""

import json
from pathlib import Path
from typing import Any

import bossflow
import pytest
from pipeline import bossflow_says
from steps import Cutouts, write_volume
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


def rows_of(request: str) -> dict[str, int]:
    key = {"request_id": request}
    names = "Request", "LabelRequest", "Segmentation", "SegmentationBlock"
    return {name: len(getattr(bossflow, name)() & key) for name in names}


def test_channels_are_listed(cutouts: Cutouts) -> None:
    asked(cutouts, z_range=[0, 16])
    asked(cutouts, z_range=[0, 16], min_voxels=5)
    one = listed(cutouts)
    assert one == {
        "channel": channel_of(cutouts),
        "source": f"zarr://{cutouts.volume.as_uri()}",
        "source_name": None,
        "archive": "file",
        "resolution": 0,
        "chosen": None,
        "kind": one["kind"],
        "dtype": "uint8",
        "extent_xyz": [[0, 16], [0, 16], [0, 32]],
        "voxel_size_nm_xyz": [8.0, 8.0, 30.0],
        "citations": [],
        "requests": 2,
        "blocks": 1,
    }
    code, text = bossflow_says("channels")
    (line,) = (line for line in text.splitlines() if one["channel"] in line)
    assert code == 0 and "0:16 0:16 0:32" in line and "8 8 30" in line, text
    code, text = bossflow_says("verify", "--channel", "0123456789abcdef0")
    assert code == 1 and "see `bossflow channels`" in text, text


def test_a_request_goes_with_its_result_and_what_others_share_stays(cutouts: Cutouts) -> None:
    whole, part = asked(cutouts, name="a slip"), asked(cutouts, z_range=[0, 16])
    labels = len(bossflow.BlockLabels())
    code, text = bossflow_says("forget", whole[:10])
    assert code == 1 and "forget these?" in text, text
    assert f"request {whole} a slip: zarr://" in text, text
    assert f"{1:8,} STITCH\n{2:8,} RELABEL_BLOCK\n" in text and "MB" in text, text
    assert rows_of(whole)["Segmentation"] == 1, "it was only asked"
    code, text = bossflow_says("forget", whole[:10], "--yes")
    assert code == 0, text
    assert "forgot 1 request, with 3 rows of stages; 3 bundles moved to .retired" in text
    assert set(rows_of(whole).values()) == {0}
    assert not bossflow.Request.Name & {"request_id": whole}
    assert set(rows_of(part).values()) == {1}
    assert len(bossflow.BlockLabels()) == labels
    executions = bossflow.Execution & {"process": "STITCH"} & bossflow.Execution.Copy()
    assert len(executions & f"bundle_url LIKE '%{cutouts.store}%'") == 1
    code, text = bossflow_says("forget", whole, "--yes")
    assert code == 1 and f"no request has an id starting with '{whole}', or that name" in text, text
    done = cutouts.label(**SHAPE)
    assert done["verdict"] == {"missing": None}
    assert done["plan"]["found"] == {"LABEL_BLOCK": 2, "LINK_BLOCK": 2}
    assert asked(cutouts) == whole
    assert bossflow_says("forget", whole, part, "--yes")[0] == 0


def test_a_channel_goes_when_nothing_refers_to_it(cutouts: Cutouts) -> None:
    """Then a wrong voxel size can be mended: the next run asks anew."""
    request, other = asked(cutouts), asked(cutouts, z_range=[0, 16])
    channel = channel_of(cutouts)
    code, text = bossflow_says("forget", "--channel", channel, request, "--yes")
    assert code == 1 and f"request {other} (zarr://" in text, text
    assert "as something else refers to it" in text
    assert f"`bossflow forget {request} {other} --channel {channel}`" in text
    assert rows_of(request)["Request"] == 1
    assert bossflow_says("forget", other, "--yes")[0] == 0
    code, text = bossflow_says("forget", request, "--channel", channel)
    assert f"channel {channel}: 2 cutouts, 2 blocks\n" in text, text
    assert f"{2:8,} LABEL_BLOCK" in text, text
    code, text = bossflow_says("forget", request, "--channel", channel, "--yes")
    assert code == 0 and "forgot 1 request and 1 channel, with 7 rows" in text, text
    assert not bossflow.Channel() & {"channel_id": channel}
    attributes = json.loads((cutouts.volume / ".zattrs").read_text())
    level = attributes["multiscales"][0]["datasets"][0]["coordinateTransformations"][0]
    level["scale"] = [40.0, 8.0, 8.0]
    (cutouts.volume / ".zattrs").write_text(json.dumps(attributes))
    asked(cutouts)
    assert listed(cutouts)["voxel_size_nm_xyz"] == [8.0, 8.0, 40.0]
    assert channel_of(cutouts) == channel


def test_a_channel_without_requests_goes_alone(cutouts: Cutouts) -> None:
    request = asked(cutouts)
    assert bossflow_says("forget", request, "--yes")[0] == 0
    channel = channel_of(cutouts)
    plan, work_dir = cutouts.plan(min_voxels=7, **SHAPE)
    cutouts.compute(plan, work_dir)
    code, text = bossflow_says("forget", "--channel", channel, "--yes")
    assert code == 1 and f"request {plan['requests'][0]}" in text, "a run may be making it"
    assert bossflow_says("forget", plan["requests"][0], "--channel", channel, "--yes")[0] == 0
    assert asked(cutouts) == request


def test_what_is_forgotten_while_a_run_makes_it_is_told(cutouts: Cutouts) -> None:
    """Its summary must not call a request complete that is not there any more."""
    from bossflow.core.record import record
    from bossflow.core.summary import sum_up

    plan, work_dir = cutouts.plan(**SHAPE)
    receipts = cutouts.compute(plan, work_dir)
    assert bossflow_says("forget", plan["requests"][0], "--yes")[0] == 0
    batch = record(plan, receipts)
    sum_up(plan, [batch], work_dir)
    verdict = json.loads((work_dir / "verdict.json").read_text())
    assert "was forgotten meanwhile" in verdict["missing"], verdict
    assert asked(cutouts) == plan["requests"][0]


def test_what_others_made_of_a_result_is_in_the_way(cutouts: Cutouts) -> None:
    """A table of somebody's own, in another schema."""
    import datajoint as dj

    request = asked(cutouts)
    own = dj.Schema("own_of_somebody", connection=bossflow.schema.connection)

    class Seen(dj.Manual):
        definition = """
        -> Segmentation
        """

    own(Seen, context={"Segmentation": bossflow.Segmentation})
    try:
        Seen.insert1({"request_id": request})
        code, text = bossflow_says("forget", request, "--yes")
        assert code == 1 and "1 rows of table" in text and "seen" in text, text
        assert rows_of(request)["Segmentation"] == 1
        Seen.delete_quick()
        assert bossflow_says("forget", request, "--yes")[0] == 0
    finally:
        own.drop(prompt=False)
        own.connection.dependencies.load(force=True)


@pytest.mark.parametrize("given", [(), ("",), ("--channel", "")])
def test_nothing_is_forgotten_that_is_not_named(home: Path, given: tuple[str, ...]) -> None:
    code, text = bossflow_says("forget", *given, "--yes")
    assert code in (1, 2) and "Error" in text
