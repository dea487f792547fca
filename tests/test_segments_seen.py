"""Meshes and statistics as they are seen: painted, on the page of a run, by a viewer."""

import base64
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from making import noise, write_precomputed
from measuring import Measuring, segments_of
from meshing import Meshing, mesh_set
from PIL import Image
from pipeline import bossflow_says
from test_mesh import IDS, segments
from voxels import paged, pictures, rendering

SIDE = 24


@settings(max_examples=examples(60))
@given(st.integers(0, 2**32), st.sampled_from([1, 5, 40]), st.sampled_from([4.0, 60.0]))
def test_at_each_pixel_the_nearest_triangle_is_seen(seed: int, number: int, size: float) -> None:
    """As a look at each triangle at each pixel tells; some reach beyond the picture."""
    random = np.random.default_rng(seed)
    middles = random.uniform(-5, SIDE + 5, (number, 1, 3))
    corners = middles + random.uniform(-size, size, (number, 3, 3))
    places, faces = corners.reshape(-1, 3), np.arange(3 * number, dtype=np.uint32).reshape(-1, 3)
    places[:, 2] -= places[:, 2].min()
    depth = float(places[:, 2].max())
    found = rendering._nearest(places, faces, SIDE, depth).reshape(SIDE, SIDE)
    y, x = np.indices((SIDE, SIDE)) + 0.5
    p, q, r = corners[:, 0], corners[:, 1], corners[:, 2]
    near, wanted = np.full((SIDE, SIDE), np.inf), np.zeros((SIDE, SIDE), int)
    for at in range(number):
        edges = np.array([q[at] - p[at], r[at] - p[at]])[:, :2].T
        s, t = np.linalg.solve(edges, np.stack([x - p[at, 0], y - p[at, 1]]).reshape(2, -1))
        away = p[at, 2] + s * (q - p)[at, 2] + t * (r - p)[at, 2]
        within = ((s >= 0) & (t >= 0) & (s + t <= 1)).reshape(SIDE, SIDE)
        away = away.reshape(SIDE, SIDE)
        nearer = within & (away < near)
        near[nearer], wanted[nearer] = away[nearer], at + 1
    assert (found == wanted).all()


def test_a_ball_is_painted_round_and_as_large_as_its_bar_says() -> None:
    """Brightest where it faces the light, from above to the left."""
    import trimesh

    ball = trimesh.creation.icosphere(4, 1000)
    vertices, faces = np.array(ball.vertices) + 1e6, np.array(ball.faces, np.uint32)
    canvas, pixel_nm = rendering.painted(vertices, faces, np.array([200, 100, 50]), 168)
    y, x = np.argwhere(canvas[..., 0] > 0).T
    for places in (y, x):
        assert np.ptp(places) * pixel_nm == pytest.approx(2000, rel=0.03)
        assert abs(places.mean() - 83.5) < 1
    assert len(y) * pixel_nm**2 == pytest.approx(np.pi * 1e6, rel=0.03)
    top, left = np.unravel_index(canvas[..., 0].argmax(), (168, 168))
    assert 40 < top < 75 and 40 < left < 75 and canvas[top, left].tolist() == [199, 99, 49]


@pytest.mark.parametrize("form", ["multires", "legacy"])
def test_the_page_has_pictures_of_the_largest_meshes(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """In the colours that they have in slices of the volume; with what the database says."""
    from bossflow import MeshSet

    volume = write_precomputed(tmp_path / "volume", segments((26, 40, 33)), kind="segmentation")
    meshing = Meshing(tmp_path, monkeypatch)
    done = meshing.make(source=f"precomputed://{volume}", buckets=2, mesh_format=form)
    request = mesh_set(done)["request_id"]
    page = tmp_path / "index.html"
    assert bossflow_says("page", "-o", str(page))[0] == 0
    html = page.read_text()
    order = (MeshSet.Mesh & {"request_id": request}).to_arrays(
        "meshed_segment_id", order_by="volume_nm3 DESC"
    )
    shown = re.findall(r'<img src="data:image/webp;base64,([^"]*)" alt="the mesh of segm', html)
    told = re.findall(r"segment (\d+): [\d.]+ µm³</figcaption>", html)
    assert told == [str(one) for one in order] and len(shown) == len(IDS) - 1
    assert html.count('<p class="soft">bar 200 nm</p>') == len(shown)
    assert re.findall(r'<th scope="row">(\d+)</th>', html)[: len(told)] == told
    for segment, data in zip(order, shown, strict=True):
        with Image.open(io.BytesIO(base64.b64decode(data))) as image:
            pixels = np.asarray(image.convert("RGB"), float)[:150, 8:]
        colour = pictures.colours(np.array([[int(segment)]], np.uint64))[0, 0].astype(float)
        painted = pixels[pixels.sum(axis=2) > 60]
        assert 0.05 < len(painted) / pixels[..., 0].size < 0.9
        mean = painted.mean(axis=0)
        assert np.abs(mean / mean.sum() - colour / colour.sum()).max() < 0.03


def test_a_mesh_that_can_not_be_painted_is_a_sentence_on_the_page(tmp_path: Path) -> None:
    place = '<img src="picture:0" alt="the mesh of segment 7" width="1" height="1">'
    asked = {"meshes": tmp_path.as_uri(), "only": 7}
    html = paged.filled(place, [asked])
    assert html.startswith('<p class="soft">the mesh of segment 7 (it could not be painted: ')
    assert "there is no such file" in html


@pytest.mark.parametrize("made", [False, True])
def test_what_was_measured_is_told_beside_segments_and_image(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: bool
) -> None:
    """With an image, of files or made here, also its mean; without one sizes alone."""
    from bossflow.look import properties, view

    voxels, image = segments((26, 40, 33)), noise((26, 40, 33), "uint8")
    volume = write_precomputed(tmp_path / "volume", voxels, kind="segmentation")
    asked: dict[str, Any] = {"source": f"precomputed://{volume}"}
    if made:
        path = write_precomputed(tmp_path / "image", image)
        asked["intensity_source"] = f"precomputed://{path}"
    done = Measuring(tmp_path, monkeypatch).make(**asked)
    assert done["verdict"] == {"missing": None}, done["summary"]
    shown, problems = view.opened(done["plan"]["requests"], "public")
    assert [one.name for one in shown] == ["image", "segments"][not made :] and not problems
    segmentation = shown[-1]
    assert segmentation.volume.info()["segment_properties"] == "properties"
    told = properties.of(segmentation.layer)["inline"]
    values = {one["id"]: one["values"] for one in told["properties"]}
    wanted = segments_of(voxels, image, (0, 0, 0))
    largest = sorted(wanted, key=lambda name: (-wanted[name]["n"], name))
    assert told["ids"] == [str(name) for name in largest]
    assert values["segment_voxel_count"] == [wanted[name]["n"] for name in largest]
    means = [wanted[name]["mean"] for name in largest]
    assert values.get("mean_intensity", []) == (pytest.approx(means) if made else [])
    assert ("max_intensity" in values) == made
    state = view.state(shown, ["precomputed://a"] * len(shown)).to_json()
    assert state["layers"][-1]["segmentQuery"] == ">segment_voxel_count"
    (request,) = done["plan"]["requests"]
    to = ("--format", "npy", "--to", str(tmp_path / "npy"))
    assert "makes no volume" in bossflow_says("export", request, *to)[1]
