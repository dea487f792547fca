"""HyperSquare and BigArray, written here as their public readers take them."""

import json
import lzma
from pathlib import Path
from typing import Any

import blosc
import numpy as np
import PIL.Image
import pytest
from formats import Voxels, describe, pattern, read
from making import Transferring
from pipeline import bossflow_says
from voxels.archives import Refused, archive_of
from voxels.boxes import Box, grid

SHAPE, OFFSET = (20, 24, 28), (7, 5, 3)
BOXES = [Box(4, 9, 6, 16, 8, 9), Box(3, 31, 6, 22, 9, 26), Box.of(OFFSET, SHAPE)]
SIZE = (40, 8, 4)


def hypersquare(path: Path, voxels: Voxels, in_voxels: bool = True, **changes: Any) -> str:
    size = (1, 1, 1) if in_voxels else SIZE[::-1]
    low = [start * one for start, one in zip(OFFSET[::-1], size, strict=True)]
    spans = zip(low, voxels.shape[::-1], size, strict=True)
    about = {
        "chunk_voxel_dimensions": voxels.shape[::-1],
        "voxel_resolution": SIZE[::-1],
        "resolution_units": "nanometers",
        "physical_offset_min": low,
        "physical_offset_max": [start + side * one for start, side, one in spans],
        "segment_id_type": "UInt16",
        "image_type": "UInt8",
    }
    (path / "jpg").mkdir(parents=True, exist_ok=True)
    (path / "metadata.json").write_text(json.dumps(about | changes))
    alone = lzma.compress(voxels.astype("<u2").tobytes(), lzma.FORMAT_ALONE)
    (path / "segmentation.lzma").write_bytes(alone)
    for number, plane in enumerate(voxels):
        PIL.Image.fromarray((plane % 200).astype("uint8")).save(path / f"jpg/{number}.jpg")
    return f"hypersquare://file://{path}"


