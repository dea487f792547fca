"""The table of formats in docs/volumes.md says what the code does, and releases that are locked."""

import json
import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import file_formats
import h5py
import nibabel
import nrrd
import numpy as np
import pytest
from conftest import ROOT
from formats import SIZE, n5, ome, pattern, plain_zarr, precomputed
from test_describe import EM, TOKEN
from test_describe import host as host
from test_old_blocks import hypersquare
from test_webknossos import written as webknossos
from voxels.archives import MODULES, Refused, SizeUnknown, archive_of
from voxels.archives.made import ARCHIVE
from voxels.archives.offsets import chosen_of
from writers import nwb
from written import PACKED

VOXELS = pattern(dtype="uint16")
RELEASE = re.compile(r"([A-Za-z][\w.-]*) (\d+(?:\.\d+)+)")


def table(heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading, without its own heading."""
    text = (ROOT / "docs" / "volumes.md").read_text("utf-8")
    below = text.partition(f"\n{heading}\n")[2]
    lines = re.search(r"(?:^\|.*\n)+", below, re.MULTILINE)
    assert lines is not None
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines[0].splitlines()[2:]
    ]


ROWS = {row[0].strip("` ").partition("://")[0]: row for row in table("### Formats")}


# ---- files that state as little as their format has them ----


def an_hdf5(path: Path) -> str:
    with h5py.File(path / "v.h5", "w") as file:
        file["v"] = VOXELS
    return f"hdf5://file://{path}/v.h5#/v"


def an_nwb(path: Path) -> str:
    uri, _ = file_formats.nwb(path, VOXELS)
    with h5py.File(path / "volume.nwb", "r+") as file:
        del file["general/optophysiology/plane"]
    return uri


def a_nifti(path: Path) -> str:
    image = nibabel.Nifti1Image(VOXELS.T, None)
    nibabel.save(image, path / "v.nii")
    return f"nifti://file://{path}/v.nii"


def an_nrrd(path: Path) -> str:
    nrrd.write(str(path / "v.nrrd"), VOXELS.T, index_order="F")
    return f"nrrd://file://{path}/v.nrrd"


def an_mrc(path: Path) -> str:
    with file_formats.mrcfile.new(path / "v.mrc", VOXELS) as file:
        file.set_volume()
    return f"mrc://file://{path}/v.mrc"


def a_bigarray(path: Path) -> str:
    import blosc

    chunk = bytes(10) + blosc.compress(np.zeros((2, 3, 4), "uint8").tobytes(), 1)
    (path / "1:4_1:3_1:2").write_bytes(chunk)
    return f"bigarray://file://{path}#/uint8/4,3,2"


def a_hypersquare(path: Path) -> str:
    uri = hypersquare(path / "v", VOXELS)
    file = path / "v" / "metadata.json"
    about = json.loads(file.read_text())
    del about["voxel_resolution"]
    file.write_text(json.dumps(about))
    return f"{uri}#/segmentation"


BARE: dict[str, Callable[[Path], str]] = {
    "precomputed": lambda path: precomputed(path / "v", VOXELS),
    "zarr": lambda path: plain_zarr(path / "v", VOXELS, attributes={}),
    "n5": lambda path: n5(path / "v", VOXELS, note="nothing"),
    "webknossos": lambda path: webknossos(path / "v", "zarr3"),
    "hdf5": an_hdf5,
    "nwb": an_nwb,
    "nifti": a_nifti,
    "nrrd": an_nrrd,
    "mrc": an_mrc,
    "npy": lambda path: file_formats.npy(path, VOXELS)[0],
    "ckl": lambda path: file_formats.ckl(path, VOXELS)[0],
    "tiff": lambda path: file_formats.pages(path, VOXELS)[0],
    "planes": lambda path: file_formats.planes(path, VOXELS)[0],
    "hypersquare": a_hypersquare,
    "bigarray": a_bigarray,
}


def taken(uri: str, host: str = "", token: str = "") -> str:
    """Return which of the parameters that say what is not stated are taken, as the table does."""
    reader, found, size, first = archive_of(uri), [], None, {"time": 0}
    try:
        reader.describe(uri, 0, host, token, chosen=first)
    except SizeUnknown:
        found, size = ["`voxel_size`"], SIZE
    given = first | chosen_of((3, -1005, 77))
    try:
        told = reader.describe(uri, 0, host, token, chosen=given, size_nm_zyx=size)
    except Refused as error:
        assert "states that it begins at voxel " in str(error)
    else:
        assert told["offset_zyx"] == [77, -1005, 3] and told["voxel_size_nm_zyx"] == list(
            size or SIZE
        )
        found.append("`offset`")
    return ", ".join(found) or "nothing"


@pytest.mark.parametrize("scheme", BARE)
def test_what_may_be_given_is_what_a_file_leaves_open(tmp_path: Path, scheme: str) -> None:
    assert taken(BARE[scheme](tmp_path)) == ROWS[scheme][3]


def test_bossdb_leaves_nothing_open(host: str) -> None:
    assert taken(EM, host, TOKEN) == ROWS["bossdb"][3] == "nothing"


def test_an_image_that_states_its_size_may_leave_its_place_open(tmp_path: Path) -> None:
    assert taken(ome(tmp_path / "v", VOXELS)) == "`offset`"


def test_every_format_has_a_row() -> None:
    assert list(ROWS) == ["bossdb", *BARE, ARCHIVE]
    assert set(MODULES) < set(BARE)
    for scheme in (*BARE, "bossdb"):
        archive_of(f"{scheme}://a")
    assert all(len(row) == 5 and row[1] and row[2] for row in ROWS.values())


def locked() -> dict[str, set[str]]:
    """Return the releases that tests run with, and those that wrote what is packed, by name."""
    found: dict[str, set[str]] = {}
    text = (ROOT / "requirements" / "test.txt").read_text("utf-8")
    for name, release in re.findall(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE):
        found.setdefault(name.lower(), set()).add(release)
    with tarfile.open(PACKED) as packed:
        (member,) = (one for one in packed.getmembers() if one.name.endswith("written.json"))
        stream = packed.extractfile(member)
        assert stream is not None
        manifest: dict[str, Any] = json.load(stream)
    for one in manifest.values():
        for name, release in one["releases"].items():
            found.setdefault(name.lower(), set()).add(release)
    # data/objects.nwb.xz, which test_nwb reads
    found["pynwb"] = set(re.findall(r"what pynwb ([\d.]+) made", nwb.__doc__ or ""))
    return found


def test_releases_are_those_that_tests_run_with() -> None:
    known = locked()
    encodings = [row[2] for row in table("## Precomputed volumes of CloudVolume's")]
    told = [
        pair
        for cell in [*(row[4] for row in ROWS.values()), *encodings]
        for pair in RELEASE.findall(cell)
    ]
    assert len(told) > 20
    for name, release in told:
        assert any(f"{one}.".startswith(f"{release}.") for one in known[name.lower()]), (
            name,
            known.get(name.lower()),
        )
    for scheme, packages in MODULES.items():
        names = {name.lower() for name, _ in RELEASE.findall(ROWS[scheme][4])}
        assert names & {*packages, "h5py"} or "by the test" in ROWS[scheme][4], scheme
