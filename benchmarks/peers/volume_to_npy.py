"""Read a precomputed volume with CloudVolume. python volume_to_npy.py URL LABELS.npy (ZYX)."""

import sys

import numpy as np
from cloudvolume import CloudVolume

SIDE = 512


def main() -> None:
    """Copy the volume slab by slab; a chunk that is missing is an error."""
    volume = CloudVolume(sys.argv[1])
    shape_zyx = tuple(int(side) for side in volume.shape[2::-1])
    labels = np.lib.format.open_memmap(sys.argv[2], "w+", volume.dtype, shape_zyx)
    for z in range(0, shape_zyx[0], SIDE):
        for y in range(0, shape_zyx[1], SIDE):
            found = volume[:, y : y + SIDE, z : z + SIDE][..., 0]
            labels[z : z + SIDE, y : y + SIDE] = found.T


if __name__ == "__main__":
    main()
