"""Files that a block leaves of a search, and the rows of what was found in the end.

All are Arrow IPC files of narrow columns; places are counted from the first voxel of a box.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..boxes import Box
from ..surface import read_columns, write_columns
from .blobs import Candidates
from .spheres import BlockSpheres
from .taking import Integers

_AXES = "zyx"


SPHERES = ("certain.arrow", "open.arrow", "under.arrow")
"""Files of what a block knows of its core."""

CANDIDATES = "candidates.arrow"
"""The file of a block's candidates."""


def write_spheres(directory: Path, found: BlockSpheres, box: Box) -> None:
    """Write what a block knows of its core, in the files `SPHERES`.

    Parameters
    ----------
    directory : Path
    found : BlockSpheres
    box : Box
        What the block was searched in: its core and what is around it.
    """
    certain, undecided, under = (directory / name for name in SPHERES)
    _write(certain, found.certain, box, sum=found.certain_sums)
    _write(undecided, found.open, box, sum=found.open_sums)
    _write(under, found.under, box, value=found.values)


def read_spheres(paths: Sequence[Path], box: Box) -> BlockSpheres:
    """Read what a block knows of its core, from its files in the order of `SPHERES`.

    Raises
    ------
    ValueError
        If it is of another block: a place lies outside of the box.
    """
    of_certain, of_open, of_under = paths
    certain, sums = _read(of_certain, box, "sum")
    undecided, open_sums = _read(of_open, box, "sum")
    under, values = _read(of_under, box, "value")
    return BlockSpheres(
        certain,
        sums.astype(np.int64),
        undecided,
        open_sums.astype(np.int64),
        under,
        values.astype(np.uint8),
    )


def write_candidates(path: Path, found: Candidates, box: Box) -> None:
    """Write the candidates of a block's core, which is in the box."""
    _write(path, found.zyx, box, response=found.response.view(np.uint32), scale=found.scale)


def read_candidates(path: Path, box: Box) -> Candidates:
    """Read the candidates of a block's core.

    Raises
    ------
    ValueError
        If they are of another block: a place lies outside of the box.
    """
    zyx, bits, scale = _read(path, box, "response", "scale")
    response = bits.astype(np.uint32).view(np.float32)
    return Candidates(zyx, response, scale.astype(np.int64))


def detections(
    zyx: Integers,
    score: NDArray[Any],
    radius_nm: NDArray[Any],
    voxel_size_nm: Sequence[float],
) -> dict[str, NDArray[Any]]:
    """Return rows of what was found, numbered from 1 in the order in which it was.

    Parameters
    ----------
    zyx : int64 array, shape (n, 3)
        In the channel's coordinates.
    score, radius_nm : array, shape (n,)
    voxel_size_nm : sequence of 3 float
        ZYX.

    Returns
    -------
    dict of array, shape (n,)
        int64 `detection_id`; `detection_x`, `_y`, `_z` in voxels; float64 `detection_x_nm` and so
        on, these times the voxel size; `detection_score`, `detection_radius_nm`.
    """
    in_nm = zyx * np.asarray(voxel_size_nm, np.float64)
    axes = [*enumerate(_AXES)][::-1]
    rows: dict[str, NDArray[Any]] = {"detection_id": np.arange(1, len(zyx) + 1)}
    rows |= {f"detection_{name}": zyx[:, axis] for axis, name in axes}
    rows |= {f"detection_{name}_nm": in_nm[:, axis] for axis, name in axes}
    return rows | {
        "detection_score": score.astype(np.float64),
        "detection_radius_nm": radius_nm.astype(np.float64),
    }


def _write(path: Path, zyx: Integers, box: Box, **more: NDArray[Any]) -> None:
    places = zyx - np.array(box.corner_zyx)
    write_columns(path, {name: places[:, axis] for axis, name in enumerate(_AXES)} | more)


def _read(path: Path, box: Box, *names: str) -> tuple[NDArray[Any], ...]:
    columns = read_columns(path)
    places = np.stack([columns[name].astype(np.int64) for name in _AXES], axis=1)
    if len(places) and not (places.min() >= 0 and (places < box.shape_zyx).all()):
        raise ValueError(f"{path} has places outside of {box.name}: it is of another block")
    return (places + np.array(box.corner_zyx), *(columns[name] for name in names))
