"""What metadata state is read whatever its spelling, and refused where it does not tell."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from test_sources import (
    CHUNK,
    OFFSET,
    SHAPE,
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


@pytest.mark.parametrize(
    ("attributes", "first"),
    [({"bioformats2raw.layout": 3}, "0"), ({"plate": {"wells": [{"path": "A/1"}]}}, "A/1/0")],
)
def test_a_group_of_images_names_one(tmp_path: Path, attributes: Any, first: str) -> None:
    zarr.create_group(tmp_path / "group", zarr_format=2, attributes=attributes)
    with pytest.raises(Refused, match=f"name the image or array in it, such as .*/group/{first}$"):
        describe(f"zarr://{tmp_path}/group")


# ---- where it lies, and how large its voxels are ----

TRANSFORM = {
    "axes": ["z", "y", "x"],
    "scale": list(SIZE),
    "translate": [OFFSET[0] * 40.0, OFFSET[1] * 8.0, OFFSET[2] * 4.0],
    "units": ["nm"] * 3,
}
TURNED = {
    key: value[::-1] if isinstance(value, list) else value for key, value in TRANSFORM.items()
} | {"order": "F"}
PIXELS = {"dimensions": [4.0, 8.0, 40.0], "unit": "nm"}
FIJI = {"pixelWidth": 0.004, "pixelHeight": 0.008, "pixelDepth": 0.04, "pixelUnit": "micron"}


@pytest.mark.parametrize(
    ("about", "offset"),
    [
        ({"transform": TRANSFORM, "pixelResolution": PIXELS}, OFFSET),
        ({"transform": TRANSFORM | {"order": "C"}}, OFFSET),
        ({"transform": TURNED, "downsamplingFactors": [2, 2, 1]}, OFFSET),
        ({"pixelResolution": [4, 8, 40], "units": ["nm"] * 3}, (0, 0, 0)),
        ({"pixelResolution": [4, 8, 40], "unit": "nm", "offset": [12, -40, 280]}, OFFSET),
        ({"pixelResolution": PIXELS | {"unit": None}, "transform": TRANSFORM}, OFFSET),
        (FIJI, (0, 0, 0)),
        (FIJI | {"xOrigin": 0.0, "yOrigin": 0, "zOrigin": 0}, (0, 0, 0)),
        (FIJI | {"numChannels": 1, "numSlices": 20, "numFrames": 1}, (0, 0, 0)),
    ],
)
def test_n5_arrays_state_voxel_and_place_in_many_ways(
    tmp_path: Path, about: dict[str, Any], offset: tuple[int, ...]
) -> None:
    voxels = pattern()
    uri = n5(tmp_path / "volume", voxels, **about)
    told = describe(uri)
    assert told["voxel_size_nm_zyx"] == list(SIZE) and told["offset_zyx"] == list(offset)
    np.testing.assert_array_equal(whole(uri), voxels)


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_a_transform_places_a_zarr_array_too(tmp_path: Path, zarr_format: int) -> None:
    uri = plain_zarr(tmp_path / "v", pattern(), zarr_format, attributes={"transform": TRANSFORM})
    assert describe(uri)["offset_zyx"] == list(OFFSET)
    about = {"transform": TURNED | {"order": "C"}}
    turned = pattern().T
    uri = plain_zarr(tmp_path / "w", turned, zarr_format, attributes=about)
    assert describe(uri)["shape_zyx"] == list(SHAPE)
    np.testing.assert_array_equal(whole(uri), turned.T)


def test_values_of_the_axes_of_space_alone_are_read(tmp_path: Path) -> None:
    """As funlib.persistence writes them, beside channels."""
    about = {"axis_names": ["c^", "z", "y", "x"], "units": ["nm"] * 3}
    about |= {"voxel_size": list(SIZE), "offset": TRANSFORM["translate"]}
    voxels = pattern()
    uri = plain_zarr(tmp_path / "v", voxels[None], 2, chunks=(1, *CHUNK), attributes=about)
    assert describe(uri)["offset_zyx"] == list(OFFSET)
    np.testing.assert_array_equal(whole(uri), voxels)


@pytest.mark.parametrize(
    ("about", "says"),
    [
        ({"transform": TRANSFORM, "pixelResolution": [4, 8, 30]}, "two voxel sizes, transform "),
        ({"transform": TRANSFORM, "resolution": [4, 8, 40], "offset": [4, 8, 40]}, "two places"),
        ({"transform": {k: v for k, v in TURNED.items() if k != "order"}}, "without an order"),
        ({"transform": [1, 2, 3], "resolution": [4, 8, 40]}, "no sense"),
        ({"transform": {"scale": [1, 1, 1]}}, "no sense"),
        ({"resolution": [4, 8, 40], "units": ["nm"] * 3, "translate": [1, 0, 0]}, "states transl"),
        ({"pixelResolution": PIXELS, "voxel_offset": [1, 0, 0]}, "states voxel_offset "),
        (FIJI | {"xOrigin": 3.0}, "states xOrigin 3.0, which is not read"),
        ({"offset": [4, 0, 0]}, "and no voxel size by which it is counted"),
    ],
)
def test_what_is_not_understood_is_refused(
    tmp_path: Path, about: dict[str, Any], says: str
) -> None:
    with pytest.raises(Refused, match=says):
        describe(n5(tmp_path / "volume", pattern(), **about))


def pyramid(path: Path, group: dict[str, Any], *arrays: dict[str, Any]) -> str:
    """Write an N5 group with two levels; the second has half as many voxels along x and y."""
    n5(path / "s0", pattern(), **({"name": "s0"} | (arrays[0] if arrays else {})))
    n5(path / "s1", pattern((20, 12, 14)), **({"name": "s1"} | (arrays[1] if arrays else {})))
    (path / "attributes.json").write_text(json.dumps({"n5": "2.5.1"} | group))
    return f"n5://file://{path}"


FACTORS = {"downsamplingFactors": [2, 2, 1]}
COARSE = TRANSFORM | {"scale": [40.0, 16.0, 8.0]}


@pytest.mark.parametrize(
    ("group", "arrays", "offset"),
    [
        ({"scales": [[1, 1, 1], [2, 2, 1]], "pixelResolution": PIXELS}, (), (0, 0, 0)),
        ({"downsamplingFactors": [[1, 1, 1], [2, 2, 1]], "resolution": [4, 8, 40], "units": ["nm"]
          * 3}, (), (0, 0, 0)),
        ({"multiScale": True, "resolution": [4, 8, 40], "units": "nm", "offset": [12, -40, 280]},
         ({}, FACTORS), OFFSET),
        ({}, ({"pixelResolution": PIXELS}, {"pixelResolution": PIXELS} | FACTORS), (0, 0, 0)),
        ({}, ({"transform": TRANSFORM}, {"transform": COARSE} | FACTORS), OFFSET),
        ({"multiscales": [{"name": "em", "datasets": [
            {"path": "s0", "transform": TRANSFORM}, {"path": "s1", "transform": COARSE}]}]},
         (), OFFSET),
        ({"multiscales": [{"name": "em", "datasets": [
            {"path": "s0", "transform": TRANSFORM}, {"path": "s1", "transform": COARSE}]}]},
         ({"pixelResolution": PIXELS}, {"pixelResolution": PIXELS} | FACTORS), OFFSET),
    ],
)  # fmt: skip
def test_an_n5_group_that_states_its_levels_is_an_image(
    tmp_path: Path, group: dict[str, Any], arrays: tuple[dict[str, Any], ...], offset: Any
) -> None:
    uri = pyramid(tmp_path / "em", group, *arrays)
    for source, resolution in ((uri, 0), (f"{uri}/s0", 0), (uri, 1), (f"{uri}/s1", 0)):
        told = describe(source, resolution)
        coarse = source.endswith("s1") or resolution
        assert told["shape_zyx"] == ([20, 12, 14] if coarse else list(SHAPE))
        assert told["voxel_size_nm_zyx"] == ([40, 16, 8] if coarse else list(SIZE))
        if not coarse:
            assert told["offset_zyx"] == list(offset)
    np.testing.assert_array_equal(whole(f"{uri}/s1"), pattern((20, 12, 14)))


def test_an_n5_group_that_contradicts_its_arrays_is_refused(tmp_path: Path) -> None:
    group = {"scales": [[1, 1, 1], [2, 2, 2]], "pixelResolution": PIXELS}
    uri = pyramid(tmp_path / "em", group, {}, FACTORS)
    with pytest.raises(Refused, match=r"says that s1 is smaller by \[2.0, 2.0, 2.0\], and s1 by"):
        describe(uri)


def test_coordinates_that_are_not_even_are_refused(tmp_path: Path) -> None:
    group = zarr.create_group(tmp_path / "group")
    for axis, n in zip("zyx", SHAPE, strict=True):
        values = np.arange(n) ** (2.0 if axis == "y" else 1.0)
        group.create_array(axis, data=values, attributes={"units": "nm"})
    plain_zarr(tmp_path / "group/cells", pattern(), attributes={})
    with pytest.raises(Refused, match="has coordinates along y in .*/group/y that are not evenly"):
        describe(f"zarr://{tmp_path}/group/cells")


@pytest.mark.parametrize("depth", [300, 900, 100_000])
def test_metadata_of_any_depth_are_one_sentence(tmp_path: Path, depth: int) -> None:
    uri = n5(tmp_path / "volume", pattern(), resolution=[4, 8, 40], units="nm")
    file = tmp_path / "volume/attributes.json"
    file.write_text(f'{{"a": {"[" * depth}{"]" * depth}, {file.read_text()[1:]}')
    try:
        assert describe(uri)["voxel_size_nm_zyx"] == list(SIZE)
    except Refused as error:
        assert "\n" not in str(error)


# ---- OME-Zarr ----


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("own", [{}, {"scale": dict(z=1.0, y=1.0, x=1.0)}])
def test_a_label_image_has_the_voxels_of_its_image(
    tmp_path: Path, version: str, own: dict[str, Any]
) -> None:
    path, voxels = tmp_path / "image", pattern()
    shift = dict(zip("zyx", (one / 1000 for one in TRANSFORM["translate"]), strict=True))
    ome(path, pattern(dtype="uint8"), version, translation=shift)
    label = {"image-label": {"source": {"image": "../../"}}}
    uri = ome(path / "labels/cells", voxels, version, unit=None, **own, **label)
    told = describe(uri)
    assert told["voxel_size_nm_zyx"] == list(SIZE) and told["offset_zyx"] == list(OFFSET)
    assert told["kind"] == "annotation"
    np.testing.assert_array_equal(whole(uri), voxels)
    for array in (f"{uri}/0", f"{uri.partition('/labels')[0]}/0"):
        one = describe(array)
        assert one["voxel_size_nm_zyx"] == list(SIZE) and one["offset_zyx"] == list(OFFSET)


def test_a_label_image_that_contradicts_its_image_is_refused(tmp_path: Path) -> None:
    ome(tmp_path / "image", pattern())
    scale = dict(z=30.0, y=8.0, x=4.0)
    uri = ome(tmp_path / "image/labels/cells", pattern(), unit=None, scale=scale)
    with pytest.raises(Refused, match=r"states voxels of 4, 8, 30 without known units .* 0.04 at"):
        describe(uri)
    uri = ome(tmp_path / "image/labels/few", pattern((5, 6, 7)), unit=None)
    with pytest.raises(Refused, match="no known unit"):  # not voxel by voxel that image
        describe(uri)


def test_a_translation_without_a_scale_is_refused(tmp_path: Path) -> None:
    uri = ome(tmp_path / "volume", pattern(), translation={"z": 5.0})
    about = dict(zarr.open_group(tmp_path / "volume").attrs)
    del about["ome"]["multiscales"][0]["datasets"][0]["coordinateTransformations"][0]
    zarr.open_group(tmp_path / "volume").attrs.update(about)
    with pytest.raises(Refused, match="no sense: .*translation .5.0, 0.0, 0.0. without a scale"):
        describe(uri)


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
