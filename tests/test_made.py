"""Volumes that were made here, as sources: `bossflow://REQUEST`."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import bossflow
import numpy as np
import pytest
import tensorstore as ts
from asked import cutouts as cutouts
from changing import array, made, said
from expected import read_volume, whole
from kit import locations
from kit.bundles import read
from pipeline import bossflow_says
from steps import Cutouts, write_voxels
from voxels.boxes import Box

SHAPE = (40, 36, 44)
FIRST = {"stage": False, "block_shape": [16, 16, 16], "component_of": "foreground"}
SECOND = FIRST | {"block_shape": [10, 24, 18]}
IN_ONE = {"block_shape": [64, 128, 128], "component_of": "segment", "min_voxels": 0}
LATER = SECOND | {"connectivity": 6, "x_range": [16, 36], "blocks_per_task": 4}
BOX = Box(3, 41, 5, 36, 7, 39)


def volume_of(ran: dict[str, Any], box: Box = BOX) -> np.ndarray:
    made(ran)
    voxels, offset, _ = read_volume(ran["requests"].splitlines()[1].split(",")[2])
    return voxels[box.slices(offset)]


def mask(seed: int = 1) -> np.ndarray:
    return (np.random.default_rng(seed).random(SHAPE) < 0.35).astype(np.uint8)


def ask(cutouts: Cutouts, source: str, **params: Any) -> dict[str, Any]:
    return cutouts.label(source=source, **{"connectivity": 6, "min_voxels": 2} | SECOND | params)


def request_of(ran: dict[str, Any]) -> str:
    (request,) = ran["plan"]["requests"]
    return str(request)


@pytest.fixture
def first(cutouts: Cutouts, tmp_path: Path) -> dict[str, Any]:
    """Label a cutout whose corner is off the block grid; return what it made."""
    cutouts.volume = write_voxels(tmp_path / "mask", mask())
    return label_first(cutouts)


def label_first(cutouts: Cutouts, **params: Any) -> dict[str, Any]:
    ranges = {"x_range": [3, 41], "y_range": [5, 36], "z_range": [7, 39]}
    source = f"zarr://{cutouts.volume}"
    ran = ask(cutouts, source, **FIRST | ranges | {"min_voxels": 3} | params)
    made(ran)
    return ran


def test_a_made_volume_is_a_source(cutouts: Cutouts, first: dict[str, Any]) -> None:
    from bossflow.workflows.label import BlockLabels

    labels = whole(mask()[BOX.slices((0, 0, 0))], 6, 3)
    assert labels.max() > 20
    source = f"bossflow://{request_of(first)[:9]}"
    ran = ask(cutouts, source)
    assert np.array_equal(volume_of(ran), whole(labels > 0, 6, 2))
    made_of = bossflow.MadeChannel & {"request_id": request_of(first)}
    (channel,) = made_of.to_arrays("channel_id")
    of_block = BlockLabels.Source * bossflow.MadeBlock.proj(source_block="block")
    meets = {
        (row["block"], row["source_block"])
        for row in (of_block & {"channel_id": channel}).to_dicts()
    }
    blocks = {Box.parse(name) for name, _ in meets}
    sources = {Box.parse(name) for _, name in meets}
    assert len(blocks) == len(ran["receipts"]) or len(blocks) == 24 and len(sources) == 27
    assert meets == {(a.name, b.name) for a in blocks for b in sources if a.meets(b)}
    again = ask(cutouts, f"bossflow://{request_of(first)}/volume@0")
    assert not again["plan"]["tasks"] and request_of(again) == request_of(ran)


def test_what_is_made_of_a_copy_refers_to_it(cutouts: Cutouts, first: dict[str, Any]) -> None:
    from bossflow.workflows.label import BlockLabels

    made(label_first(cutouts, stage=True))
    channel = {"channel_id": source_channel(request_of(first))}
    in_place, copies = (BlockLabels & channel) - BlockLabels.Pulled, BlockLabels.Pulled & channel
    assert (len(in_place), len(copies)) == (27, 27)


def test_a_cutout_of_it_and_copies_are_no_other(cutouts: Cutouts, first: dict[str, Any]) -> None:
    labels = whole(mask()[BOX.slices((0, 0, 0))], 6, 3)
    box = Box(11, 30, 9, 30, 8, 21)
    ranges = {"x_range": [11, 30], "y_range": [9, 30], "z_range": [8, 21]}
    source = f"bossflow://{request_of(first)}"
    ran = ask(cutouts, source, component_of="segment", **ranges | {"stage": True})
    inside = labels[box.slices(BOX.corner_zyx)]
    assert np.array_equal(volume_of(ran, box), whole(inside, 6, 2))
    beyond = ask(cutouts, source, x_range=[0, 41])
    assert "x_range 0..41" in beyond["plan"]["problem"] and "3..41" in beyond["plan"]["problem"]


def test_a_level_is_what_is_made_of_the_cutout_alone(cutouts: Cutouts, tmp_path: Path) -> None:
    """Without the coarse voxels at its lower end that are made of what is before it, too."""
    voxels = np.random.default_rng(5).integers(0, 3, (40, 244, 244), np.uint8)
    cutouts.volume = write_voxels(tmp_path / "segments", voxels)
    asked = {"x_range": [5, 244], "y_range": [0, 243], "block_shape": [32, 128, 128]}
    first = ask(cutouts, f"zarr://{cutouts.volume}", **FIRST | asked | {"min_voxels": 0})
    made(first)
    ran = ask(cutouts, f"bossflow://{request_of(first)}@1", **IN_ONE)
    spec = {"driver": "neuroglancer_precomputed", "scale_index": 1}
    place = first["requests"].splitlines()[1].split(",")[2].removeprefix("file://")
    level = ts.open(spec | {"kvstore": {"driver": "file", "path": place}}).result()[..., 0]
    stored = np.asarray(level.read(order="F").result()).T
    assert level.origin == (0, 0, 0) and stored.shape == (40, 122, 122)
    coarse = bossflow.Channel.Middle * bossflow.MadeChannel & {"request_id": request_of(first)}
    assert coarse.to_arrays("middle_x", "middle_y", "middle_z")[0].tolist() == [0.25]
    box = Box(3, 122, 0, 122, 0, 40)
    assert np.array_equal(volume_of(ran, box), whole(stored[box.slices((0, 0, 0))], 6, 1))
    problem = ask(cutouts, f"bossflow://{request_of(first)}@7", **IN_ONE)["plan"]["problem"]
    assert "resolution 7 is not one of" in problem and "it has 0, 1" in problem


def test_what_is_named_wrong_is_refused(cutouts: Cutouts, first: dict[str, Any]) -> None:
    request = request_of(first)
    for source, why in {
        "bossflow://": "is malformed",
        f"bossflow://{request}/volume@x": "is malformed",
        f"bossflow://{request}/other": f"names none of the volumes of request {request}: volume",
        f"bossflow://{request}@1": "resolution 1 is not one of",
        "bossflow://nobody": "no request has an id starting with 'nobody', or that name",
    }.items():
        assert why in ask(cutouts, source)["plan"]["problem"], source
    for params, why in (
        ({"resolution": 2}, "resolution 2 is not one of"),
        ({"voxel_size": [1, 1, 1]}, "voxel_size is not for"),
        ({"channel": 0}, "channel is not for"),
    ):
        assert why in ask(cutouts, f"bossflow://{request}", **params)["plan"]["problem"]
    named = f"bossflow://{request}@1"
    assert "says level 1, and resolution 2" in ask(cutouts, named, resolution=2)["plan"]["problem"]


def test_a_name_that_one_request_has_names_it(cutouts: Cutouts, first: dict[str, Any]) -> None:
    label_first(cutouts, name="mine")
    made(ask(cutouts, "bossflow://mine"))
    other = label_first(cutouts, name="mine", min_voxels=4)
    problem = ask(cutouts, "bossflow://mine/volume")["plan"]["problem"]
    assert request_of(first) in problem and request_of(other) in problem


def test_what_is_not_whole_is_refused(cutouts: Cutouts, first: dict[str, Any]) -> None:
    request = request_of(first)
    invalidated("--request", request)
    before = first["plan"]
    problem = ask(cutouts, f"bossflow://{request}")["plan"]["problem"]
    assert f"is not whole: request {request} misses 1 STITCH, 27 RELABEL_BLOCK" in problem
    (told,) = re.findall(r"`bossflow (status --request \w+)`", problem)
    code, shown = bossflow_says(*told.split())
    assert code == 0 and "label" in shown and "connectivity" in shown
    assert before["requests"] == label_first(cutouts)["plan"]["requests"]
    made(ask(cutouts, f"bossflow://{request}"))


def test_what_a_migration_has_not_told_of_yet_is_refused(cutouts: Cutouts, tmp_path: Path) -> None:
    from bossflow.core import installed

    cutouts.volume = write_voxels(tmp_path / "of this test alone", mask(9))
    request = request_of(label_first(cutouts))
    source, of_it = f"bossflow://{request}", bossflow.MadeChannel & {"request_id": request}
    (bossflow.MadeBlock() & of_it.proj()).delete_quick()
    assert "run `bossflow db migrate`" in ask(cutouts, source)["plan"]["problem"]
    installed.fill()
    made(ask(cutouts, source))


def test_only_what_depends_on_a_block_goes_with_it(cutouts: Cutouts, first: dict[str, Any]) -> None:
    request = request_of(first)
    made(ask(cutouts, f"bossflow://{request}", x_range=[3, 16]))
    every = made(ask(cutouts, f"bossflow://{request}"))
    asked = sorted(bossflow.Request.to_arrays("request_id"))
    (channel,) = (bossflow.MadeChannel & {"request_id": request}).to_arrays("channel_id")
    invalidated("--block", "20-21_20-21_20-21", "--channel", channel)
    assert made(label_first(cutouts)) == {"RELABEL_BLOCK": 1}
    assert not ask(cutouts, f"bossflow://{request}", x_range=[3, 16])["plan"]["tasks"]
    # the block 16-32_16-32_16-32 meets 3 times 2 times 2 blocks of the other grid
    again = made(ask(cutouts, f"bossflow://{request}"))
    assert (again["LABEL_BLOCK"], every["LABEL_BLOCK"]) == (12, 24)
    change(cutouts)
    invalidated("--block", "20-21_20-21_20-21", "--channel", source_channel(request))
    label_first(cutouts)
    labels = whole(mask_of(cutouts), 6, 3)
    ran = ask(cutouts, f"bossflow://{request}")
    assert np.array_equal(volume_of(ran), whole(labels > 0, 6, 2))
    assert sorted(bossflow.Request.to_arrays("request_id")) == asked


def test_what_is_made_anew_while_it_is_read_is_refused(
    cutouts: Cutouts, first: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By whoever reads it, and what was read just before by RECORD."""
    import reading
    from bossflow.core.record import record

    request = request_of(first)
    paused = reading.archive_of
    done: list[str] = []

    def resumed(uri: str) -> Any:
        monkeypatch.setattr(reading, "archive_of", paused)
        here = Path.cwd()
        make_anew(cutouts, request)
        monkeypatch.chdir(here)
        done.append(uri)
        return paused(uri)

    plan, work_dir = cutouts.plan([], source=f"bossflow://{request}", min_voxels=2, **LATER)
    first_task = [task for task in plan["tasks"] if task["process"] == "LABEL_BLOCK"][:1]
    monkeypatch.setattr(reading, "archive_of", resumed)
    (receipts,) = cutouts.compute(plan | {"tasks": first_task}, work_dir)
    lines = [json.loads(line) for line in receipts.read_text().splitlines()]
    assert len(done) == 1
    assert "was made anew, or set aside, while it was read" in lines[0]["error"]
    (receipts,) = cutouts.compute(plan | {"tasks": first_task}, fresh(work_dir))
    make_anew(cutouts, request)
    recorded = record(plan, [receipts])
    assert len(recorded["failed"]) == len(lines) and not recorded["recorded"]
    for one in recorded["failed"]:
        assert "was made from STITCH" in one["error"] and "not recorded" in one["error"]
    ran = ask(cutouts, f"bossflow://{request}", **LATER)
    box = BOX._replace(x0=16, x1=36)
    labels = whole(mask_of(cutouts), 6, 3)[box.slices(BOX.corner_zyx)]
    assert np.array_equal(volume_of(ran, box), whole(labels > 0, 6, 2))


