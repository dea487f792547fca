"""Single files of every format as sources: read as they were written, and labelled."""

import importlib.metadata
import json
from pathlib import Path

import numpy as np
import pytest
from asked import cutouts as cutouts
from changing import made, said
from expected import read_volume
from file_formats import BOXES, SIZELESS, WRITERS
from formats import OFFSET, SHAPE, SIZE, describe, pattern, plain_zarr, read
from steps import Cutouts
from voxels.archives import Refused, archive_of
from voxels.boxes import Box


@pytest.mark.parametrize("form", WRITERS)
def test_a_file_is_read_as_its_own_library_wrote_it(tmp_path: Path, form: str) -> None:
    voxels = pattern(dtype="uint16")
    uri, start = WRITERS[form](tmp_path, voxels)
    given = SIZE if form.startswith(SIZELESS) else None
    if given:
        with pytest.raises(
            Refused, match="states no voxel size: give it in nm as voxel_size x,y,z"
        ):
            describe(uri)
    told = archive_of(uri).describe(uri, 0, "", "", size_nm_zyx=given)
    assert told["voxel_size_nm_zyx"] == pytest.approx(SIZE)
    assert (told["offset_zyx"], told["shape_zyx"]) == ([*start], [*SHAPE])
    kind = "annotation" if form.startswith("ckl") else "image"
    assert (told["dtype"], told["kind"]) == ("uint16", kind)
    np.testing.assert_array_equal(read(uri, "uint16", Box.of(start, SHAPE)), voxels)
    for box in BOXES:
        moved = Box.of(np.add(box.corner_zyx, np.subtract(start, OFFSET)), box.shape_zyx)
        found = read(uri, "uint16", moved)
        assert found.flags.c_contiguous and found.dtype.isnative
        np.testing.assert_array_equal(found, voxels[box.slices(OFFSET)])


def test_a_file_is_labelled_as_an_array_is(cutouts: Cutouts, tmp_path: Path) -> None:
    """By block, in place; and a file that changes is made again, those beside it are not."""
    voxels = np.random.default_rng(5).integers(0, 40, SHAPE, np.uint16).repeat(2, 0)[: SHAPE[0]]
    lines = ["source,voxel_size", plain_zarr(tmp_path / "plain", voxels)]
    forms = {form: write for form, write in WRITERS.items() if "," not in form}
    for form, write in forms.items():
        (tmp_path / form).mkdir()
        size = '"4,8,40"' if form.startswith(SIZELESS) else ""
        lines.append(f'"{write(tmp_path / form, voxels)[0]}",{size}')
    lines[1] += ","
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("\n".join(lines))
    asked = {"stage": False, "block_shape": [10, 24, 28], "source": None, "sheet": sheet}
    ran = cutouts.label(**asked)
    blocks = made(ran)["LABEL_BLOCK"]
    urls = [line.split(",")[2] for line in ran["requests"].splitlines()[1:]]
    plain, *others = [read_volume(url)[0] for url in urls]
    assert len(others) == len(forms) and plain.max() > 1000
    for form, found in zip(forms, others, strict=True):
        np.testing.assert_array_equal(found, plain, form)
    bundles = [
        json.loads(path.read_text()) for path in cutouts.store.glob("LABEL_BLOCK/*/*/bundle.json")
    ]
    told = {
        bundle["arguments"]["source"]["uri"].partition("://")[0]: bundle["software"]
        for bundle in bundles
    }
    assert told["nifti"]["nibabel"] == importlib.metadata.version("nibabel")
    assert "h5py" in told["hdf5"] and "h5py" not in told["tiff"] and "tifffile" not in told["zarr"]
    WRITERS["hdf5"](tmp_path / "hdf5", np.roll(voxels, 1, 0))
    again = cutouts.label(**asked)
    assert made(again)["LABEL_BLOCK"] == blocks // (1 + len(forms))
    assert "changed since they were recorded" in said(again)
