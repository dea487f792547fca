"""What metadata state is read whatever its spelling, and refused where it does not tell."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from formats import (
    CHUNK,
    SIZE,
    compress,
    describe,
    n5,
    ome,
    pattern,
    plain_zarr,
    precomputed,
    whole,
)
from voxels.archives import Refused


def change(path: Path, **keys: Any) -> None:
    """Write keys into a file of JSON; `scale` goes into the first of its scales."""
    told = json.loads(path.read_text())
    told.get("scales", [{}])[0].update(keys.pop("scale", {}))
    path.write_text(json.dumps(told | keys))


# ---- what is there and null is absent ----


def test_chunks_of_cloudvolume_are_found_where_sharding_is_null(tmp_path: Path) -> None:
    voxels = pattern()
    uri = precomputed(tmp_path / "volume", voxels)
    compress(tmp_path / "volume")
    change(tmp_path / "volume/info", scale={"sharding": None})
    np.testing.assert_array_equal(whole(uri), voxels)


@pytest.mark.parametrize("key", ["voxel_offset", "compressed_segmentation_block_size", "hidden"])
def test_a_scale_of_a_precomputed_volume_may_have_nulls(tmp_path: Path, key: str) -> None:
    voxels = pattern()
    uri = precomputed(tmp_path / "volume", voxels, offset_zyx=(0, 0, 0))
    change(tmp_path / "volume/info", scale={key: None}, mesh=None, type=None, num_channels=1)
    with pytest.raises(Refused, match='can.t be read: Error reading "info": .*type'):
        describe(uri)  # which has to be there
    change(tmp_path / "volume/info", type="segmentation", skeletons=None)
    np.testing.assert_array_equal(whole(uri), voxels)


def test_a_scale_without_a_key_is_refused(tmp_path: Path) -> None:
    uri = precomputed(tmp_path / "volume", pattern())
    change(tmp_path / "volume/info", scale={"key": None})
    with pytest.raises(Refused, match="make no sense: .*key"):
        describe(uri)


def test_a_path_that_is_no_text_is_refused(tmp_path: Path) -> None:
    uri = ome(tmp_path / "volume", pattern())
    (metadata,) = (tmp_path / "volume").glob("zarr.json")
    about = json.loads(metadata.read_text())
    about["attributes"]["ome"]["multiscales"][0]["datasets"][0]["path"] = "half of a \ud800 pair"
    metadata.write_text(json.dumps(about))
    with pytest.raises(Refused, match="make no sense: .*half a surrogate pair"):
        describe(uri)


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_a_zarr_array_may_have_nulls(tmp_path: Path, zarr_format: int) -> None:
    voxels, path = pattern(), tmp_path / "volume"
    uri = plain_zarr(path, voxels, zarr_format)
    nulls = dict.fromkeys(("offset", "_ARRAY_DIMENSIONS", "axes", "transform", "voxel_size"))
    if zarr_format == 2:
        change(path / ".zattrs", **nulls)
        change(path / ".zarray", dimension_separator=None, filters=None)
    else:
        about = json.loads((path / "zarr.json").read_text())["attributes"] | nulls
        change(
            path / "zarr.json", attributes=about, dimension_names=None, storage_transformers=None
        )
    assert describe(uri)["voxel_size_nm_zyx"] == list(SIZE)
    np.testing.assert_array_equal(whole(uri), voxels)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_an_ome_zarr_image_may_have_nulls(tmp_path: Path, version: str) -> None:
    voxels, path = pattern(), tmp_path / "volume"
    uri = ome(path, voxels, version)
    group = zarr.open_group(path)
    told = group.attrs["ome"] if version == "0.5" else dict(group.attrs)
    told["multiscales"][0] |= dict.fromkeys(("coordinateTransformations", "name", "metadata"))
    told |= dict.fromkeys(("omero", "image-label", "bioformats2raw.layout"))
    group.attrs.update({"ome": told} if version == "0.5" else told)
    assert describe(uri)["voxel_size_nm_zyx"] == list(SIZE)
    np.testing.assert_array_equal(whole(uri), voxels)


def test_an_n5_array_may_have_nulls_and_one_unit(tmp_path: Path) -> None:
    voxels, path = pattern(), tmp_path / "volume"
    uri = n5(path, voxels, resolution=[4, 8, 40], units="nm")
    change(path / "attributes.json", axes=None, downsamplingFactors=None, offset=None)
    assert describe(uri)["voxel_size_nm_zyx"] == list(SIZE)
    np.testing.assert_array_equal(whole(uri), voxels)


# ---- axes ----


@pytest.mark.parametrize("names", ["XYZ", "xyz", "XZY", ["X ", "y", "Z"]])
@pytest.mark.parametrize("form", ["zarr 2", "zarr 3", "n5", "ome"])
def test_axes_are_read_by_name_in_either_case(tmp_path: Path, form: str, names: Any) -> None:
    voxels, path = pattern(), tmp_path / "volume"
    order = ["zyx".index(str(name).strip().lower()) for name in names]
    held, size = voxels.transpose(order), [SIZE[i] for i in order]
    chunks = [CHUNK[i] for i in order]
    about: dict[str, Any] = {"resolution": size, "units": ["nm"] * 3}
    if form == "n5":
        uri = n5(path, held.T, chunks[::-1], axes=list(names), **about)
    elif form == "zarr 3":
        uri = plain_zarr(path, held, chunks=chunks, dimension_names=list(names), attributes=about)
    elif form == "zarr 2":
        about["_ARRAY_DIMENSIONS"] = list(names)
        uri = plain_zarr(path, held, 2, chunks=chunks, attributes=about)
    else:
        uri = ome(path, voxels, "0.4", "".join(names).replace(" ", "").lower())
        told = zarr.open_group(path).attrs["multiscales"]
        for axis, name in zip(told[0]["axes"], names, strict=True):
            axis["name"] = name
        zarr.open_group(path).attrs["multiscales"] = told
    told = describe(uri)
    assert told["voxel_size_nm_zyx"] == list(SIZE)
    assert told["chunk_zyx"] == list(CHUNK)
    np.testing.assert_array_equal(whole(uri), voxels)


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (["dim_0", "dim_1", "dim_2"], "dim_0, dim_1, dim_2"),
        (["plane", "row", "column"], "plane, row, column"),
        (["z", None, "x"], r"z, \?, x"),
        (["z", "y", "Y"], "z, y, y"),
        (["c", "y", "x"], "c, y, x"),
    ],
)
def test_axes_that_do_not_tell_are_refused(tmp_path: Path, names: list[Any], shown: str) -> None:
    uri = plain_zarr(tmp_path / "3", pattern(), dimension_names=names)
    says = f"names its 3 axes {shown}: that does not tell which are z, y and x"
    with pytest.raises(Refused, match=says):
        describe(uri)
    about = {"resolution": SIZE, "units": "nm", "_ARRAY_DIMENSIONS": names}
    with pytest.raises(Refused, match=says):
        describe(plain_zarr(tmp_path / "2", pattern(), 2, attributes=about))


def test_axes_that_are_stated_twice_must_agree(tmp_path: Path) -> None:
    about = {"resolution": SIZE, "units": "nm", "axis_names": ["x", "y", "z"]}
    uri = plain_zarr(
        tmp_path / "volume", pattern(), dimension_names=["z", "y", "x"], attributes=about
    )
    with pytest.raises(Refused, match="names its axes z, y, x, and also x, y, z: mend"):
        describe(uri)


@pytest.mark.parametrize("form", ["n5", "zarr"])
def test_who_follows_the_advice_on_voxel_sizes_gets_them_right(tmp_path: Path, form: str) -> None:
    path = tmp_path / "volume"
    voxels = pattern()
    uri = n5(path, voxels, name="v") if form == "n5" else plain_zarr(path, voxels, attributes={})
    order = "x, y, z" if form == "n5" else "z, y, x"
    with pytest.raises(Refused) as caught:
        describe(uri)
    sentence = str(caught.value)
    assert f"in the order of its axes, which is {order}" in sentence
    advised = [json.loads(f"[{part}]") for part in re.findall(r"\[(.*?)\]", sentence)]
    about = dict(zip(("resolution", "units"), advised, strict=True))
    if form == "n5":
        change(path / "attributes.json", **about)
    else:
        zarr.open_array(path).attrs.update(about)
    assert describe(uri)["voxel_size_nm_zyx"] == [40, 8, 4]


def test_a_plate_names_its_wells(tmp_path: Path) -> None:
    plate = {"plate": {"wells": [{"path": "A/1"}, {"path": "B/2"}]}}
    zarr.create_group(tmp_path / "group", zarr_format=2, attributes=plate)
    with pytest.raises(Refused, match="name the image or array in it; it has wells: A/1, B/2$"):
        describe(f"zarr://{tmp_path}/group")


# ---- OME-Zarr ----


@pytest.mark.parametrize(("version", "axes"), [("0.1", None), ("0.2", None), ("0.3", "zyx")])
def test_older_ome_zarr_is_named_by_its_version(tmp_path: Path, version: str, axes: Any) -> None:
    path = tmp_path / "volume"
    uri = ome(path, pattern(), "0.4")
    image = {"version": version, "datasets": [{"path": "0"}]} | (
        {"axes": list(axes)} if axes else {}
    )
    zarr.open_group(path).attrs["multiscales"] = [image]
    with pytest.raises(Refused, match=f"is OME-Zarr {version}, .*: OME-Zarr 0.4 and 0.5 are read"):
        describe(uri)
