"""Skeletons of segments, as files of the format that other programs read: SWC."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from ..look import mesh_files, shown
from ..voxels import skeleton_reading
from ..voxels.skeletons import swc
from ..voxels.skeletons.teasar import Skeleton

UNIT = "um"
"""Of positions and radii: what programs of the field take SWC for."""


def writing(request: str, segments: Sequence[int]) -> Callable[[Path, object], list[str]]:
    """Return what writes the skeletons of segments into a directory, a file each.

    Parameters
    ----------
    request : str
        The whole id of a recorded request.
    segments : sequence of int
        Their ids.

    Raises
    ------
    ValueError
        If the request makes no skeletons, they are not here, or there is none of a segment.
    """
    layer = next((one for one in shown.layers([request]) if one.skeletons or one.problem), None)
    if layer is None:
        raise ValueError(f"request {request} makes no skeletons")
    if layer.problem or layer.skeletons is None or layer.voxel_size_nm_xyz is None:
        raise ValueError(layer.problem)
    read, size = partial(mesh_files.read_part, layer.skeletons), layer.voxel_size_nm_xyz[::-1]
    found = {
        segment: swc.encoded(_skeleton(skeleton_reading.read(read, segment), size), size, UNIT)
        for segment in dict.fromkeys(segments)
    }

    def write(directory: Path, progress: object) -> list[str]:
        for segment, content in found.items():
            (directory / f"{segment}.swc").write_bytes(content)
        return [
            f"{segment}.swc: the skeleton of segment {segment}, in µm (x, y, z)"
            for segment in found
        ]

    return write


def _skeleton(lines: skeleton_reading.Lines, size_nm_zyx: Sequence[float]) -> Skeleton:
    """Return a skeleton that was read, whose vertices are middles of voxels."""
    voxels = np.rint(lines.vertices_nm[:, ::-1] / np.array(size_nm_zyx) - 0.5)
    return Skeleton(voxels.astype(np.int32), lines.edges, lines.radius_nm)
