"""`bossflow export` of volumes and tables: the ecosystem's own tools read what was made."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import tifffile
import zarr
from disks import disk
from making import Transferring, noise, read_level, write_precomputed
from ome_zarr_models.v05 import ImageLabel
from pipeline import bossflow_says
from test_export import export
from test_export import made as made
from test_lineage import CUTOUT, Made, lineage
from voxels.boxes import Box

NM_ZYX = (30.0, 8.0, 8.0)


def volume(made: Made, request: str, number: int, box: Box) -> np.ndarray:
    """Return the voxels of a box of a level that a request made, read without bossflow."""
    import bossflow

    column = "pyramid" if request == made.levels else "volume"
    table = bossflow.Pyramid if request == made.levels else bossflow.Segmentation
    voxels, corner = read_level((table & {"request_id": request}).fetch1(column), number)
    return voxels[box.slices(corner)]


@pytest.fixture(params=["whole", "in pieces"])
def pieces(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a volume be read whole, or in the smallest pieces, and a tile be small."""
    from bossflow.share import arrays, voxels

    if request.param != "whole":
        monkeypatch.setattr(voxels, "PIECE", 1)
        monkeypatch.setattr(arrays, "BLOCK_ZYX", (4, 8, 16))
        monkeypatch.setattr(arrays, "CHUNK_ZYX", (2, 4, 4))
    monkeypatch.setattr(arrays, "TILE", 16)


@pytest.mark.usefixtures("pieces")
def test_npy_is_the_volume(made: Made, tmp_path: Path) -> None:
    export(made.label, "npy", tmp_path / "npy")
    (path,) = (tmp_path / "npy").glob("*.npy")
    voxels = np.load(path, mmap_mode="r")
    expected = volume(made, made.label, 0, CUTOUT)
    assert voxels.dtype == expected.dtype and voxels.flags.c_contiguous
    np.testing.assert_array_equal(voxels, expected)
    about = json.loads(path.with_suffix(".json").read_text())
    assert about["axes"] == "zyx" and about["offset_zyx"] == list(CUTOUT.corner_zyx)
    assert about["voxel_size_nm_zyx"] == list(NM_ZYX) and about["kind"] == "segmentation"


def test_a_level_is_chosen(made: Made, tmp_path: Path) -> None:
    export(made.levels, "npy", tmp_path / "npy", "--level", "1")
    (path,) = (tmp_path / "npy").glob("*.npy")
    about = json.loads(path.with_suffix(".json").read_text())
    box = Box.of(about["offset_zyx"], about["shape_zyx"])
    np.testing.assert_array_equal(np.load(path), volume(made, made.levels, 1, box))
    assert about["voxel_size_nm_zyx"] == [120.0, 32.0, 32.0]
    code, text = bossflow_says(
        "export", made.levels, "--format", "npy", "--to", str(tmp_path / "no"), "--level", "3"
    )
    assert code == 1 and "--level 3: the volume has level 0, 1" in text, text


@pytest.mark.usefixtures("pieces")
def test_tiff_has_size_and_place(made: Made, tmp_path: Path) -> None:
    export(made.label, "tiff", tmp_path / "tiff")
    (path,) = (tmp_path / "tiff").glob("*.tif")
    with tifffile.TiffFile(path) as file:
        assert file.is_bigtiff and file.series[0].axes == "ZYX"
        np.testing.assert_array_equal(file.asarray(), volume(made, made.label, 0, CUTOUT))
        pixels = tifffile.xml2dict(file.ome_metadata)["OME"]["Image"]["Pixels"]
    for axis, size, start in zip("ZYX", NM_ZYX, CUTOUT.corner_zyx, strict=True):
        assert (pixels[f"PhysicalSize{axis}"], pixels[f"PhysicalSize{axis}Unit"]) == (size, "nm")
        assert pixels["Plane"][0][f"Position{axis}"] == start * size
    assert pixels["Plane"][3]["PositionZ"] == (CUTOUT.z0 + 3) * NM_ZYX[0]


