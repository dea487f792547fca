"""What a browser shows of results: Chromium, without a display, and with nothing else in reach."""

import functools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import neuroglancer.server
import numpy as np
import pytest
from bossflow.look import browser, view
from bossflow.look.served import Volume
from bucket import SECRET, THEIRS
from bucket import serving as serving_s3
from commands import HEARD
from conftest import ROOT
from engines import need
from expected import whole
from making import write_precomputed
from measuring import Measuring
from meshing import Meshing, rows
from PIL import Image
from selenium.webdriver.common.action_chains import ActionChains
from steps import Cutouts, write_voxels
from test_mesh import segments

SIZE = 900, 700
SHAPE = (40, 48, 72)
CORNER = 16  # the cutout's, x
WAIT = 60.0
"""Seconds for what a calm machine does in five."""


@pytest.fixture(scope="module", autouse=True)
def chromium() -> None:
    need("chromium")


def mask() -> np.ndarray:
    """Return some dozen blobs of 4 voxels and more along each axis."""
    coarse = np.random.default_rng(8).random([side // 4 for side in SHAPE]) < 0.15
    return coarse.repeat(4, 0).repeat(4, 1).repeat(4, 2).astype(np.uint8)


@contextmanager
def labelled(directory: Path, store: str) -> Iterator[str]:
    """Label a mask into a store; yield the request."""
    with pytest.MonkeyPatch.context() as patch:
        cutouts = Cutouts(directory, patch)
        cutouts.volume = write_voxels(directory / "mask", mask())
        ran = cutouts.label(
            store=store, stage=False, block_shape=[20, 32, 32], component_of="foreground",
            connectivity=6, x_range=[CORNER, SHAPE[2]],
        )  # fmt: skip
        assert ran["verdict"] == {"missing": None}, ran["summary"]
        (request,) = ran["plan"]["requests"]
        yield str(request)


@pytest.fixture(scope="module")
def request_id(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("seen")
    with labelled(directory, str(directory / "store")) as made:
        yield made


@contextmanager
def opened(*request_ids: str) -> Iterator[tuple[Any, Any]]:
    """Yield a viewer of requests, and what drives the browser that shows it."""
    shown, problems = view.opened(request_ids, "public")
    assert not problems
    viewer = view.viewer(shown)
    try:
        with browser.headless(SIZE) as driver:
            driver.get(viewer.get_viewer_url())
            yield viewer, driver
    finally:
        neuroglancer.server.stop()


def answer_of(ask: Callable[[Callable[[Any], None]], Any]) -> Any:
    """Return what is handed to a callback, once it is."""
    done, found = threading.Event(), []

    def told(value: Any) -> None:
        found.append(value)
        done.set()

    ask(told)
    assert done.wait(WAIT), "the browser does not answer"
    return found[0]


def looked_at(driver: Any) -> tuple[list[str], set[str]]:
    """Return the errors on a page's console, and the hosts that it asked."""
    errors = [one["message"] for one in driver.get_log("browser") if one["level"] == "SEVERE"]
    asked = [json.loads(one["message"])["message"] for one in driver.get_log("performance")]
    urls = [
        one["params"]["request"]["url"]
        for one in asked
        if one["method"] == "Network.requestWillBeSent"
    ]
    return errors, {urlsplit(url).hostname or "" for url in urls if url.startswith("http")}


def test_picked_segments_have_the_databases_ids(request_id: str) -> None:
    """Twenty voxels of as many components, under the mouse; nothing but this machine is asked."""
    from bossflow.workflows.label import Segmentation

    ids = whole(mask()[:, :, CORNER:], 6, 0)
    rows = (Segmentation.Component & {"request_id": request_id}).to_dicts()
    sizes = {row["component_id"]: row["voxel_count"] for row in rows}
    assert sizes == {n: int((ids == n).sum()) for n in range(1, int(ids.max()) + 1)}
    picked = np.linspace(1, ids.max(), 20).astype(int).tolist()
    assert len(set(picked)) == 20
    with opened(request_id) as (viewer, driver):
        with viewer.txn() as state:
            state.layout = "xy"
            state.selected_layer.visible = False
            state.cross_section_scale = 0.2
            state.show_default_annotations = False
        with viewer.config_state.txn() as config:
            config.input_event_bindings.viewer["keyq"] = "pick"
        told: list[Callable[[Any], None]] = []
        viewer.actions.add("pick", lambda state: told[-1](state))
        found = []
        for number in picked:
            z, y, x = np.argwhere(ids == number)[0] + (0.5, 0.5, CORNER + 0.5)
            with viewer.txn() as state:
                state.position = [x, y, z]
            answer_of(viewer.async_screenshot)  # all of it is there
            panel = driver.find_element("css selector", ".neuroglancer-rendered-data-panel")
            mouse = ActionChains(driver, duration=0)
            mouse.move_to_element_with_offset(panel, 9, 9).move_to_element(panel).perform()

            def press(callback: Callable[[Any], None]) -> None:
                told.append(callback)
                ActionChains(driver, duration=0).send_keys("q").perform()

            found.append(str(answer_of(press).selected_values["volume"].value))
        assert found == [str(number) for number in picked]
        errors, hosts = looked_at(driver)
    assert errors == [] and hosts == {"127.0.0.1"}


def test_the_command_shows_image_and_segments_in_time(request_id: str, tmp_path: Path) -> None:
    """What it prints is opened by a browser; what is on screen has grey and coloured pixels."""
    command = f"{HEARD}; from bossflow.command.main import main; main()"
    environment = os.environ | {"PYTHONPATH": str(ROOT / "schema")}
    began = time.monotonic()
    run = functools.partial(subprocess.Popen, stdout=subprocess.PIPE, text=True, env=environment)
    with run([sys.executable, "-c", command, "view", request_id, "--json"]) as process:
        assert process.stdout
        told = json.loads(process.stdout.readline())
        with browser.headless(SIZE) as driver:
            driver.get(told["address"])
            while not is_shown(driver.get_screenshot_as_png()):
                assert time.monotonic() - began < WAIT
            took = time.monotonic() - began
            while str(max(n_voxels(request_id))) not in first_listed(driver):
                assert time.monotonic() - began < WAIT, "the largest segment is not listed first"
            errors, hosts = looked_at(driver)
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(WAIT) == 0
        finally:
            process.kill()
    print(f"image and segments are on screen after {took:.1f} s")
    assert told["layers"] == ["image", "volume"] and told["notes"] == []
    assert errors == [] and hosts == {"127.0.0.1"}


def first_listed(driver: Any) -> list[str]:
    """Return the words of the first row in the list of segments, below its header."""
    script = """const rows = document.querySelectorAll('.neuroglancer-segment-list-entry');
        return rows.length > 1 ? rows[1].innerText : ''"""
    return str(driver.execute_script(script)).split()


def n_voxels(request_id: str) -> list[int]:
    from bossflow.workflows.label import Segmentation

    rows = Segmentation.Component & {"request_id": request_id}
    return [int(number) for number in rows.to_arrays("voxel_count")]


def is_shown(png: bytes, panel: tuple[int, int] = (440, 330)) -> bool:
    """Say whether the first panel has many pixels in grey and many in colours."""
    with Image.open(BytesIO(png)) as image:
        pixels = np.asarray(image.convert("RGB"), int)[60 : panel[1], 30 : panel[0]]
    spread = pixels.max(2) - pixels.min(2)
    colours = {tuple(one) for one in pixels[spread > 25][::50]}
    return bool((spread > 25).mean() > 0.02 and len(colours) > 5)


def test_meshes_are_in_the_3d_panel_in_the_colours_of_their_segments(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an error; shards are read in parts. Statistics are listed, the largest first."""
    voxels = segments((26, 40, 33))
    volume = write_precomputed(tmp_path / "volume", voxels, kind="segmentation")
    asked = {"source": f"precomputed://{volume}"}
    (tmp_path / "measured").mkdir()
    done = Meshing(tmp_path, monkeypatch).make(**asked, buckets=2)
    measured = Measuring(tmp_path / "measured", monkeypatch).make(**asked)
    ids = [int(row["meshed_segment_id"]) for row in rows(done)]
    read, answer = {}, Volume.answer

    def noted(volume: Volume, path: str, span: str | None = None) -> Any:
        found = answer(volume, path, span)
        read[path, span] = found is not None  # workers ask, of which the browser's log says nothing
        return found

    monkeypatch.setattr(Volume, "answer", noted)
    colours = dict(zip(ids, ("#ff0000", "#00ff00", "#0000ff", "#ffff00"), strict=True))
    largest = np.unique(voxels[voxels > 0], return_counts=True)[1].max()
    began = time.monotonic()
    with opened(*done["plan"]["requests"], *measured["plan"]["requests"]) as (viewer, driver):
        while str(largest) not in first_listed(driver):
            assert time.monotonic() - began < WAIT, "the largest segment is not listed first"
        with viewer.txn() as state:
            assert len(state.layers) == 1 and {*state.layers[0].segments} == {*ids}
            state.layers[0].segment_colors = colours
            state.selected_layer.visible = False
            state.layout = "3d"
            state.projection_scale = state.projection_scale / 2
            state.show_slices = state.show_axis_lines = state.show_default_annotations = False
        png = answer_of(viewer.async_screenshot).screenshot.image
        looked = looked_at(driver)
    with Image.open(BytesIO(png)) as image:
        pixels = np.asarray(image.convert("RGB"), int)
    bright = pixels[pixels.max(2) > 60]
    for segment, colour in colours.items():
        hue = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
        alike = np.abs(bright - bright.max(1, keepdims=True) * hue).max(1) < 9
        assert alike.sum() > 500, segment
    # where test and Neuroglancer change the state at once, one is told so (412), and tries again
    errors = [one for one in looked[0] if "/state/" not in one or " 412 " not in one]
    assert errors == [] and looked[1] == {"127.0.0.1"}
    assert all(read.values())
    assert {path for path, span in read if span} == {"mesh/0.shard", "mesh/1.shard"}


@pytest.mark.s3
def test_a_picture_is_made_of_what_lies_in_a_bucket(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the store's credentials: those of sources are another account's."""
    with serving_s3() as server, labelled(tmp_path, "s3://lab/seen/store") as request:
        server.owner = "someone", SECRET
        for name, value in zip(("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"), THEIRS, strict=True):
            monkeypatch.setenv(f"BOSSFLOW_SOURCE_AWS_{name}", value)
        shown, problems = view.opened([request], "public")
        assert problems == []
        assert shown[1].volume.uri.startswith("precomputed://s3://lab/seen/store/STITCH/")
        viewer = view.viewer(shown)
        try:
            png = browser.screenshot(viewer, SIZE)
        finally:
            neuroglancer.server.stop()
        assert is_shown(png)
        with Image.open(BytesIO(png)) as image:
            assert image.size == SIZE and image.format == "PNG"
