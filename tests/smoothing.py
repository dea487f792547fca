"""A function that runs apply to the blocks of a volume, and what it makes of the whole one."""

import csv
from pathlib import Path

import numpy as np
from making import noise, read_level, write_precomputed
from scipy import ndimage
from wheels import wheel

CORNER = (-7, 13, 21)
SIGMA = 1.5

FUNCTION = """
import numpy as np
import numpy.typing as npt
from scipy import ndimage
from sigmas import SIGMA

def smooth(block) -> npt.NDArray[np.float32]:
    return ndimage.gaussian_filter(block.astype(np.float32), SIGMA, truncate=4.0)
"""


def smoothing(directory: Path) -> list[str]:
    """Write a volume of four blocks, a function of them, and a lock file of what it imports.

    Returns
    -------
    list of str
        What a run is told that applies it; pip has to find the directory's `wheels`.
    """
    wheel(directory / "wheels", "sigmas", "1.0", f"SIGMA = {SIGMA}")
    (directory / "filters.py").write_text(FUNCTION)
    (directory / "sigmas.txt").write_text("sigmas==1.0\n")
    volume = write_precomputed(directory / "volume", _voxels(), CORNER)
    asked = ["--workflow", "apply", "--function", "filters:smooth", "--requirements", "sigmas.txt"]
    asked += ["--source", f"precomputed://{volume}", "--halo", "6,6,6", "--chunk_shape", "8,8,8"]
    return [*asked, "--block_shape", "16,16,16"]


def check(results: Path) -> None:
    """Compare the volume that a run names with the filter of the whole one, bit for bit."""
    with (results / "requests.csv").open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    made, corner = read_level(row["volume"], 0)
    assert corner == CORNER and made.dtype == np.float32
    whole = ndimage.gaussian_filter(_voxels().astype(np.float32), SIGMA, truncate=4.0)
    np.testing.assert_array_equal(made.view("u4"), whole.view("u4"))


def _voxels() -> np.ndarray:
    return noise((16, 24, 24), "uint8")
