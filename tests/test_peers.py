"""Silent failures of other block-wise labelling tools, each of which must be loud or right here.

- Offsets that don't fit the block shape: any offset, shape and block grid equals the whole in
  test_label.py (segments_equal_the_whole), a clipped cutout in test_workflow.py.
- Leftovers of another shape or threshold: here; connectivity and thresholds in test_workflow.py
  (changes_recompute_only), encoded bundles of other arguments in test_record.py.
- Ids wider than the destination: a volume's ids are uint32 and its own, and test_stitch.py refuses
  2^31 labels; ids of the source beyond 2^63 are in test_workflow.py.
- Dust per block: test_label.py (counted_whole_before_dust_is_dropped), and here over a seam.
- One failing task and exit 0: test_whole_runs.py (one_block_that_fails), test_nextflow.py.
- Success with nothing produced: here, task by task; a RECORD or SUMMARY that died, in
  test_nextflow.py.
- Provenance before any work: here.
- Stale fragments after a run with other parameters, or on other voxels: here.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorstore as ts
from conftest import sample
from expected import read_volume, whole
from lab import COMPUTE
from pipeline import toy as toy
from steps import Cutouts, write_volume

pytestmark = pytest.mark.faults

SHAPE = (24, 20, 40)


@pytest.fixture
def cutouts(toy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cutouts:  # noqa: F811
    made = Cutouts(tmp_path, monkeypatch)
    made.volume = write_volume(tmp_path / "volume", SHAPE)
    return made


def source(cutouts: Cutouts) -> Any:
    kvstore = {"driver": "file", "path": str(cutouts.volume / "0")}
    return ts.open({"driver": "zarr", "kvstore": kvstore}).result()


def labelled(cutouts: Cutouts, **params: Any) -> tuple[Path, int]:
    """Label the volume; return the bundle of STITCH and the number of components it says."""
    ran = cutouts.label(**params)
    assert ran["verdict"]["missing"] is None, ran["verdict"]
    row = ran["requests"].splitlines()[1].split(",")
    volume = Path(row[2].removeprefix("file://"))
    return volume.parent, len(rows_of(volume.parent))


def rows_of(stitched: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    found: list[dict[str, Any]] = pq.read_table(stitched / "components").to_pylist()
    return found


def check(cutouts: Cutouts, stitched: Path, connectivity: int, min_voxels: int) -> None:
    """Compare a result with a labelling of the whole volume, and its files with what it lists."""
    expected = whole(source(cutouts).read().result(), connectivity, min_voxels)
    found, _, _ = read_volume(f"file://{stitched}/segmentation")
    np.testing.assert_array_equal(found[tuple(map(slice, expected.shape))], expected)
    assert np.count_nonzero(found) == np.count_nonzero(expected)
    rows = rows_of(stitched)
    assert [row["component_id"] for row in rows] == list(range(1, int(expected.max()) + 1))
    sizes = np.bincount(expected.ravel().astype(np.int64))[1:]
    assert [row["voxel_count"] for row in rows] == sizes.tolist()
    store = cutouts.store
    listed = {
        entry["path"]
        for manifest in store.glob("*/*/*/bundle.json")
        for entry in json.loads(manifest.read_text())["files"]
    }
    lying = {
        path.relative_to(store).as_posix()
        for path in stitched.rglob("*")
        if path.is_file() and path.name != "bundle.json"
    }
    assert lying <= listed, "no file that no bundle lists"


def test_other_shapes_and_thresholds_find_no_leftovers(cutouts: Cutouts) -> None:
    """One store and database; later runs meet what all earlier ones left."""
    made = set()
    for params in (
        {"block_shape": [16, 16, 16], "min_voxels": 0},
        {"block_shape": [8, 20, 13], "min_voxels": 0},
        {"block_shape": [16, 16, 16], "min_voxels": 4},
        {"block_shape": [8, 20, 13], "min_voxels": 4},
        {"block_shape": [16, 16, 16], "min_voxels": 0, "connectivity": 6},
    ):
        stitched, _ = labelled(cutouts, **params)
        check(cutouts, stitched, params.get("connectivity", 26), params["min_voxels"])
        made.add(stitched)
    assert len(made) == 5, "a place for each"


def test_dust_is_counted_over_seams(cutouts: Cutouts) -> None:
    voxels = np.zeros(SHAPE, np.uint8)
    voxels[3, 3, 13:19] = 1  # three voxels on each side of the seam at 16
    voxels[9, 9, 2:6] = 1  # four in one block
    source(cutouts).write(voxels).result()
    stitched, number = labelled(cutouts, block_shape=[16, 16, 16], min_voxels=5)
    assert number == 1
    check(cutouts, stitched, 26, 5)


def test_nothing_is_recorded_before_it_is_made(cutouts: Cutouts) -> None:
    import bossflow
    from bossflow.core.summary import sum_up

    before = len(bossflow.Execution())
    plan, work_dir = cutouts.plan(block_shape=[16, 16, 16])
    assert plan["tasks"] and not plan["problem"]
    (request,) = plan["requests"]
    (asked,) = (bossflow.LabelRequest() & {"request_id": request}).to_dicts()
    assert len(bossflow.Execution()) == before
    assert not len(bossflow.Segmentation() & {"request_id": request})
    for table in (bossflow.PulledBlock, bossflow.BlockLabels, bossflow.BlockLinks):
        assert not len(table() & {"channel_id": asked["channel_id"]})
    files = [path.name for path in cutouts.store.rglob("*") if path.is_file()]
    assert files == ["store.json"]
    sum_up(plan, [], work_dir)
    verdict = json.loads((work_dir / "verdict.json").read_text())
    assert verdict["missing"].startswith("1 of 1 requests not complete: ")
    assert "1 STITCH" in verdict["missing"]


@pytest.mark.parametrize("process", sample(list(COMPUTE), 2))
@pytest.mark.parametrize("says", ["nothing", "made"])
def test_a_task_that_made_nothing_is_no_success(cutouts: Cutouts, process: str, says: str) -> None:
    """It ends with 0, and leaves no receipts, or says that it made what is not there."""
    from bossflow.core.record import record
    from bossflow.core.summary import sum_up

    plan, work_dir = cutouts.plan(block_shape=[24, 20, 20], blocks_per_task=1)
    receipts = cutouts.compute(plan, work_dir)
    spoilt = next(path for path in receipts if path.parent.name.startswith(process))
    (line,) = map(json.loads, spoilt.read_text().splitlines())
    made = Path(line["url"].removeprefix("file://"))
    made.rename(cutouts.directory / "gone")
    if says == "nothing":
        spoilt.write_text("")
    recorded = [record(plan, receipts)]
    sum_up(plan, recorded, work_dir)
    verdict = json.loads((work_dir / "verdict.json").read_text())
    assert verdict["missing"].startswith("1 of 1 requests not complete: ")
    assert process in verdict["missing"]
    assert (work_dir / "requests.csv").read_text().splitlines()[1].split(",")[1] != "complete"
    again = cutouts.label(block_shape=[24, 20, 20], blocks_per_task=1)
    assert again["verdict"]["missing"] is None
    check(cutouts, stitched_of(again), 26, 0)


def stitched_of(ran: dict[str, Any]) -> Path:
    return Path(ran["requests"].splitlines()[1].split(",")[2].removeprefix("file://")).parent


def test_voxels_that_changed_leave_no_stale_fragments(cutouts: Cutouts) -> None:
    """The same request on other voxels, with far fewer components."""
    import bossflow
    from bossflow.core import removal
    from bossflow.upkeep import invalidate

    params = {"block_shape": [16, 16, 16], "min_voxels": 0}
    before, many = labelled(cutouts, **params)
    voxels = source(cutouts).read().result()
    voxels[:, :, 7:] = 0
    source(cutouts).write(voxels).result()
    uri = f"zarr://file://{cutouts.volume}"
    (channel,) = (bossflow.Channel() & {"uri": uri}).to_arrays("channel_id")
    removal.forget(invalidate.select(channel=channel), invalidate.strays((), channel))
    after, few = labelled(cutouts, **params)
    assert after == before and 0 < few < many / 2
    check(cutouts, after, 26, 0)
    key = {"request_id": json.loads((after / "bundle.json").read_text())["key"]["request_id"]}
    assert len(bossflow.Segmentation.Component() & key) == few
