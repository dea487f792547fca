"""What is told of a rewritten segmentation: levels, a viewer, what differs, what is exported."""

import json
from pathlib import Path

import bossflow
import numpy as np
import pyarrow.parquet as pq
import pytest
from bossflow.kit.parameters import Parameters
from bossflow.sweeps.sources import references
from bossflow.sweeps.steps import Step
from conftest import ROOT
from making import write_precomputed
from pipeline import bossflow_says
from remapping import Remapping, by_definition, level_of, write_table
from voxels.downsampling import downsample


def test_levels_table_and_differences_of_two_tables(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Levels are those of the whole, from an odd corner too, whatever the blocks."""
    from bossflow.look import view

    remapping = Remapping(tmp_path, monkeypatch)
    corner = (3, -5, 7)
    coarse = np.random.default_rng(1).integers(0, 200, (9, 65, 65), np.uint8)
    voxels = coarse.repeat(5, 0).repeat(4, 1).repeat(4, 2)
    source = write_precomputed(tmp_path / "ids", voxels, corner, "segmentation")
    one, other = ({name: 2**33 + name // by for name in range(1, 200)} for by in (2, 4))
    asked = {"source": f"precomputed://{source}", "block_shape": "64,128,128"}
    done = [
        remapping.make(**asked, table=write_table(tmp_path / f"{number}.csv", mapping))
        for number, mapping in enumerate((one, other))
    ]
    asked["block_shape"] = "32,64,256"
    done.append(remapping.make(**asked, table=str(tmp_path / "1.csv")))
    wanted = by_definition(voxels, other)
    half = downsample(wanted, corner, (1, 2, 2), "mode")
    for run in done[1:]:
        np.testing.assert_array_equal(level_of(run, corner), wanted)
        np.testing.assert_array_equal(level_of(run, (3, -3, 3), 1), half)
    requests = [run["plan"]["requests"][0] for run in done]
    merged, same = (bossflow.diff(a, requests[1])["segmentation"] for a in requests[::2])
    counts = [len({*mapping.values()}) for mapping in (one, other)]
    assert [merged["measures"][f"segments_{side}"] for side in "ab"] == counts
    assert (merged["merges"]["number"], merged["splits"]["number"]) == (counts[1], 0)
    assert same["equal"]
    (_, volume), problems = view.opened([requests[1]], "public")
    assert problems == [] and volume.layer.table.segment == "segment_id"
    (tmp_path / "out").mkdir()
    code, said = bossflow_says(
        "export", requests[1], "--format", "parquet", "--to", str(tmp_path / "out" / "of")
    )
    assert code == 0, said
    (file,) = (tmp_path / "out").rglob("remapped_segments.parquet")
    ids, voxels_of = np.unique(wanted[wanted > 0], return_counts=True)
    table = pq.read_table(file)
    assert table["segment_id"].to_pylist() == ids.tolist()
    assert table["segment_voxel_count"].to_pylist() == voxels_of.tolist()


def test_a_table_may_be_a_step_of_a_chain() -> None:
    """No other path may: what it names would have to be there."""
    schema = json.loads((ROOT / "nextflow_schema.json").read_text())
    parameters = Parameters(schema, "remap", "/launch")
    assert parameters.value("table", "step:merged") == "step:merged"
    step = Step("new", "remap", {}, [], [], parameters, frozenset())
    assert references(step, {"table": "step:merged", "name": "step:x"}) == {"table": ("merged", "")}
    with pytest.raises(ValueError, match="is not there: give the path of a file"):
        Parameters(schema, "map", "/launch").value("rows", "step:merged")
