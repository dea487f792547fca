"""What the files of a volume look like changes with each file that holds a box, and no other."""

import os
from pathlib import Path

import numpy as np
import pytest
from test_sources import FORMATS, Server, written
from test_sources import server as server
from voxels import files
from voxels.archives import archive_of, volumes
from voxels.boxes import Box, grid

ABOUT = ("info", "attributes.json", "zarr.json", ".zarray", ".zattrs", ".zgroup")


def looks(uri: str, box: Box) -> str:
    volumes._opened.cache_clear()
    told = archive_of(uri).files(uri, 0, "", "")
    assert told is not None
    return next(files.seen(told, [box]))


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_counts_for_the_boxes_that_it_holds(tmp_path: Path, form: str) -> None:
    voxels = np.random.default_rng(4).integers(1, 255, (20, 22, 24), np.uint8)
    dtype = "uint32" if "segmentation" in form else "uint8"
    uri, corner = written(form, tmp_path / "volume", voxels, (8, 8, 8))
    box = grid(Box.of(corner, voxels.shape), (10, 9, 11), corner)[3]
    before, counted, held = looks(uri, box), 0, 0
    for path in sorted(path for path in (tmp_path / "volume").rglob("*") if path.is_file()):
        stat = path.stat()
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
        counts = looks(uri, box) != before
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        counted += counts
        if path.name in ABOUT:
            assert counts, path
            continue
        hidden = path.rename(path.with_name("hidden"))
        volumes._opened.cache_clear()
        read = archive_of(uri).read(uri, 0, "", "", dtype, box)
        hidden.rename(path)
        holds = not np.array_equal(read, voxels[box.slices(corner)])
        held += holds
        # which of the shards holds a chunk is told by a hash: all of them count
        assert counts == holds or (form == "sharded" and counts), path
    assert looks(uri, box) == before
    assert counted > held > 0


@pytest.mark.parametrize("form", ["raw", "ome 0.5"])
def test_over_http_the_metadata_stand_for_all(tmp_path: Path, server: Server, form: str) -> None:
    voxels = np.ones((8, 8, 8), np.uint8)
    uri, corner = written(form, tmp_path / "volume", voxels, (8, 8, 8))
    box, uri = Box.of(corner, (8, 8, 8)), server.over_http(uri)
    before = looks(uri, box)
    assert looks(uri, box) == before
    about = next(path for path in (tmp_path / "volume").rglob("*") if path.name in ABOUT)
    about.write_text(about.read_text() + " ")
    assert looks(uri, box) != before
