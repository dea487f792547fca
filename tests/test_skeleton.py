"""Workflow skeleton: the same files whatever the blocks, read back as others read them."""

import json
import tempfile
from pathlib import Path
from typing import Any

import bossflow
import numpy as np
import pytest
from kit import bundles, locations
from making import write_precomputed
from meshing import Meshing
from pipeline import bossflow_says
from skeletoning import (
    DUST,
    FORK,
    PAIR,
    TUBE,
    Skeletonizing,
    directory_of,
    files,
    lines,
    neurites,
    rows,
    skeleton_set,
)
from steps import Cutouts, write_voxels
from voxels.boxes import Box
from voxels.meshes.shard import Sharding
from voxels.skeletons import run_files

OFFSET = (-7, 13, 21)  # ZYX
NM = (20, 20, 40)  # XYZ
HOW = {"min_voxels": 30, "const_nm": "100"}


@pytest.fixture
def skeletonizing(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Skeletonizing:
    return Skeletonizing(tmp_path, monkeypatch)


def written(path: Path, voxels: np.ndarray) -> str:
    """Write segments as a volume; return its URI."""
    volume = write_precomputed(path, voxels, OFFSET, "segmentation", resolution=list(NM))
    return f"precomputed://{volume}"


def test_files_are_the_same_for_any_blocks(skeletonizing: Skeletonizing, tmp_path: Path) -> None:
    voxels = neurites()
    asked: dict[str, Any] = {"source": written(tmp_path / "volume", voxels), "buckets": 4} | HOW
    one = skeletonizing.make(**asked, block_shape="64,64,64")
    assert one["verdict"] == {"missing": None}, one["summary"]
    assert "3 skeletons" in one["summary"] and "1 segment of too few voxels" in one["summary"]
    for shape in ("12,20,17", "5,48,31"):
        other = skeletonizing.make(**asked, block_shape=shape)
        assert skeleton_set(one)["request_id"] != skeleton_set(other)["request_id"]
        assert files(one) == files(other)
        told = bossflow.diff(*(skeleton_set(run)["request_id"] for run in (one, other)))
        assert told["made"]["rows"]["Skeleton"] == {
            "equal": 3,
            "differ": 0,
            "only_a": 0,
            "only_b": 0,
            "named": {"differ": [], "only_a": [], "only_b": []},
        }
    assert skeletonizing.make(**asked, block_shape="64,64,64")["plan"]["tasks"] == []
    code, said = bossflow_says("verify", "--request", one["plan"]["requests"][0])
    assert code == 0, said


def test_what_is_told_is_what_is_there(skeletonizing: Skeletonizing, tmp_path: Path) -> None:
    """Vertices are middles of voxels of the segment, where the volume lies."""
    voxels = neurites()
    asked: dict[str, Any] = {"source": written(tmp_path / "volume", voxels)} | HOW
    done = skeletonizing.make(**asked)
    legacy = skeletonizing.make(**asked, skeleton_format="legacy")
    assert rows(legacy) == [
        row | {"request_id": rows(legacy)[0]["request_id"]} for row in rows(done)
    ]
    directory = directory_of(done)
    assert lines(directory, DUST) is None
    told = {int(row["skeletonized_segment_id"]): row for row in rows(done)}
    assert [*told] == [TUBE, FORK, PAIR] and skeleton_set(done)["n_dust_segments"] == 1
    for segment, row in told.items():
        found, other = lines(directory, segment), lines(directory_of(legacy), segment)
        assert found is not None and other is not None
        assert all(np.array_equal(*pair) for pair in zip(found, other, strict=True))
        places = (found.vertices / NM - 0.5).astype(np.float64)
        assert np.abs(places - places.round()).max() < 1e-4
        z, y, x = (places.round().astype(int)[:, ::-1] - OFFSET).T
        assert (voxels[z, y, x] == segment).all()
        length = np.linalg.norm(np.diff(found.vertices[found.edges], axis=1), axis=2).sum()
        assert row["cable_length_nm"] == pytest.approx(length, rel=1e-5)
        assert row["n_skeleton_vertices"] == len(found.vertices)
        assert row["n_trees"] == len(found.vertices) - len(found.edges)
        degrees = np.bincount(found.edges.ravel(), minlength=len(found.vertices))
        assert (row["n_ends"], row["n_branches"]) == ((degrees == 1).sum(), (degrees > 2).sum())
        assert row["max_radius_nm"] == pytest.approx(found.radii.max())
    assert [told[one]["n_trees"] for one in (TUBE, FORK, PAIR)] == [1, 1, 2]
    assert [told[one]["n_ends"] for one in (TUBE, FORK, PAIR)] == [2, 3, 4]
    assert told[TUBE]["cable_length_nm"] == pytest.approx(60 * NM[0], rel=0.15)


def taken(run: dict[str, Any], process: str, name: str) -> dict[str, bool]:
    """Return by key whether a unit was taken from an earlier request, of those that were made."""
    lines = [json.loads(line) for path in run["receipts"] for line in path.read_text().splitlines()]
    made = [
        bundles.read(locations.local(line["url"]))
        for line in lines
        if line["process"] == process and line["state"] == "made"
    ]
    return {str(one.key[name]): "taken_from" in one.manifest for one in made}


def test_a_larger_cutout_makes_what_is_new(skeletonizing: Skeletonizing, tmp_path: Path) -> None:
    """Runs of new blocks, and the buckets that have segments there."""
    asked = {"source": written(tmp_path / "volume", neurites()), "buckets": 16} | HOW
    asked |= {"block_shape": "10,48,64", "min_voxels": 8}
    small = skeletonizing.make(**asked, z_range=[-7, 13])
    large = skeletonizing.make(**asked, z_range=[-7, 25])
    assert large["verdict"] == {"missing": None}, large["summary"]
    runs = taken(large, "RUNS_BLOCK", "block")
    assert {name.split("_")[2] for name in runs} == {"13-23", "23-25"}
    buckets = taken(large, "SKELETON_BUCKET", "skeleton_bucket")
    new = {str(one) for one in Sharding(4).shards([PAIR, DUST])}
    assert {name for name, was in buckets.items() if not was} == new and len(buckets) == 16
    there, before = files(large), files(small)
    shards = [name for name in before if name.endswith(".shard")]
    assert len(shards) == 2 and all(there[name] == before[name] for name in shards)
    skeletonizing.store = tmp_path / "alone"
    alone = skeletonizing.make(**asked, z_range=[-7, 25], source_changes="keep")
    assert files(alone) == there


def test_skeletons_of_components_go_with_the_block_that_they_were_made_of(
    skeletonizing: Skeletonizing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bossflow import BlockRuns, RunIndex, Segmentation, SkeletonSet

    (tmp_path / "label").mkdir()
    labelling = Cutouts(tmp_path / "label", monkeypatch)
    labelling.store = skeletonizing.store
    labelling.volume = write_voxels(tmp_path / "mask", (neurites() > 0).astype(np.uint8))
    cells: dict[str, Any] = {"block_shape": [16, 48, 32], "connectivity": 6, "min_voxels": 8}
    (small,) = labelling.label(**cells, z_range=[0, 16])["plan"]["requests"]
    how: dict[str, Any] = {"buckets": 2, "block_shape": "16,48,64"} | HOW
    skeletonizing.make(**how, source=f"bossflow://{small}")
    (source,) = labelling.label(**cells)["plan"]["requests"]
    asked: dict[str, Any] = {"source": f"bossflow://{source}"} | HOW  # the rest is as it was
    done = skeletonizing.make(**asked)
    assert done["verdict"] == {"missing": None}, done["summary"]
    grown = taken(done, "RUNS_BLOCK", "block")
    assert grown == {"0-64_0-48_0-16": True, "0-64_0-48_16-32": False}
    (n_components,) = (Segmentation & {"request_id": source}).to_arrays("n_components")
    assert skeleton_set(done)["n_skeletons"] == n_components - 1 == 4
    (request,) = done["plan"]["requests"]
    code, said = bossflow_says("lineage", request, "--json")
    processes = {one["process"] for one in json.loads(said)["executions"].values()}
    assert code == 0 and processes >= {"COLLECT_SKELETONS", "RUNS_BLOCK", "STITCH"}
    before = files(done)
    unit = (RunIndex.Source & {"request_id": request}).to_dicts(order_by="block DESC")[0]
    code, said = bossflow_says(
        "invalidate", "--block", unit["block"], "--channel", unit["channel_id"], "--yes"
    )
    assert code == 0, said
    assert len(SkeletonSet & {"request_id": request}) == 0
    assert len(BlockRuns & {"channel_id": unit["channel_id"]}) == 1
    labelling.label(**cells)
    again = skeletonizing.make(**asked)
    assert again["verdict"] == {"missing": None}, again["summary"]
    assert files(again) == before


def test_a_bucket_that_fails_is_named_and_the_others_stay(
    skeletonizing: Skeletonizing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import voxels.skeletonizing

    asked = {"source": written(tmp_path / "volume", neurites()), "buckets": 8} | HOW
    asked |= {"max_component_rows": 2}
    whole = voxels.skeletonizing.sparse.joined
    bucket = int(Sharding(3).shards([FORK])[0])

    def damaged(parts: Any) -> Any:
        found = whole(parts)
        if found[0, 0] == OFFSET[0] + 14:
            raise ValueError("two runs overlap")
        return found

    with monkeypatch.context() as patch:
        patch.setattr(voxels.skeletonizing.sparse, "joined", damaged)
        failed = skeletonizing.make(**asked)
    assert failed["states"].count("failed") == 1 and failed["states"].count("blocked") == 1
    missing = failed["verdict"]["missing"]
    assert f"skeleton_bucket={bucket} (segment {FORK}: two runs overlap" in missing
    done = skeletonizing.make(**asked)
    assert done["verdict"] == {"missing": None}, done["summary"]
    assert done["states"] == ["made", "made"]
    assert len(rows(done)) == 2 and skeleton_set(done)["n_skeletons"] == 3
    more = skeletonizing.make(**asked | {"max_component_rows": 3})
    assert len(rows(more)) == skeleton_set(more)["n_skeleton_rows"] == 3
    (request,) = done["plan"]["requests"]
    code, said = bossflow_says("verify", "--deep", "--request", request)
    assert code == 0, said


def test_skeletons_are_seen_and_taken_along(
    skeletonizing: Skeletonizing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a viewer with their volume and its meshes, on the page, and as SWC."""
    from bossflow.look import view

    source = written(tmp_path / "volume", neurites())
    done = skeletonizing.make(source=source, buckets=2, **HOW)
    (request,) = done["plan"]["requests"]
    shown, problems = view.opened([request], "public")
    ((name, _, served, _),) = shown
    assert (name, problems) == ("segments", []) and served.parts == ["", "/skeleton"]
    for path, content in files(done).items():
        assert served.answer(f"skeleton/{path}") == ("file", (content, None))
        part = content[5:9], "bytes 5-8/*"
        assert served.answer(f"skeleton/{path}", "bytes=5-8") == ("file", part)
    for path in ("skeleton/", "skeleton/../info", "skeleton/bundle.json", "mesh/info"):
        assert served.answer(path) is None
    longest = sorted(rows(done), key=lambda row: -row["cable_length_nm"])
    ids = [str(row["skeletonized_segment_id"]) for row in longest]
    (layer,) = view.state(shown, ["precomputed://a"]).to_json()["layers"]
    assert (layer["segments"], layer["segmentQuery"]) == (ids, ">cable_length_nm")
    page = tmp_path / "index.html"
    assert bossflow_says("page", "-o", str(page))[0] == 0
    html = page.read_text()
    assert f'<th scope="row">{ids[0]}</th>' in html and "could not be painted" not in html
    assert html.count('alt="the skeleton of segment ') == len(ids)
    (tmp_path / "meshed").mkdir()
    meshed = Meshing(tmp_path / "meshed", monkeypatch).make(source=source, buckets=1)
    ((_, _, both, _),), problems = view.opened([*meshed["plan"]["requests"], request], "public")
    assert both.parts == ["", "/mesh", "/skeleton"] and problems == []
    words = [word for one in (TUBE, PAIR) for word in ("--segment", str(one))]
    to = tmp_path / "swc"
    code, said = bossflow_says("export", request, *words, "--format", "swc", "--to", str(to))
    assert code == 0, said
    for segment, trees in ((TUBE, 1), (PAIR, 2)):
        found = lines(directory_of(done), segment)
        text = (to / f"{segment}.swc").read_text().splitlines()
        table = np.array([line.split() for line in text if line[:1] != "#"], np.float64)
        assert found is not None and len(table) == len(found.vertices)
        assert (table[:, 6] == -1).sum() == trees and (table[:, 6] < table[:, 0]).all()
        places = found.vertices.astype(float) / 1000
        np.testing.assert_allclose(np.sort(table[:, 2:5], 0), np.sort(places, 0), atol=1e-6)
        assert table[:, 5].max() == pytest.approx(found.radii.max() / 1000, rel=1e-5)
    words = ["--segment", str(DUST), "--format", "swc", "--to", str(tmp_path / "none")]
    code, said = bossflow_says("export", request, *words)
    assert code == 1 and f"there is no skeleton of segment {DUST}" in said
    assert not (tmp_path / "none").exists()
    code, said = bossflow_says("export", request, "--format", "swc", "--to", str(tmp_path / "none"))
    assert code == 2 and "say which, such as --segment 7" in said


def test_what_can_not_be_is_a_sentence(skeletonizing: Skeletonizing, tmp_path: Path) -> None:
    floats = write_voxels(tmp_path / "floats", np.ones((9, 9, 9), np.float32))
    problem = skeletonizing.make(source=f"zarr://{floats}")["plan"]["problem"]
    assert "has dtype float32, and skeletons are of segment ids" in problem
    voxels = np.zeros((5, 6, 8), np.uint8)
    voxels[1:4, 2:5, 3:8] = 7
    far = write_precomputed(tmp_path / "far", voxels, (0, 0, 2**24 + 1), "segmentation")
    problem = skeletonizing.make(source=f"precomputed://{far}")["plan"]["problem"]
    assert "off by up to" in problem and "choose a coarser resolution" in problem
    near = f"precomputed://{write_precomputed(tmp_path / 'near', voxels, kind='segmentation')}"
    assert "buckets 3" in skeletonizing.make(source=near, buckets=3)["plan"]["problem"]
    assert not skeletonizing.store.exists()
    done = skeletonizing.make(source=near)
    assert done["verdict"] == {"missing": None} and "0 skeletons" in done["summary"]
    assert [*files(done)] and lines(directory_of(done), 7) is None


def test_runs_are_what_was_written() -> None:
    """A damaged range is refused, and what was written is the block's, wherever that lies."""
    random = np.random.default_rng(3)
    voxels = random.integers(0, 5, (7, 9, 11)).astype(np.uint16) * 3001
    box = Box.of((-4, 70, 2**20), voxels.shape)
    sharding = Sharding(2)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "runs.arrow")
        slices = run_files.write(path, run_files.of_block(voxels), sharding)
        content = path.read_bytes()
    again = np.zeros_like(voxels)
    for one in slices:
        part = content[one.start : one.end]
        found = run_files.read(part, box, one.digest)
        assert (sharding.shards(found.segment_ids) == one.bucket).all()
        assert len(found.runs) == one.n_runs
        owners = np.repeat(found.segment_ids, np.diff(found.offsets))
        for segment, (z, y, x0, x1) in zip(owners.tolist(), found.runs.tolist(), strict=True):
            again[z + 4, y - 70, x0 - 2**20 : x1 - 2**20] = segment
        damaged = part[:-20] + bytes([part[-20] ^ 1]) + part[-19:]
        with pytest.raises(ValueError, match="they were changed, or are damaged"):
            run_files.read(damaged, box, one.digest)
    np.testing.assert_array_equal(again, voxels)
