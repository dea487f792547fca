"""Levels and copies of a volume that has grown: what is the same is taken from the smaller one."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from changing import said
from expected import whole
from kit import bundles, locations
from making import Downsampling, Transferring, noise, read_level
from measuring import Measuring
from pipeline import bossflow_says
from searching import Detecting
from steps import Cutouts, write_voxels
from voxels.boxes import Box
from voxels.downsampling import coarser, downsample

SHAPE = (64, 48, 40)
SMALL, LARGE = [0, 32], [0, 64]
LABEL = {"stage": False, "block_shape": [16, 16, 16], "component_of": "foreground"}
LABEL |= {"connectivity": 6}
LEVELS = {"levels": 2, "factor": "2,2,2", "block_shape": "16,16,16"}
COPY = {"chunk_shape": "8,8,8", "block_shape": "16,16,16"}


class Growing:
    """A mask of which nothing reaches from one half into the other, labelled by halves."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch, seed: int = 1) -> None:
        self.mask = (np.random.default_rng(seed).random(SHAPE) < 0.3).astype(np.uint8)
        self.mask[31:33] = 0
        makers = {"label": Cutouts, "downsample": Downsampling, "transfer": Transferring}
        makers |= {"statistics": Measuring, "detect": Detecting}
        self.of = {name: maker(directory / name, monkeypatch) for name, maker in makers.items()}
        for made in self.of.values():
            made.directory.mkdir()
            made.store = directory / "store"
        write_voxels(directory / "mask", self.mask)
        self.of["label"].volume = directory / "mask"

    def label(self, z_range: list[int], **more: Any) -> str:
        return request_of(self.of["label"].label(**LABEL | {"z_range": z_range} | more))

    def make(self, workflow: str, source: str, **asked: Any) -> dict[str, Any]:
        making = self.of[workflow]
        run = making.make if isinstance(making, Downsampling) else making.label
        done: dict[str, Any] = run(source=f"bossflow://{source}", **asked)
        assert not done["plan"]["problem"] and done["verdict"] == {"missing": None}, done
        return done


def request_of(ran: dict[str, Any]) -> str:
    assert not ran["plan"]["problem"], ran["plan"]["problem"]
    (request,) = ran["plan"]["requests"]
    return str(request)


def taken(ran: dict[str, Any]) -> dict[str, bool]:
    """Return by block whether it was taken from an earlier volume."""
    lines = [json.loads(line) for path in ran["receipts"] for line in path.read_text().splitlines()]
    of_blocks = ("MEASURE_BLOCK", "DETECT_BLOCK")
    wanted = [one for one in lines if "makes" in one or one["process"] in of_blocks]
    made = [bundles.read(locations.local(line["url"])) for line in wanted]
    return {one.key["block"]: "taken_from" in one.manifest for one in made}


