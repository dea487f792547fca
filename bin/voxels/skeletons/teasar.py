"""Skeletons of segments by TEASAR, from all of a segment's voxels and no others.

M. Sato, I. Bitter, M. A. Bender, A. E. Kaufman and M. Nakajima, "TEASAR: tree-structure extraction
algorithm for accurate and robust skeletons", Pacific Graphics 2000, 281. Each component (26
neighbours) is a tree. Its root is the voxel that is farthest from its first one. As long as there
are voxels that no line stands for, the farthest of them from the root is joined to the lines by the
way that costs least, where a voxel costs the less the deeper it lies.

As in kimimaro (W. Silversmith et al., Frontiers in Neural Circuits 16 (2022) 977700), a way ends
where it first meets a line, so that lines do not run side by side. Other than there, a line stands
for voxels by distances within the component, so not for those of another branch nearby, and somata
are drawn as all else is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import fields, paths, rows
from .sparse import Runs

_MOST = 2**31 - 1

_DEAREST = 2**24
"""Most that a voxel may cost: there is a list of voxels for each cost."""


class Teasar(NamedTuple):
    """How skeletons are drawn, in the words of kimimaro and Igneous.

    Attributes
    ----------
    scale, const_nm : float
        A line stands for what is within `scale` times its distance to the boundary and `const_nm`.
    pdrf_scale : float
        What a voxel costs at the boundary, beside 1 for each.
    pdrf_exponent : int
        How steeply that falls with the distance to the boundary.
    dust_threshold : int
        Components of fewer voxels have no skeleton.
    """

    scale: float = 1.5
    const_nm: float = 300.0
    pdrf_scale: float = 100_000.0
    pdrf_exponent: int = 4
    dust_threshold: int = 1000


class Skeleton(NamedTuple):
    """A forest: a tree for each component.

    Attributes
    ----------
    vertices : int32 array, shape (v, 3)
        ZYX, channel coordinates of voxels. A vertex is its voxel's middle, half a voxel on.
    edges : uint32 array, shape (e, 2)
        Each vertex but the trees' roots is the second one of one edge, to an earlier vertex.
    radius_nm : float32 array, shape (v,)
        Distance to the nearest voxel that is not of the component, middle to middle.
    """

    vertices: NDArray[np.int32]
    edges: NDArray[np.uint32]
    radius_nm: NDArray[np.float32]

    def places_nm(self, voxel_size_nm_zyx: Sequence[float]) -> NDArray[np.float64]:
        """Return the vertices in nm, shape (v, 3), XYZ, as meshes and volumes are placed."""
        middles = self.vertices[:, ::-1].astype(np.float64) + 0.5
        return middles * np.array(voxel_size_nm_zyx[::-1], np.float64)


def skeletonize(runs: Runs, voxel_size_nm_zyx: Sequence[float], how: Teasar) -> Skeleton:
    """Draw the skeleton of a segment.

    Parameters
    ----------
    runs : Runs
        All of it. What is not in them is not of the segment, also beyond the volume.
    voxel_size_nm_zyx : sequence of 3 float
    how : Teasar

    Returns
    -------
    Skeleton
        Its trees by their components' first voxels. While one is drawn, 48 bytes for each voxel of
        its component, and 56 for each run.

    Raises
    ------
    ValueError
        If a component has 2^31 voxels or more, or a parameter is out of its range.
    """
    _check(how)
    size = np.array(voxel_size_nm_zyx, np.float64)
    trees = [_tree(own, size, how) for own in _components(runs, how.dust_threshold)]
    starts = np.cumsum([0, *(len(tree.vertices) for tree in trees)])
    edges = [tree.edges + np.uint32(start) for tree, start in zip(trees, starts, strict=False)]
    return Skeleton(
        np.concatenate([np.empty((0, 3), np.int32), *(tree.vertices for tree in trees)]),
        np.concatenate([np.empty((0, 2), np.uint32), *edges]),
        np.concatenate([np.empty(0, np.float32), *(tree.radius_nm for tree in trees)]),
    )


def _check(how: Teasar) -> None:
    """Refuse what lines can't be drawn with."""
    if not 0 <= how.pdrf_scale <= _DEAREST:
        raise ValueError(f"pdrf_scale is {how.pdrf_scale}: it must be 0 to {_DEAREST}")
    if how.pdrf_exponent < 1:
        raise ValueError(f"pdrf_exponent is {how.pdrf_exponent}: it must be 1 or more")
    for name, value in (("scale", how.scale), ("const_nm", how.const_nm)):
        if not 0 <= value < np.inf:
            raise ValueError(f"{name} is {value}: it must be a number from 0 on")


def _components(runs: Runs, least: int) -> list[Runs]:
    """Return the runs of each component that is not dust."""
    components = rows.components(runs, rows.beside(runs))
    lengths = runs[:, 3].astype(np.int64) - runs[:, 2]
    firsts, which = np.unique(components, return_inverse=True)
    sizes = np.zeros(len(firsts), np.int64)
    np.add.at(sizes, which, lengths)
    if sizes.max(initial=0) > _MOST:
        raise ValueError(f"it has {sizes.max()} voxels in one piece: {_MOST} can be drawn")
    order = np.argsort(which, kind="stable")
    parts = np.split(runs[order], np.cumsum(np.bincount(which, minlength=len(firsts)))[:-1])
    return [part for part, n in zip(parts, sizes.tolist(), strict=False) if n >= least]


def _tree(runs: Runs, size: NDArray[np.float64], how: Teasar) -> Skeleton:
    """Draw the skeleton of a component."""
    voxels = rows.placed(runs, rows.beside(runs))
    radii = fields.to_boundary(voxels, size)
    root = fields.from_voxel(0, voxels, size)[1][-1]
    order = fields.from_voxel(root, voxels, size)[1]
    most = float(radii.max()) * 1.01
    penalty = paths.Penalty(radii, most, how.pdrf_scale, how.pdrf_exponent)
    path, before = paths.draw(voxels, penalty, order, size, how.scale, how.const_nm)
    own = voxels.runs[path]
    vertices = runs[own, :3]
    vertices[:, 2] = path - voxels.places[own, 3]
    edges = np.stack([before[1:], np.arange(1, len(path), dtype=np.int32)], axis=1)
    return Skeleton(vertices, edges.astype(np.uint32), radii[path])