@pytest.mark.usefixtures("pieces")
def test_ome_zarr_has_all_levels_where_they_are(made: Made, tmp_path: Path) -> None:
    export(made.levels, "ome-zarr", tmp_path / "zarr")
    (path,) = (tmp_path / "zarr").glob("*.zarr")
    image = ImageLabel.from_zarr(zarr.open_group(path, mode="r"))
    (multiscale,) = image.attributes.ome.multiscales
    assert [axis.name for axis in multiscale.axes] == ["z", "y", "x"]
    for number, dataset in enumerate(multiscale.datasets):
        scale, shift = dataset.coordinateTransformations
        step = 2 ** (number + 1)  # the first level is half as fine as what it was made of
        assert scale.scale == [size * step for size in NM_ZYX]
        found = zarr.open_array(path / dataset.path, mode="r")[:]
        places = zip(shift.translation, NM_ZYX, strict=True)
        corner = [(nm / size - (step - 1) / 2) / step for nm, size in places]
        assert corner == [at // step for at in CUTOUT.corner_zyx]
        box = Box.of([int(at) for at in corner], found.shape)
        np.testing.assert_array_equal(found, volume(made, made.levels, number, box))


def test_tables_are_read_by_pandas(made: Made, tmp_path: Path) -> None:
    import bossflow

    export(made.label, "parquet", tmp_path / "rows")
    units = pd.read_parquet(tmp_path / "rows" / "units.parquet").set_index("execution")
    told = lineage(made.label)["executions"]
    assert {*units.index} == told.keys()
    for name, row in units.iterrows():
        one = told[name]
        assert row["content_sha256"] == one["content_sha256"] and row["bytes"] == one["bytes"]
        assert [*row["made_of"]] == one["made_of"] and json.loads(row["key"]) == one["key"]
        assert row["box"] == one["reads"]["box"] if one["reads"] else pd.isna(row["box"])
    rows = pq.read_table(tmp_path / "rows" / "components.parquet").to_pylist()
    recorded = (bossflow.Segmentation.Component & {"request_id": made.label}).to_dicts()
    assert [{"request_id": made.label} | row for row in rows] == sorted(
        recorded, key=lambda row: row["component_id"]
    )


def test_a_type_that_a_format_lacks_is_refused(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = Transferring(tmp_path, monkeypatch)
    voxels = noise((8, 9, 10), "uint64") + np.uint64(2**63)
    copy.volume = write_precomputed(tmp_path / "volume", voxels, (3, 0, -5), "segmentation")
    ran = copy.make(source=f"precomputed://{copy.volume}", volume_format="zarr")
    (request,) = ran["plan"]["requests"]
    code, text = bossflow_says("export", request, "--format", "tiff", "--to", f"{tmp_path}/tiff")
    assert code == 1 and "uint64, which OME-TIFF has no type for, nor has ImageJ" in text
    assert not (tmp_path / "tiff").exists()
    export(request, "npy", tmp_path / "npy")
    (path,) = (tmp_path / "npy").glob("*.npy")
    np.testing.assert_array_equal(np.load(path), voxels)
    export(request, "ome-zarr", tmp_path / "zarr")
    (path,) = (tmp_path / "zarr").glob("*.zarr")
    np.testing.assert_array_equal(zarr.open_array(path / "0", mode="r")[:], voxels)


def test_a_full_disk_is_an_error_and_nothing_is_left(made: Made, tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    with disk(full, "4k"):  # a page, which the directory's own files do not take
        done = subprocess.run(
            [sys.executable, "-c", "from bossflow.command.main import main; main()", "export"]
            + [made.label, "--format", "npy", "--to", str(full / "npy")],
            capture_output=True,
            text=True,
        )
        assert (done.returncode, os.listdir(full)) == (1, []), done.stderr
    assert "No space left on device" in done.stderr
