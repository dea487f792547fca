"""`bossflow invalidate` goes by what it selects, whatever else there is in anybody's store."""

from pathlib import Path

import pytest
from bossflow.kit import buckets, locations
from conftest import sample
from pipeline import bossflow_says
from steps import Cutouts, write_volume

BLOCK = "0-16_0-16_0-16"


@pytest.fixture
def cutouts(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cutouts:
    made = Cutouts(tmp_path, monkeypatch)
    made.volume = write_volume(tmp_path / "volume.zarr", (32, 16, 16))
    return made


def test_what_is_not_selected_is_not_looked_at(
    cutouts: Cutouts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A damaged bundle, and a store that is away, are nobody else's trouble."""
    shape = {"block_shape": [16, 16, 16]}
    cutouts.label(z_range=[0, 16], **shape)
    cutouts.store.rename(cutouts.store.with_name("closed"))
    cutouts.store = cutouts.store.with_name("another")
    assert cutouts.label(**shape)["verdict"] == {"missing": None}
    (bundle,) = locations.every(cutouts.store, "STITCH")
    (bundle / locations.MANIFEST).write_text("no JSON")
    monkeypatch.setattr(locations, "every", lambda *_: pytest.fail("it lists a whole store"))
    monkeypatch.setattr(buckets, "below", lambda *_: pytest.fail("it lists a whole bucket"))
    channel = channel_of(cutouts)
    question = ("invalidate", "--channel", channel, "--block", BLOCK)
    code, text = bossflow_says(*question)
    assert code == 1 and "forget these?" in text, text
    assert f"store {cutouts.store.with_name('closed').with_name('store')} of " in text
    assert "which is away: set aside when it is back" in text
    assert bossflow_says(*question, "--yes")[0] == 0
    assert cutouts.label(**shape)["verdict"] == {"missing": None}


def channel_of(cutouts: Cutouts) -> str:
    import bossflow

    rows = bossflow.Channel.to_dicts()
    (found,) = (row["channel_id"] for row in rows if row["uri"].endswith(str(cutouts.volume)))
    return str(found)


@pytest.mark.parametrize("staged", sample([True, False], 1))
def test_blocks_that_no_run_has_recorded_yet_go_too(cutouts: Cutouts, staged: bool) -> None:
    """They would be taken over by the next run."""
    cutouts.label(z_range=[0, 16], block_shape=[16, 16, 16])
    plan, work_dir = cutouts.plan(block_shape=[16, 16, 16], stage=staged)
    cutouts.compute(plan, work_dir)
    channel = channel_of(cutouts)
    code, text = bossflow_says("invalidate", "--channel", channel, "--yes")
    # voxels and labels of the second block, or labels, of a set of their own, of both
    assert (code, f"{2:8,} bundles that no run has recorded yet" in text) == (0, True), text
    left = {path.parents[2].name for path in cutouts.store.glob("*_BLOCK/*/*/bundle.json")}
    assert not left & {"PULL_BLOCK", "LABEL_BLOCK"}


def test_what_was_recorded_since_it_was_looked_for_is_forgotten_too(cutouts: Cutouts) -> None:
    """While the user was asked: its bundle goes, and so must its row."""
    from bossflow.core import removal
    from bossflow.core.record import record

    plan, work_dir = cutouts.plan(block_shape=[16, 16, 16], stage=False)
    receipts = cutouts.compute(plan, work_dir)
    strays = list(locations.every(cutouts.store, "STITCH"))
    assert record(plan, receipts)["failed"] == []
    assert removal.forget(set(), strays) == (3, 3), "with the volume's blocks"
    assert cutouts.label(block_shape=[16, 16, 16], stage=False)["verdict"] == {"missing": None}
