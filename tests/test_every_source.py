"""Every format that is a source, through every workflow: what comes of it is that of an array."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import viewing
from bossflow.look import page, view
from every_source import WRITERS, Source, segments, write
from formats import SHAPE, SIZE, Voxels, describe
from making import Downsampling, Transferring, read_level
from test_downsample import check as check_levels
from test_page import page_of

INSIDE = tuple(map(slice, SHAPE))


def sheet(path: Path, sources: dict[str, Source], **columns: Any) -> Path:
    """Write a sample sheet of sources, a row each, called by their formats."""
    rows = [
        {"source": source.uri, "name": form, **source.columns, **columns}
        for form, source in sources.items()
    ]
    names = {name: None for row in rows for name in row}
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, [*names])
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Source]:
    path = tmp_path_factory.mktemp("sources")
    return {form: write(form, path, segments()) for form in WRITERS}


def padded(source: Source) -> Voxels:
    """Return the voxels of all that a source has."""
    voxels = np.zeros(source.shape_zyx, np.uint16)
    voxels[INSIDE] = segments()
    return voxels


def volumes(done: dict[str, Any]) -> dict[str, str]:
    """Return where what a run made is, the third column, by the names of its rows."""
    assert done["plan"]["problem"] is None, done["plan"]["problem"]
    assert done["verdict"] == {"missing": None}, done["summary"]
    rows = csv.DictReader(done["requests"].splitlines())
    return {row["name"]: [*row.values()][2] for row in rows}


@pytest.mark.parametrize("made_as", ["precomputed", "zarr"])
def test_every_source_is_written_anew(
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sources: dict[str, Source],
    made_as: str,
) -> None:
    rows = sheet(tmp_path / "a.csv", sources)
    more = {"volume_format": made_as, "chunk_shape": "8,16,16", "blocks_per_task": 1000}
    done = Transferring(tmp_path, monkeypatch).make(source=None, sheet=rows, **more)
    made = volumes(done)
    assert [*made] == [*sources]
    for form, source in sources.items():
        found, _ = read_level(made[form], 0)
        np.testing.assert_array_equal(found, padded(source), form)
        told = describe(f"{made_as}://{made[form]}")
        size, offset = told["voxel_size_nm_zyx"], tuple(told["offset_zyx"])
        assert (size, offset) == (pytest.approx(SIZE), source.offset_zyx), form
        assert told["dtype"] == found.dtype.name, form


def test_every_source_is_downsampled(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sources: dict[str, Source]
) -> None:
    """And is seen on the page, and in the viewer."""
    asked = {"levels": 1, "factor": "1,2,2", "method": "mode", "blocks_per_task": 1000}
    rows = sheet(tmp_path / "a.csv", sources)
    done = Downsampling(tmp_path, monkeypatch).make(source=None, sheet=rows, **asked)
    made = volumes(done)
    assert [*made] == [*sources]
    for form, source in sources.items():
        check_levels(made[form], padded(source), source.offset_zyx, [(1, 2, 2)], "mode")
    shown, problems = view.opened(done["plan"]["requests"], "public")
    assert problems == []
    seen = {one.volume.uri: one.volume for one in shown}
    for form, source in sources.items():
        np.testing.assert_array_equal(viewing.whole(seen[source.uri]), padded(source), form)
    monkeypatch.setattr(page, "PICTURED", len(sources))
    drawn = page_of(tmp_path)
    assert len(drawn.all_of("img")) == 6 * len(sources), "slices of each, and of its level"
    assert "can't" not in drawn.text
