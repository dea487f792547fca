"""TIFF files and directories of planes: axes, levels, what is damaged, lacking or no volume."""

from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from file_formats import WRITERS, imagej, ome_tiff, pages, planes, tifffile
from file_server import Server
from file_server import server as server
from formats import SHAPE, SIZE, describe, pattern, read
from voxels.archives import Refused, archive_of, formats
from voxels.boxes import Box

WHOLE = Box.of((0, 0, 0), SHAPE)


def size_of(uri: str, **chosen: int) -> dict[str, Any]:
    return archive_of(uri).describe(uri, 0, "", "", chosen=chosen, size_nm_zyx=SIZE)


def in_micrometers() -> dict[str, Any]:
    return {f"PhysicalSize{axis}": size / 1000 for axis, size in zip("ZYX", SIZE, strict=True)}


@pytest.mark.parametrize("kind", ["ome", "imagej"])
def test_channels_and_times_are_chosen(tmp_path: Path, kind: str) -> None:
    axes, shape = (
        ("TCZYX", (2, 3, *SHAPE)) if kind == "ome" else ("TZCYX", (2, SHAPE[0], 3, *SHAPE[1:]))
    )
    voxels = pattern(shape, "uint16")
    metadata = {"axes": axes, "spacing": 0.04, "unit": "micron"}
    if kind == "ome":
        metadata = {"axes": axes} | {
            f"PhysicalSize{a}": s for a, s in zip("ZYX", SIZE, strict=True)
        }
        metadata |= {f"PhysicalSize{a}Unit": "nm" for a in "ZYX"}
    tifffile.imwrite(
        tmp_path / "a.tif", voxels, **{kind: True}, metadata=metadata, resolution=(250, 125),
        compression="zlib",
    )  # fmt: skip
    uri = f"tiff://file://{tmp_path}/a.tif"
    told = archive_of(uri).describe(uri, 0, "", "", chosen={"channel": 2, "time": 1})
    assert (told["voxel_size_nm_zyx"], told["shape_zyx"]) == ([*SIZE], [*SHAPE])
    assert told["chosen"] == {"channel": 2, "time": 1}
    box = Box(3, 21, 2, 19, 5, 12)
    found = archive_of(uri).read(uri, 0, "", "", "uint16", box, chosen=told["chosen"])
    own = voxels[1, 2] if kind == "ome" else voxels[1, :, 2]
    np.testing.assert_array_equal(found, own[box.slices((0, 0, 0))])
    with pytest.raises(Refused, match="has 2 along axis t: only one can be used, so say which"):
        describe(uri)


def test_levels_of_a_pyramid_are_resolutions(tmp_path: Path) -> None:
    fine = pattern((3, 64, 96), "uint16")
    metadata = {"axes": "ZYX"} | {
        f"PhysicalSize{a}": s / 1000 for a, s in zip("ZYX", SIZE, strict=True)
    }
    with tifffile.TiffWriter(tmp_path / "a.ome.tif") as file:
        file.write(fine, subifds=1, tile=(16, 16), metadata=metadata)
        file.write(fine[:, ::2, ::2], subfiletype=1, tile=(16, 16))
    uri = f"tiff://file://{tmp_path}/a.ome.tif"
    told = describe(uri, 1)
    assert (told["shape_zyx"], told["voxel_size_nm_zyx"]) == ([3, 32, 48], [40, 16, 8])
    assert told["middle_zyx"] == [0, 0.25, 0.25] and told["offset_zyx"] == [0, 0, 0]
    box = Box(5, 40, 3, 30, 1, 3)
    np.testing.assert_array_equal(
        read(uri, "uint16", box, 1), fine[:, ::2, ::2][box.slices((0, 0, 0))]
    )
    with pytest.raises(Refused, match="resolution 2 is not one of .*: it has 0 to 1"):
        describe(uri, 2)


def test_of_several_series_one_is_named(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(pattern((4, 5, 6), "uint8"), photometric="minisblack")
        file.write(pattern(SHAPE, "uint8"), photometric="minisblack")
    uri = f"tiff://file://{tmp_path}/a.tif"
    with pytest.raises(Refused, match="has 2 series: write #/ and the number of one .* 0 to 1"):
        size_of(uri)
    assert size_of(f"{uri}#/1")["shape_zyx"] == [*SHAPE]
    np.testing.assert_array_equal(read(f"{uri}#/1", "uint8", WHOLE), pattern(SHAPE, "uint8"))


def test_colours_are_channels(tmp_path: Path) -> None:
    voxels = pattern((*SHAPE, 3), "uint8")
    tifffile.imwrite(tmp_path / "a.tif", voxels, photometric="rgb")
    uri = f"tiff://file://{tmp_path}/a.tif"
    box = Box(3, 21, 2, 19, 5, 12)
    assert size_of(uri, channel=2)["shape_zyx"] == [*SHAPE]
    found = archive_of(uri).read(uri, 0, "", "", "uint8", box, chosen={"channel": 2})
    np.testing.assert_array_equal(found, voxels[..., 2][box.slices((0, 0, 0))])


@pytest.mark.parametrize("write", [ome_tiff, imagej, pages])
def test_a_cut_off_or_damaged_file_is_an_error(tmp_path: Path, write: Any) -> None:
    uri, _ = write(tmp_path, pattern(dtype="uint16"), compression="zlib")
    path = Path(uri.partition("file://")[2])
    content = path.read_bytes()
    with tifffile.TiffFile(path) as file:
        start = file.series[0].pages[7].dataoffsets[0]
    path.write_bytes(content[: start + 40] + b"damage" + content[start + 46 :])
    with pytest.raises(Refused, match="can't be read: "):
        read(uri, "uint16", WHOLE)
    last = Box.of((0, 0, 0), (1, 1, 1))
    np.testing.assert_array_equal(read(uri, "uint16", last), pattern(dtype="uint16")[:1, :1, :1])
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(Refused, match="can't be read: .*invalid (page|value) offset"):
        size_of(uri)


def test_a_stack_of_raw_planes_that_is_cut_off_is_an_error(tmp_path: Path) -> None:
    uri, _ = imagej(tmp_path, pattern(dtype="uint16"))
    path = Path(uri.partition("file://")[2])
    content = path.read_bytes()
    path.write_bytes(content[:-300])  # voxels are all there
    np.testing.assert_array_equal(read(uri, "uint16", WHOLE), pattern(dtype="uint16"))
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(Refused, match="can't be read: .*invalid or corrupted"):
        read(uri, "uint16", WHOLE)


def test_a_tile_that_was_never_written_is_zero(tmp_path: Path) -> None:
    voxels = pattern((3, 32, 32), "uint8")
    voxels[1, 16:, :16] = 0
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, voxels, tile=(16, 16), compression="zlib", photometric="minisblack")
    with tifffile.TiffFile(path, mode="r+") as file:
        for name in ("TileOffsets", "TileByteCounts"):
            tag = file.pages[1].tags[name]
            tag.overwrite([*tag.value[:2], 0, tag.value[3]])
    uri = f"tiff://file://{tmp_path}/a.tif"
    np.testing.assert_array_equal(read(uri, "uint8", Box(0, 32, 0, 32, 0, 3)), voxels)


