"""Workflow mesh: the same files whatever the blocks, read back as others read them."""

import json
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import bossflow
import numpy as np
import pytest
import requests
import viewing
from kit import bundles, locations
from making import write_precomputed
from meshing import Meshing, closed_volume, directory_of, files, finest, mesh_set, rows
from pipeline import bossflow_says
from steps import Cutouts, write_voxels
from voxels.meshes.shard import Sharding

IDS = np.array([0, 3, 2**40 + 1, 7, 2**63 + 9], np.uint64)


@pytest.fixture
def meshing(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Meshing:
    return Meshing(tmp_path, monkeypatch)


def segments(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Return blobs of a few ids, some of which touch the border, and zeros."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, len(IDS), [-(-side // 6) for side in shape])
    voxels = coarse.repeat(6, 0).repeat(6, 1).repeat(6, 2)[tuple(map(slice, shape))]
    return IDS[np.where(random.random(shape) < 0.1, 0, voxels)]


def test_files_are_the_same_for_any_blocks(meshing: Meshing, tmp_path: Path) -> None:
    voxels = segments((26, 40, 33))
    volume = write_precomputed(tmp_path / "volume", voxels, (-7, 13, 21), "segmentation")
    asked: dict[str, Any] = {"source": f"precomputed://{volume}", "buckets": 4, "keep": "1"}
    one = meshing.make(**asked, block_shape="64,64,64")
    assert one["verdict"] == {"missing": None}, one["summary"]
    other = meshing.make(**asked, block_shape="12,20,17")
    assert mesh_set(one)["request_id"] != mesh_set(other)["request_id"]
    assert files(one) == files(other)
    assert [row["meshed_segment_id"] for row in rows(one)] == sorted(map(int, IDS[1:]))
    for row in rows(one):
        segment = int(row["meshed_segment_id"])
        surface = finest(directory_of(one), segment)
        assert surface is not None and row["is_closed"] == 1
        inside = np.argwhere(voxels == segment)[:, ::-1] + [21, 13, -7]
        low, high = inside.min(axis=0) * [4, 4, 40], (inside.max(axis=0) + 1) * [4, 4, 40]
        np.testing.assert_allclose(surface[0].min(axis=0), low, atol=0.05)
        np.testing.assert_allclose(surface[0].max(axis=0), high, atol=0.05)
        assert closed_volume(surface) == pytest.approx(row["volume_nm3"], rel=1e-3)
    told = bossflow.diff(*(mesh_set(run)["request_id"] for run in (one, other)))
    assert "makes no segmentation" in told["not_compared"] and told["segmentation"] is None
    number, made = len(files(one)) + 1, told["made"]  # a table beside the meshes
    none = {"differ": 0, "only_a": 0, "only_b": 0, "named": ANY}
    assert made["files"] == {"equal": number, **none}
    assert made["rows"] == {"Mesh": {"equal": len(IDS) - 1, **none}}
    assert finest(directory_of(one), 12345) is None
    assert meshing.make(**asked, block_shape="64,64,64")["plan"]["tasks"] == []
    code, said = bossflow_says("verify", "--request", one["plan"]["requests"][0])
    assert code == 0, said


def taken(run: dict[str, Any], process: str) -> dict[str, bool]:
    """Return by key whether a unit was taken from an earlier request, of those that were made."""
    lines = [json.loads(line) for path in run["receipts"] for line in path.read_text().splitlines()]
    made = [
        bundles.read(locations.local(line["url"]))
        for line in lines
        if line["process"] == process and line["state"] == "made"
    ]
    name = "block" if process == "SURFACE_BLOCK" else "mesh_bucket"
    return {str(one.key[name]): "taken_from" in one.manifest for one in made}


def test_a_larger_cutout_makes_what_is_new(meshing: Meshing, tmp_path: Path) -> None:
    """Cubes of new blocks, and the buckets that have segments there."""
    voxels = np.zeros((32, 24, 24), np.uint32)
    voxels[2:9, 3:20, 4:20], voxels[10:13, 3:9, 3:9] = 5, 6
    voxels[3:14, 21:23, 2:20], voxels[20:29, 4:20, 5:18] = 9, 12
    volume = write_precomputed(tmp_path / "volume", voxels, kind="segmentation")
    asked = {"source": f"precomputed://{volume}", "buckets": 8, "block_shape": "8,16,16"}
    small = meshing.make(**asked, z_range=[0, 16])
    large = meshing.make(**asked, z_range=[0, 32])
    assert large["verdict"] == {"missing": None}, large["summary"]
    surfaces = taken(large, "SURFACE_BLOCK")
    assert len(surfaces) == 8 and all(int(name.split("_")[2][:2]) >= 16 for name in surfaces)
    buckets = taken(large, "MESH_BUCKET")
    assert len(buckets) == 8 and [name for name, was in buckets.items() if not was] == [
        str(Sharding(3).shards([12])[0])
    ]
    there, before = files(large), files(small)
    shards = [name for name in before if name.endswith(".shard")]
    assert len(shards) == 3 and all(there[name] == before[name] for name in shards)
    assert rows(large)[:3] == [
        row | {"request_id": rows(large)[0]["request_id"]} for row in rows(small)
    ]
    told = bossflow_says("diff", *(mesh_set(run)["request_id"] for run in (small, large)))[1]
    assert "\nrows of Mesh: 3 equal, 1 only B's\n  only B's: meshed_segment_id=12\n" in told, told
    assert "\nfiles: 4 equal, 2 differ, 1 only B's\n" in told, told
    assert f"only B's: INDEX_SURFACES/mesh/{Sharding(3).shards([12])[0]}.shard\n" in told, told
    meshing.store = tmp_path / "alone"
    assert files(meshing.make(**asked, z_range=[0, 32], source_changes="keep")) == there


def test_meshes_of_components_go_with_the_block_that_they_were_made_of(
    meshing: Meshing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bossflow import BlockSurface, MeshSet, Segmentation
    from bossflow.look import view

    voxels = segments((26, 40, 33)).astype(bool).astype(np.uint8)
    voxels[15:17] = 0
    (tmp_path / "label").mkdir()
    labelling = Cutouts(tmp_path / "label", monkeypatch)
    labelling.store, labelling.volume = meshing.store, write_voxels(tmp_path / "mask", voxels)
    cells: dict[str, Any] = {"block_shape": [16, 16, 16], "connectivity": 6, "min_voxels": 8}
    given: dict[str, Any] = {"buckets": 2, "block_shape": "16,16,32"}
    (small,) = labelling.label(**cells, z_range=[0, 16])["plan"]["requests"]
    (of_small,) = meshing.make(**given, source=f"bossflow://{small}")["plan"]["requests"]
    (source,) = labelling.label(**cells)["plan"]["requests"]
    asked: dict[str, Any] = {"source": f"bossflow://{source}"}  # the rest is as it was
    done = meshing.make(**asked)
    grown = taken(done, "SURFACE_BLOCK")
    assert grown == {name: name.endswith("_0-16") for name in grown} and len(grown) == 12
    assert done["verdict"] == {"missing": None}, done["summary"]
    (request,) = done["plan"]["requests"]
    (n_components,) = (Segmentation & {"request_id": source}).to_arrays("n_components")
    assert [row["meshed_segment_id"] for row in rows(done)] == [*range(1, n_components + 1)]
    code, said = bossflow_says("lineage", request, "--json")
    processes = {one["process"] for one in json.loads(said)["executions"].values()}
    assert code == 0 and processes >= {"COLLECT_MESHES", "MESH_BUCKET", "SURFACE_BLOCK", "STITCH"}
    (_, both), problems = view.opened([source, request], "public")
    assert both.layer.table and both.volume.parts == ["", "/mesh"] and problems == []
    before = files(done)
    unit = next(one for one in meshed_blocks(request) if not grown[one["block"]])
    code, said = bossflow_says(
        "invalidate", "--block", unit["block"], "--channel", unit["channel_id"], "--yes"
    )
    assert code == 0, said
    assert len(MeshSet & {"request_id": request}) == 0
    assert len(MeshSet & {"request_id": of_small}) == 1
    assert len(BlockSurface & {"channel_id": unit["channel_id"]}) == 11
    assert "is not whole" in meshing.make(**asked)["plan"]["problem"]
    labelling.label(**cells)
    again = meshing.make(**asked)
    assert again["verdict"] == {"missing": None}, again["summary"]
    assert files(again) == before
    assert taken(again, "SURFACE_BLOCK") == {unit["block"]: False}


def meshed_blocks(request: str) -> list[dict[str, Any]]:
    from bossflow import MeshIndex

    found: list[dict[str, Any]] = (MeshIndex.Source & {"request_id": request}).to_dicts()
    return found


def test_meshes_are_seen_and_taken_along(meshing: Meshing, tmp_path: Path) -> None:
    """By a viewer with their volume, whole and in parts, and as files of other programs."""
    import trimesh
    from bossflow.look import view

    voxels = segments((26, 40, 33))
    volume = write_precomputed(tmp_path / "volume", voxels, (-7, 13, 21), "segmentation")
    done = meshing.make(source=f"precomputed://{volume}", buckets=2)
    (request,) = done["plan"]["requests"]
    ((name, _, served, _),), problems = view.opened([request], "public")
    assert (name, problems) == ("segments", [])
    assert served.parts == ["", "/mesh"]
    for path, content in files(done).items():
        assert served.answer(f"mesh/{path}") == ("file", (content, None))
        if len(content) > 9:
            part = content[5:9], "bytes 5-8/*"
            assert served.answer(f"mesh/{path}", "bytes=5-8") == ("file", part)
    for path in ("mesh/", "mesh/../info", "mesh/bundle.json", "mesh/9.shard", "mesh/7:0"):
        assert served.answer(path) is None
    with viewing.serving(served) as there:
        address, content = f"{there.base}/0/mesh/0.shard", files(done)["0.shard"]
        part = requests.get(address, headers={"Range": "bytes=2-1000000"})
        assert part.status_code == 206 and part.content == content[2:]
        assert part.headers["Content-Range"] == f"bytes 2-{len(content) - 1}/*"
        assert requests.get(address).content == content
    state = view.state(view.opened([request], "public")[0], ["precomputed://a"]).to_json()
    largest = sorted(rows(done), key=lambda row: -row["volume_nm3"])
    assert state["layers"][0]["segments"] == [str(row["meshed_segment_id"]) for row in largest]
    page = tmp_path / "index.html"
    code, said = bossflow_says("page", "-o", str(page))
    assert (
        code == 0 and f'<th scope="row">{largest[0]["meshed_segment_id"]}</th>' in page.read_text()
    )
    assert all(0 < row["simplified_nm"] <= 40 for row in largest)
    segment = largest[0]["meshed_segment_id"]
    expected = finest(directory_of(done), int(segment))
    assert expected is not None
    for form in ("ply", "obj", "glb"):
        to, words = tmp_path / form, ("--segment", str(segment), "--format", form)
        code, said = bossflow_says("export", request, *words, "--to", str(to))
        assert code == 0, said
        mesh = trimesh.load_mesh(to / f"{segment}.{form}", process=False)
        assert closed_volume((mesh.vertices, mesh.faces)) == pytest.approx(
            closed_volume(expected), rel=1e-5
        )
    words = ("--segment", "12", "--format", "ply", "--to", str(tmp_path / "none"))
    code, said = bossflow_says("export", request, *words)
    assert code == 1 and "there is no mesh of segment 12" in said
    assert not (tmp_path / "none").exists()


def test_a_bucket_that_fails_is_named_and_the_others_stay(
    meshing: Meshing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import voxels.meshing

    volume = write_precomputed(tmp_path / "volume", segments((13, 20, 20)), kind="segmentation")
    asked = {"source": f"precomputed://{volume}", "buckets": 8, "mesh_format": "legacy"}
    asked |= {"max_component_rows": 2}
    whole = voxels.meshing.gathered.united
    bucket = int(Sharding(3).shards([7])[0])

    def damaged(parts: Any) -> Any:
        found = whole(parts)
        return found._replace(cubes=found.cubes[1:]) if 7 in found.segment_ids else found

    with monkeypatch.context() as patch:
        patch.setattr(voxels.meshing.gathered, "united", damaged)
        failed = meshing.make(**asked)
    assert failed["states"].count("failed") == 1 and failed["states"].count("blocked") == 1
    missing = failed["verdict"]["missing"]
    assert "MESH_BUCKET" in missing and f"mesh_bucket={bucket} (segment 7: " in missing
    done = meshing.make(**asked)
    assert done["verdict"] == {"missing": None}, done["summary"]
    assert done["states"] == ["made", "made"]
    assert len(files(done)) == 2 * 4 + 2
    (row,) = {row["meshed_segment_id"] for row in rows(done)} - {3}
    assert row == 7 and mesh_set(done)["n_meshes"] == 4, "two of four are rows"
    more = meshing.make(**asked | {"max_component_rows": 3})
    assert len(rows(more)) == mesh_set(more)["n_mesh_rows"] == 3
    (request,) = done["plan"]["requests"]
    code, said = bossflow_says("verify", "--deep", "--request", request)
    assert code == 0, said
    shard = directory_of(done) / "7"
    shard.write_bytes(shard.read_bytes()[:-1] + b"x")
    code, said = bossflow_says("verify", "--request", request, "--retire")
    assert "1 MESH_BUCKET" in said
    assert meshing.make(**asked)["states"] == ["made", "made"]


def test_positions_far_away_are_not_rounded(meshing: Meshing, tmp_path: Path) -> None:
    """67 mm from 0, 32-bit floats are 8 nm apart, and voxels 4."""
    voxels, far = np.zeros((5, 6, 8), np.uint8), 2**24 + 1
    voxels[1:4, 2:5, 3:8] = 7
    volume = write_precomputed(tmp_path / "volume", voxels, (0, 0, far), "segmentation")
    asked = {"source": f"precomputed://{volume}", "keep": 1}
    problem = meshing.make(**asked, mesh_format="legacy")["plan"]["problem"]
    assert "off by up to 4 nm in" in problem and "choose multires" in problem
    assert not meshing.store.exists()
    done = meshing.make(**asked)
    (request,) = done["plan"]["requests"]
    surface = finest(directory_of(done), 7)
    assert surface is not None
    x = surface[0][:, 0]
    np.testing.assert_allclose([x.min(), x.max()], [4 * (far + 3), 4 * (far + 8)], atol=0.01)
    words = (request, "--segment", "7", "--to", str(tmp_path / "to"))
    code, said = bossflow_says("export", *words, "--format", "ply")
    assert code == 1 and "segment 7 can't be ply: 32-bit floats would move" in said
    assert not (tmp_path / "to").exists()
    code, said = bossflow_says("export", *words, "--format", "obj")
    assert code == 0, said
    lines = [line.split() for line in (tmp_path / "to" / "7.obj").read_text().splitlines()]
    written = np.array([line[1:4] for line in lines if line[:1] == ["v"]], np.float64)
    there, wanted = (np.unique(some.round(3), axis=0) for some in (written, surface[0]))
    np.testing.assert_array_equal(there, wanted)


def test_what_is_no_segmentation_is_a_sentence(meshing: Meshing, tmp_path: Path) -> None:
    voxels = write_voxels(tmp_path / "floats", np.ones((9, 9, 9), np.float32))
    run = meshing.make(source=f"zarr://{voxels}")
    assert "has dtype float32, and meshes are of segment ids" in run["plan"]["problem"]
    signed = np.zeros((9, 9, 9), np.int16)
    signed[7:, 3, 5:] = -3
    voxels = write_voxels(tmp_path / "signed", signed)
    assert "buckets 3" in meshing.make(source=f"zarr://{voxels}", buckets=3)["plan"]["problem"]
    asked: dict[str, Any] = {"source": f"zarr://{voxels}", "mesh_format": "legacy"}
    assert "levels 4 in the parameters are of" in meshing.make(**asked, levels=4)["plan"]["problem"]
    assert not meshing.store.exists()
    failed = meshing.make(source=f"zarr://{voxels}", block_shape="5,9,9")
    assert "voxel 5,3,7 (x,y,z) is -3, which is no segment id" in failed["verdict"]["missing"]
    empty = write_voxels(tmp_path / "empty", np.zeros((9, 9, 9), np.int16))
    done = meshing.make(source=f"zarr://{empty}")
    assert done["verdict"] == {"missing": None} and "0 meshes" in done["summary"]
