"""A volume to look at: where it lies, its levels, and what is told of its segments."""

import dataclasses
from pathlib import Path
from typing import NamedTuple

from ..voxels.boxes import Box


class Place(NamedTuple):
    """Where a volume lies that was made here.

    Attributes
    ----------
    store : Path
        A store, or the path that stands for it.
    path : str
        The volume's directory in it.
    format : {"precomputed", "zarr"}
    """

    store: Path
    path: str
    format: str


class Table(NamedTuple):
    """What is told of segments: Parquet files with a row for each value of a voxel.

    Attributes
    ----------
    store : Path
        A store, or the path that stands for it.
    path : str
        The directory of the files in it.
    segment : str
        The column of these values.
    numbers : dict of str to str
        Columns of numbers that a viewer lists, and what it calls them; sorted by the first.
    label : str, optional
        A column of what a segment is called.
    one : str
        What a row is: `component`.
    columns : dict of str to str
        What columns are called that of components are `component_id`, `voxel_count` and so on.
    """

    store: Path
    path: str
    segment: str
    numbers: dict[str, str]
    label: str | None
    one: str
    columns: dict[str, str]


class Points(NamedTuple):
    """What was detected: Parquet files with a row for each point, the best first.

    Attributes
    ----------
    request_id : str
        Whose they are.
    store : Path
        A store, or the path that stands for it.
    path : str
        The directory of the files in it.
    name, score, radius : str
        The columns of their numbers, scores, and radii (nm).
    place : tuple of 3 str
        The columns of their places, XYZ, in nm: of voxels' middles, where the first one's is 0.
    voxel_size_nm_xyz : tuple of float
        Of what they were found in.
    box : Box
        What was searched.
    """

    request_id: str
    store: Path
    path: str
    name: str
    score: str
    radius: str
    place: tuple[str, str, str]
    voxel_size_nm_xyz: tuple[float, ...]
    box: Box


class Level(NamedTuple):
    """One resolution of a layer.

    Attributes
    ----------
    number : int
        0 is the finest of a volume.
    box : Box
        What there is to see, in voxels of this level.
    voxel_size_nm_xyz : tuple of float
    key : str
        Its directory in the volume's, of what was made here.
    """

    number: int
    box: Box
    voxel_size_nm_xyz: tuple[float, ...]
    key: str


@dataclasses.dataclass(frozen=True)
class Layer:
    """A volume to look at.

    Attributes
    ----------
    request_id, name : str
        Which of a request's layers; `image` is what it was made of, or is to be looked at with it.
    kind : {"image", "segmentation"}
    source : str, optional
        URI, as DESCRIBE spells it; None of a volume in a store.
    place : Place, optional
        Of a volume in a store.
    problem : str, optional
        Why it can't be looked at: neither source nor place is known.
    archive, host : str
        The archive's name, and the address of BossDB that was asked for it.
    resolution : int
        Of the source: which of its levels was read.
    chosen : dict
        Index of `channel` or `time`, of a source that has several.
    levels : tuple of Level
        The finest first; of a source the one that was read. None where nothing is known of it.
    dtype : str, optional
        None where it is not known.
    table : Table, optional
        Of a segmentation, what is told of its segments.
    meshes : Place, optional
        Of a segmentation, the directory with precomputed meshes of what it shows.
    skeletons : Place, optional
        Of a segmentation, the directory with precomputed skeletons of what it shows.
    points : tuple of Points
        What was detected in it.
    reads : bool
        Whether it is what the request reads, whose segments it makes something of.
    """

    request_id: str
    name: str
    kind: str
    source: str | None = None
    place: Place | None = None
    problem: str | None = None
    archive: str = ""
    host: str = ""
    resolution: int = 0
    chosen: dict[str, int] = dataclasses.field(default_factory=dict)
    levels: tuple[Level, ...] = ()
    dtype: str | None = None
    table: Table | None = None
    meshes: Place | None = None
    skeletons: Place | None = None
    points: tuple[Points, ...] = ()
    reads: bool = False

    @property
    def box(self) -> Box | None:
        """What there is to see, in voxels of its finest level."""
        return self.levels[0].box if self.levels else None

    @property
    def voxel_size_nm_xyz(self) -> tuple[float, ...] | None:
        """Voxel size of its finest level (nm)."""
        return self.levels[0].voxel_size_nm_xyz if self.levels else None