@pytest.mark.parametrize("in_voxels", [True, False])
def test_a_block_of_hypersquare_is_a_volume(tmp_path: Path, in_voxels: bool) -> None:
    voxels = pattern(SHAPE, "uint16")
    block = hypersquare(tmp_path / "block", voxels, in_voxels)
    labels, pictures = f"{block}#/segmentation", f"{block}#/image"
    told = describe(labels)
    assert (told["dtype"], told["kind"]) == ("uint16", "annotation")
    assert (told["offset_zyx"], told["shape_zyx"]) == ([*OFFSET], [*SHAPE])
    assert told["voxel_size_nm_zyx"] == [*SIZE] and describe(pictures)["kind"] == "image"
    decoded = np.stack(
        [np.asarray(PIL.Image.open(tmp_path / f"block/jpg/{z}.jpg")) for z in range(SHAPE[0])]
    )
    for box in BOXES:
        where = box.slices(OFFSET)
        np.testing.assert_array_equal(read(labels, "uint16", box), voxels[where])
        np.testing.assert_array_equal(read(pictures, "uint8", box), decoded[where])
    code, text = bossflow_says("describe", block, "--json")
    assert code == 0 and json.loads(text)["inside"] == {"parts": [labels, pictures]}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"physical_offset_max": [9, 9, 9]}, "physical_offset_min .* is no block of"),
        ({"segment_id_type": "Float32"}, "a block of"),
        ({"segment_id_type": "UInt32"}, "its labels are 26,880 bytes or more, not 53,760"),
        ({"segment_id_type": "UInt8"}, "its labels are 13,441 bytes or more, not 13,440"),
        ({"chunk_voxel_dimensions": None}, "can't be read"),
        ({"resolution_units": "feet"}, "states no known unit"),
    ],
)
def test_bad_blocks_are_one_sentence(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    uri = f"{hypersquare(tmp_path / 'block', pattern(SHAPE, 'uint16'), **changes)}#/segmentation"
    with pytest.raises(Refused, match=words) as error:
        read(uri, describe(uri)["dtype"], BOXES[0])
    assert "\n" not in str(error.value)
    with pytest.raises(Refused, match="does not name labels or pictures of a block: write #/segm"):
        describe(uri.partition("#")[0])


CHUNK = (8, 9, 10)
CORNER = (16, 9, 20)
EXTENT = Box.of(CORNER, (16, 18, 30))


def bigarray(path: Path, voxels: Voxels, leave_out: int = -1) -> str:
    """Write chunks, but one."""
    path.mkdir(exist_ok=True)
    for number, box in enumerate(grid(EXTENT, CHUNK, CORNER)):
        if number == leave_out:
            continue
        x0, x1, y0, y1, z0, z1 = box
        content = np.ascontiguousarray(voxels[box.slices(CORNER)]).tobytes()
        packed = blosc.compress(content, voxels.itemsize)
        (path / f"{x0 + 1}:{x1}_{y0 + 1}:{y1}_{z0 + 1}:{z1}").write_bytes(bytes(10) + packed)
    (path / "readme").write_text("about")
    return f"bigarray://file://{path}#/{voxels.dtype.name}/10,9,8"


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_chunks_of_a_bigarray_make_a_volume(tmp_path: Path, dtype: str) -> None:
    voxels = pattern(EXTENT.shape_zyx, "uint8").astype(dtype)
    uri = bigarray(tmp_path / "a", voxels)
    told = archive_of(uri).describe(uri, 0, "", "", size_nm_zyx=SIZE)
    assert (told["offset_zyx"], told["shape_zyx"]) == ([*CORNER], [*EXTENT.shape_zyx])
    assert (told["dtype"], told["chunk_zyx"]) == (dtype, [*CHUNK])
    for box in (EXTENT, Box(21, 47, 10, 26, 17, 31), Box(33, 34, 26, 27, 31, 32)):
        np.testing.assert_array_equal(read(uri, dtype, box), voxels[box.slices(CORNER)])


def test_a_chunk_that_is_not_there_is_zero_and_said_to_be(tmp_path: Path) -> None:
    voxels = pattern(EXTENT.shape_zyx, "uint8")
    uri = bigarray(tmp_path / "a", voxels, leave_out=1)
    hole = grid(EXTENT, CHUNK, CORNER)[1]
    expected = voxels.copy()
    expected[hole.slices(CORNER)] = 0
    np.testing.assert_array_equal(read(uri, "uint8", EXTENT), expected)
    said = archive_of(uri).unwritten(uri, 0, "", "", [hole], None)
    assert said and "nothing was ever written in" in said
    assert archive_of(uri).unwritten(uri, 0, "", "", [EXTENT], None) is None


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("", "does not say what its chunks hold: write #/ with type and chunk shape"),
        ("#/uint8/10,9", "does not say what its chunks hold"),
        ("#/object/10,9,8", "does not say what its chunks hold"),
        ("#/uint8/8,9,10", "has a chunk .*, which is not one of"),
        ("#/uint16/10,9,8", "damaged, or of another type or shape: blosc says 720 bytes, not 1,44"),
    ],
)
def test_what_chunks_hold_must_be_said_as_it_is(tmp_path: Path, said: str, words: str) -> None:
    uri = bigarray(tmp_path / "a", pattern(EXTENT.shape_zyx, "uint8"))
    uri = uri.partition("#")[0] + said
    with pytest.raises(Refused, match=words):
        archive_of(uri).describe(uri, 0, "", "", size_nm_zyx=SIZE)
        read(uri, "uint16", EXTENT)


def test_damaged_and_stray_chunks_are_refused(tmp_path: Path) -> None:
    uri = bigarray(tmp_path / "a", pattern(EXTENT.shape_zyx, "uint8"))
    first = next(path for path in sorted((tmp_path / "a").iterdir()) if ":" in path.name)
    first.write_bytes(first.read_bytes()[:-5])
    with pytest.raises(Refused, match="is damaged, or of another type"):
        read(uri, "uint8", EXTENT)
    first.rename(tmp_path / "a/2:11_1:9_1:8")
    with pytest.raises(Refused, match="which are of no one grid"):
        describe(uri)


def test_transfer_makes_a_volume_of_chunks(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    voxels = pattern(EXTENT.shape_zyx, "uint8")
    source, size = bigarray(tmp_path / "a", voxels), ",".join(map(str, SIZE[::-1]))
    done = Transferring(tmp_path, monkeypatch).make(source=source, voxel_size=size)
    assert done["verdict"] == {"missing": None}, done["summary"]
    from bossflow.workflows.transfer import TransferredVolume

    row = (TransferredVolume & {"request_id": done["plan"]["requests"][0]}).fetch1()
    uri = f"precomputed://{row['transferred']}"
    told = describe(uri)
    assert (told["offset_zyx"], told["voxel_size_nm_zyx"]) == ([*CORNER], [*SIZE])
    np.testing.assert_array_equal(read(uri, "uint8", EXTENT), voxels)
