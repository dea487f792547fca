"""Loops of searches, compiled before the first task needs them."""

from fractions import Fraction

import numpy as np

from ..boxes import Box
from .blobs import candidates, suppress
from .searches import Blobs, Spheres
from .settling import settle
from .spheres import detect


def compile_all() -> None:
    """Compile what a run needs, on a few voxels: of a whole cutout, and of blocks with a halo."""
    cutout = Box.of((0, 0, 0), (4, 4, 8))
    values = np.zeros(cutout.shape_zyx, np.uint8)
    values[1:3, 1:3, 2:7] = 200
    spheres = Spheres.of(1.0, 1.0, (1.0, 1.0, 1.0), Fraction(1, 4))
    detect(values, cutout, cutout, cutout, spheres)
    cores = [Box.of((0, 0, start), (4, 4, 4)) for start in (0, 4)]
    wide = [Box.of((0, 0, start), (4, 4, 6)) for start in (0, 2)]
    parts = [values[box.slices(cutout.corner_zyx)] for box in wide]
    each = [*zip(parts, wide, cores, strict=True)]
    settle([detect(some, box, core, cutout, spheres) for some, box, core in each], cutout, spheres)
    blobs = Blobs.of([(0.5,) * 3, (0.7,) * 3], (1.0, 1.0, 1.0), 1.0)
    suppress([candidates(values, cutout, cutout, cutout, blobs)], blobs)
