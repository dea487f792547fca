"""OME-Zarr's collections: plates, series of bioformats2raw, label images within an image."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from file_server import Server
from file_server import server as server
from formats import SIZE, Voxels, describe, ome, pattern, read
from pipeline import bossflow_says
from voxels.archives import Refused
from voxels.boxes import Box

BOXES = [Box(4, 9, 1, 6, 7, 8), Box(0, 28, 3, 19, 9, 20)]
VERSIONS = ("0.4", "0.5")


def group(path: Path, version: str, **about: Any) -> None:
    """Write a group; of 0.5 what OME says is beneath a key of its own."""
    node = zarr.open_group(path, mode="a", zarr_format=2 if version == "0.4" else 3)
    node.attrs.update(about if version == "0.4" else {"ome": {"version": version, **about}})


def plate(path: Path, version: str, wells: tuple[str, ...] = ("A/1", "B/2")) -> str:
    """Write a plate of two fields a well, as ome-zarr-py lays it out."""
    about = {
        "columns": [{"name": "1"}, {"name": "2"}],
        "rows": [{"name": "A"}, {"name": "B"}],
        "wells": [{"path": w, "rowIndex": i, "columnIndex": i} for i, w in enumerate(wells)],
    } | ({"version": version} if version == "0.4" else {})
    group(path, version, plate=about)
    for number, well in enumerate(wells):
        group(path / well[0], version)
        group(path / well, version, well={"images": [{"path": "0"}, {"path": "1"}]})
        for field in (0, 1):
            ome(path / well / str(field), field_of(number, field), version)
    return f"zarr://file://{path}"


def field_of(well: int, field: int) -> Voxels:
    return pattern(dtype="uint16", seed=10 * well + field)


def labels(path: Path, version: str, names: tuple[str, ...] = ("cells", "nuclei")) -> None:
    """Write label images into an image; the last one without units, as writers leave them."""
    group(path / "labels", version, labels=list(names))
    for seed, name in enumerate(names):
        unit = None if name == names[-1] else "micrometer"
        image = {"image-label": {"source": {"image": "../../"}}}
        ome(path / "labels" / name, pattern(seed=seed), version, unit=unit, **image)


def inside(uri: str) -> dict[str, list[str]]:
    code, text = bossflow_says("describe", uri, "--json")
    assert code == 0, text
    named: dict[str, list[str]] = json.loads(text)["inside"]
    return named


@pytest.mark.parametrize("version", VERSIONS)
def test_a_field_of_a_plate_is_read_by_its_path(tmp_path: Path, version: str) -> None:
    uri = plate(tmp_path / "plate", version)
    told = describe(f"{uri}/B/2/1")
    assert (told["voxel_size_nm_zyx"], told["offset_zyx"]) == ([*SIZE], [0, 0, 0])
    for box in BOXES:
        found = read(f"{uri}/B/2/1", "uint16", box)
        np.testing.assert_array_equal(found, field_of(1, 1)[box.slices((0, 0, 0))])
    fields = [f"{uri}/A/1/0", f"{uri}/A/1/1"]
    wells = [f"{uri}/A/1", f"{uri}/B/2"]
    assert inside(uri) == {"wells": wells, "fields of A/1": fields}
    assert inside(f"{uri}/A/1") == {"fields": fields}
    with pytest.raises(Refused, match=r"it has wells: A/1, B/2; fields of A/1: A/1/0, A/1/1$"):
        describe(uri)
    with pytest.raises(Refused, match=r"name the image or array in it; it has fields: 0, 1$"):
        describe(f"{uri}/B/2")
    with pytest.raises(Refused, match="there is no Zarr array or group at .*/B/2/7"):
        describe(f"{uri}/B/2/7")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("listed", [True, False])
def test_series_of_bioformats2raw_are_named(tmp_path: Path, version: str, listed: bool) -> None:
    path = tmp_path / "converted"
    group(path, version, **{"bioformats2raw.layout": 3})
    if listed:
        group(path / "OME", version, series=["1", "0"])
    for number in (0, 1):
        ome(path / str(number), pattern(seed=number), version, axes="tczyx")
    uri = f"zarr://file://{path}"
    names = ["1", "0"] if listed else ["0", "1"]
    assert inside(uri) == {"series": [f"{uri}/{name}" for name in names]}
    with pytest.raises(Refused, match=f"it has series: {', '.join(names)}$"):
        describe(uri)
    for box in BOXES:
        found = read(f"{uri}/1", "uint32", box)
        np.testing.assert_array_equal(found, pattern(seed=1)[box.slices((0, 0, 0))])


@pytest.mark.parametrize("version", VERSIONS)
def test_label_images_are_named_within_their_image(tmp_path: Path, version: str) -> None:
    image = pattern(dtype="uint8")
    uri = ome(tmp_path / "image", image, version)
    labels(tmp_path / "image", version)
    named = [f"{uri}/labels/cells", f"{uri}/labels/nuclei"]
    assert inside(uri) == {"label images": named}
    assert inside(f"{uri}/labels") == {"label images": named}
    assert inside(named[0]) == {}
    with pytest.raises(Refused, match="it has label images: cells, nuclei$"):
        describe(f"{uri}/labels")
    assert describe(uri)["kind"] == "image"  # without a name it is the image
    np.testing.assert_array_equal(read(uri, "uint8", BOXES[0]), image[BOXES[0].slices((0, 0, 0))])
    for seed, one in enumerate(named):
        told = describe(one)
        assert (told["kind"], told["voxel_size_nm_zyx"]) == ("annotation", [*SIZE])
        for box in BOXES:
            found = read(one, "uint32", box)
            np.testing.assert_array_equal(found, pattern(seed=seed)[box.slices((0, 0, 0))])


def test_a_plate_behind_http_is_told(tmp_path: Path, server: Server) -> None:
    uri = server.over_http(plate(tmp_path / "plate", "0.5"))
    assert inside(uri)["fields of A/1"] == [f"{uri}/A/1/0", f"{uri}/A/1/1"]
    assert len(server.asked) <= 8  # however many wells it has
    box = BOXES[1]
    found = read(f"{uri}/A/1/0", "uint16", box)
    np.testing.assert_array_equal(found, field_of(0, 0)[box.slices((0, 0, 0))])


@pytest.mark.parametrize(
    "about",
    [{"plate": {"wells": [{}]}}, {"plate": []}, {"well": {"images": 3}}, {"plate": {"wells": [3]}}],
)
def test_senseless_collections_are_one_sentence(tmp_path: Path, about: dict[str, Any]) -> None:
    group(tmp_path / "group", "0.4", **about)
    uri = f"zarr://{tmp_path}/group"
    with pytest.raises(Refused, match="make no sense"):
        describe(uri)
    code, text = bossflow_says("describe", uri)
    assert code == 1 and "make no sense" in text and text.count("\n") == 1
