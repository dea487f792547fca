"""`bossflow simulate`: the volume that it writes, and its truth."""

import csv
from pathlib import Path

import numpy as np
import pytest
from bossflow.voxels.detection import simulation
from formats import describe, whole
from making import read_level
from pipeline import bossflow_says
from voxels.boxes import Box
from voxels.detection import simulated

SHAPE = 40, 150, 70


def simulate(to: Path, *more: str, shape: tuple[int, ...] = SHAPE) -> tuple[int, str]:
    return bossflow_says("simulate", str(to), "--shape", ",".join(map(str, shape)), *more)


def truth(directory: Path) -> list[tuple[float, ...]]:
    """Return the rows of a truth, as x, y, z in nm."""
    with (directory / "truth.csv").open() as file:
        heading, *rows = csv.reader(file)
    assert heading == ["x_nm", "y_nm", "z_nm"]
    return [tuple(map(float, row)) for row in rows]


def test_a_volume_is_written_with_the_truth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulation, "BLOCK_ZYX", (64, 64, 64))
    monkeypatch.setattr(simulation, "CHUNK_ZYX", (32, 32, 32))
    to = tmp_path / "cells"
    code, text = simulate(to, "--seed", "7")
    assert code == 0, text
    box = Box.of((0, 0, 0), SHAPE)
    uri = f"zarr://{to}/image.ome.zarr"
    about = describe(uri)
    assert (tuple(about["voxel_size_nm_zyx"]), about["dtype"]) == ((650.0,) * 3, "uint8")
    assert (tuple(about["shape_zyx"]), {*about["offset_zyx"]}) == (SHAPE, {0})
    np.testing.assert_array_equal(whole(uri), simulated.image(box, 7))
    middles, _ = simulated.cells(box, 7)
    rows = truth(to)
    assert len(rows) == len(middles) > 8
    assert rows == sorted(rows, key=lambda row: row[::-1])
    assert {*rows} == {tuple(650.0 * one for one in middle[::-1]) for middle in middles}
    assert text == (
        f"source zarr://{to}/image.ome.zarr, with {len(rows)} cells in {to}/truth.csv\n"
    )
    assert {one.name for one in to.iterdir()} == {"image.ome.zarr", "truth.csv"}


def test_a_larger_volume_has_what_a_smaller_one_has(tmp_path: Path) -> None:
    for name, shape in (("small", (30, 40, 50)), ("large", (45, 40, 60))):
        assert simulate(tmp_path / name, shape=shape)[0] == 0
    directories = tmp_path / "small", tmp_path / "large"
    small, large = (read_level(str(one / "image.ome.zarr"), 0)[0] for one in directories)
    np.testing.assert_array_equal(small, large[:30, :40, :50])
    assert small.std() > 5
    inside = [row for row in truth(tmp_path / "large") if row[0] < 50 * 650 and row[2] < 30 * 650]
    assert inside == truth(tmp_path / "small")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--shape", "4,4"), "'4,4' is no shape: write z,y,x in voxels, such as 256,256,256"),
        (("--shape", "4,4,0"), "is no shape"),
        (("--shape", "4,4,1e3"), "is no shape"),
        (("--shape", "4,4,100001"), "each from 1 to 100,000"),
        (("--shape", f"4,4,{'9' * 5000}"), "is no shape"),
        (("--seed", "-1"), "-1 is not in the range"),
        (("--seed", str(2**32)), "is not in the range"),
    ],
)
def test_what_can_not_be_made_is_refused(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    code, text = bossflow_says("simulate", str(tmp_path / "cells"), *words)
    assert (code, said in text) == (2, True), text
    assert not [*tmp_path.iterdir()]


def test_a_directory_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("there", "file", "link"):
        code, text = simulate(tmp_path / name, shape=(4, 4, 4))
        assert (code, f"{name} is there: name a new directory" in text) == (2, True)
    code, text = simulate(tmp_path / "no" / "cells", shape=(4, 4, 4))
    assert (code, f"there is no directory {tmp_path / 'no'}" in text) == (2, True)
    assert {one.name for one in tmp_path.iterdir()} == {"there", "file", "link"}


def test_what_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(simulation, "write", full)
    code, text = simulate(tmp_path / "cells", shape=(4, 4, 4))
    assert (code, "the disk of" in text, [*tmp_path.iterdir()]) == (1, True, [])
