"""Statistics on images of which a user says size and place, or which of several."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asked import image as ome_of_several
from asked import several
from making import noise
from measuring import Measuring, segments_of
from pipeline import bossflow_says
from steps import Cutouts
from test_statistics import blobs

SHAPE, OFFSET = (8, 10, 12), (5, 0, -3)  # z, y, x; x, y, z
PLACED = {"voxel_size": "4,8,40", "offset": ",".join(map(str, OFFSET))}


def channels() -> list[dict[str, Any]]:
    code, said = bossflow_says("channels", "--json")
    assert code == 0, said
    found: list[dict[str, Any]] = json.loads(said)
    return found


def test_size_and_offset_are_the_images_where_the_segmentation_was_made_here(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import bossflow

    ids, image = blobs(SHAPE).astype(np.uint32), noise(SHAPE, "uint8")
    of_ids, of_image = tmp_path / "ids.npy", tmp_path / "image.npy"
    np.save(of_ids, ids)
    np.save(of_image, image)
    label, measuring = Cutouts(tmp_path / "l", monkeypatch), Measuring(tmp_path / "m", monkeypatch)
    for one in (label, measuring):
        one.directory.mkdir(exist_ok=True)
    label.volume, label.store = tmp_path, measuring.store
    (cells,) = label.label(source=f"npy://{of_ids}", stage=False, **PLACED)["plan"]["requests"]

    asked = {"source": f"bossflow://{cells}", "intensity_source": f"npy://{of_image}"}
    for left_out, sentence in (
        ("voxel_size", "states no voxel size: give it in nm"),
        ("offset", "and not all of the cutout 5-17_0-10_-3-5: give ranges that both have"),
    ):
        given = {name: value for name, value in PLACED.items() if name != left_out}
        assert sentence in measuring.make(**asked, **given)["plan"]["problem"]
    (request,) = measuring.make(**asked, **PLACED)["plan"]["requests"]

    found = (bossflow.Statistics.Segment & {"request_id": request}).to_dicts()
    components = (bossflow.Segmentation.Component & {"request_id": cells}).to_dicts()
    assert {row["measured_segment"] for row in found} == {row["component_id"] for row in components}
    wanted = segments_of(ids, image, OFFSET[::-1])
    total = sum(row["mean_intensity"] * row["segment_voxel_count"] for row in found)
    assert total == pytest.approx(sum(one["values"].sum() for one in wanted.values()), rel=1e-12)
    assert min(row["segment_z0"] for row in found) == min(o["box"][0][0] for o in wanted.values())
    code, said = bossflow_says("verify", "--deep", "--request", request)  # asks for it again
    assert code == 0 and "made again as recorded" in said, said
    sources = bossflow.Statistics.Source & {"request_id": request}
    (made_by,) = (bossflow.BlockStatistics & sources).to_arrays("measured_by")

    both_made = asked | {"intensity_source": f"bossflow://{cells}"}
    said = measuring.make(**both_made, **PLACED)["plan"]["problem"]
    assert "voxel_size is not for bossflow://" in said

    channel = bossflow.StatisticsRequest.proj(image="intensity_channel_id")
    image_channel = (channel & {"request_id": request}).fetch1("image")
    (known,) = (one for one in channels() if one["channel"] == image_channel)
    assert known["requests"] == 1
    bossflow.RequestImage.insert1({"request_id": cells, "image_uri": known["source"]})
    (known,) = (one for one in channels() if one["channel"] == image_channel)
    assert known["requests"] == 2, "image_source is a word for it, too"
    code, said = bossflow_says("forget", "--channel", image_channel, "--yes")
    command = f"`bossflow forget {request} --channel {image_channel}`"
    assert code == 1 and f"request {cells}" not in said and command in said, said
    code, said = bossflow_says("forget", request, "--channel", image_channel, "--yes")
    assert code == 0 and not len(bossflow.BlockStatistics & {"measured_by": made_by}), said
    assert image_channel not in {one["channel"] for one in channels()}
    assert len(bossflow.Segmentation & {"request_id": cells}) == 1


def test_one_of_several_channels_and_times_is_measured(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By parameters or columns of its own; those of the segmentation are another's."""
    import bossflow
    from bossflow.look.shown import layers

    uri, voxels = ome_of_several(tmp_path / "image"), several(tmp_path)
    asked = {"source": uri, "channel": 2, "time": 1, "intensity_source": uri}
    asked |= {"x_range": [3, 12], "y_range": [0, 9], "z_range": [4, 13]}
    measuring = Measuring(tmp_path, monkeypatch)
    for given, sentence in (
        ({"intensity_channel": 1}, "along axis t: only one can be used, so say which by "
         "intensity_time, counted from 0 (in the parameters)"),
        ({"intensity_time": 0}, "say which by intensity_channel, counted from 0 (in"),
        ({"intensity_time": 0, "intensity_channel": 3}, "intensity_channel 3 is not one of zarr"),
        ({"intensity_time": 1, "intensity_channel": 2}, "is the segmentation: give an image"),
        ({"intensity_source": "bossflow://a", "intensity_time": 1}, "intensity_time is not for b"),
        ({"intensity_source": None, "intensity_time": 0}, "are of an image, and none is given"),
        ({"intensity_source": ""}, "intensity_source is empty: give it, such as bossdb://"),
        ({"channel": None, "intensity_source": None}, "say which by channel, counted from 0 (in"),
    ):  # fmt: skip
        problem = measuring.make(**asked | given)["plan"]["problem"]
        assert sentence in problem and "\n" not in problem, problem
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("name,intensity_channel,intensity_time\na,0,1\nb,1,0\n")
    requests = measuring.make(**asked, sheet=sheet)["plan"]["requests"]
    box = np.s_[4:13, 0:9, 3:12]
    ids = voxels[1, 2][box]
    assert len({*requests}) == 2
    for request, of, chosen in zip(
        requests,
        (voxels[1, 0], voxels[0, 1]),
        ({"channel": 0, "time": 1}, {"channel": 1, "time": 0}),
        strict=True,
    ):
        found = (bossflow.Statistics.Segment & {"request_id": request}).to_dicts()
        wanted = segments_of(ids, of[box], (4, 0, 3))
        for row in found:
            one = wanted.pop(int(row["measured_segment"]))
            assert row["mean_intensity"] == pytest.approx(one["mean"], rel=1e-14)
            assert row["segment_voxel_count"] == one["n"]
        assert not wanted
        image, segments = layers([request])
        assert (image.chosen, segments.chosen) == (chosen, {"channel": 2, "time": 1})
        code, said = bossflow_says("status", "--request", request, "--json")
        (told,) = json.loads(said)["requests"]
        assert told["intensity_chosen"] == f"channel {chosen['channel']} time {chosen['time']}"
        code, said = bossflow_says("verify", "--deep", "--request", request)  # asks for it again
        assert code == 0 and "made again as recorded" in said, said
