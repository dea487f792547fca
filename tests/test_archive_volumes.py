"""Volumes on disk that the archive opens, and those that it refuses."""

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from archive_server import (
    URI,
    Serve,
    all_of,
    answer,
    ome_zarr,
    opened,
    pattern,
    precomputed,
    zarr_array,
)
from archive_server import serve as serve
from bossflow.archive_server import app as archive
from bossflow.archive_server.served import open_volume, volume_of


@pytest.mark.parametrize("order", ["C", "F"])
def test_intern_reads_and_writes_an_npy_file(serve: Serve, tmp_path: Path, order: str) -> None:
    voxels = np.array(pattern((5, 6, 7)), order=order)
    np.save(tmp_path / "a.npy", voxels)
    volume = open_volume(tmp_path / "a.npy", (40.0, 8.0, 8.0), writable=True)
    cells = opened(serve(volume, writable=True))
    np.testing.assert_array_equal(all_of(cells, voxels.shape), voxels)
    cells[0:2, 0:2, 0:2] = np.full((2, 2, 2), 2**63 + 5, "uint64")
    assert (np.load(tmp_path / "a.npy")[:2, :2, :2] == 2**63 + 5).all()
    assert cells.voxel_size == (8.0, 8.0, 40.0)


@pytest.mark.parametrize("version", [2, 3])
def test_intern_reads_and_writes_a_zarr_array(serve: Serve, tmp_path: Path, version: int) -> None:
    voxels = pattern((5, 6, 7), "uint16")
    zarr_array(tmp_path / "a.zarr", version, voxels)
    size = (40.0, 8.0, 8.0)
    cells = opened(serve(open_volume(tmp_path / "a.zarr", size, writable=True), writable=True))
    np.testing.assert_array_equal(all_of(cells, voxels.shape), voxels)
    cells[1:3, 1:3, 1:3] = np.full((2, 2, 2), 777, "uint16")
    again = opened(serve(open_volume(tmp_path / "a.zarr", size)))
    assert (again[1:3, 1:3, 1:3] == 777).all()


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize(("unit", "size"), [("micrometer", (30.0, 8.0, 8.0)), (None, (1.0, 5, 5))])
def test_every_level_of_an_ome_zarr_image_is_a_resolution(
    serve: Serve, tmp_path: Path, version: str, unit: str | None, size: tuple[float, float, float]
) -> None:
    levels = [pattern(shape, "uint8") for shape in ((5, 8, 8), (5, 4, 4), (5, 2, 2))]
    ome_zarr(tmp_path, version, levels, unit)
    volume = open_volume(tmp_path, None if unit else size)
    if not unit:
        with pytest.raises(ValueError, match="it states no voxel size: give --voxel-size-nm"):
            open_volume(tmp_path)
    sizes = [(size[0], size[1] * 2**n, size[2] * 2**n) for n in range(3)]
    np.testing.assert_allclose([level.voxel_size_nm_zyx for level in volume.levels], sizes)
    host = serve(volume)
    assert opened(host).available_resolutions == [0, 1, 2]
    for number, voxels in enumerate(levels):
        cells = opened(host, resolution=number)
        assert cells.shape == voxels.shape
        np.testing.assert_array_equal(all_of(cells, voxels.shape), voxels)
    if unit:
        with pytest.raises(ValueError, match="states voxels of 8,8,30 nm, not 1,1,1"):
            open_volume(tmp_path, (1.0, 1.0, 1.0))


def test_a_precomputed_volume_keeps_its_place_and_its_scales(serve: Serve, tmp_path: Path) -> None:
    fine, coarse = pattern((5, 6, 8), "uint32"), pattern((5, 3, 4), "uint32")
    scales = [(fine, [0, 0, 6], [8, 8, 30]), (coarse, [0, 0, 6], [16, 16, 30])]
    precomputed(tmp_path, scales, "segmentation")
    host = serve(open_volume(tmp_path, writable=True), writable=True)
    cells = opened(host)
    assert (cells._channel.type, cells.dtype, cells.shape) == ("annotation", "uint64", (5, 6, 8))
    assert cells._channel.downsample_status == "DOWNSAMPLED"
    np.testing.assert_array_equal(all_of(cells, (5, 6, 8), (6, 0, 0)), fine)
    cells = opened(host, resolution=1)
    assert cells.shape == (5, 3, 4)
    np.testing.assert_array_equal(all_of(cells, (5, 3, 4), (6, 0, 0)), coarse)
    cells[6:7, 0:1, 0:2] = np.array([[[8, 9]]], "uint64")
    again = opened(serve(open_volume(tmp_path)), resolution=1)
    assert all_of(again, (1, 1, 2), (6, 0, 0)).tolist() == [[[8, 9]]]


