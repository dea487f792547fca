"""What there is to look at of requests, from the database alone."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from archive_server import Serve
from archive_server import serve as serve
from asked import cutouts as cutouts
from bossflow.archive_server.served import volume_of
from kit import locations
from making import Downsampling, Transferring, noise, write_precomputed
from pipeline import Pipeline, bossflow_says
from pipeline import files as files
from pipeline import pipeline as pipeline
from pipeline import toy as toy
from steps import Cutouts, write_voxels
from voxels.archives import archive_of
from voxels.boxes import Box

LABELLED = {"stage": False, "block_shape": [16, 16, 16], "x_range": [3, 41], "min_voxels": 2}


def shown(*runs: dict[str, Any]) -> list[Any]:
    from bossflow.look.shown import layers

    for run in runs:
        assert run["verdict"] == {"missing": None}, run["summary"]
    return layers(name for run in runs for name in run["plan"]["requests"])


def is_there(layer: Any) -> None:
    """Check a layer against what the archive's reader says of its files."""
    uri = layer.source or f"{layer.place.format}://{layer.place.store / layer.place.path}"
    for level in layer.levels:
        told = archive_of(uri).describe(uri, level.number, "", "")
        assert told["dtype"] == layer.dtype
        assert tuple(told["voxel_size_nm_zyx"][::-1]) == level.voxel_size_nm_xyz
        assert {"image": "image", "annotation": "segmentation"}[told["kind"]] == layer.kind
        whole = Box.of(told["offset_zyx"], told["shape_zyx"])
        assert whole.contains(Box.parse(level.box.name)), (whole, level)


def test_of_a_segmentation_source_and_volume_are_shown(cutouts: Cutouts, tmp_path: Path) -> None:
    voxels = (np.random.default_rng(1).random((40, 36, 44)) < 0.3).astype(np.uint8)
    cutouts.volume = write_voxels(tmp_path / "mask", voxels)
    image, volume = shown(cutouts.label(**LABELLED, component_of="foreground"))
    assert (image.name, image.kind, image.dtype) == ("image", "image", "uint8")
    assert image.source == f"zarr://file://{tmp_path / 'mask'}"
    assert image.place is None and image.box == Box(3, 41, 0, 36, 0, 40)
    assert image.voxel_size_nm_xyz == (8.0, 8.0, 30.0)
    assert (volume.name, volume.kind, volume.source) == ("volume", "segmentation", None)
    assert volume.box == image.box and volume.place.format == "precomputed"
    assert list((volume.table.store / volume.table.path).glob("*.parquet"))
    is_there(image), is_there(volume)
    again = cutouts.label(**LABELLED | {"source": f"bossflow://{volume.request_id}"})
    first, second = shown(again)
    assert (first.kind, first.place, first.problem) == ("segmentation", volume.place, None)
    assert second.place != first.place
    is_there(first), is_there(second)