def test_growth_costs_what_is_new(cutouts: Cutouts, tmp_path: Path) -> None:
    """Of a mask without objects that reach the new layer, behind all that was there."""
    voxels = mask()
    voxels[31:33] = 0
    cutouts.volume = write_voxels(tmp_path / "mask", voxels)
    lower = label_first(cutouts, z_range=[7, 32])
    ask(cutouts, f"bossflow://{request_of(lower)}")
    upper = label_first(cutouts, z_range=[7, 40])
    ran = ask(cutouts, f"bossflow://{request_of(upper)}")
    box = BOX._replace(z1=40)
    labels = whole(voxels[box.slices((0, 0, 0))], 6, 3)
    assert np.array_equal(volume_of(ran, box), whole(labels > 0, 6, 2))
    taken = [read(bundle) for bundle in bundles_of(ran, "LABEL_BLOCK")]
    by_box = {one.key["block"]: one.manifest.get("taken_from") for one in taken}
    # blocks of 10 planes from 7 on: the last two layers are new, or clipped otherwise
    assert {name for name, other in by_box.items() if other} == {
        name for name in by_box if name.endswith(("_7-10", "_10-20", "_20-30"))
    }
    assert "of 24 blocks" in said(ran) and ", 18 have the voxels of an earlier" in said(ran)
    assert not ask(cutouts, f"bossflow://{request_of(upper)}")["plan"]["tasks"]


