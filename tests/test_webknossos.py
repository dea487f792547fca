"""Layers of webknossos datasets, laid out as webknossos-libs 4.3 writes them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorstore as ts
from file_server import Server
from file_server import server as server
from formats import CHUNK, Voxels, describe, pattern, precomputed, read
from pipeline import bossflow_says
from voxels.archives import Refused, archive_of
from voxels.boxes import Box
from voxels.files import seen

OFFSET, SHAPE, SIZE = (7, 5, 3), (20, 24, 28), (40.0, 8.0, 4.0)
BOXES = [Box(4, 9, 6, 16, 7, 8), Box(3, 31, 6, 22, 9, 26), Box.of(OFFSET, SHAPE)]
HALF = Box(1, 16, 2, 15, 7, 27)
"""What is half in x and y, and whole in z."""

WHOLE = Box.of(OFFSET, SHAPE)


def array(path: Path, form: str, voxels: Voxels, box: Box, axes: str = "cxyz") -> None:
    """Write an array with room for more, in which an index is a coordinate."""
    sides = [64 if axis in "xyz" else 1 for axis in axes]
    kept = [axis for axis in axes if axis in "xyz"]
    spec: dict[str, Any] = {"kvstore": {"driver": "file", "path": f"{path}/"}}
    spec |= {"driver": form, "create": True, "open": True, "dtype": voxels.dtype.name}
    spec["schema"] = {"domain": {"shape": sides}}
    chunk = [16 if axis in "xyz" else 1 for axis in axes]
    spec["schema"]["chunk_layout"] = {"read_chunk": {"shape": chunk}}
    if form == "zarr3":
        shard = [32 if axis in "xyz" else 1 for axis in axes]
        spec["schema"]["chunk_layout"]["write_chunk"] = {"shape": shard}
        spec["metadata"] = {"dimension_names": list(axes)}
    if form == "n5":
        spec["metadata"] = {"compression": {"type": "gzip"}}
    store = ts.open(spec).result()
    at = dict(zip("zyx", box.slices((0, 0, 0)), strict=True))
    part = store[tuple(at.get(axis, slice(0, 1)) for axis in axes)]
    order = voxels.transpose(["zyx".index(axis) for axis in kept])
    part.write(np.expand_dims(order, [i for i, axis in enumerate(axes) if axis == "c"])).result()


def layer(name: str, form: str, axes: str = "cxyz", **more: Any) -> dict[str, Any]:
    order = {axis: number for number, axis in enumerate(axes)}
    mags = [
        {"mag": [2, 2, 1], "path": f"./{name}/2-2-1", "axisOrder": order},
        {"mag": [1, 1, 1], "path": f"./{name}/1", "axisOrder": order},
    ]
    z, y, x = SHAPE
    box = {"topLeft": [*OFFSET[::-1]], "width": x, "height": y, "depth": z}
    about = {"name": name, "category": "color", "boundingBox": box, "dataFormat": form}
    return about | {"mags": mags, "numChannels": 1, "elementClass": "uint16"} | more


def dataset(path: Path, *layers: dict[str, Any], **size: Any) -> str:
    size = size or {"voxelSize": {"factor": [4, 8, 40], "unit": "nanometer"}}
    about = {"id": {"name": "d", "team": ""}, **size, "dataLayers": layers, "version": 1}
    path.mkdir(exist_ok=True)
    (path / "datasource-properties.json").write_text(json.dumps(about))
    return f"webknossos://file://{path}"


def half() -> Voxels:
    return pattern(HALF.shape_zyx, "uint16", seed=1)


def written(path: Path, form: str, axes: str = "cxyz") -> str:
    array(path / "color/1", form, pattern(SHAPE, "uint16"), WHOLE, axes)
    array(path / "color/2-2-1", form, half(), HALF, axes)
    return dataset(path, layer("color", form, axes)) + "#color"


def placed(told: dict[str, Any]) -> tuple[Any, ...]:
    names = ("offset_zyx", "shape_zyx", "voxel_size_nm_zyx")
    return tuple(told[name] for name in names)


@pytest.mark.parametrize(
    ("form", "axes"), [("zarr3", "cxyz"), ("zarr", "cxyz"), ("zarr", "czyx"), ("n5", "xyz")]
)
def test_a_layer_lies_in_its_bounding_box(tmp_path: Path, form: str, axes: str) -> None:
    uri = written(tmp_path / "set", form, axes)
    told = describe(uri)
    assert placed(told) == ([*OFFSET], [*SHAPE], [*SIZE])
    assert (told["dtype"], told["kind"]) == ("uint16", "image")
    for box in BOXES:
        found = read(uri, "uint16", box)
        np.testing.assert_array_equal(found, pattern(SHAPE, "uint16")[box.slices(OFFSET)])
    coarse = describe(uri, 1)
    assert placed(coarse) == ([*HALF.corner_zyx], [*HALF.shape_zyx], [40.0, 16.0, 8.0])
    assert coarse["middle_zyx"] == [0, 0.25, 0.25]
    np.testing.assert_array_equal(read(uri, "uint16", HALF, 1), half())
    with pytest.raises(Refused, match="box 0-4_6-9_7-8 leaves"):
        read(uri, "uint16", Box(0, 4, 6, 9, 7, 8))
    assert archive_of(uri).unwritten(uri, 0, "", "", [WHOLE], None) is None


def test_a_precomputed_layer_says_itself_what_there_is(tmp_path: Path) -> None:
    voxels = pattern(SHAPE)
    precomputed(tmp_path / "set/ids", voxels, offset_zyx=OFFSET)
    about = layer("ids", "neuroglancerPrecomputed", category="segmentation")
    about["mags"] = [{"mag": [1, 1, 1], "path": "ids/4_8_40"}]
    uri = f"{dataset(tmp_path / 'set', about)}#ids"
    told = describe(uri)
    assert placed(told) == ([*OFFSET], [*SHAPE], [*SIZE]) and told["kind"] == "annotation"
    assert told["chunk_zyx"] == [*CHUNK]
    for box in BOXES:
        np.testing.assert_array_equal(read(uri, "uint32", box), voxels[box.slices(OFFSET)])
    about["boundingBox"]["width"] += 1
    dataset(tmp_path / "set", about)
    with pytest.raises(Refused, match="has the bounding box 3-32_.* and its volume 3-31_.*: mend"):
        describe(uri)


def test_layers_are_listed_and_named(tmp_path: Path, server: Server) -> None:
    uri = written(tmp_path / "set", "zarr3")
    place = uri.removesuffix("#color")
    code, text = bossflow_says("describe", place, "--json")
    assert code == 0 and json.loads(text)["inside"] == {"layers": [uri]}
    code, text = bossflow_says("describe", uri, "--json", "--block-shape", "9,11,13")
    block = json.loads(text)["levels"][0]["block"]
    assert block == {"box": "3-16_5-16_7-16", "requests": 2, "bytes": 16**3 * 2}
    with pytest.raises(Refused, match="names no layer of the dataset: write # and one of color"):
        describe(place)
    with pytest.raises(Refused, match="has no layer 'other': write # and one of color"):
        describe(f"{place}#other")
    far = server.over_http(uri)
    np.testing.assert_array_equal(
        read(far, "uint16", BOXES[1]), pattern(SHAPE, "uint16")[BOXES[1].slices(OFFSET)]
    )
    canonical = archive_of(uri).canonical
    assert canonical("webknossos://set/#color", str(tmp_path)) == uri


def test_changes_of_a_layer_are_seen(tmp_path: Path) -> None:
    uri = written(tmp_path / "set", "zarr")
    told = archive_of(uri).files(uri, 0, "", "", [WHOLE])
    before = [*seen(told, [BOXES[0]])]
    assert before == [*seen(told, [BOXES[0]])]
    array(tmp_path / "set/color/1", "zarr", pattern(SHAPE, "uint16", seed=3), WHOLE)
    assert before != [*seen(told, [BOXES[0]])]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dataFormat": "wkw"}, "is of format 'wkw', which only webknossos' own library reads: "),
        ({"mags": [{"mag": 1, "path": "../other/1"}]}, "mag 1 of .* lies elsewhere, at '../other"),
        ({"mags": [{"mag": 1, "path": "/etc/1"}]}, "lies elsewhere"),
        ({"mags": [{"mag": 1, "path": "https://host/1"}]}, "lies elsewhere"),
        ({"mags": [{"mag": 4}]}, "mag 4 of .* is not whole: there is no array of zarr3"),
        ({"mags": [{"mag": [0, 1, 1]}]}, "make no sense"),
        ({"mags": []}, "make no sense"),
        ({"boundingBox": {}}, "make no sense"),
        (
            {"boundingBox": {"topLeft": [3, 5, 7], "width": 5, "height": -5, "depth": 5}},
            "make no sense: .*boundingBox",
        ),
        ({"dataFormat": "zarr"}, "mag 1 of .* is not whole: there is no array of zarr"),
        (
            {"mags": [{"mag": 1, "axisOrder": {"c": 0, "z": 1, "y": 2, "x": 3}}]},
            "names its axes c, z, y, x, and also c, x, y, z: mend",
        ),
        (
            {"boundingBox": {"topLeft": [3, 5, 50], "width": 5, "height": 5, "depth": 15}},
            r"has the bounding box 3-8_5-10_50-65, which leaves its array of \[64, 64, 64\]",
        ),
    ],
)
def test_bad_layers_are_one_sentence(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    uri = written(tmp_path / "set", "zarr3")
    dataset(tmp_path / "set", layer("color", "zarr3") | change)
    with pytest.raises(Refused, match=words) as error:
        describe(uri)
    assert "\n" not in str(error.value)


def test_voxel_sizes_are_in_the_unit_that_is_stated(tmp_path: Path) -> None:
    uri = written(tmp_path / "set", "zarr3")
    for size, expected in (
        ({"scale": [4, 8, 40]}, [*SIZE]),
        ({"scale": {"factor": [0.004, 0.008, 0.04], "unit": "micrometer"}}, [*SIZE]),
        ({"voxelSize": {"factor": [1, 2, 3], "unit": "millimeter"}}, [3e6, 2e6, 1e6]),
    ):
        dataset(tmp_path / "set", layer("color", "zarr3"), **size)
        assert describe(uri)["voxel_size_nm_zyx"] == expected
    dataset(tmp_path / "set", layer("color", "zarr3"), scale={"factor": [1, 1, 1], "unit": "foot"})
    with pytest.raises(Refused, match="states no known unit for the voxel size along z and y and"):
        describe(uri)
    with pytest.raises(Refused, match="there is no webknossos dataset at .*: it has no datasource"):
        describe(f"webknossos://file://{tmp_path}#color")
