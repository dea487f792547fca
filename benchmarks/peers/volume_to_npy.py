"""Read a precomputed volume with CloudVolume: volume_to_npy.py URL VOXELS.npy [MIP] (ZYX)."""

import sys

import numpy as np
from cloudvolume import CloudVolume

SIDE = 512


def main() -> None:
    """Copy the volume slab by slab; a chunk that is missing is an error."""
    volume = CloudVolume(sys.argv[1], mip=int(*sys.argv[3:]))
    shape_zyx = tuple(int(side) for side in volume.shape[2::-1])
    labels = np.lib.format.open_memmap(sys.argv[2], "w+", volume.dtype, shape_zyx)
    for z in range(0, shape_zyx[0], SIDE):
        for y in range(0, shape_zyx[1], SIDE):
            ends = min(y + SIDE, shape_zyx[1]), min(z + SIDE, shape_zyx[0])
            found = volume[:, y : ends[0], z : ends[1]][..., 0]
            labels[z : z + SIDE, y : y + SIDE] = found.T


if __name__ == "__main__":
    main()
