"""Where a volume says that it lies and how large its voxels are, in many ways of writing it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from formats import CHUNK, OFFSET, SHAPE, SIZE, describe, n5, ome, pattern, plain_zarr, whole
from voxels.archives import Refused

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
