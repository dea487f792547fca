"""What blocks leave of a search comes back from their files; rows of what was found."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from voxels.boxes import Box
from voxels.detection import files
from voxels.detection.blobs import Blobs, candidates
from voxels.detection.spheres import Spheres, detect

BOX = Box.of((-7, 3, 40), (24, 20, 22))
CORE = Box.of((0, 8, 45), (8, 8, 8))
CUTOUT = Box.of((-20, -20, 20), (80, 80, 80))


def test_what_a_block_found_comes_back_from_its_files_and_not_for_another_box(
    tmp_path: Path,
) -> None:
    values = np.random.default_rng(0).integers(0, 256, BOX.shape_zyx, np.uint8)
    found = detect(values, BOX, CORE, CUTOUT, Spheres.of(1.5, 2.0, (1, 1, 1), Fraction(1, 4)))
    assert len(found.open) > 5 and len(found.under) > 5
    certain = found._replace(certain=found.open[:2], certain_sums=found.open_sums[:2])
    for one in (found, certain):
        files.write_spheres(tmp_path, one, BOX)
        paths = [tmp_path / name for name in files.SPHERES]
        for column, back in zip(one, files.read_spheres(paths, BOX), strict=True):
            assert back.dtype == column.dtype
            np.testing.assert_array_equal(back, column)
    with pytest.raises(ValueError, match="it is of another block"):
        files.read_spheres(paths, Box.of(BOX.corner_zyx, (5, 5, 5)))
    asked = Blobs.of([(0.7,) * 3, (1.0,) * 3], (1, 1, 1), 1.0)
    blobs = candidates(values, BOX, CORE, CUTOUT, asked)
    assert len(blobs.scale) > 3
    files.write_candidates(tmp_path / "candidates.arrow", blobs, BOX)
    back_again = files.read_candidates(tmp_path / "candidates.arrow", BOX)
    assert all(a.tobytes() == b.tobytes() for a, b in zip(blobs, back_again, strict=True))
    none = blobs.only(np.zeros(0, np.int64))
    files.write_candidates(tmp_path / "none.arrow", none, BOX)
    assert files.read_candidates(tmp_path / "none.arrow", BOX).zyx.shape == (0, 3)


def test_rows_are_numbered_as_they_were_found_and_have_places_in_nm() -> None:
    zyx = np.array([(5, 0, 9), (-1, 7, 7), (5, 0, 8)])
    rows = files.detections(zyx, np.array([0.9, 0.8, 0.7]), np.array([3, 2, 1]), (30.0, 8.0, 4.0))
    assert {name: column.tolist() for name, column in rows.items()} == {
        "detection_id": [1, 2, 3],
        **{"detection_x": [9, 7, 8], "detection_y": [0, 7, 0], "detection_z": [5, -1, 5]},
        **{"detection_x_nm": [36.0, 28.0, 32.0], "detection_y_nm": [0.0, 56.0, 0.0]},
        "detection_z_nm": [150.0, -30.0, 150.0],
        **{"detection_score": [0.9, 0.8, 0.7], "detection_radius_nm": [3.0, 2.0, 1.0]},
    }
