"""What was detected, as points over the image: a layer of annotations, which a viewer holds."""

from typing import Any

import neuroglancer
import numpy as np
import pyarrow.parquet as pq

from .layer import Points
from .layers import files

MOST = 10_000
"""How many points a viewer shows: the best. It holds them in memory, as text."""


def layer_of(points: Points, size_nm_xyz: Any, most: int = MOST) -> tuple[str, Any]:
    """Return what points are called, where not all are shown, and their layer.

    Parameters
    ----------
    points : Points
    size_nm_xyz : sequence of 3 float
        Voxel size of the image.
    most : int
        How many are shown.

    Raises
    ------
    ValueError
        If their files are damaged, not there, or too large to be fetched.
    """
    directory = files(points.store, points.path)
    if directory is None:
        raise ValueError(f"{points.path} is too large to be fetched: no points are shown")
    paths = sorted(directory.glob("*.parquet"))
    if not paths:
        raise ValueError(f"{directory} holds no table of points")
    total = sum(pq.ParquetFile(path).metadata.num_rows for path in paths)
    columns = [points.name, points.score, *points.place]
    rows: list[dict[str, Any]] = []
    for path in paths:
        if len(rows) < most:
            rows += pq.read_table(path, columns=columns).slice(0, most - len(rows)).to_pylist()
    size = np.asarray(size_nm_xyz, np.float64)
    half = np.array(points.voxel_size_nm_xyz) / 2  # a viewer's voxels begin at whole numbers
    told = [
        neuroglancer.PointAnnotation(
            id=str(row[points.name]),
            point=(np.array([row[name] for name in points.place]) + half) / size,
            description=f"{points.name} {row[points.name]}, score {row[points.score]:.4g}",
        )
        for row in rows
    ]
    space = neuroglancer.CoordinateSpace(names=list("xyz"), units="nm", scales=size)
    layer = neuroglancer.LocalAnnotationLayer(dimensions=space, annotations=told)
    words = f" (the best {len(rows):,} of {total:,})" if len(rows) < total else ""
    return words, layer
