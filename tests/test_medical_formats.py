"""Files of NIfTI, NRRD, MRC, npy and Crackle: where they lie, and what of them is refused."""

from itertools import permutations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from file_formats import BOXES, WRITERS, mrc, mrcfile, nibabel, nrrd
from file_formats import nrrd_file as nrrd_file
from file_server import Server
from file_server import server as server
from formats import OFFSET, SHAPE, SIZE, describe, pattern, read
from voxels.archives import Refused, archive_of, formats
from voxels.boxes import Box

ORIENTATIONS = [
    "".join(codes) for order in permutations(("LR", "PA", "IS")) for codes in product(*order)
]

HEADED = [form for form in WRITERS if not form.startswith(("hdf5", "tiff", "planes"))]


@pytest.mark.parametrize("codes", ORIENTATIONS[:: len(ORIENTATIONS) // 12])
def test_an_image_is_turned_as_nibabel_turns_it(tmp_path: Path, codes: str) -> None:
    """To x right, y front, z up; nibabel's closest canonical image is that."""
    voxels = pattern((4, 5, 6), "uint16")
    affine = nibabel.orientations.inv_ornt_aff(
        nibabel.orientations.axcodes2ornt(codes), voxels.shape
    )
    affine = np.diag([2, 3, 5, 1]) @ np.linalg.inv(affine)
    affine[:3, 3] = np.linalg.inv(np.diag([1, 1, 1])) @ [8, -9, 20]
    image = nibabel.Nifti1Image(voxels, affine)
    image.header.set_xyzt_units("micron")
    nibabel.save(image, tmp_path / "a.nii")
    uri = f"nifti://file://{tmp_path}/a.nii"
    expected = nibabel.as_closest_canonical(nibabel.load(tmp_path / "a.nii"))
    sizes, first = expected.header.get_zooms(), expected.affine[:3, 3]
    told = describe(uri)
    assert told["voxel_size_nm_zyx"] == [1000 * size for size in sizes[::-1]] == [5e3, 3e3, 2e3]
    places = np.add(told["offset_zyx"], told.get("middle_zyx", [0.0] * 3))
    np.testing.assert_allclose(places * sizes[::-1], first[::-1], atol=1e-6)
    box = Box.of(told["offset_zyx"], told["shape_zyx"])
    np.testing.assert_array_equal(read(uri, "uint16", box), np.asarray(expected.dataobj).T)


def test_scaled_numbers_are_nibabels_and_scaled_labels_refused(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(pattern((4, 5, 6), "int16"), np.eye(4))
    image.header.set_xyzt_units("mm")
    image.header.set_slope_inter(0.25, 3)
    nibabel.save(image, tmp_path / "a.nii")
    uri = f"nifti://file://{tmp_path}/a.nii"
    told = describe(uri)
    assert (told["dtype"], told["kind"]) == ("float64", "image")
    found = read(uri, "float64", Box.of((0, 0, 0), (6, 5, 4)))
    np.testing.assert_array_equal(found, nibabel.load(tmp_path / "a.nii").get_fdata().T)
    image.header.set_intent(1002)
    nibabel.save(image, tmp_path / "a.nii")
    with pytest.raises(Refused, match="has labels that are scaled by scl_slope"):
        describe(uri)


def test_without_an_affine_axes_are_as_they_come(tmp_path: Path) -> None:
    """What nibabel then makes up, x to the left around the middle, is not taken for stated."""
    image = nibabel.Nifti2Image(pattern((4, 5, 6), "uint8"), None)
    image.header.set_zooms((0.004, 0.008, 0.04))
    image.header.set_xyzt_units("micron")
    nibabel.save(image, tmp_path / "a.nii")
    told = describe(f"nifti://file://{tmp_path}/a.nii")
    assert told["voxel_size_nm_zyx"] == [40, 8, 4] and told["offset_zyx"] == [0, 0, 0]


def written(path: Path, affine: Any, unit: str = "mm", zooms: Any = None) -> str:
    image = nibabel.Nifti1Image(pattern((4, 5, 6), "uint8"), np.array(affine, float))
    image.header.set_xyzt_units(unit)
    if zooms:
        image.header["pixdim"][1:4] = zooms
        image.header["qform_code"] = 0
    nibabel.save(image, path / "a.nii") if not zooms else image.to_filename(path / "a.nii")
    return f"nifti://file://{path}/a.nii"


def test_an_affine_that_is_no_grid_of_ours_is_refused(tmp_path: Path) -> None:
    tilted = np.eye(4)
    tilted[:2, :2] = [[0.9998, -0.02], [0.02, 0.9998]]
    with pytest.raises(
        Refused, match="lies obliquely: an axis of its array runs along 0.9998, 0.0"
    ):
        describe(written(tmp_path, tilted))
    with pytest.raises(
        Refused, match="states no known unit for the voxel size along z and y and x"
    ):
        describe(written(tmp_path, np.eye(4), "unknown"))
    nibabel.save(nibabel.Nifti1Pair(pattern((4, 5, 6), "uint8"), np.eye(4)), tmp_path / "b.img")
    with pytest.raises(Refused, match="keeps its voxels in another file"):
        describe(f"nifti://file://{tmp_path}/b.hdr")


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ({"space directions": [[1, 0.1, 0], [0, 1, 0], [0, 0, 1]]}, "lies obliquely"),
        ({"space units": ["", "", ""]}, "states no known unit for the voxel size along z and y"),
        ({"space directions": [[0, 0, 1], [0, 1, 0], [0, 0, 1]]}, "axes that run along z, y, z"),
        ({"space units": ["um"]}, "can't be read: space units of 1 axes, where there are 3"),
        ({"space directions": [[0, 0, 0], [0, 1, 0], [0, 0, 1]]}, "lies obliquely"),
    ],
)
def test_nrrd_that_is_no_grid_of_ours_is_refused(
    tmp_path: Path, header: dict[str, Any], words: str
) -> None:
    uri, _ = nrrd_file(
        tmp_path,
        pattern(dtype="uint8"),
        **{n: np.array(v) if n[-1] == "s" and n[6] == "d" else v for n, v in header.items()},
    )
    with pytest.raises(Refused, match=words):
        describe(uri)


def test_nrrd_axis_by_axis_has_spacings_and_channels(tmp_path: Path) -> None:
    voxels = pattern((2, *SHAPE[::-1]), "uint8")
    header = {
        "kinds": ["list", "domain", "domain", "domain"],
        "spacings": [np.nan, 4, 8, 40],
        "units": ["", "nm", "nm", "nm"],
    }
    nrrd.write(str(tmp_path / "a.nrrd"), voxels, header)
    uri = f"nrrd://file://{tmp_path}/a.nrrd"
    told = archive_of(uri).describe(uri, 0, "", "", chosen={"channel": 1})
    assert (told["voxel_size_nm_zyx"], told["shape_zyx"]) == ([*SIZE], [*SHAPE])
    box = Box(1, 6, 2, 9, 3, 11)
    found = archive_of(uri).read(uri, 0, "", "", "uint8", box, chosen={"channel": 1})
    np.testing.assert_array_equal(found, voxels[1].T[box.slices((0, 0, 0))])
    nrrd.write(str(tmp_path / "b.nhdr"), voxels, header)
    with pytest.raises(Refused, match="keeps its voxels in another file"):
        describe(f"nrrd://file://{tmp_path}/b.nhdr")
    nrrd.write(str(tmp_path / "c.nrrd"), voxels, {"axis mins": [0, 5, 0, 0], "encoding": "raw"})
    with pytest.raises(Refused, match="states 'axis mins', which are not read"):
        describe(f"nrrd://file://{tmp_path}/c.nrrd")


def test_a_maps_header_says_which_axis_is_which_and_where_it_starts(tmp_path: Path) -> None:
    voxels = pattern(dtype="int16")
    uri, _ = mrc(tmp_path, voxels)
    with mrcfile.open(tmp_path / "volume.mrc", "r+") as file:
        file.header.mapc, file.header.maps = 3, 1
        file.header.cella = tuple(
            10 * size * n for size, n in zip(SIZE[::-1], SHAPE[::-1], strict=True)
        )
    told = describe(uri)
    assert told["shape_zyx"] == [28, 24, 20] and told["offset_zyx"] == [*OFFSET[::-1]]
    found = read(uri, "int16", Box.of(told["offset_zyx"], told["shape_zyx"]))
    np.testing.assert_array_equal(found, voxels.T)
    for change, words in {
        "origin": "states two places, by origin .* and by nxstart",
        "imod": "has an origin as IMOD states it",
        "stack": "holds a stack of volumes",
        "cella": "states an origin, and no voxel size",
        "mapc": r"can't be read: mapc, mapr and maps are \[1, 2, 1\]",
    }.items():
        with mrcfile.open(tmp_path / "volume.mrc", "r+", permissive=True) as file:
            header = file.header
            if change in ("origin", "imod", "cella"):
                header.origin = (7, 8, 9)
            if change == "imod":
                header.extra2 = b"\0" * 40 + b"IMOD"
            header.ispg = 401 if change == "stack" else 1
            if change == "cella":
                header.cella = (0, 0, 0)
            header.mapc = 1 if change == "mapc" else 3
        with pytest.raises(Refused, match=words):
            describe(uri)
        if change == "imod":
            with mrcfile.open(tmp_path / "volume.mrc", "r+") as file:
                file.header.extra2 = b"\0" * 44


@pytest.mark.parametrize("form", HEADED)
def test_a_file_behind_http_is_read_as_on_disk(
    tmp_path: Path, server: Server, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of one that is not compressed, what is asked for are ranges."""
    voxels = pattern(dtype="uint16")
    uri, start = WRITERS[form](tmp_path, voxels)
    uri = server.over_http(uri)
    monkeypatch.setattr("voxels.archives.places.ranged.PIECE_BYTES", 2048)
    formats._opened_as.cache_clear()
    archive_of(uri).describe(uri, 0, "", "", size_nm_zyx=SIZE)
    described = len(server.asked)
    box = Box.of(np.add(start, (3, 4, 5)), (4, 6, 7))
    expected = voxels[3:7, 4:10, 5:12]
    np.testing.assert_array_equal(read(uri, "uint16", box), expected)
    if "gz" not in form and "ckl" not in form:
        assert described <= 4 and len(server.asked) <= described + 3 + 8, server.asked


@pytest.mark.parametrize("form", HEADED)
def test_a_file_that_is_cut_off_is_an_error(tmp_path: Path, form: str) -> None:
    uri, start = WRITERS[form](tmp_path, pattern(dtype="uint16"))
    path = Path(uri.partition("file://")[2])
    path.write_bytes(path.read_bytes()[:-200])
    words = ("is cut off", "before the end-of-stream", "be damaged", "not equal", "is smaller")
    with pytest.raises(Refused, match="|".join(words)) as error:
        read(uri, "uint16", Box.of(start, SHAPE))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("form", "at", "words"),
    [
        ("nifti, gz", 9000, "CRC check failed"),
        ("nrrd, gzip", 9000, "CRC check failed"),
        ("ckl", 3000, "its labels are damaged"),
        ("ckl", -9, "its plane z 17 is damaged"),
    ],
)
def test_a_damaged_file_is_an_error(tmp_path: Path, form: str, at: int, words: str) -> None:
    """Of Crackle in its labels, and in a plane's checksum."""
    uri, start = WRITERS[form](tmp_path, pattern(dtype="uint16"))
    path = Path(uri.partition("file://")[2])
    content = bytearray(path.read_bytes())
    content[at] ^= 0x55
    path.write_bytes(content)
    with pytest.raises(Refused, match=f"can't be read: .*{words}"):
        read(uri, "uint16", Box.of(start, SHAPE))


def test_what_is_no_such_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "words").write_text("words")
    np.save(tmp_path / "objects", np.array([[[{}]]]), allow_pickle=True)
    np.save(tmp_path / "plane", np.zeros((3, 4)))
    np.save(tmp_path / "complex", np.zeros((3, 4, 5), complex))
    for form in ("ckl", "mrc", "nifti", "npy", "nrrd"):
        with pytest.raises(Refused, match="can't be read: ") as error:
            describe(f"{form}://file://{tmp_path}/words")
        assert "\n" not in str(error.value)
    for name, words in {
        "objects": "it holds objects, not numbers",
        "plane": "has 2 dimensions: it needs z, y and x",
        "complex": "holds complex128, which is no type of voxels",
        "plane.npy#/a": "names something in a file that holds one volume",
    }.items():
        name = name if "#" in name else f"{name}.npy"
        with pytest.raises(Refused, match=words):
            describe(f"npy://file://{tmp_path}/{name}")


def test_one_stream_is_told_of(tmp_path: Path) -> None:
    uri, _ = WRITERS["nifti, gz"](tmp_path, pattern(dtype="uint16"))
    note = archive_of(uri).unwritten(uri, 0, "", "", BOXES[:1], None)
    assert note and note.startswith(f"{uri} is compressed as one stream")
