"""`bossflow components`: the table of a result, whole where it is asked for as Parquet."""

import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from flooding import Flooding, affinities, write_affinities
from kit import locations
from measuring import Measuring
from pipeline import bossflow_says
from steps import Cutouts, write_volume
from test_forget import asked


@pytest.fixture
def cutouts(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cutouts:
    made = Cutouts(tmp_path, monkeypatch)
    made.volume = write_volume(tmp_path / "volume.zarr", (32, 16, 16))
    return made


def test_parquet_has_all_where_the_database_lists_a_part(
    cutouts: Cutouts, monkeypatch: pytest.MonkeyPatch
) -> None:
    import stitch

    monkeypatch.setattr(stitch, "PART_ROWS", 10)
    request = asked(cutouts)
    for name, limit in (("all", 10**6), ("part", 3)):
        if name == "part":
            assert bossflow_says("forget", request, "--yes")[0] == 0
        assert asked(cutouts, max_component_rows=limit) == request
        file = cutouts.directory / name
        code, text = bossflow_says(
            "components", request, "--format", "parquet", "--output", str(file)
        )
        assert (code, text) == (0, "")
    whole, part = (pq.read_table(cutouts.directory / name) for name in ("all", "part"))
    assert whole.num_rows > 20, "of several files"
    assert part.equals(whole)
    code, text = bossflow_says("components", request, "--format", "csv")
    assert code == 0 and len(text.splitlines()) == 5
    assert "`--format parquet` gives all of them" in text

    (file,) = cutouts.store.glob("STITCH/*/*/components/part-00001.parquet")
    before = file.read_bytes()
    out = cutouts.directory / "out"
    command = ("components", request, "--format", "parquet", "--output", str(out))
    for content in (None, before[:50] + b"!" + before[51:]):
        file.unlink() if content is None else file.write_bytes(content)
        code, text = bossflow_says(*command)
        assert code == 1 and file.name in text, text
        assert not out.exists()
    file.write_bytes(before)
    assert bossflow_says(*command)[0] == 0
    cutouts.store.rename(cutouts.store.with_name("elsewhere"))
    code, text = bossflow_says(*command)
    assert code == 1 and "is away: mount it, or give credentials" in text, text
    assert pq.read_table(out).equals(whole), "what was there stays"


def test_parquet_of_no_components_has_its_types(cutouts: Cutouts) -> None:
    request = asked(cutouts, component_of="foreground", foreground_above=200)
    files = cutouts.directory / "none", cutouts.directory / "some"
    for name, file in zip((request, asked(cutouts)), files, strict=True):
        assert bossflow_says("components", name, "--format", "parquet", "--output", str(file)) == (
            0,
            "",
        )
    assert pq.read_table(files[0]).num_rows == 0
    assert pq.read_schema(files[0]).equals(pq.read_schema(files[1]))


def test_parquet_goes_through_a_pipe(cutouts: Cutouts) -> None:
    request = asked(cutouts, max_component_rows=2)
    code = "from bossflow.command.main import main; main()"
    command = [sys.executable, "-c", code, "components", request, "--format", "parquet"]
    done = subprocess.run(command, capture_output=True, check=True)
    out = cutouts.directory / "out"
    out.write_bytes(done.stdout)
    (bundle,) = locations.every(cutouts.store, "STITCH")
    there = sum(pq.read_table(path).num_rows for path in bundle.glob("components/*"))
    assert pq.read_table(out).num_rows == there > 2
    assert not done.stderr, done.stderr


def test_lineage_of_a_component_that_only_files_list(cutouts: Cutouts) -> None:
    request = asked(cutouts, max_component_rows=2)
    (bundle,) = locations.every(cutouts.store, "STITCH")
    (file,) = (bundle / "components").iterdir()
    row = pq.read_table(file).to_pylist()[-1]
    code, told = bossflow_says("lineage", f"{request}#{row['component_id']}", "--json")
    about = json.loads(told)["about"]
    assert code == 0 and about["voxel_count"] == row["voxel_count"]
    content = file.read_bytes()
    for place in (4, len(content) // 2, len(content) - 6):
        file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        code, told = bossflow_says("lineage", f"{request}#{row['component_id']}")
        assert code == 1 and "is not what its bundle says" in told, place
    bundle.rename(bundle.with_name("away"))
    code, told = bossflow_says("lineage", f"{request}#{row['component_id']}")
    assert code == 1 and "it lists 1 to 2; the files that list all of them are away" in told


def test_supervoxels_and_measured_segments_are_listed_too(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A supervoxel has a lineage: of the blocks that its box meets."""
    flooding = Flooding(tmp_path, monkeypatch)
    source = write_affinities(tmp_path / "affinities", affinities((12, 16, 32)))
    asked = {"source": source, "low_threshold": 80, "high_threshold": 230}
    done = flooding.make(**asked, block_shape="16,16,16", max_component_rows=5)
    (pieces,) = done["plan"]["requests"]
    out = tmp_path / "pieces.parquet"
    code, text = bossflow_says("components", pieces, "--format", "json")
    assert code == 0 and "the database lists the first 5 supervoxels, the other" in text
    arguments = ("components", pieces, "--format", "parquet", "--output", str(out))
    assert bossflow_says(*arguments) == (0, "")
    (directory,) = flooding.store.glob("MERGE_BASINS/*/*/supervoxels")
    whole = pq.read_table(directory)
    assert pq.read_table(out).equals(whole) and whole.num_rows > 5
    last = whole.to_pylist()[-1]
    code, text = bossflow_says("lineage", f"{pieces}#{last['supervoxel_id']}", "--json")
    told = json.loads(text)
    assert code == 0 and told["about"] == {"request": pieces} | last
    blocks = {
        one["key"]["block"]
        for one in told["executions"].values()
        if one["process"] == "NUMBER_BASINS"
    }
    x0, x1 = last["supervoxel_x0"], last["supervoxel_x1"]
    assert blocks == {f"{x}-{x + 16}_0-16_0-12" for x in (0, 16) if x0 < x + 16 and x < x1}

    (tmp_path / "measure").mkdir()
    measuring = Measuring(tmp_path / "measure", monkeypatch)
    measuring.store = flooding.store
    (segments,) = measuring.make(source=f"bossflow://{pieces}")["plan"]["requests"]
    code, text = bossflow_says("components", segments, "--format", "json")
    assert [row["segment_voxel_count"] for row in json.loads(text)] == [
        row["supervoxel_voxel_count"] for row in whole.to_pylist()
    ]
    code, text = bossflow_says("lineage", f"{segments}#1")
    assert code == 1 and "has no components: they are of segmentations" in text
