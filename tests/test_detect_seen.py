"""Detections as a viewer shows them: points over the image, the best of them."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pipeline import bossflow_says
from searching import BLOBS, SIZE, SPHERES, Detecting, found, spots, write
from voxels import pictures


def test_points_of_two_searches_lie_over_one_image(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of voxels, each with its score; of many the best, which its name says."""
    from bossflow.look import view

    detecting = Detecting(tmp_path, monkeypatch)
    source = write(tmp_path / "volume", spots((16, 24, 40)))
    both = [
        detecting.make(source=source, name=name, **search, stage=True)
        for name, search in (("round", SPHERES), ("blurred", BLOBS))
    ]
    requests = [done["plan"]["requests"][0] for done in both]
    shown, problems = view.opened(requests, "public")
    assert [one.name for one in shown] == ["image of round"] and not problems
    told = view.state(shown, ["precomputed://image"]).to_json()
    image, *points = told["layers"]
    assert image["type"] == "image" and told["selectedLayer"]["layer"] == "image of round"
    for layer, name, done in zip(points, ("round", "blurred"), both, strict=True):
        rows = found(done)
        assert (layer["type"], layer["name"]) == ("annotation", f"detections of {name}")
        assert len(layer["annotations"]) == len(rows) > 3
        for number, (row, one) in enumerate(zip(rows, layer["annotations"], strict=True), 1):
            assert one["id"] == str(number) and f"score {row[3]:.4g}" in one["description"]
            assert one["point"] == [place + 0.5 for place in row[2::-1]]
    places = np.array([one["point"] for layer in points for one in layer["annotations"]])
    away = np.linalg.norm((places - np.array([41, 25, 1])) * SIZE[::-1], axis=1)
    assert told["position"] == places[away.argmin()].tolist(), "one is seen, near the middle"
    (_, few, _) = view.state(shown, ["precomputed://image"], 3).to_json()["layers"]
    assert few["name"] == f"detections of round (the best 3 of {len(found(both[0]))})"
    assert len(few["annotations"]) == 3

    alone, _ = view.opened(requests[:1], "public")
    assert [one.name for one in alone] == ["image"] and alone[0].points == ("detections",)
    detecting.store.rename(tmp_path / "elsewhere")
    _, problems = view.opened(requests[:1], "public")
    assert len(problems) == 1 and "lies in store" in problems[0] and "is away" in problems[0]
    code, said = bossflow_says("status", "--request", requests[0])
    assert code == 0 and "detections, spheres" in said, said


def test_slices_have_circles_where_they_meet_what_was_found(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the image, or of another one that is named to look at."""
    from bossflow.look import layers, shown

    detecting, voxels = Detecting(tmp_path, monkeypatch), spots((16, 24, 40))
    asked = {"source": write(tmp_path / "volume", voxels), **SPHERES}
    done = detecting.make(**asked, image_source=write(tmp_path / "other", voxels * 0))
    (request,) = done["plan"]["requests"]
    (group,) = layers.slices(shown.layers([request]))
    assert group["title"] == "detections over the image"
    middles = (np.array([row[:3] for row in found(done)]) + 0.5) * SIZE
    for number, axis in enumerate("zyx"):
        picture = group["pictures"][axis]
        start, end = picture["box_nm"][axis]
        away = middles[:, number] - (start + end) / 2
        assert abs(away[0]) < 1e-6, "the plane is that of the best"
        met = np.abs(away) < 24.5
        down, right = (middles[met, other] for other in range(3) if other != number)
        wanted = np.stack([right, down, np.sqrt(24.5**2 - away[met] ** 2)], axis=1)
        np.testing.assert_allclose(picture["circles"], wanted, atol=1e-3)
        assert len(wanted) > 1
        data = pictures.draw(picture | {"circles": picture["circles"][:1]}).uri.partition(",")[2]
        with Image.open(io.BytesIO(base64.b64decode(data))) as image:
            pixels = np.asarray(image.convert("RGB"), int)
        frame = pictures.Frame.of(picture)
        rows, columns = np.nonzero(pixels[..., 0] - pixels[..., 2] > 60)
        x = frame.start_nm[frame.axes[0]] + (columns + 0.5) * frame.pixel_nm[frame.axes[0]]
        y = frame.start_nm[frame.axes[1]] + (rows + 0.5) * frame.pixel_nm[frame.axes[1]]
        distances = np.hypot(x - wanted[0, 0], y - wanted[0, 1])
        assert len(distances) > 40 and np.abs(distances - wanted[0, 2]).max() < 4
