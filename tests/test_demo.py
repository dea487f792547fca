"""The demo volume: the same on every machine, and like a real segmentation."""

import os
from pathlib import Path

import cc3d
import numpy as np
import pytest
from bossflow.archive_server import app as archive
from bossflow.archive_server import command, demo


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return demo.make(tmp_path_factory.mktemp("demo"))


def test_every_machine_makes_the_same_bytes(paths: dict[str, Path]) -> None:
    assert {name: demo._sha256(path) for name, path in paths.items()} == demo.SHA256


def test_nothing_else_is_left_in_the_directory(paths: dict[str, Path]) -> None:
    assert sorted(paths["image"].parent.iterdir()) == sorted(paths.values())


def test_it_is_dense_and_its_segments_are_in_pieces(paths: dict[str, Path]) -> None:
    segments = np.load(paths["segmentation"], mmap_mode="r")
    assert (segments.shape, segments.dtype) == (demo.SHAPE_ZYX, np.uint64)
    assert (segments == 0).mean() < 0.2
    ids, labels = np.unique(segments[::2, ::2, ::2], return_inverse=True)
    assert len(ids) > 1000
    assert ids[-1] > 10 * len(ids)
    pieces = cc3d.connected_components(segments.astype(np.uint16), connectivity=6)
    sizes = np.bincount(pieces.reshape(-1))[1:]
    assert 3 * len(ids) < len(sizes) < 8000
    assert (sizes < 300).mean() < 0.25
    assert labels.max() == len(ids) - 1


def test_neurites_go_through_the_sections_and_touch(paths: dict[str, Path]) -> None:
    segments = np.load(paths["segmentation"], mmap_mode="r")
    one, next_one = segments[63], segments[64]
    inside = (one != 0) & (next_one != 0)
    assert (one == next_one)[inside].mean() > 0.7
    assert (one != next_one)[inside].mean() > 0.01


def test_the_image_is_dark_at_membranes(paths: dict[str, Path]) -> None:
    image, segments = (np.load(paths[name], mmap_mode="r") for name in ("image", "segmentation"))
    assert (image.shape, image.dtype) == (segments.shape, np.uint8)
    membrane = segments[60] == 0
    assert image[60][~membrane].mean() - image[60][membrane].mean() > 40


def test_a_whole_one_is_reused(paths: dict[str, Path]) -> None:
    before = {path: path.stat().st_mtime_ns for path in paths.values()}
    assert demo.make(paths["image"].parent) == paths
    assert {path: path.stat().st_mtime_ns for path in paths.values()} == before


def test_a_damaged_one_is_made_again(
    paths: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, path in paths.items():
        os.link(path, tmp_path / f"{name}.npy")
    (tmp_path / "image.npy").unlink()
    (tmp_path / "image.npy").write_bytes(paths["image"].read_bytes()[:-1])
    monkeypatch.setattr(
        demo, "_sections", lambda: ((np.uint64(z), np.uint8(z)) for z in range(128))
    )
    made = demo.make(tmp_path)
    assert np.load(made["image"], mmap_mode="r")[5, 0, 0] == 5


def test_the_archive_serves_it(paths: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "make", lambda _directory: paths)
    served = command._demo_volumes()
    assert list(served) == [
        "bossdb://bossflow/demo/segmentation",
        "bossdb://bossflow/demo/image",
    ]
    assert [volume.kind for volume in served.values()] == ["annotation", "image"]
    archive.app(served)