def test_tiles_without_extent_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    voxels = pattern((3, 32, 32), "uint8")
    size = {"axes": "ZYX"} | {f"PhysicalSize{axis}": 0.004 for axis in "ZYX"}
    tifffile.imwrite(path, voxels, ome=True, tile=(16, 16), metadata=size)
    with tifffile.TiffFile(path, mode="r+") as file:
        for page in file.pages:
            page.tags["TileLength"].overwrite(0)
    with pytest.raises(Refused, match=r"make no sense: chunks of \[1, 0, 16\] voxels"):
        describe(f"tiff://file://{path}")


@pytest.mark.parametrize("form", ["tiff", "tiff, ImageJ", "tiff pages"])
def test_tiff_behind_http_is_read_by_ranges(tmp_path: Path, server: Server, form: str) -> None:
    voxels = pattern(dtype="uint16")
    uri = server.over_http(WRITERS[form](tmp_path, voxels)[0])
    formats._opened_as.cache_clear()
    size_of(uri)
    box = Box(3, 21, 2, 19, 5, 12)
    np.testing.assert_array_equal(read(uri, "uint16", box), voxels[box.slices((0, 0, 0))])
    assert len(server.asked) < 5  # the file is one piece


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("gap", "lacks plane 13: the one after 12 is 14"),
        ("twice", "has planes of the same number, as in 1 and 01"),
        ("kinds", "has files of several kinds, such as 's#_z#.png' and 's#_z#.tif"),
        ("numbers", "has names that differ in 2 numbers, such as"),
        ("shape", r"s1_z13.png is \(3, 4\) of uint16, unlike the first plane, \(24, 28\)"),
        ("type", r"s1_z13.png is \(24, 28\) of uint8, unlike the first plane"),
        ("palette", "s1_z13.png has colours of a palette, no numbers"),
        ("cut", "can't be read: .*truncated"),
        ("damaged", "can't be read: "),
        ("none", "has no planes: no file there ends in tif, tiff, png"),
    ],
)
def test_planes_that_are_no_volume_are_refused(tmp_path: Path, change: str, words: str) -> None:
    uri, _ = planes(tmp_path, pattern(dtype="uint16"), "png")
    there = tmp_path / "stack"
    one = there / "s1_z13.png"
    if change in ("gap", "numbers", "twice", "kinds"):
        names = {"numbers": "s2_z13.png", "twice": "s1_z012.png", "kinds": "s1_z13.tiff"}
        one.rename(there / names.get(change, "gone.txt"))
    elif change == "none":
        for path in there.glob("*.png"):
            path.unlink()
    elif change == "damaged":
        content = bytearray(one.read_bytes())
        content[len(content) // 2] ^= 0x55
        one.write_bytes(content)
    elif change == "cut":
        one.write_bytes(one.read_bytes()[:-200])
    else:
        shape, dtype = ((3, 4), "uint16") if change == "shape" else (SHAPE[1:], "uint8")
        picture = PIL.Image.fromarray(pattern(shape, dtype))
        (picture.convert("P") if change == "palette" else picture).save(one)
    with pytest.raises(Refused, match=words):
        size_of(uri)
        read(uri, "uint16", WHOLE)


def test_planes_are_in_the_order_of_their_numbers_and_a_change_is_seen(tmp_path: Path) -> None:
    from voxels.files import seen

    uri, _ = planes(tmp_path, pattern(dtype="uint8"), "png")  # 8, 9, 10, ...
    told = archive_of(uri).files(uri, 0, "", "", [WHOLE])
    (before,) = seen(told, [WHOLE])
    planes(tmp_path, pattern(dtype="uint8", seed=1), "png")
    assert (before,) != tuple(seen(told, [WHOLE]))
    np.testing.assert_array_equal(read(uri, "uint8", WHOLE), pattern(dtype="uint8", seed=1))
    with pytest.raises(Refused, match="directories of files are read on disks only"):
        describe("planes://https://host/directory")
    with pytest.raises(Refused, match="it is a directory, not a file; one of planes is planes"):
        describe(uri.replace("planes:", "tiff:"))