def bundles_of(ran: dict[str, Any], process: str) -> list[Path]:
    lines = [json.loads(line) for path in ran["receipts"] for line in path.read_text().splitlines()]
    return [locations.local(one["url"]) for one in lines if one["process"] == process]


def make_anew(cutouts: Cutouts, request: str) -> None:
    """Have other voxels at the source, and the request made of these."""
    change(cutouts)
    invalidated("--channel", source_channel(request))
    label_first(cutouts)


def source_channel(request: str) -> str:
    from bossflow.workflows.label import LabelRequest

    return str((LabelRequest & {"request_id": request}).fetch1("channel_id"))


def change(cutouts: Cutouts) -> None:
    voxels = array(cutouts)
    inside = voxels[16:32, 16:32, 16:32]
    inside.write(1 - inside.read().result()).result()


def mask_of(cutouts: Cutouts) -> np.ndarray:
    return np.asarray(array(cutouts).read().result())[BOX.slices((0, 0, 0))]


def fresh(work_dir: Path) -> Path:
    """Return a copy of a run's directory with its task files alone."""
    copy = work_dir.with_name(f"{work_dir.name}-again")
    shutil.copytree(work_dir / "tasks", copy / "tasks")
    return copy


def invalidated(*what: str) -> None:
    code, said = bossflow_says("invalidate", *what, "--yes")
    assert code == 0, said
