"""Detections as a viewer shows them: points over the image, the best of them."""

from pathlib import Path

import pytest
from pipeline import bossflow_says
from searching import BLOBS, SPHERES, Detecting, found, spots, write


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
