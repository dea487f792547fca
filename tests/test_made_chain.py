"""Label, downsample, transfer: each reads what the one before made, and is what the whole gives."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorstore as ts
from changing import array
from expected import read_volume, whole
from making import Downsampling, Transferring, noise, read_level, write_precomputed
from pipeline import bossflow_says
from steps import Cutouts, write_voxels
from voxels.boxes import Box
from voxels.downsampling import coarser, downsample

BOX = Box(3, 41, 5, 36, 7, 39)
RANGES = {"x_range": [3, 41], "y_range": [5, 36], "z_range": [7, 39]}
ONE_LEVEL = {"levels": 1, "factor": "2,2,2", "block_shape": "12,20,8"}
LABEL = RANGES | {"stage": True, "component_of": "foreground", "connectivity": 6}


class Chain:
    """The three workflows on one store, with block grids that do not align."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        makers = {"label": Cutouts, "levels": Downsampling, "copy": Transferring}
        self.of = {name: maker(directory / name, monkeypatch) for name, maker in makers.items()}
        for made in self.of.values():
            made.directory.mkdir()
            made.store = directory / "store"
        self.of["label"].volume = directory / "mask"

    def run(self) -> list[dict[str, Any]]:
        label = self.of["label"].label(block_shape=[16, 16, 16], **LABEL)
        source = f"bossflow://{self.request(label)}"
        asked = {"source": source, "levels": 2, "factor": "2,2,2", "block_shape": "12,20,8"}
        levels = self.of["levels"].make(**asked)
        source = f"bossflow://{self.request(levels)}/pyramid@1"
        shapes = {"chunk_shape": "2,2,2", "block_shape": "4,4,4", "volume_format": "zarr"}
        return [label, levels, self.of["copy"].make(source=source, **shapes)]

    @staticmethod
    def request(ran: dict[str, Any]) -> str:
        assert not ran["plan"]["problem"], ran["plan"]["problem"]
        (request,) = ran["plan"]["requests"]
        return str(request)


def check(chain: Chain, mask: np.ndarray, ran: list[dict[str, Any]]) -> None:
    """Compare all volumes with what the whole array gives."""
    import bossflow

    asked = [{"request_id": chain.request(one)} for one in ran]
    voxels, box = whole(mask[BOX.slices((0, 0, 0))], 6, 0).astype(np.uint32), BOX
    found, offset, _ = read_volume((bossflow.Segmentation & asked[0]).fetch1("volume"))
    np.testing.assert_array_equal(found[box.slices(offset)], voxels)
    url = (bossflow.Pyramid & asked[1]).fetch1("pyramid")
    for number in range(2):
        voxels = downsample(voxels, box.corner_zyx, (2, 2, 2), "mode")
        box = coarser(box, (2, 2, 2))
        found, start = read_level(url, number)
        np.testing.assert_array_equal(found[box.slices(start)], voxels)
    url = (bossflow.TransferredVolume & asked[2]).fetch1("transferred")
    np.testing.assert_array_equal(read_level(url, 0)[0], voxels)


