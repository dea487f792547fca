"""Files of the skeletons of a bucket of segments, and what is measured of each.

The rules are those of `skeletons`; what is here says what a skeleton is made with.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from .meshes.shard import Sharding
from .skeletons import measure, precomputed, sparse, teasar
from .skeletons.run_files import Found
from .skeletons.sparse import Runs

COLUMNS = {
    "skeletonized_segment_id": pa.uint64(),
    "cable_length_nm": pa.float64(),
    "n_skeleton_vertices": pa.int64(),
    "n_branches": pa.int64(),
    "n_ends": pa.int64(),
    "max_radius_nm": pa.float64(),
    "n_trees": pa.int64(),
    "n_skeleton_bytes": pa.int64(),
}
"""What is told of a skeleton."""

Row = tuple[int, float, int, int, int, float, int, int]
"""Values of `COLUMNS`."""


class How(NamedTuple):
    """How skeletons are made.

    Attributes
    ----------
    skeleton_format : {"sharded", "legacy"}
    drawn : Teasar
    sharding : Sharding
    voxel_size_nm_zyx : tuple of float
    """

    skeleton_format: str
    drawn: teasar.Teasar
    sharding: Sharding
    voxel_size_nm_zyx: tuple[float, ...]

    @classmethod
    def of(cls, arguments: dict[str, Any]) -> How:
        """Return what a unit's arguments say."""
        drawn = teasar.Teasar(
            float(arguments["scale"]),
            float(arguments["const_nm"]),
            float(arguments["pdrf_scale"]),
            arguments["pdrf_exponent"],
            arguments["min_voxels"],
        )
        return cls(
            arguments["skeleton_format"],
            drawn,
            Sharding(arguments["buckets"].bit_length() - 1),
            tuple(map(float, arguments["voxel_size_nm_zyx"])),
        )

    @property
    def info(self) -> dict[str, Any]:
        """What describes all skeletons to a viewer."""
        about = precomputed.info(self.sharding if self.skeleton_format == "sharded" else None)
        return about | {"segment_properties": "segment_properties"}


def written(
    parts: Iterable[Found], bucket: int, how: How, directory: Path
) -> tuple[list[Row], int]:
    """Write the skeletons of a bucket.

    Positions are nm in the frame of the volume, whose voxel i has its middle at i + 0.5 times the
    size of a voxel.

    Parameters
    ----------
    parts : iterable of Found
        Of each block, the runs of the segments of the bucket, in channel coordinates.
    bucket : int
    how : How
    directory : Path
        Of all skeletons.

    Returns
    -------
    list of tuple
        What is told of each, by segment id.
    int
        How many segments have none, as no component has enough voxels.

    Raises
    ------
    ValueError
        Naming the segment whose skeleton can't be made.
    """
    of_segment: dict[int, list[Runs]] = defaultdict(list)
    for part in parts:
        for at, segment in enumerate(part.segment_ids.tolist()):
            own = part.runs[part.offsets[at] : part.offsets[at + 1]]
            of_segment[segment].append(own)
    ids = [*of_segment]
    rows: list[Row] = []
    made: list[tuple[int, bytes]] = []
    for at in how.sharding.order(ids).tolist() if ids else ():
        segment = ids[at]
        try:
            content, row = _skeleton(of_segment.pop(segment), how)
        except ValueError as error:
            raise ValueError(f"segment {segment}: {error}") from error
        if content:
            rows.append((segment, *row, len(content)))
            made.append((segment, content))
    if how.skeleton_format == "legacy":
        for segment, content in made:
            (directory / str(segment)).write_bytes(content)
    elif made:
        precomputed.write(directory / how.sharding.name(bucket), made, how.sharding)
    return sorted(rows), len(ids) - len(rows)


def _skeleton(parts: list[Runs], how: How) -> tuple[bytes, tuple[float, int, int, int, float, int]]:
    """Return a segment's file, and of `COLUMNS` all but the first and last; empty if it is dust."""
    size = how.voxel_size_nm_zyx
    made = teasar.skeletonize(sparse.joined(parts), size, how.drawn)
    if not len(made.vertices):
        return b"", (0.0, 0, 0, 0, 0.0, 0)
    told = measure.of(made, size)
    trees = len(made.vertices) - len(made.edges)
    row = told.cable_length_nm, len(made.vertices), told.n_branches, told.n_ends
    return precomputed.encoded(made, size), (*row, told.max_radius_nm, trees)
