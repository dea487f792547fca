"""Channels: what the archive says now against what is recorded, and cutouts of them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bossflow
import pytest
from bossflow.volumes import channels, sources
from bossflow.voxels.boxes import Box

METADATA = {
    "kind": "annotation",
    "dtype": "uint64",
    "shape_zyx": [100, 200, 300],
    "offset_zyx": [5, 0, -7],
    "voxel_size_nm_zyx": [30.0, 8.0, 8.0],
}


def described(source: str, **changes: Any) -> dict[str, Any]:
    channel = {
        "source": source,
        "resolution": 0,
        "archive": "lab",
        "host": "http://lab",
        "metadata": METADATA,
        "unreachable": None,
    }
    return {"channels": [channel | changes]}


def asked(source: str, **ranges: Any) -> dict[str, Any]:
    none = {"x_range": None, "y_range": None, "z_range": None}
    return {"source": source, "resolution": 0, "where": "line 3 of cutouts.csv"} | none | ranges


def resolved(source: str, **changes: Any) -> sources.Source:
    (found,) = sources.resolve(described(source, **changes)).values()
    return found


def pull(channel: dict[str, Any]) -> None:
    """Record a block of a channel."""
    name = channel["channel_id"]
    run = {"run_name": "r", "run_user": "u", "revision": "1", "nextflow_version": "25"}
    run |= {"run_id": name, "run_started": datetime.now(UTC).replace(tzinfo=None)}
    bossflow.Run.insert1(run | {"profile": "standard", "run_parameters": {}})
    environment = {"environment_id": name, "container": None, "code": name, "software": {}}
    bossflow.Environment.insert1(environment)
    execution = {"execution_id": name * 2, "process": "PULL_BLOCK", "run_id": name}
    execution |= {"environment_id": name, "task": "t", "executed": "2026-01-01 00:00:00"}
    execution |= {"execution_seconds": 1.0, "peak_memory_bytes": 1, "bundle_bytes": 1}
    execution |= {"bundle_url": f"file:///nowhere/PULL_BLOCK/aa/{name}"}
    bossflow.Execution.insert1(
        execution | {"manifest_sha256": name * 4, "content_sha256": name * 4}
    )
    box = Box(0, 10, 0, 10, 5, 15)
    block = {"channel_id": name, "block": box.name}
    bossflow.Block.insert1(block | channels.box_columns("block", box))
    bossflow.PulledBlock.insert1(
        block | {"voxels_sha256": name * 4, "pulled_by": name * 2}, allow_direct_insert=True
    )


def test_a_box_selects_every_block_that_meets_it(home: Path) -> None:
    from bossflow.upkeep import invalidate

    bossflow.connect()
    made = []
    for name in ("bossdb://a/b/one", "bossdb://a/b/two"):
        channel = resolved(name).channel
        bossflow.Channel.insert1(channel)
        pull(channel)
        made.append(channel["channel_id"])
    with pytest.raises(ValueError, match="channels meet 9-20_0-5_14-20: name one"):
        invalidate.select(["9-20_0-5_14-20"])
    assert invalidate.select(["9-20_0-5_14-20"], made[0]) == {made[0] * 2}
    assert invalidate.select(["10-20_0-5_14-20"], made[0]) == set()
    assert invalidate.named({made[0] * 2}) == ["bossdb://a/b/one 0-10_0-10_5-15"]
    with pytest.raises(ValueError, match="is not a box"):
        invalidate.select(["everything"])


@pytest.mark.parametrize("who", ["archive", "volume"])
def test_metadata_that_changed_are_an_error(home: Path, who: str) -> None:
    bossflow.connect()
    name = f"{'bossdb://' if who == 'archive' else 'zarr:///'}a/b/changed"
    channel = resolved(name).channel
    assert resolved(name).unreached is None
    bossflow.Channel.insert1(channel)
    assert resolved(name).channel == channel
    # nothing was pulled of it yet: what the archive says now counts
    assert resolved(name, metadata=METADATA | {"dtype": "uint32"}).channel["dtype"] == "uint32"
    pull(channel)
    for entry, value, column in (
        ("dtype", "uint32", "dtype was uint64"),
        ("shape_zyx", [100, 200, 299], f"channel_x1 was 293, the {who} now says 292"),
        ("voxel_size_nm_zyx", [31.0, 8.0, 8.0], "voxel_size_z was 30.0"),
    ):
        with pytest.raises(ValueError, match=column):
            resolved(name, metadata=METADATA | {entry: value})


def test_the_archive_is_part_of_what_a_channel_is(home: Path) -> None:
    bossflow.connect()
    here, there = (
        resolved("bossdb://a/b/c", archive=name).channel for name in ("lab", "elsewhere")
    )
    assert here["channel_id"] != there["channel_id"]


def test_an_archive_out_of_reach_does_only_for_recorded_channels(home: Path) -> None:
    bossflow.connect()
    name, silent = "bossdb://a/b/gone", {"metadata": None, "unreachable": "lab can't be reached"}
    with pytest.raises(ValueError, match="lab can't be reached"):
        resolved(name, **silent)
    bossflow.Channel.insert1(resolved(name).channel)
    found = resolved(name, **silent)
    assert found.unreached == "lab can't be reached"
    assert found.channel["channel_x0"] == -7


def test_a_cutout_is_the_whole_channel_unless_ranges_say_otherwise(home: Path) -> None:
    row = asked("bossdb://a/b/c")
    channel = channels.channel_row(described(row["source"])["channels"][0])
    assert channels.cut(row, channel).name == "-7-293_0-200_5-105"
    assert channels.cut(asked("s", y_range=[1, 2]), channel).name == "-7-293_1-2_5-105"


@pytest.mark.parametrize("ranges", [{"x_range": [-8, 2]}, {"z_range": [5, 106]}])
def test_a_range_must_not_leave_the_channel(home: Path, ranges: dict[str, Any]) -> None:
    channel = channels.channel_row(described("s")["channels"][0])
    with pytest.raises(ValueError, match=r"line 3 of cutouts.csv leaves the channel: s at"):
        channels.cut(asked("s", **ranges), channel)