@pytest.mark.parametrize(
    ("resolutions", "levels", "method"),
    [
        ([[8, 8, 30], [16, 16, 30], [32, 32, 30]], 3, "anisotropic"),
        ([[8, 8, 30], [16, 16, 60], [32, 32, 120]], 3, "isotropic"),
        ([[8, 8, 30], [16, 16, 30], [32, 32, 60]], 2, "anisotropic"),
        ([[8, 8, 30], [32, 32, 30]], 1, "anisotropic"),
    ],
)
def test_levels_are_served_as_far_as_the_boss_can_describe_them(
    serve: Serve, tmp_path: Path, resolutions: list[list[int]], levels: int, method: str
) -> None:
    scales = [
        (pattern((120 // z, 32 // y, 32 // x), "uint8"), [0, 0, 0], [x, y, z])
        for x, y, z in resolutions
    ]
    precomputed(tmp_path, scales, "image")
    reply = answer(serve(open_volume(tmp_path)), "collection/lab/experiment/mouse").json()
    assert (reply["num_hierarchy_levels"], reply["hierarchy_method"]) == (levels, method)


def not_a_volume(path: Path) -> None:
    path.mkdir()


def signed(path: Path) -> None:
    zarr_array(path, 3, pattern((2, 2, 2), "int32"))


def flat(path: Path) -> None:
    zarr_array(path, 3, pattern((2, 2), "uint8"))


def five_dimensional(path: Path) -> None:
    zarr_array(path, 2, pattern((1, 3, 2, 2, 2), "uint8"))


def plain_group(path: Path) -> None:
    path.mkdir()
    (path / "zarr.json").write_text('{"zarr_format": 3, "node_type": "group"}')


def unreadable_info(path: Path) -> None:
    path.mkdir()
    (path / "info").write_text("{}")


def gzipped(path: Path) -> None:
    precomputed(path, [(pattern((4, 4, 4), "uint8"), [0, 0, 0], [8, 8, 8])], "image")
    (chunk,) = (path / "8_8_8").iterdir()
    chunk.with_name(chunk.name + ".gz").write_bytes(gzip.compress(chunk.read_bytes()))
    chunk.unlink()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (not_a_volume, "name a .npy file, or the directory of"),
        (signed, "holds int32, and only unsigned"),
        (flat, "has 2 dimensions: it needs z, y and x"),
        (five_dimensional, "has 3 along axis dimension 1: only one"),
        (plain_group, "a Zarr group without multiscales"),
        (unreadable_info, "its info file lists no scales"),
        (gzipped, "its chunks are compressed files"),
    ],
)
def test_a_volume_that_cannot_be_served_is_one_sentence(
    tmp_path: Path, make: Callable[[Path], None], says: str
) -> None:
    make(tmp_path / "volume")
    with pytest.raises(ValueError, match="can't be served as a volume") as caught:
        open_volume(tmp_path / "volume")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_channels_of_an_experiment_share_its_frame() -> None:
    one, other = volume_of(pattern((2, 3, 4))), volume_of(pattern((2, 3, 5)))
    with pytest.raises(ValueError, match="em differs in extent, offset or voxel size from cells"):
        archive.app({URI: one, "bossdb://lab/mouse/em": other})
    archive.app({URI: one, "bossdb://lab/rat/em": other})


@pytest.mark.parametrize(
    "uri", ["bossdb://a/b", "s3://a/b/c", "bossdb://a/b/c/0", "bossdb://a/../c"]
)
def test_a_malformed_uri_is_refused(uri: str) -> None:
    with pytest.raises(ValueError, match="is no channel: write bossdb://collection/"):
        archive.app({uri: volume_of(pattern((2, 3, 4)))})
