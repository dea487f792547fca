"""Files of arrays, and the label programs that read and write them."""

import hashlib
import json

import label_block as label_program
import link_block as link_program
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import relabel_block as relabel_program
import stitch as stitch_program
import zarr
from blockwise import rows_of, table_of, whole
from kit.bundles import Finished
from kit.locations import MANIFEST
from kit.units import Bundle, Unit
from stitching import VOXEL_SIZE
from test_segmentation import files_in, read_volume
from voxels import arrays
from voxels.arrays import read_array, write_array
from voxels.boxes import Box, chunk_shape, grid, preceding
from voxels.merging import Merged, component_columns
from voxels.surface import read_statistics

NO_OFFSET = (0, 0, 0)


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "u8", ">u2", "f4", "f2", "i8", "?"])
@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 300, 5), (2, 2, 600)])
def test_arrays_come_back_as_they_were_written(tmp_path, dtype, shape):
    array = (np.random.default_rng(0).random(shape) * 200).astype(dtype)
    write_array(tmp_path / "voxels.zarr", array)
    found = read_array(tmp_path / "voxels.zarr")
    assert found.dtype == array.dtype.newbyteorder("=")
    assert found.flags.c_contiguous
    np.testing.assert_array_equal(found, array)
    np.testing.assert_array_equal(zarr.open(tmp_path / "voxels.zarr", mode="r")[:], array)


def test_views_in_other_orders_are_written_as_what_they_show(tmp_path):
    array = np.arange(24).reshape(2, 3, 4).astype(np.uint16).T
    write_array(tmp_path / "voxels.zarr", array)
    np.testing.assert_array_equal(read_array(tmp_path / "voxels.zarr"), array)


def test_an_array_of_zeros_has_all_its_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr(arrays, "_ARRAY_CHUNK_VOXELS", 200 * 300)
    write_array(tmp_path / "voxels.zarr", np.zeros((1, 300, 300), np.uint8))
    chunks = {".zarray", "0.0.0", "0.1.0"}
    assert files_in(tmp_path / "voxels.zarr") == chunks


def test_a_lost_or_damaged_chunk_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(arrays, "_ARRAY_CHUNK_VOXELS", 256)
    write_array(tmp_path / "voxels.zarr", np.arange(300, dtype=np.uint32).reshape(1, 1, 300))
    chunk = tmp_path / "voxels.zarr" / "0.0.1"
    chunk.write_bytes(chunk.read_bytes()[:-3])
    with pytest.raises(ValueError, match=r"0\.0\.1"):
        read_array(tmp_path / "voxels.zarr")
    chunk.unlink()
    with pytest.raises(ValueError, match=r"0\.0\.1"):
        read_array(tmp_path / "voxels.zarr")
    with pytest.raises(ValueError, match=r"nothing\.zarr"):
        read_array(tmp_path / "nothing.zarr")


def test_an_array_is_never_written_over(tmp_path):
    write_array(tmp_path / "voxels.zarr", np.ones((1, 1, 1), np.uint8))
    with pytest.raises(ValueError, match=r"voxels\.zarr"):
        write_array(tmp_path / "voxels.zarr", np.zeros((1, 1, 1), np.uint8))


def finished(directory, key, attributes=None):
    """Bundle as an input sees it."""
    store = Finished(directory, {}, "").store
    files = [
        {"path": path.relative_to(store).as_posix(), "bytes": path.stat().st_size}
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    ]
    manifest = {"key": key, "attributes": attributes or {}, "content_sha256": "0" * 64}
    manifest["files"] = files
    text = json.dumps(manifest)
    (directory / MANIFEST).write_text(text)
    return Finished(directory, manifest, hashlib.sha256(text.encode()).hexdigest())


def run(work, directory, key, arguments, inputs, **settings):
    """Run a program's function on one unit; what it says of its bundle, and the bundle."""
    directory.mkdir()
    bundle = Bundle(directory, directory)
    work(Unit(directory.name, "PROCESS", key, arguments, settings, inputs), bundle)
    return bundle, finished(directory, key, bundle.attributes)