def test_three_workflows_in_a_row_and_only_what_depends_on_a_change_again(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bossflow.core.tables import Request
    from bossflow.volumes.tables import Channel

    mask = (np.random.default_rng(1).random((40, 36, 44)) < 0.3).astype(np.uint8)
    chain = Chain(tmp_path, monkeypatch)
    write_voxels(tmp_path / "mask", mask)
    ran = chain.run()
    check(chain, mask, ran)
    assert [one["plan"]["tasks"] for one in chain.run()] == [[], [], []]
    asked = {row["request_id"] for row in Request().to_dicts()}

    mask[37, 34, 36:40] = 1 - mask[37, 34, 36:40]
    array(chain.of["label"])[37, 34, 36:40].write(mask[37, 34, 36:40]).result()
    (channel,) = (Channel() & {"uri": f"zarr://file://{tmp_path}/mask"}).to_arrays("channel_id")
    where = "--channel", channel, "--block", "36-40_34-35_37-38"
    code, said = bossflow_says("invalidate", *where, "--yes")
    assert code == 0 and "DOWNSAMPLE_BLOCK" in said and "TRANSFER_BLOCK" in said
    assert {row["request_id"] for row in Request().to_dicts()} == asked
    stale = chain.of["levels"].make(
        source=f"bossflow://{chain.request(ran[0])}", levels=2, factor="2,2,2"
    )
    assert "is not whole" in stale["plan"]["problem"]
    again = chain.run()
    check(chain, mask, again)
    assert [chain.request(one) for one in again] == [chain.request(one) for one in ran]
    assert [one["plan"]["tasks"] for one in chain.run()] == [[], [], []]


def test_a_block_that_changes_costs_what_was_made_of_it(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its level, and of the copy, whose blocks lie otherwise, those that meet it."""
    voxels, corner = noise((16, 48, 64), "uint16"), (0, 16, -16)
    volume = write_precomputed(tmp_path / "volume", voxels, corner)
    chain = Chain(tmp_path, monkeypatch)
    levels, copy = chain.of["levels"], chain.of["copy"]
    asked = {"factor": "1,2,2", "levels": 1, "block_shape": "16,16,16"}
    asked |= {"source": f"precomputed://{volume}", "volume_format": "zarr"}
    first = levels.make(**asked)
    shapes = {"chunk_shape": "2,2,2", "block_shape": "16,8,4", "x_range": "-6,24"}
    shapes |= {"source": f"bossflow://{Chain.request(first)}"}
    copied = copy.make(**shapes)
    assert copied["states"] == ["made"] * (1 + 3 * 8)

    voxels[3, 20, 40] += 200  # x from 16 to 32 and y from 32 to 48, of the level 8..16 and 16..24
    spec = {
        "driver": "neuroglancer_precomputed",
        "kvstore": {"driver": "file", "path": str(volume)},
    }
    ts.open(spec).result()[..., 0][24, 36, 3].write(voxels[3, 20, 40]).result()
    again = levels.make(**asked)
    assert again["states"] == ["made"] and len(again["compared"]) == 1
    again = copy.make(**shapes)
    assert again["verdict"] == {"missing": None}
    blocks = [name for task in again["plan"]["tasks"] for name in task["names"]]
    assert sorted(blocks) == ["10-14_16-24_0-16", "14-18_16-24_0-16", "6-10_16-24_0-16"]

    import bossflow

    (row,) = (bossflow.TransferredVolume & {"request_id": Chain.request(again)}).to_dicts()
    expected = downsample(voxels, corner, (1, 2, 2), "mean")[:, :, 2:]
    np.testing.assert_array_equal(read_level(row["transferred"], 0)[0], expected)


def test_what_the_database_lost_of_a_chain_is_taken_in_with_what_is_made_of_it(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Levels of levels, one process at two depths, and before them what made the first ones."""
    import bossflow
    from bossflow.core.record import record

    mask = (np.random.default_rng(2).random((40, 36, 44)) < 0.3).astype(np.uint8)
    chain = Chain(tmp_path, monkeypatch)
    write_voxels(tmp_path / "mask", mask)
    label = chain.of["label"].label(block_shape=[16, 16, 16], **LABEL)
    first = chain.of["levels"].make(source=f"bossflow://{chain.request(label)}", **ONE_LEVEL)
    source = f"bossflow://{chain.request(first)}"
    plan, work_dir = chain.of["levels"].plan(stage=False, source=source, **ONE_LEVEL)
    assert set(plan["sources"]) == {f"bossflow.workflows.{one}" for one in ("downsample", "label")}
    receipts = chain.of["levels"].compute(plan, work_dir)
    of_label = {"request_id": chain.request(label)}
    of_first = {"request_id": chain.request(first)}
    lost = [
        bossflow.MadeBlock & (bossflow.MadeChannel & one).proj() for one in (of_first, of_label)
    ]
    lost += [bossflow.PyramidBlock & of_first, bossflow.Pyramid & of_first]
    lost += [bossflow.SegmentationBlock & of_label]
    before = [len(rows) for rows in lost]
    parts = [bossflow.PyramidBlock.Source & of_first, bossflow.Pyramid.Level & of_first]
    for rows in (*parts, *lost):
        rows.delete_quick()
    recorded = record(plan, receipts)
    assert not recorded["failed"] and sum(recorded["taken"].values()) == sum(before[2:])
    assert [len(rows) for rows in lost] == before


def test_a_source_is_shown_by_the_name_that_it_was_given(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = Chain(tmp_path, monkeypatch)
    volume = write_precomputed(tmp_path / "volume", noise((16, 32, 32), "uint8"))
    asked = {"factor": "1,2,2", "levels": 2, "block_shape": "16,16,16"}
    levels = chain.of["levels"].make(source=f"precomputed://{volume}", name="it's 100%", **asked)
    request = Chain.request(levels)
    shapes = {"chunk_shape": "4,4,4", "block_shape": "8,8,8"}
    copy = chain.of["copy"].make(source=f"bossflow://{request}@1", **shapes)
    (row,) = csv.DictReader(copy["requests"].splitlines())
    assert row["source"] == f"bossflow://{request}/pyramid"
    of_copy = "status", "--request", Chain.request(copy)
    assert "bossflow://it's 100%/pyramid@1 0-8_0-8_0-16" in bossflow_says(*of_copy)[1]
    (channel,) = (
        one
        for one in json.loads(bossflow_says("channels", "--json")[1])
        if one["source"] == f"bossflow://{request}/pyramid" and one["resolution"] == 1
    )
    assert channel["source_name"] == "bossflow://it's 100%/pyramid"
    assert "bossflow://it's 100%/pyramid" in bossflow_says("channels")[1]
    # a name that two have names none
    chain.of["levels"].make(
        source=f"precomputed://{volume}", name="it's 100%", **asked | {"levels": 1}
    )
    assert f"bossflow://{request}/pyramid@1 0-8_0-8_0-16" in bossflow_says(*of_copy)[1]


def test_a_volume_that_no_store_has_whole_is_not_called_away(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bossflow.core.tables import Execution
    from bossflow.workflows.downsample import PyramidBlock

    chain = Chain(tmp_path, monkeypatch)
    volume = write_precomputed(tmp_path / "volume", noise((16, 32, 32), "uint8", 4))
    asked = {"factor": "1,2,2", "levels": 1, "block_shape": "16,16,16"}
    asked |= {"source": f"precomputed://{volume}"}
    first = chain.of["levels"].make(**asked)
    (tmp_path / "store").rename(tmp_path / "not mounted")
    other = str(tmp_path / "other")
    assert chain.of["levels"].make(store=other, **asked)["verdict"] == {"missing": None}
    (tmp_path / "not mounted").rename(tmp_path / "store")
    blocks = PyramidBlock() & {"request_id": Chain.request(first)}
    made = blocks.to_arrays("downsampled_by", order_by="block")[:2]
    stores = set((Execution.Copy & {"execution_id": made[0]}).to_arrays("store_id"))
    for execution, store in zip(made, sorted(stores), strict=True):  # each store lacks one
        (Execution.Copy & {"execution_id": execution, "store_id": store}).delete_quick()
    shapes = {"chunk_shape": "4,4,4", "block_shape": "8,8,8", "store": str(tmp_path / "third")}
    copy = chain.of["copy"].make(source=f"bossflow://{Chain.request(first)}", **shapes)
    assert "but no store here has all of the volume" in copy["plan"]["problem"]
    assert chain.of["levels"].make(store=other, **asked)["verdict"] == {"missing": None}
    copy = chain.of["copy"].make(source=f"bossflow://{Chain.request(first)}", **shapes)
    assert copy["verdict"] == {"missing": None}
