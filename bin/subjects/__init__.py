"""Rules on subjects: diffusion images, tracking, tractograms and connectomes."""

import os

# read when numpy is loaded: tasks run side by side, as many as there are cores
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

SOFTWARE = ("dipy", "nibabel", "numpy", "scipy")
"""Distributions by which fits are made."""
