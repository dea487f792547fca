"""Tractograms in files: TRX, and TrackVis' .trk, streamed from parts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import numpy as np
from numpy.typing import NDArray

from .parts import Affine, Streamlines


def merged(
    parts: Iterable[Streamlines], affine: Affine, shape: tuple[int, ...], out: Path
) -> tuple[int, int]:
    """Write streamlines, one part after the other, as one TRX; the same bytes of the same parts.

    Takes the memory of a batch of points and 8 bytes a streamline, twice.

    Parameters
    ----------
    parts : iterable of Streamlines
        As `parts.batches` yields them, or whole ones that are mapped into memory.
    affine : float64 array, shape (4, 4)
        From voxels to mm (RAS+).
    shape : tuple of 3 int
        Of the volume (X, Y, Z).
    out : Path
        Not there.

    Returns
    -------
    tuple of int
        Streamlines and points.

    References
    ----------
    TRX: a community-oriented tractography file format, github.com/tee-ar-ex/trx-spec.
    """
    lengths: list[NDArray[np.int64]] = []
    with ZipFile(out, "x", ZIP_STORED) as file:
        with file.open(ZipInfo("positions.3.float32"), "w", force_zip64=True) as stream:
            for part in parts:
                stream.write(np.ascontiguousarray(part.positions, "<f4").data)
                lengths.append(part.lengths)
        offsets = np.cumsum(np.concatenate([np.zeros(1, np.int64), *lengths])).astype("<u8")
        with file.open(ZipInfo("offsets.uint64"), "w", force_zip64=True) as stream:
            stream.write(offsets.data)
        streamlines, points = len(offsets) - 1, int(offsets[-1])
        header = {
            **{"DIMENSIONS": [*map(int, shape)], "VOXEL_TO_RASMM": affine.tolist()},
            **{"NB_VERTICES": points, "NB_STREAMLINES": streamlines},
        }
        file.writestr(ZipInfo("header.json"), json.dumps(header))
    return streamlines, points


def as_trk(parts: Iterable[Streamlines], affine: Affine, shape: tuple[int, ...], out: Path) -> None:
    """Write streamlines as TrackVis' .trk, by nibabel, which takes about 40 µs each.

    Parameters are those of `merged`; takes the memory of a batch of points.
    """
    import nibabel as typed

    nibabel: Any = typed

    def lines() -> Iterator[NDArray[np.float32]]:
        for part in parts:
            yield from np.split(part.positions, part.offsets[1:-1].astype(np.int64))

    size = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    header = {
        **{"dimensions": shape, "voxel_sizes": size, "voxel_to_rasmm": affine},
        "voxel_order": "".join(nibabel.aff2axcodes(affine)),
    }
    tractogram = nibabel.streamlines.LazyTractogram(lines, affine_to_rasmm=np.eye(4))
    nibabel.streamlines.TrkFile(tractogram, header).save(str(out))