def test_of_what_is_not_here_it_is_said_why(cutouts: Cutouts, tmp_path: Path) -> None:
    from bossflow.look.shown import layers

    cutouts.volume = write_voxels(tmp_path / "mask", noise((20, 20, 50), "uint8", seed=5) // 50)
    run = cutouts.label(**LABELLED)
    assert shown(run)[1].problem is None
    plan, _ = cutouts.plan(**LABELLED | {"min_voxels": 5})
    image, volume = layers(plan["requests"])
    assert image.source and f"request {volume.request_id} is not made yet" in volume.problem
    shutil.move(cutouts.store, tmp_path / "elsewhere")
    (volume,) = shown(run)[1:]
    assert volume.place is None
    assert f"lies in store {cutouts.store} of " in volume.problem and "is away" in volume.problem


@pytest.mark.parametrize("dest", [None, "dest"])
def test_of_pyramids_all_levels_and_of_copies_their_place(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dest: str | None
) -> None:
    path = write_precomputed(tmp_path / "volume", noise((32, 70, 61), "uint8"), (-7, 13, 21))
    asked = {"source": f"precomputed://{path}", "block_shape": "16,64,64", "chunk_shape": "8,16,16"}
    if dest is None:
        (tmp_path / "levels").mkdir()
        made = Downsampling(tmp_path / "levels", monkeypatch).make(**asked | {"levels": 2})
        image, pyramid = shown(made)
        assert len(pyramid.levels) == 2 and pyramid.levels[0].key != pyramid.levels[1].key
        is_there(image), is_there(pyramid)
    where = {"dest": str(tmp_path / dest)} if dest else {}
    made = Transferring(tmp_path, monkeypatch).make(**asked | where | {"volume_format": "zarr"})
    image, volume = shown(made)
    assert (volume.source is None) == (dest is None)
    if dest:
        assert volume.source == f"zarr://{locations.url(tmp_path / dest)}"
    assert volume.box == image.box
    is_there(image), is_there(volume)


def test_an_image_is_looked_at_with_the_result_and_the_last_one_counts(
    cutouts: Cutouts, tmp_path: Path
) -> None:
    voxels = noise((20, 20, 50), "uint8", seed=7) // 50
    cutouts.volume = write_voxels(tmp_path / "mask", voxels)
    kept, other = (
        write_precomputed(tmp_path / name, noise((9, 90, 120), "uint8"), (2, -5, 30))
        for name in ("image", "an'other \\ %s")
    )
    run = cutouts.label(**LABELLED, image_source=f"precomputed://{kept}")
    image, volume = shown(run)
    assert (image.name, image.kind, image.levels) == ("image", "image", ())
    assert image.source == f"precomputed://file://{kept}"
    tasks = (cutouts.directory / "run1" / "tasks").glob("*.jsonl")
    assert not any("precomputed" in task.read_text() for task in tasks)
    again = cutouts.label(**LABELLED, image_source=f"precomputed://{other}")
    assert again["plan"]["tasks"] == [] and again["plan"]["requests"] == run["plan"]["requests"]
    assert shown(again)[0].source == f"precomputed://file://{other}"
    code, text = bossflow_says("status", "--request", volume.request_id, "--json")
    (told,) = json.loads(text)["requests"]
    assert told["image_source"] == f"precomputed://file://{other}"
    without = cutouts.label(**LABELLED)
    assert shown(without)[0].source == f"precomputed://file://{other}"
    away = {"image_source": "bossdb://lab/slice/em", "bossdb_host": "http://127.0.0.1:9"}
    problem = cutouts.plan(**LABELLED, **away)[0]["problem"]
    assert "image_source: http://127.0.0.1:9 can't be reached" in problem
    here = cutouts.label(**LABELLED, image_source=f"bossflow://{volume.request_id[:12]}")
    assert shown(here)[0].place == volume.place and shown(here)[0].kind == "segmentation"
    another = cutouts.label(
        **LABELLED | {"min_voxels": 4}, image_source=f"bossflow://{volume.request_id}"
    )
    assert shown(another)[0].place == volume.place
    code, text = bossflow_says("forget", *here["plan"]["requests"], "--yes")
    assert code == 0, text
    image, kept = shown(another)
    assert kept.place and not image.place and "its request was forgotten" in image.problem


def test_an_image_that_is_away_holds_up_nothing_that_is_recorded(
    cutouts: Cutouts, tmp_path: Path, serve: Serve
) -> None:
    cutouts.volume = write_voxels(tmp_path / "mask", noise((20, 20, 50), "uint8", seed=9) // 50)
    uri = "bossdb://lab/slice/em"
    em = volume_of(noise((20, 20, 50), "uint8"), (0, 0, 0), (30.0, 8.0, 8.0))
    host = serve({uri: em})
    assert shown(cutouts.label(**LABELLED, image_source=uri, bossdb_host=host))[0].host == host
    plan, _ = cutouts.plan(**LABELLED, image_source=uri, bossdb_host="http://127.0.0.1:9")
    assert plan["problem"] is None and plan["tasks"] == []


@pytest.mark.parametrize(
    ("image", "said"),
    [
        ("zarr://nowhere", "image_source: there is no Zarr array or group at zarr://"),
        ("bossdb:/a", "names no archive that is known here"),
        ("precomputed://far", "lies elsewhere than the cutout 3-41_0-20_0-20: it has 160..404, "),
        ("bossflow://abcdef", "no request has an id starting with 'abcdef', or that name"),
    ],
)
def test_an_image_that_can_not_be_shown_is_refused(
    cutouts: Cutouts, tmp_path: Path, image: str, said: str
) -> None:
    cutouts.volume = write_voxels(tmp_path / "mask", noise((20, 20, 50), "uint8") // 50)
    write_precomputed(tmp_path / "far", noise((8, 70, 61), "uint8"), (900, 13, 40))
    plan, _ = cutouts.plan(**LABELLED, image_source=image)
    assert said in plan["problem"] and "\n" not in plan["problem"] and plan["tasks"] == []


def test_of_what_makes_no_volumes_there_is_nothing(pipeline: Pipeline, files: list[Path]) -> None:
    assert shown(pipeline.run(files)) == []
