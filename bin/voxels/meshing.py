"""Files of the meshes of a bucket of segments, and what is measured of each.

The rules are those of `meshes`; what is here says what a mesh is made with.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .boxes import Box
from .meshes import (
    cells,
    gathered,
    info,
    levels,
    manifest,
    measures,
    nodes,
    shard,
    simplify,
    single,
    triangles,
)
from .meshes.cubes import Cubes

FACES_AT_ONCE = 2**20
"""Triangles of a surface that are there at a time, where not all have to be."""

COLUMNS = {
    "meshed_segment_id": pa.uint64(),
    "n_vertices": pa.int64(),
    "n_faces": pa.int64(),
    "n_mesh_levels": pa.int32(),
    "is_closed": pa.int8(),
    "area_nm2": pa.float64(),
    "volume_nm3": pa.float64(),
    "simplified_nm": pa.float64(),
    "n_mesh_bytes": pa.int64(),
}
"""What is told of a mesh; area, volume and whether it is closed before it is simplified."""

Row = tuple[int, int, int, int, int, float, float, float, int]
"""Values of `COLUMNS`."""


class How(NamedTuple):
    """How meshes are made.

    Attributes
    ----------
    mesh_format : {"multires", "legacy"}
    keep : float
        Share of the triangles that the finest level is to have.
    distance_nm : float
        How far simplification may move a surface.
    most_levels : int
    sharding : Sharding
    voxel_nm_xyz : tuple of float
        Size of a voxel.
    """

    mesh_format: str
    keep: float
    distance_nm: float
    most_levels: int
    sharding: shard.Sharding
    voxel_nm_xyz: tuple[float, ...]

    @classmethod
    def of(cls, arguments: dict[str, Any]) -> How:
        """Return what a unit's arguments say."""
        return cls(
            arguments["mesh_format"],
            float(arguments["keep"]),
            float(arguments["distance_nm"]),
            arguments["levels"],
            shard.Sharding(arguments["buckets"].bit_length() - 1),
            tuple(map(float, arguments["voxel_size_nm_zyx"][::-1])),
        )

    @property
    def node_nm(self) -> float:
        """Side of a node of the finest level."""
        return nodes.side_nm(self.voxel_nm_xyz)

    @property
    def cell_nm(self) -> float:
        """Side of a part of a large surface that is simplified by itself."""
        return self.node_nm / 2

    @property
    def info(self) -> dict[str, Any]:
        """What describes all meshes to a viewer."""
        about = (
            info.legacy() if self.mesh_format == "legacy" else info.of(nodes.BITS, self.sharding)
        )
        return about | {"segment_properties": "segment_properties"}


def written(
    boxes: Sequence[Box], parts: Iterable[Cubes], bucket: int, how: How, directory: Path
) -> list[Row]:
    """Write the meshes of a bucket, and return what is told of each, by segment id.

    Positions are nm in the frame of the volume, whose voxel i reaches from i to i + 1 times the
    size of a voxel.

    Parameters
    ----------
    boxes : sequence of Box
        Blocks.
    parts : iterable of Cubes
        Of each, those of the segments of the bucket.
    bucket : int
    how : How
    directory : Path
        Of all meshes.

    Raises
    ------
    ValueError
        Naming the segment whose mesh can't be made.
    """
    whole = gathered.united(zip(boxes, parts, strict=True))
    corner = 2 * np.array(gathered.whole(boxes).corner_zyx[::-1], np.int64)
    rows: list[Row] = []

    def meshes() -> Iterator[tuple[int, bytes, bytes]]:
        for at in how.sharding.order(whole.segment_ids).tolist():
            segment = int(whole.segment_ids[at])
            try:
                data, about, row = _mesh(whole, at, corner, how)
            except ValueError as error:
                raise ValueError(f"segment {segment}: {error}") from error
            rows.append((segment, *row, len(data) + len(about)))
            yield segment, data, about

    if how.mesh_format == "legacy":
        for segment, data, about in meshes():
            (directory / str(segment)).write_bytes(data)
            (directory / f"{segment}:0").write_bytes(about)
    else:
        shard.write(directory / how.sharding.name(bucket), meshes(), how.sharding)
    return sorted(rows)


def _mesh(
    whole: Cubes, at: int, corner_xyz: NDArray[np.int64], how: How
) -> tuple[bytes, bytes, tuple[int, int, int, int, float, float, float]]:
    """Return data and manifest of a segment, and of `COLUMNS` all but the first and the last."""
    surface = triangles.Surface(whole.segment(at), whole.shape_zyx)
    measured = measures.of_slabs(surface.slabs(FACES_AT_ONCE), how.voxel_nm_xyz)
    points, faces, distance = _simplified(surface, corner_xyz, how)
    told = int(measured.closed), measured.area_nm2, measured.volume_nm3, distance
    if how.mesh_format == "legacy":
        fragment = single.legacy(points, faces, single.SHARE * min(how.voxel_nm_xyz))
        name = str(int(whole.segment_ids[at]))
        return fragment, single.legacy_manifest(name), (len(points), len(faces), 1, *told)
    made = levels.of(
        points, faces, (how.node_nm,) * 3, max(how.voxel_nm_xyz), how.most_levels, nodes.BITS
    )
    return *manifest.encoded(made), (len(points), len(faces), len(made.nodes), *told)


def _simplified(
    surface: triangles.Surface, corner_xyz: NDArray[np.int64], how: How
) -> simplify.Simplified:
    """Return a surface in nm, simplified; one that is cut into cells is never there as a whole."""
    if how.keep < 1 and surface.n_faces > simplify.LARGEST:
        pieces = cells.of_surface(surface, corner_xyz, how.voxel_nm_xyz, how.cell_nm)
        return simplify.of_cells(pieces, how.keep, how.distance_nm, cell_nm=how.cell_nm)
    _, vertices, faces = surface.slab(0, surface.n_planes)
    points = (vertices + corner_xyz) * (np.array(how.voxel_nm_xyz) / 2)
    return simplify.to(points, faces, how.keep, how.distance_nm)
