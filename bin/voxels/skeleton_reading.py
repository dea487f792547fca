"""Precomputed skeletons read back.

https://github.com/google/neuroglancer/blob/master/src/datasource/precomputed/skeletons.md
"""

import json
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .meshes import shard

Read = Callable[[str, int, int | None], bytes]
"""Takes the name of a file beside `info`, and from where to where it is read (None: to its end);
FileNotFoundError where there is none."""


class Lines(NamedTuple):
    """A skeleton: vertices (nm, XYZ), which two each edge joins, and radii (nm) of vertices."""

    vertices_nm: NDArray[np.float32]
    edges: NDArray[np.uint32]
    radius_nm: NDArray[np.float32]


def read(files: Read, segment_id: int, most: int | None = None) -> Lines:
    """Return the skeleton of a segment.

    Parameters
    ----------
    files : callable
    segment_id : int
    most : int, optional
        Bytes that it may have.

    Raises
    ------
    ValueError
        If the segment has no skeleton, or it is too large, or the files are not what they should
        be.
    """
    about = json.loads(files("info", 0, None))
    place: tuple[str, int, int] | None
    try:
        if "sharding" in about:
            place = shard.found(files, segment_id, about["sharding"])
        else:
            counts = np.frombuffer(files(str(segment_id), 0, 8), "<u4").tolist()
            place = str(segment_id), 0, 8 + 16 * counts[0] + 8 * counts[1]
    except FileNotFoundError:
        place = None
    if place is None:
        raise ValueError(f"there is no skeleton of segment {segment_id}")
    name, begin, size = place
    if most is not None and size > most:
        raise ValueError(f"a skeleton of {size:,} bytes is too large for a picture")
    return _decoded(files(name, begin, begin + size))


def _decoded(content: bytes) -> Lines:
    n_vertices, n_edges = np.frombuffer(content, "<u4", 2).tolist()
    at = 8 + 12 * n_vertices
    vertices = np.frombuffer(content, "<f4", 3 * n_vertices, 8).reshape(-1, 3)
    edges = np.frombuffer(content, "<u4", 2 * n_edges, at).reshape(-1, 2)
    return Lines(vertices, edges, np.frombuffer(content, "<f4", n_vertices, at + 8 * n_edges))
