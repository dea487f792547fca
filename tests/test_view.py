"""Results in a viewer: what it is served is what is there, and nothing else is served."""

import json
import random
import socket
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
import viewing
from archive_server import Serve, pattern
from archive_server import serve as serve
from asked import cutouts as cutouts
from bossflow.archive_server.served import volume_of
from bossflow.look import properties, view
from bossflow.look.served import Volume
from conftest import SEED
from expected import read_volume
from formats import FORMATS, SHAPE, ome, written
from formats import pattern as voxels_of
from making import Downsampling, noise, write_precomputed
from pipeline import bossflow_says
from steps import Cutouts, write_voxels
from viewing import ASKED, a_layer, ask
from viewing import labelled as labelled

# ---- what is served ----


@pytest.mark.parametrize("form", FORMATS)
def test_cells_of_every_format_are_its_voxels(form: str, tmp_path: Path) -> None:
    voxels = voxels_of(SHAPE)
    uri, start = written(form, tmp_path / "volume", voxels)
    volume = Volume(a_layer(uri))
    (scale,) = volume.info()["scales"]
    assert scale["voxel_offset"] == [*start[::-1]]
    assert volume.kind == "segmentation"
    np.testing.assert_array_equal(viewing.whole(volume), voxels)


@pytest.mark.parametrize("dtype", ["bool", "int16", "int64", "uint64", "float16", "float64"])
def test_voxels_of_types_that_a_viewer_lacks_are_shown_as_others(
    dtype: str, tmp_path: Path
) -> None:
    numbers = np.random.default_rng(1).integers(0, 100, (9, 20, 17))
    voxels = numbers.astype(dtype)
    volume = Volume(a_layer(f"zarr://{write_voxels(tmp_path / 'v', voxels)}"))
    assert volume.kind == (
        "segmentation" if dtype.endswith("64") and "float" not in dtype else "image"
    )
    shown = viewing.whole(volume)
    assert shown.dtype in (np.uint8, np.int16, np.uint64, np.float32)
    np.testing.assert_array_equal(shown, voxels)


def test_large_chunks_are_cut_and_a_chosen_channel_is_shown(tmp_path: Path) -> None:
    voxels = voxels_of((3, 700, 1500), "uint8")
    uri = ome(tmp_path / "a", voxels, axes="zyx", chunk_zyx=(3, 700, 1500))
    volume = Volume(a_layer(uri))
    assert volume.info()["scales"][0]["chunk_sizes"] == [[750, 700, 3]]
    np.testing.assert_array_equal(viewing.whole(volume), voxels)


