"""The gradients of a diffusion image: b-values and directions, as FSL writes them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

UNWEIGHTED_MOST = 50.0
"""b-values (s/mm²) up to this are unweighted, as dipy has it."""

SHELL_GAP = 100.0
"""Weighted b-values that are closer than this (s/mm²), one to the next, are one shell."""

UNIT = 0.01
"""How far from 1 the length of a direction may be, as dipy has it."""


class Gradients(NamedTuple):
    """What each volume of an image was weighted by.

    Attributes
    ----------
    bvals : float64 array, shape (n,)
        s/mm².
    bvecs : float64 array, shape (n, 3)
        Directions of length 1, along the image's axes; zero where unweighted.
    """

    bvals: NDArray[np.float64]
    bvecs: NDArray[np.float64]

    @property
    def unweighted(self) -> NDArray[np.bool_]:
        """Which volumes are."""
        return self.bvals <= UNWEIGHTED_MOST

    @property
    def shells(self) -> list[int]:
        """Mean b-values of the shells (whole s/mm²), ascending."""
        return [round(float(one.mean())) for one in self._shells()]

    def of_shell(self, b_value: int) -> NDArray[np.intp]:
        """Return the numbers of the unweighted volumes and of those of a shell, in their order."""
        one = self._shells()[self.shells.index(b_value)]
        weighted = (one[0] <= self.bvals) & (self.bvals <= one[-1])
        return np.flatnonzero(self.unweighted | weighted)

    def only(self, volumes: NDArray[np.intp]) -> Gradients:
        """Return those of some volumes."""
        return Gradients(self.bvals[volumes], self.bvecs[volumes])

    def _shells(self) -> list[NDArray[np.float64]]:
        weighted = np.sort(self.bvals[~self.unweighted])
        return np.split(weighted, np.flatnonzero(np.diff(weighted) >= SHELL_GAP) + 1)


def parsed(bvals: str, bvecs: str, n_volumes: int, names: tuple[str, str]) -> Gradients:
    """Read b-values and directions.

    Parameters
    ----------
    bvals, bvecs : str
        What the files say: n numbers, and three rows of n or n rows of three. The direction of an
        unweighted volume may be anything, also `nan`.
    n_volumes : int
        Of the image.
    names : (str, str)
        What messages call the files.

    Raises
    ------
    ValueError
        With a sentence, if they don't fit the image or each other, or can't be fitted.
    """
    of_values, of_vectors = names
    values, vectors = _numbers(bvals, of_values), _numbers(bvecs, of_vectors)
    if values.size != n_volumes:
        raise ValueError(
            f"{of_values} has {values.size} b-values, and the image {n_volumes} volumes: give the "
            "file that belongs to it"
        )
    if vectors.shape not in ((3, n_volumes), (n_volumes, 3)):
        told = " x ".join(map(str, vectors.shape))
        raise ValueError(
            f"{of_vectors} has {told} numbers, and {n_volumes} volumes need 3 rows of {n_volumes}, "
            f"or {n_volumes} rows of 3"
        )
    found = values.reshape(-1)
    directions = vectors if vectors.shape == (n_volumes, 3) else vectors.T
    if not (np.isfinite(found) & (found >= 0)).all():
        raise ValueError(f"{of_values} has b-values that are negative or no numbers: mend it")
    unweighted = found <= UNWEIGHTED_MOST
    if not unweighted.any():
        raise ValueError(
            f"{of_values} has no b-value of {UNWEIGHTED_MOST:g} or less: at least one volume must "
            "be unweighted (b0)"
        )
    if unweighted.all():
        raise ValueError(f"{of_values} has no b-value above {UNWEIGHTED_MOST:g}: nothing weighted")
    lengths = np.where(unweighted, 1, np.sqrt((directions**2).sum(axis=1)))
    wrong = np.flatnonzero(~(np.abs(lengths - 1) <= UNIT))
    if wrong.size:
        raise ValueError(
            f"{of_vectors} has a direction of length {lengths[wrong[0]]:.3g} for volume {wrong[0]} "
            f"(from 0; b {found[wrong[0]]:g}): directions of weighted volumes have length 1"
        )
    return Gradients(found, np.where(unweighted[:, None], 0, directions))


def shell(gradients: Gradients, asked: int | None, sh_order: int, names: tuple[str, str]) -> int:
    """Return the b-value (s/mm²) of the shell that is to be fitted.

    Raises
    ------
    ValueError
        If there are several and none is chosen, or it has too few directions.
    """
    of_values, of_vectors = names
    there = ", ".join(map(str, gradients.shells))
    near = [one for one in gradients.shells if asked is None or abs(one - asked) < SHELL_GAP]
    if not near:
        raise ValueError(f"b_value {asked} is no shell of {of_values}: it has {there} s/mm²")
    if len(near) > 1:
        raise ValueError(f"{of_values} has shells of {there} s/mm²: say by b_value which is fitted")
    chosen = gradients.of_shell(near[0])
    directions = gradients.bvecs[chosen][~gradients.unweighted[chosen]]
    needed = (sh_order + 1) * (sh_order + 2) // 2
    if len(directions) < needed:
        raise ValueError(
            f"{of_values} has {len(directions)} volumes of b {near[0]}, and sh_order {sh_order} "
            f"needs {needed}: give a smaller one"
        )
    squares = np.einsum("ni,nj->nij", directions, directions).reshape(-1, 9)
    if np.linalg.matrix_rank(squares) < 6:
        raise ValueError(f"{of_vectors} has directions that no tensor can be fitted to: mend it")
    return near[0]


def _numbers(text: str, name: str) -> NDArray[np.float64]:
    rows = [line.replace(",", " ").split() for line in text.splitlines() if line.strip()]
    if not rows or len({len(row) for row in rows}) > 1:
        raise ValueError(f"{name} has no numbers, or rows of different lengths: mend it")
    try:
        return np.array([[float(word) for word in row] for row in rows])
    except ValueError:
        raise ValueError(f"{name} has words that are no numbers: give text as FSL's") from None
