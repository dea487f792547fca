"""Statistics of what was made here, on an image in a file that states neither size nor place."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
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