@pytest.fixture
def growing(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Growing:
    return Growing(tmp_path, monkeypatch)


WAYS = [
    ("downsample", LEVELS, "zarr"),
    ("downsample", LEVELS, "precomputed"),
    ("transfer", COPY, "zarr"),
    ("transfer", COPY, "precomputed"),
]


@pytest.mark.parametrize(("workflow", "asked", "volume_format"), WAYS)
def test_what_is_the_same_is_taken(
    growing: Growing, workflow: str, asked: dict[str, Any], volume_format: str
) -> None:
    import bossflow

    asked = asked | {"volume_format": volume_format}
    lower = growing.label(SMALL)
    growing.make(workflow, lower, **asked)
    upper = growing.label(LARGE)
    grown = growing.make(workflow, upper, **asked)
    by_block = taken(grown)
    assert {block for block, is_so in by_block.items() if is_so} == {
        block for block in by_block if block.endswith(("_0-16", "_16-32"))
    }
    assert len(by_block) == 2 * sum(by_block.values()) == 4 * 3 * 3
    assert "of 36 blocks" in said(grown) and "18 have the voxels of an earlier volume" in said(
        grown
    )
    asked_for = {"request_id": request_of(grown)}
    voxels, box = whole(growing.mask, 6, 0).astype(np.uint32), Box.of((0, 0, 0), SHAPE)
    if workflow == "transfer":
        url = (bossflow.TransferredVolume & asked_for).fetch1("transferred")
        np.testing.assert_array_equal(read_level(url, 0)[0], voxels)
    else:
        url = (bossflow.Pyramid & asked_for).fetch1("pyramid")
        for number in range(2):
            voxels = downsample(voxels, box.corner_zyx, (2, 2, 2), "mode")
            box = coarser(box, (2, 2, 2))
            np.testing.assert_array_equal(read_level(url, number)[0], voxels)
    assert bossflow_says("verify", "--request", asked_for["request_id"])[0] == 0
    assert growing.make(workflow, upper, **asked)["plan"]["tasks"] == []


def test_content_is_the_same_as_if_it_was_made(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And outlives what it was taken from."""
    growing = Growing(tmp_path, monkeypatch, seed=2)
    asked = LEVELS | {"volume_format": "zarr"}
    lower = growing.label(SMALL)
    first = growing.make("downsample", lower, **asked)
    grown = growing.make("downsample", growing.label(LARGE), **asked)
    assert sum(taken(grown).values()) == 18
    contents = contents_of(grown)
    assert bossflow_says("invalidate", "--request", request_of(first), "--yes")[0] == 0
    assert bossflow_says("verify", "--request", request_of(grown))[0] == 0
    assert bossflow_says("invalidate", "--request", request_of(grown), "--yes")[0] == 0
    again = growing.make("downsample", growing.label(LARGE), **asked)
    assert not any(taken(again).values()) and contents_of(again) == contents


def test_what_was_taken_is_taken_once_more(growing: Growing) -> None:
    """Of a file that is there already, as the same one: to move a link onto it does nothing."""
    import bossflow

    asked = LEVELS | {"volume_format": "zarr"}
    growing.make("downsample", growing.label(SMALL), **asked)
    upper = growing.label(LARGE)
    grown = growing.make("downsample", upper, **asked)
    before = contents_of(grown)
    made = bossflow.MadeChannel * bossflow.Channel & {"request_id": request_of(grown)}
    (channel,) = (made & {"resolution": 0}).to_arrays("channel_id")
    where = "--channel", channel, "--block", "0-1_0-1_0-1"
    assert bossflow_says("invalidate", *where, "--yes")[0] == 0
    again = growing.make("downsample", upper, **asked)
    assert taken(again) == {"0-16_0-16_0-16": True}
    assert contents_of(again).items() <= before.items()
    assert bossflow_says("verify", "--request", request_of(grown))[0] == 0


def test_segments_are_measured_where_blocks_are_new(growing: Growing, tmp_path: Path) -> None:
    """With an image that is pulled, and with one that was made here and has blocks of its own."""
    import bossflow

    write_voxels(tmp_path / "image", noise(SHAPE, "uint8"))
    made = growing.of["transfer"].make(source=f"zarr://{tmp_path}/image", **COPY)
    lower, upper = growing.label(SMALL), growing.label(LARGE)
    for image in (f"zarr://{tmp_path}/image", f"bossflow://{request_of(made)}"):
        asked = {"intensity_source": image, "block_shape": "16,16,16", "histogram_bins": 16}
        growing.make("statistics", lower, **asked)
        grown = growing.make("statistics", upper, **asked)
        by_block = taken(grown)
        assert {name for name, was in by_block.items() if was} == {
            name for name in by_block if name.endswith(("_0-16", "_16-32"))
        }
        assert len(by_block) == 18 + sum(by_block.values()) == 36
        assert "18 have the voxels of an earlier volume" in said(grown)
        assert len(bossflow.BlockStatistics.Pulled()) == 36 + 18
        code, told = bossflow_says("verify", "--deep", "--request", request_of(grown))
        assert code == 0 and "made again as recorded" in told, told  # where nothing is taken


def test_what_is_searched_with_a_halo_is_taken_where_all_around_it_is_the_same(
    growing: Growing, tmp_path: Path
) -> None:
    """Not beside what is new: there the smaller cutout had ended."""
    search = {"method": "blobs", "sigma_nm": "12,18", "threshold": "0.1", "block_shape": "8,16,16"}
    copies = []
    for z_range in (SMALL, LARGE):
        source = f"zarr://{tmp_path}/mask"
        made = growing.of["transfer"].make(source=source, z_range=z_range, **COPY)
        copies.append(request_of(made))
    growing.make("detect", copies[0], **search)
    grown = growing.make("detect", copies[1], **search)
    by_block = taken(grown)
    assert {name for name, was in by_block.items() if was} == {
        name for name in by_block if name.endswith(("_0-8", "_8-16", "_16-24"))
    }
    assert len(by_block) == 72 and "27 have the voxels of an earlier volume" in said(grown)
    code, told = bossflow_says("verify", "--deep", "--request", request_of(grown))
    assert code == 0 and "made again as recorded" in told, told  # where nothing is taken


def test_shards_that_are_counted_otherwise_are_made(growing: Growing) -> None:
    """With twice the chunks along an axis, their numbers have a bit more."""
    import bossflow

    asked = COPY | {"volume_format": "precomputed", "compression": "gzip"}
    growing.make("transfer", growing.label(SMALL), **asked)
    grown = growing.make("transfer", growing.label(LARGE), **asked)
    assert not any(taken(grown).values())
    (row,) = (bossflow.TransferredVolume & {"request_id": request_of(grown)}).to_dicts()
    np.testing.assert_array_equal(read_level(row["transferred"], 0)[0], whole(growing.mask, 6, 0))


def test_only_earlier_volumes_of_the_same_source_are_looked_at(
    growing: Growing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever else was asked for with the same parameters; and none in a bucket."""
    from bossflow.volumes import growth

    monkeypatch.setattr(growth, "EARLIER", 1)
    asked = LABEL | {"min_voxels": 2}
    lower = growing.label(SMALL)
    growing.make("label", lower, **asked)
    write_voxels(tmp_path / "other", growing.mask)
    growing.label(SMALL, source=f"zarr://{tmp_path}/other")
    source = f"bossflow://{growing.label(LARGE)}"
    plan, _ = growing.of["label"].plan([], source=source, **asked)
    assert ", 18 have the voxels of an earlier volume there" in "\n".join(plan["notes"])
    monkeypatch.setattr(growth, "buckets", SimpleNamespace(holds=lambda _: True))
    plan, _ = growing.of["label"].plan([], source=source, **asked)
    assert "of an earlier volume" not in "\n".join(plan["notes"])


def test_many_cutouts_are_looked_up_as_one(
    growing: Growing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bossflow import database

    asked = LABEL | {"min_voxels": 1}
    growing.make("label", growing.label(SMALL), **asked)
    source = f"bossflow://{growing.label(LARGE)}"
    conn, numbers = database.connection(), []
    query = conn.query
    asking: list[str] = []
    monkeypatch.setattr(
        conn, "query", lambda q, *args, **how: asking.append(q) or query(q, *args, **how)
    )
    for ranges in (["0:32"], ["0:32"], ["0:32", "16:32"]):
        sheet = tmp_path / "cutouts.csv"
        sheet.write_text("\n".join(["source,z_range", *(f"{source},{one}" for one in ranges)]))
        asking.clear()
        plan, _ = growing.of["label"].plan(sheet=sheet, **asked, source=None, dry_run=True)
        assert "\n".join(plan["notes"]).count("have the voxels of an earlier") == len(ranges)
        numbers.append(len(asking))
    assert numbers[1] == numbers[2]


def contents_of(ran: dict[str, Any]) -> dict[str, str]:
    lines = [json.loads(line) for path in ran["receipts"] for line in path.read_text().splitlines()]
    made = [bundles.read(locations.local(line["url"])) for line in lines]
    return {one.manifest["unit_id"]: one.content_sha256 for one in made}