@pytest.mark.parametrize(
    ("dtype", "connectivity", "component_of", "min_voxels", "block_shape", "origin"),
    [
        ("u8", 6, "segment", 0, (4, 16, 16), (0, 0, 0)),
        ("u8", 26, "segment", 5, (5, 7, 11), (-3, 2, 1)),
        ("u2", 18, "foreground", 3, (1, 20, 64), (0, 0, 5)),
        ("u1", 6, "segment", 10**6, (64, 64, 64), (0, 0, 0)),
    ],
)
def test_the_programs_together_equal_the_whole(
    tmp_path, monkeypatch, dtype, connectivity, component_of, min_voxels, block_shape, origin
):
    corner, shape = (25, -7, 100), (9, 21, 30)
    random = np.random.default_rng(1)
    few = np.array([0, 1, 2, np.iinfo(dtype).max], dtype)
    voxels = np.repeat(random.choice(few, (9, 21, 15)), 2, axis=2)
    cutout = Box.of(corner, shape)
    method = {
        "connectivity": connectivity,
        "component_of": component_of,
        "foreground_above": 1 if component_of == "foreground" else 0,
    }
    place = {
        "cutout": cutout.name,
        "block_shape_zyx": list(block_shape),
        "origin_zyx": list(origin),
    }

    chunk = list(chunk_shape(block_shape))
    labelled, blocks = [], grid(cutout, block_shape, origin)
    for block in blocks:
        key = {"channel_id": "c", "block": block.name}
        pulled = tmp_path / f"pull {block.name}"
        pulled.mkdir()
        write_array(pulled / "voxels.zarr", voxels[block.slices(corner)])
        bundle, made = run(
            label_program.label,
            tmp_path / f"label {block.name}",
            key | {"label_paramset_id": "p"},
            method | {"box": block.name, "chunk_shape_zyx": chunk, "origin_zyx": list(origin)},
            [finished(pulled, key)],
        )
        local = whole(voxels[block.slices(corner)], **method)
        assert bundle.attributes == {"n_labels": local.max()}
        labelled.append(made)

    linked = []
    for made, before in zip(labelled, preceding(blocks, connectivity), strict=True):
        around = [labelled[number] for number in before]
        bundle, links = run(
            link_program.link,
            tmp_path / f"link {made.key['block']}",
            made.key | {"neighbourhood": "n"},
            {"connectivity": connectivity},
            [made, *around],
        )
        names = pq.read_table(links.directory / bundle.parts["Neighbour"]).to_pylist()
        assert names == [{"neighbour_block": other.key["block"]} for other in around]
        linked.append(links)
    for made in labelled:
        (made.directory / "planes.arrow").unlink()  # joining does without them

    request = {"request_id": "r"}
    stitching = place | {
        "min_voxels": min_voxels,
        "voxel_size_nm_zyx": list(VOXEL_SIZE),
    }
    monkeypatch.setattr(stitch_program, "PART_ROWS", 7)
    bundle, stitched = run(
        stitch_program.stitch_blocks,
        tmp_path / "stitch",
        request,
        stitching,
        labelled + linked,
        max_component_rows=20,
    )
    expected = whole(voxels, min_voxels=min_voxels, **method)
    table = table_of(expected, voxels, corner, component_of)
    rows_listed = min(20, len(table))
    assert bundle.attributes == {"n_components": len(table), "n_component_rows": rows_listed}
    assert bundle.part_rows == ({"Component": 20} if len(table) > 20 else {})
    assert bundle.urls == {"volume": "segmentation", "components": "components"}
    assert bundle.parts == {"Source": "source.parquet", "Component": "components"}
    parts = sorted((stitched.directory / "components").iterdir())
    assert [part.name for part in parts] == [
        f"part-{number:05}.parquet" for number in range(max(1, -(-len(table) // 7)))
    ]
    sizes = [pq.read_metadata(part).num_rows for part in parts]
    assert sum(sizes) == len(table)
    assert set(sizes[:-1]) <= {7}
    components = pq.read_table(stitched.directory / "components")
    assert components.schema.field("segment_id").type == pa.decimal128(20, 0)
    rows = [[value or 0 for value in row.values()] for row in components.to_pylist()]
    assert rows == table
    null = components["segment_id"].null_count
    assert null == (len(table) if component_of == "foreground" else 0)
    sources = pq.read_table(stitched.directory / "source.parquet").to_pylist()
    assert sources == [block.key for block in linked]

    outside = []
    for number, (block, made) in enumerate(zip(blocks, labelled, strict=True)):
        bundle, _ = run(
            relabel_program.relabel_block,
            tmp_path / f"relabel {block.name}",
            request | made.key,
            place | {"box": block.name, "number": number},
            [stitched, made],
            earlier=[],
        )
        assert set(bundle.attributes) == {"lookup_sha256"}
        outside += bundle.outside
    segmentation = stitched.directory / "segmentation"
    assert len(set(outside)) == len(outside)
    assert {path.relative_to(segmentation).as_posix() for path in outside} | {"info"} == files_in(
        segmentation
    )
    found, volume = read_volume(segmentation)
    inside = cutout.slices(volume.corner_zyx)
    np.testing.assert_array_equal(found[inside], expected)
    assert found.sum() == found[inside].sum()


def test_stitching_refuses_other_blocks(tmp_path):
    asked = {"cutout": "0-4_0-4_0-4", "block_shape_zyx": [4, 4, 2], "origin_zyx": [0, 0, 0]}
    names = ["0-2_0-4_0-4", "2-4_0-4_0-4"]
    for number, given in enumerate((names, names[::-1] + names, names + names[::-1])):
        inputs = [finished(tmp_path, {"block": name}) for name in given]
        with pytest.raises(ValueError, match="not the labels and links of the 2 blocks of cutout"):
            run(stitch_program.stitch_blocks, tmp_path / f"{number}", {}, asked, inputs)


def test_links_are_to_blocks_before(tmp_path):
    after = [finished(tmp_path, {"block": name}) for name in ("0-2_0-4_0-4", "2-4_0-4_0-4")]
    with pytest.raises(ValueError, match="2-4_0-4_0-4 is no neighbour before block 0-2_0-4_0-4"):
        run(link_program.link, tmp_path / "link", {}, {"connectivity": 6}, after)


def test_columns_of_nothing_still_have_their_names():
    none = np.zeros(0, np.int64)
    merged = Merged(none, np.zeros((3, 0), np.int64), *np.zeros((2, 3, 0), np.uint8), none, none)
    columns = component_columns(merged, none, 1, Box.of(NO_OFFSET, (1, 1, 1)), VOXEL_SIZE)
    table = stitch_program.component_table(columns)
    assert rows_of(columns) == table.to_pylist() == []
    assert table.schema.names == list(columns)


def test_the_next_block_is_read_while_one_is_written(tmp_path, monkeypatch):
    """Once each, and its own voxels; a block that can't be read fails alone."""
    units, directories = [], []
    for number in range(3):
        pulled = tmp_path / f"pull {number}"
        pulled.mkdir()
        if number < 2:
            write_array(pulled / "voxels.zarr", np.full((2, 3, 4), number + 1, np.uint8))
        box = Box.of((0, 0, 0), (2, 3, 4)).name
        asked = {"box": box, "connectivity": 6, "component_of": "segment", "foreground_above": 0}
        asked |= {"chunk_shape_zyx": [2, 3, 4], "origin_zyx": [0, 0, 0]}
        copy = finished(pulled, {"block": box})
        units.append(Unit(str(number), "LABEL_BLOCK", {}, asked, {}, [copy]))
        directories.append(tmp_path / f"label {number}")
        directories[-1].mkdir()
    read, voxels_of = [], label_program.voxels_of
    monkeypatch.setattr(
        label_program,
        "voxels_of",
        lambda unit, box: (read.append(unit.unit_id), voxels_of(unit, box))[1],
    )
    for number, unit in enumerate(units[:2]):
        bundle = Bundle(directories[number], directories[number])
        bundle.following = lambda number=number: units[number + 1]
        label_program.label(unit, bundle)
        (found,) = read_statistics(
            directories[number] / "statistics.arrow", Box.parse(unit.arguments["box"])
        ).segment_id
        assert found == number + 1
    with pytest.raises(ValueError, match=r"voxels\.zarr"):
        label_program.label(units[2], Bundle(directories[2], directories[2]))
    assert read == ["0", "1", "2"]
