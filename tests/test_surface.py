"""Files that a block leaves for stitching: what was written comes back, in few bytes."""

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from voxels.boxes import Box
from voxels.labelling import FACES, Statistics, label_block, surface
from voxels.links import Links
from voxels.surface import (
    read_links,
    read_plane,
    read_segment_ids,
    read_statistics,
    write_links,
    write_planes,
    write_statistics,
)


def widths(path):
    """Bytes of a value by column."""
    schema = pa.ipc.open_file(str(path)).schema
    return {field.name: field.type.bit_width // 8 for field in schema}


@pytest.mark.parametrize("top", [0, 1, 255, 256, 65535, 65536, 2**31 - 1])
def test_planes_come_back(tmp_path, top):
    labels = np.random.default_rng(0).integers(0, top, (3, 4, 5), np.uint32, endpoint=True)
    labels[0, 0, 0] = top
    for name in ("one", "other"):
        write_planes(tmp_path / name, labels)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
    for face in FACES:
        found = read_plane(tmp_path / "one", face)
        assert found.dtype == np.uint32
        np.testing.assert_array_equal(found, surface(labels)[face])
    narrow = 1 if top < 2**8 else 2 if top < 2**16 else 4
    assert widths(tmp_path / "one") == {"label": narrow}


def test_planes_are_compressed(tmp_path):
    write_planes(tmp_path / "planes", np.ones((200, 200, 200), np.uint32))
    assert (tmp_path / "planes").stat().st_size < 10_000


@settings(max_examples=50, deadline=None)
@given(
    st.sampled_from(["u1", "u2", "u4", "u8"]),
    st.tuples(*[st.integers(1, 9)] * 3),
    st.tuples(*[st.integers(-(2**40), 2**40)] * 3),
    st.integers(0, 2**32 - 1),
)
def test_statistics_come_back(tmp_path_factory, dtype, shape, corner, seed):
    path = tmp_path_factory.mktemp("surface") / "statistics"
    top = int(np.iinfo(dtype).max)
    few = np.array([0, 0, 1, top // 2 + 1, top], dtype)
    voxels = np.random.default_rng(seed).choice(few, shape)
    _, statistics = label_block(voxels, corner, 6, "segment", 0)
    write_statistics(path, statistics, Box.of(corner, shape))
    found = read_statistics(path, Box.of(corner, shape))
    for one, other in zip(statistics, found, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(read_segment_ids(path), statistics.segment_id)


def test_statistics_are_as_narrow_as_they_may_be_and_no_narrower(tmp_path):
    """One label fills a block of 2**31 - 1 voxels along x, far from the channel's origin."""
    far, side = 2**30, 2**31 - 1
    row = np.array([[far, far, far]])
    end = row + [1, 1, side]
    count = np.array([side])
    total = row * side + [0, 0, side * (side - 1) // 2]
    statistics = Statistics(count, total, row, end, row, np.array([2**64 - 1], np.uint64))
    box = Box.of((far, far, far), (1, 1, side))
    write_statistics(tmp_path / "statistics", statistics, box)
    for one, other in zip(statistics, read_statistics(tmp_path / "statistics", box), strict=True):
        np.testing.assert_array_equal(one, other)
    found = widths(tmp_path / "statistics")
    wide = {"voxel_count": 4, "segment_id": 8, "sum_x": 8, "upper_x": 4}
    assert found == dict.fromkeys(found, 1) | wide


def test_statistics_of_another_block_are_refused(tmp_path):
    _, statistics = label_block(np.ones((2, 2, 3), np.uint8), (5, 5, 5), 6, "segment", 0)
    with pytest.raises(ValueError, match="sum_y .* is -6: it must be 0 or more"):
        write_statistics(tmp_path / "statistics", statistics, Box.of((5, 6, 5), (2, 2, 3)))
    write_statistics(tmp_path / "statistics", statistics, Box.of((5, 5, 5), (2, 2, 3)))
    with pytest.raises(ValueError, match="has labels that leave block 5-7_5-7_5-7"):
        read_statistics(tmp_path / "statistics", Box.of((5, 5, 5), (2, 2, 2)))


@pytest.mark.parametrize("n", [0, 1, 1000])
def test_links_come_back(tmp_path, n):
    random = np.random.default_rng(n)
    links = Links(*random.integers(0, (13, 300, 2**31), (n, 3)).T)
    write_links(tmp_path / "links", links)
    for one, other in zip(links, read_links(tmp_path / "links"), strict=True):
        np.testing.assert_array_equal(one, other)
    if n == 1000:
        assert widths(tmp_path / "links") == {"direction": 1, "label": 2, "neighbour_label": 4}


def test_pandas_is_not_imported(tmp_path):
    """It would take a fifth of a second of every task."""
    code = """
import sys
from pathlib import Path
from types import SimpleNamespace
import numpy as np
from voxels.boxes import Box
from voxels.labelling import label_block
from voxels.links import Links
from voxels.surface import *
import create_pyramid, link_block, stitch
write_planes(Path("p"), np.ones((2, 2, 2), np.uint32)), read_plane(Path("p"), "x1")
write_links(Path("l"), Links(*np.ones((3, 2), np.uint32))), read_links(Path("l"))
stitch.component_table({"segment_id": np.ones(2, np.uint64)})
names = "format", "dtype", "kind", "encoding", "compression", "method"
asked = dict.fromkeys(names, "") | {"cutout": "0-8_0-8_0-8", "voxel_size_nm_zyx": [8] * 3}
asked |= {"block_shape_zyx": [8] * 3, "origin_zyx": [0] * 3, "factors_zyx": [[2] * 3]}
asked |= {"format": "precomputed", "dtype": "uint32"}
bundle = SimpleNamespace(directory=Path.cwd(), attributes={}, urls={}, parts={})
create_pyramid.create_pyramid(SimpleNamespace(arguments=asked), bundle)
assert "pandas" not in sys.modules
"""
    subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT / "bin")},
        check=True,
    )
