"""`bossflow view`: what it says, refuses, and hands to a browser."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
import zarr
from asked import cutouts as cutouts
from bossflow.look import view
from bossflow.look.served import Volume
from commands import HEARD
from conftest import ROOT
from pipeline import bossflow_says
from steps import Cutouts
from viewing import labelled as labelled


def test_what_can_not_be_seen_is_said(labelled: dict[str, Any], tmp_path: Path) -> None:
    code, text = bossflow_says("view", "no-such-request")
    assert code == 1 and "no request has an id starting with 'no-such-request'" in text
    code, text = bossflow_says("view", tmp_path.name, "--link")
    assert code == 1 and "which a public viewer does not reach" in text
    assert bossflow_says("view", tmp_path.name, "--screenshot", "a.jpg")[0] == 2
    assert bossflow_says("view", tmp_path.name, "--screenshot", "nowhere/a.png")[0] == 2
    (tmp_path / "mask").rename(tmp_path / "elsewhere")
    (tmp_path / "em").rename(tmp_path / "other")
    shown, (problem,) = view.opened([tmp_path.name], "public")
    assert [one.name for one in shown] == ["volume"] and "em" in problem
    (tmp_path / "store").rename(tmp_path / "away")
    code, text = bossflow_says("view", tmp_path.name)
    assert code == 1 and "there is nothing to look at" in text and "which is away" in text


def test_a_browser_is_sent_there_by_a_file_that_nobody_else_reads(
    labelled: dict[str, Any], tmp_path: Path
) -> None:
    """What it is called with, all users of a machine may see."""
    script = """#!/bin/sh
cd {directory}
echo "$1" >called.new
file=${{1#file://}}
stat -c %a "$file" >>called.new
cat "$file" >>called.new
mv called.new called
"""
    (tmp_path / "browser").write_text(script.format(directory=tmp_path))
    (tmp_path / "browser").chmod(0o755)
    program = f"{HEARD}; from bossflow.command.main import main; main()"
    environment = os.environ | {"PYTHONPATH": str(ROOT / "schema")}
    environment["BROWSER"] = f"{tmp_path}/browser %s"
    command = [sys.executable, "-c", program, "view", tmp_path.name, "--json", "--open"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout
        address = json.loads(process.stdout.readline())["address"]
        until = time.monotonic() + 60
        while not (tmp_path / "called").exists():
            assert time.monotonic() < until, "no browser was called"
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(60) == 0
        finally:
            process.kill()
    called, mode, page = (tmp_path / "called").read_text().split("\n", 2)
    assert called.startswith("file:///") and address not in called
    assert mode == "600" and f"url={address}" in page
    assert not Path(called.removeprefix("file://")).exists()


def test_it_ends_though_an_archive_does_not_answer(
    labelled: dict[str, Any], tmp_path: Path
) -> None:
    program = f"""{HEARD}
import time
from bossflow.look import server
from bossflow.look.served import Volume

def answer(*_):
    print("asked", flush=True)
    time.sleep(3600)

def served(self, *given):
    start(self, *given)
    print(self.base, flush=True)

start, server.Served.__init__, Volume.answer = server.Served.__init__, served, answer
from bossflow.command.main import main
main()
"""
    command = [sys.executable, "-c", program, "view", tmp_path.name]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "schema")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout
        address = urlsplit(process.stdout.readline().strip())
        assert "until Ctrl-C" in process.stdout.readline()
        with socket.create_connection((address.hostname, address.port)) as client:
            client.sendall(
                f"GET {address.path}/0/info HTTP/1.0\r\nHost: localhost\r\n\r\n".encode()
            )
            while process.stdout.readline() != "asked\n":
                assert process.poll() is None
            process.send_signal(signal.SIGINT)
            try:
                assert process.wait(60) == 0
            finally:
                process.kill()


def test_a_public_viewer_is_told_the_same(
    labelled: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, _ = view.opened([tmp_path.name], "public")
    seen = shown[0].volume.sample((0, 0, 0))
    monkeypatch.setattr(Volume, "sample", lambda *_: seen)  # what follows is nowhere
    for one, place in zip(shown, ("https://data.example/em", "s3://lab/volume"), strict=True):
        one.volume.uri = f"precomputed://{place}"
    address, _, told = view.link(shown).partition("/#!")
    state = json.loads(unquote(told))
    assert address == view.PUBLIC
    sources = [layer["source"][0]["url"] for layer in state["layers"]]
    assert sources == ["precomputed://https://data.example/em", "precomputed://s3://lab/volume"]
    assert "segmentQuery" not in state["layers"][1], "what a table tells is not there"


def test_a_public_viewer_is_not_sent_to_what_it_would_show_otherwise(
    cutouts: Cutouts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of several channels, or voxels whose size only the user said."""
    voxels = np.random.default_rng(6).integers(0, 9, (2, 9, 20, 17)).astype(np.uint32)
    zarr.create_array(tmp_path / "channels", data=voxels, dimension_names=list("czyx"))
    zarr.create_array(tmp_path / "unsized", data=voxels[0])
    asked = {"stage": False, "block_shape": [16, 16, 16], "voxel_size": [4.0, 5.0, 6.0]}
    for name, more, why in (
        ("channels", {"channel": 1}, "is read by its channel 1"),
        ("unsized", {}, "has the voxel size that was given for it"),
    ):
        ran = cutouts.label(**asked, **more, source=f"zarr://{tmp_path / name}")
        assert ran["verdict"] == {"missing": None}, ran["summary"]
        shown, problems = view.opened(ran["plan"]["requests"], "public")
        assert problems == []
        shown[0].volume.uri = "zarr://https://data.example/em"
        monkeypatch.setattr(Volume, "sample", lambda *_: np.zeros((1, 1, 1)))
        with pytest.raises(ValueError, match=re.escape(f"of {shown[0].volume.uri}, {why}, which")):
            view.link(shown[:1])


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("view", "server"):
        monkeypatch.delitem(sys.modules, f"bossflow.look.{name}", raising=False)
        monkeypatch.delattr(f"bossflow.look.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "neuroglancer", None)
    code, text = bossflow_says("view", "anything")
    assert code == 1 and text.count("\n") == 1
    assert "neuroglancer is missing" in text and "pip install 'bossflow[look]'" in text