def test_made_volumes_are_shown_on_all_levels(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_precomputed(tmp_path / "volume", noise((32, 70, 61), "uint8"), (-7, 13, 21))
    asked = {"source": f"precomputed://{path}", "block_shape": "16,64,64", "levels": 2}
    made = Downsampling(tmp_path, monkeypatch).make(**asked, volume_format="zarr")
    shown, problems = view.opened(made["plan"]["requests"], "public")
    assert [one.name for one in shown] == ["image", "pyramid"] and problems == []
    from making import read_level

    url = made["requests"].splitlines()[1].split(",")[2]
    for number in (0, 1):
        level, _ = read_level(url, number)
        np.testing.assert_array_equal(viewing.whole(shown[1].volume, number), level)


def test_a_result_lies_over_its_image_and_its_properties_are_the_databases(
    labelled: dict[str, Any], tmp_path: Path
) -> None:
    from bossflow.workflows.label import Segmentation

    shown, problems = view.opened([tmp_path.name], "public")
    assert [one.name for one in shown] == ["image", "volume"] and problems == []
    voxels, _, _ = read_volume(labelled["requests"].splitlines()[1].split(",")[2])
    np.testing.assert_array_equal(viewing.whole(shown[1].volume), voxels)
    state = view.state(shown, ["precomputed://a", "precomputed://b"]).to_json()
    assert state["dimensions"] == {"x": [8e-9, "m"], "y": [8e-9, "m"], "z": [3e-8, "m"]}
    assert state["position"] == [22.0, 12.0, 10.0], "the middle of the cutout"
    assert [one["type"] for one in state["layers"]] == ["image", "segmentation"]
    low, high = state["layers"][0]["shaderControls"]["normalized"]["range"]
    assert 0 <= low < high < 200
    told = properties.of(shown[1].layer)["inline"]
    rows = (Segmentation.Component & {"request_id": shown[1].layer.request_id}).to_dicts()
    rows.sort(key=lambda row: (-row["voxel_count"], row["component_id"]))
    assert told["ids"] == [str(row["component_id"]) for row in rows]
    values = {one["id"]: one["values"] for one in told["properties"]}
    assert values["voxel_count"] == [row["voxel_count"] for row in rows]
    assert values["centroid_y_nm"] == pytest.approx([row["centroid_y_nm"] for row in rows])
    assert "label" not in values, "of foreground there is no segment id"
    table = shown[1].layer.table
    few = properties.largest(tmp_path / "store" / table.path, table, 3)
    assert few["component_id"].to_pylist() == [row["component_id"] for row in rows[:3]]


@pytest.mark.parametrize(
    ("values", "dtype", "span"),
    [
        ([0] * 989 + [1] * 11, "uint8", [0, 1]),
        ([False] * 989 + [True] * 11, "bool", [0, 1]),
        ([-5] * 99 + [-4], "int16", [-5, -4]),
        ([-5], "int8", [-5, -4]),
        ([7], "uint16", [0, 7]),
        ([0] * 9 + [2**64 - 1] * 9, "uint64", [0, 2**64 - 2**11]),
        ([np.nan, 0.25, np.inf, 0.25], "float32", [0, 0.25]),
        ([-np.inf, np.nan], "float64", [0, 1]),
    ],
)
def test_what_is_black_and_what_is_white_is_told_in_numbers_that_a_viewer_takes(
    values: list[Any], dtype: str, span: list[float]
) -> None:
    """It cuts fractions off where voxels have none: 0 to 0.9 would be 0 to 0."""
    told = view._span(np.array(values, dtype))
    assert told == span
    assert json.loads(json.dumps(told, allow_nan=False)) == span
    if not dtype.startswith("float"):
        assert all(isinstance(one, int) for one in told)


def test_of_several_requests_what_they_share_is_shown_once(
    cutouts: Cutouts, labelled: dict[str, Any], tmp_path: Path
) -> None:
    image = f"precomputed://{tmp_path / 'em'}"
    other = cutouts.label(
        **ASKED | {"min_voxels": 9}, component_of="foreground", image_source=image
    )
    (second,) = other["plan"]["requests"]
    shown, problems = view.opened([tmp_path.name, second, second[:10]], "public")
    name = tmp_path.name
    assert [one.name for one in shown] == [
        f"image of {name}",
        f"volume of {name}",
        f"volume of {second[:8]}",
    ]
    assert problems == []
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, text = bossflow_says("view", name, "--port", str(port))
    assert code == 1 and f"port {port} of 127.0.0.1 can't be used: " in text


def test_images_of_one_name_in_two_archives_are_two(
    cutouts: Cutouts, tmp_path: Path, serve: Serve
) -> None:
    cutouts.volume = write_voxels(tmp_path / "mask", noise((20, 20, 50), "uint8") // 50)
    uri = "bossdb://lab/slice/em"
    ems = [noise((20, 20, 50), "uint8", seed=seed) for seed in (1, 2)]
    asked = []
    for number, em in enumerate(ems):
        host = serve({uri: volume_of(em, (0, 0, 0), (30.0, 8.0, 8.0))})
        ran = cutouts.label(**ASKED | {"min_voxels": number}, image_source=uri, bossdb_host=host)
        asked += ran["plan"]["requests"]
    shown, problems = view.opened(asked, "public")
    images = [one.volume for one in shown if one.layer.name == "image"]
    assert problems == [] and len(images) == 2
    for volume, em in zip(images, ems, strict=True):
        np.testing.assert_array_equal(viewing.whole(volume), em)


def test_of_segments_the_id_in_the_source_is_the_label(cutouts: Cutouts, tmp_path: Path) -> None:
    ids = np.array([0, 7, 2**63 + 5, 2**64 - 1], np.uint64)
    voxels = ids[np.random.default_rng(4).integers(0, 4, (20, 20, 50))]
    cutouts.volume = write_voxels(tmp_path / "segments", voxels)
    ran = cutouts.label(**ASKED)
    shown, _ = view.opened(ran["plan"]["requests"], "public")
    assert [one.name for one in shown] == ["source", "volume"]
    state = view.state(shown, ["precomputed://a", "precomputed://b"]).to_json()
    assert [one.get("visible", True) for one in state["layers"]] == [False, True]
    labels = properties.of(shown[1].layer)["inline"]["properties"][0]
    assert labels["type"] == "label" and set(labels["values"]) == {str(one) for one in ids[1:]}


def test_bossdb_is_read_by_us_and_its_token_goes_nowhere_else(serve: Serve) -> None:
    voxels = pattern((20, 30, 40), "uint8")
    uri, token = "bossdb://lab/slice/em", "nobody-is-told-this"
    host = serve({uri: volume_of(voxels, (5, 10, 100), (30.0, 8.0, 8.0))}, token=token)
    volume = Volume(a_layer(uri, host=host), token)
    np.testing.assert_array_equal(viewing.whole(volume), voxels)
    assert volume.info()["scales"][0]["voxel_offset"] == [100, 10, 5]
    with viewing.serving(volume) as served:
        status, headers, body = ask(served.base, f"{urlsplit(served.base).path}/0/info")
    assert status == 200 and token not in f"{headers} {body!r}"
    with pytest.raises(Exception, match="token") as refused:
        Volume(a_layer(uri, host=host), "wrong-one")
    assert token not in str(refused.value) and "wrong-one" not in str(refused.value)


# ---- what is not ----


def test_nothing_but_the_cells_of_named_volumes_is_served(
    labelled: dict[str, Any], tmp_path: Path
) -> None:
    """A thousand paths, of pieces that have led elsewhere in other servers."""
    shown, _ = view.opened(labelled["plan"]["requests"], "public")
    draw = random.Random(SEED)
    with viewing.serving(*(one.volume for one in shown)) as served:
        root = urlsplit(served.base).path
        good = {f"{root}/{number}/info" for number in (0, 1)} | {f"{root}/1/properties/info"}
        for path in good:
            status, headers, body = ask(served.base, path)
            assert (
                status == 200 and json.loads(body) and "Access-Control-Allow-Origin" not in headers
            )
            assert ask(served.base, path, "HEAD")[::2] == (200, b"")
        pieces = [
            *("..", ".", "%2e%2e", "%2E.", "..%2f", "%2f", "%5c..", "\\..", "", "%00", "~", "*"),
            *("info", "properties", "properties/info", "components", "bundle.json", "store.json"),
            *("0", "1", "2", "00", "-1", "999", "0/0-16_0-16_0-16", "0/3-19_0-16_0-16", "volumes"),
            *("0/0-9999999999_0-9999999999_0-9999999999", "0/16-0_0-16_0-16", "0/٣-16_0-16_0-16"),
            *("00/0-16_0-16_0-16", "0/00-16_0-16_0-16", "0/-0-16_0-16_0-16"),
            *(root, root[:-1], root.swapcase(), "v", "etc/passwd", str(tmp_path), "file:", "http:"),
            *(
                "info?x=../..",
                "info#",
                "info/",
                "info;",
                "info%00",
                "in%66o",
                "INFO",
                "@evil.example",
            ),
        ]
        cells = 0
        for _ in range(1000):
            parts = [draw.choice(pieces) for _ in range(draw.randint(1, 6))]
            start = draw.choice(["/", f"{root}/", f"{root}/0/", f"{root}/1/"])
            path = (start + "/".join(parts)).encode("ascii", "ignore").decode()
            status, _, body = ask(served.base, path)
            plain = path.partition("?")[0].partition("#")[0]
            if status == 200:
                cells += 1
                known = plain in good or plain[len(root) :].startswith(("/0/0/", "/1/0/"))
                assert known and ".." not in unquote(plain), path
            else:
                assert status in (400, 403, 404, 405), path
                assert str(tmp_path).encode() not in body or str(tmp_path) in path, path
        for host in (
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil",
            "[::1]",
            "0",
            "a b",
        ):
            for path in (*good, "/", "/favicon.ico", "/v/x/"):
                assert ask(served.base, path, host=host)[0] in (400, 403), (host, path)
        port = urlsplit(served.base).port
        for host in (f"127.0.0.1:{port}", "localhost", f"LOCALHOST:{port}"):
            assert ask(served.base, min(good), host=host)[0] == 200, host
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
            assert ask(served.base, min(good), method)[0] == 405, method


def test_a_volume_that_goes_away_is_an_error_and_a_note(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    volume = Volume(a_layer(f"zarr://{write_voxels(tmp_path / 'v', noise((20, 20, 20), 'uint8'))}"))
    chunk = tmp_path / "v" / "0" / "0.0.0"
    chunk.write_bytes(chunk.read_bytes()[:9])
    with viewing.serving(volume) as served:
        path = f"{urlsplit(served.base).path}/0/0/0-16_0-16_0-16"
        assert [ask(served.base, path)[0] for _ in range(2)] == [502, 502]
    said = capfd.readouterr().err
    assert said.count("note: ") == 1 and "can't be read" in said
