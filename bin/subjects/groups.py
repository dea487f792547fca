"""A group of seeds: which they are, and what is known of its streamlines beside where they go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from kit.bundles import Finished
from numpy.typing import NDArray

from . import pictures
from .connectome import Connections, added, connections
from .parts import Affine, Streamlines, batches, first
from .seeds import group_of, seeds_of, voxels_of
from .through import through, visits

PART = "part"
BUNDLE = ("through_labels", "avoid_labels")
SHOWN = 20_000
"""Streamlines in a picture."""

CONNECTIONS, VISITED, VISITS = "connections.npy", "visited.npy", "visits.npy"


def seeds(
    white_matter: NDArray[np.bool_], groups: int, group: int, number: int, random_seed: int
) -> NDArray[np.float64]:
    """Return the places of the seeds of a group that have one number in their voxel.

    Parameters
    ----------
    white_matter : bool array, shape (x, y, z)
        Where seeds are.
    groups, group : int
        How many groups there are, and which one, from 0 on.
    number : int
        From 0 on.
    random_seed : int
    """
    voxels = voxels_of(white_matter)
    x, y, z = white_matter.shape
    return seeds_of(voxels[group_of(voxels, groups) == group], (x, y, z), (number,), random_seed)


def keep(
    part: Streamlines,
    labels: NDArray[Any],
    fa: NDArray[np.float64],
    affine: Affine,
    directory: Path,
) -> None:
    """Write what the streamlines of a part connect, and how many visit each voxel.

    Parameters
    ----------
    part : Streamlines
    labels, fa : array, shape (x, y, z)
    affine : float64 array, shape (4, 4)
    directory : Path
    """
    found = added(connections(some, labels, fa, affine) for some in batches([part]))
    np.save(directory / CONNECTIONS, np.stack(found))
    x, y, z = labels.shape
    counts = visits(batches([part]), affine, (x, y, z)).reshape(-1)
    visited = np.flatnonzero(counts)
    np.save(directory / VISITED, visited)
    np.save(directory / VISITS, counts[visited])


def connected(groups: Iterable[Finished]) -> Connections:
    """Return what the streamlines of all groups connect."""
    return added(Connections(*np.load(one.file(CONNECTIONS))) for one in groups)


def bundled(
    parts: Iterable[Streamlines],
    labels: NDArray[Any],
    chosen: Mapping[str, Sequence[int]],
    affine: Affine,
) -> Iterator[Streamlines]:
    """Yield the streamlines that visit all of some labels (`through_labels`, shape (x, y, z)).

    And none of others (`avoid_labels`).
    """
    for some in batches(parts):
        include, exclude = ([labels == one for one in chosen.get(name, ())] for name in BUNDLE)
        yield some.only(through(some, include, exclude, affine))


def paint(
    parts: Callable[[], Iterable[Streamlines]],
    fodf: NDArray[np.float64],
    fa: NDArray[np.float64],
    white_matter: NDArray[np.bool_],
    affine: Affine,
    directory: Path,
) -> None:
    """Write pictures of a subject into a directory, as `pictures` paints them."""
    x, y, z = fa.shape
    painted = {
        "fa.png": pictures.fa_slice(fa, white_matter, affine),
        "directions.png": pictures.direction_slice(fodf, fa, white_matter, affine),
        "tractogram.png": pictures.tractogram(first(parts(), SHOWN), affine, (x, y, z)),
    }
    for name, canvas in painted.items():
        (directory / name).write_bytes(pictures.png(canvas))


def density(groups: Iterable[Finished], shape: tuple[int, int, int]) -> NDArray[np.uint32]:
    """Return how many streamlines of all groups visit each voxel, shape (x, y, z)."""
    counts = np.zeros(shape, np.uint32)
    for one in groups:
        counts.reshape(-1)[np.load(one.file(VISITED))] += np.load(one.file(VISITS))
    return counts
