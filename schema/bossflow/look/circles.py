"""What was detected, as circles on slices: where spheres of its radii meet them."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..voxels.frames import IN_PLANE
from .layer import Points

READ, MOST = 1_000_000, 1_000
"""How many detections are looked at, and are circles of one slice: the best."""


class Circles:
    """Detections, to be cut by planes.

    Parameters
    ----------
    points : Points
    directory : Path
        Of their files.
    """

    def __init__(self, points: Points, directory: Path) -> None:
        columns, rows, parts = [*points.place, points.radius], 0, []
        for path in sorted(directory.glob("*.parquet")):
            if rows < READ:
                parts.append(pq.read_table(path, columns=columns).slice(0, READ - rows))
                rows += parts[-1].num_rows
        table = pa.concat_tables(parts)
        half = np.array(points.voxel_size_nm_xyz) / 2
        self._middles = {
            axis: table[name].to_numpy() + side
            for axis, name, side in zip("xyz", points.place, half, strict=True)
        }
        self._radii = table[points.radius].to_numpy()

    def through_best(self, axis: str, box_nm: dict[str, list[float]]) -> dict[str, list[float]]:
        """Return the part of a box whose middle plane across an axis meets the best detection.

        It is the box itself where that has no detection in it.

        Parameters
        ----------
        axis : {"x", "y", "z"}
            Across which the plane is.
        box_nm : dict
            Start and end by axis.
        """
        (low, high), first = box_nm[axis], self._middles[axis][:1]
        if not (len(first) and low < first[0] < high):
            return box_nm
        half = min(first[0] - low, high - first[0])
        return box_nm | {axis: [float(first[0] - half), float(first[0] + half)]}

    def across(self, axis: str, box_nm: dict[str, list[float]]) -> list[list[float]]:
        """Return what the middle plane of a box meets: places to the right and down, and radii, nm.

        Parameters
        ----------
        axis : {"x", "y", "z"}
            Across which it is.
        box_nm : dict
            Start and end by axis.
        """
        away = self._middles[axis] - sum(box_nm[axis]) / 2
        met = np.flatnonzero(np.abs(away) < self._radii)[:MOST]
        right, down = (self._middles[name][met] for name in IN_PLANE[axis])
        radii = np.sqrt(self._radii[met] ** 2 - away[met] ** 2)
        rows: list[list[Any]] = np.stack([right, down, radii], axis=1).round(3).tolist()
        return rows
