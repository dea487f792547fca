"""Diffusion MRI of subjects that never were: bundles that cross, and labels as FreeSurfer's."""

from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np

WHOLE = (60, 70, 60)
"""At 2 mm about 98,000 voxels of brain, 49,000 of which are white matter."""

B_VALUE, UNWEIGHTED, DIRECTIONS = 2000, 6, 90
ALONG, ACROSS, GRAY = 1.7e-3, 0.2e-3, 0.8e-3
"""Diffusivities along and across a fibre and in grey matter (mm²/s)."""

SIGNAL, SIGMA = 1000.0, 20.0


@dataclass(frozen=True)
class Subject:
    """The files of a subject."""

    dwi: Path
    bvals: Path
    bvecs: Path
    segmentation: Path

    @property
    def row(self) -> dict[str, str]:
        """The files as columns of a sheet."""
        return {name: str(path) for name, path in vars(self).items()}


def subject(
    directory: Path,
    shape: tuple[int, int, int] = WHOLE,
    directions: int = DIRECTIONS,
    voxel_size: float = 2.0,
    finer: float = 1.0,
    seed: int = 0,
) -> Subject:
    """Write a subject's files: the same of the same arguments.

    Parameters
    ----------
    directory : Path
    shape : tuple of int
        Voxels along x, y, z.
    directions : int
        How many volumes are weighted.
    voxel_size : float
        mm.
    finer : float
        How many voxels of the segmentation one of the others is long.
    seed : int
        Of the noise, which is Rician.
    """
    directory.mkdir(parents=True, exist_ok=True)
    made = Subject(*(directory / name for name in ("dwi.nii.gz", "bvals", "bvecs", "aseg.nii.gz")))
    affine = np.diag([voxel_size, voxel_size, voxel_size, 1.0])
    affine[:3, 3] = [-voxel_size * (side - 1) / 2 for side in shape]
    bvals = np.r_[np.zeros(UNWEIGHTED), np.full(directions, B_VALUE)]
    bvecs = np.r_[np.zeros((UNWEIGHTED, 3)), half_sphere(directions)].round(6)
    np.savetxt(made.bvals, bvals[None], "%d")
    np.savetxt(made.bvecs, bvecs.T, "%.6f")
    data = np.empty((*shape, len(bvals)), np.int16)
    random, half = np.random.default_rng(seed), np.array(shape) * voxel_size / 2
    for x in range(shape[0]):
        grid = np.stack(np.meshgrid([x], *map(np.arange, shape[1:]), indexing="ij"), -1)
        place = (nibabel.affines.apply_affine(affine, grid) / half)[0]
        signal = _signal(place, bvals, bvecs)
        noise = random.standard_normal((2, *signal.shape), np.float32) * SIGMA
        data[x] = np.hypot(signal + noise[0], noise[1]).round()
    _save(data, affine, made.dwi)
    smaller = affine @ np.diag([1 / finer, 1 / finer, 1 / finer, 1])
    smaller[:3, 3] -= voxel_size * (1 - 1 / finer) / 2
    sides = [round(side * finer) for side in shape]
    grid = np.stack(np.meshgrid(*map(np.arange, sides), indexing="ij"), -1)
    _save(labels(nibabel.affines.apply_affine(smaller, grid) / half), smaller, made.segmentation)
    return made


def half_sphere(number: int) -> np.ndarray:
    """Return directions that lie evenly on half a sphere (float64, shape (number, 3))."""
    z = (np.arange(number) + 0.5) / number
    turn = np.pi * (1 + 5**0.5) * np.arange(number)
    return np.stack([np.cos(turn) * np.sqrt(1 - z**2), np.sin(turn) * np.sqrt(1 - z**2), z], -1)


def labels(place: np.ndarray) -> np.ndarray:
    """Return labels (int16) at places (float64, shape (..., 3)) in a brain of half-axes 1."""
    x, y, z = np.moveaxis(place, -1, 0)
    radius = np.sqrt(x**2 + y**2 + z**2)
    sector = ((np.arctan2(z, y) + np.pi) / (2 * np.pi) * 8).astype(int) % 8
    found = np.where(x < 0, 1001, 2001) + sector
    found = np.where(radius < 0.72, np.where(x < 0, 2, 41), found)
    middle = (radius < 0.72) & (np.abs(x) < 0.08) & (z > 0)
    found = np.where(middle, 251 + ((y + 0.72) / 1.44 * 5).astype(int).clip(0, 4), found)
    found = np.where((radius < 0.72) & (z < -0.6), 16, found)
    found = np.where(np.sqrt((x - 0.3) ** 2 + y**2 + z**2) < 0.06, 77, found)
    return np.where(radius < 0.905, found, 0).astype(np.int16)


def _signal(place: np.ndarray, bvals: np.ndarray, bvecs: np.ndarray) -> np.ndarray:
    """Return signals (float32, shape (..., N)) of three bundles: along x, along y, and an arc."""
    x, y, z = np.moveaxis(place / 0.72, -1, 0)
    radius = np.hypot(x, z)
    arc = np.stack([-z, np.zeros_like(z), x], -1) / np.maximum(radius, 1e-6)[..., None]
    along_x, along_y = (z > -0.1) & (np.abs(y) < 0.8), (z < 0.1) & (np.abs(x) < 0.5)
    in_arc = (radius > 0.6) & (np.abs(y) < 0.4)
    bundles = [(along_x, [1, 0, 0]), (along_y | ~(along_x | in_arc), [0, 1, 0]), (in_arc, arc)]
    total = np.zeros((*place.shape[:-1], len(bvals)))
    for inside, direction in bundles:
        cosine = np.broadcast_to(np.asarray(direction, float), place.shape) @ bvecs.T
        fibre = np.exp(-bvals * (ACROSS + (ALONG - ACROSS) * cosine**2))
        total += np.where(inside[..., None], fibre, 0)
    total /= sum(inside.astype(int) for inside, _ in bundles)[..., None]
    away = np.sqrt((place**2).sum(-1))[..., None]
    gray = np.exp(-bvals * GRAY)
    mixed = np.where(away < 0.72, total, np.where(away < 0.905, gray, 0))
    return (SIGNAL * mixed).astype(np.float32)


def _save(voxels: np.ndarray, affine: np.ndarray, path: Path) -> None:
    image = nibabel.Nifti1Image(voxels, affine)
    image.set_sform(affine, code=1)
    image.set_qform(affine, code=1)
    nibabel.save(image, path)
