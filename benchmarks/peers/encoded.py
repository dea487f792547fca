"""What CloudVolume writes and reads.

    python encoded.py DIRECTORY ENCODING[.SUFFIX] [VOXELS.npy]

With voxels it writes them, else it reads them twice and prints what the second time took.
"""

import hashlib
import os
import sys
import time

import numpy as np
from cloudvolume import CloudVolume

COMPRESSED = {"": False, "gz": "gzip", "br": "br", "zstd": "zstd"}


def main() -> None:
    """Write or read."""
    directory, form = sys.argv[1:3]
    if len(sys.argv) > 3:
        write(directory, form, np.load(sys.argv[3], mmap_mode="r"))
        return
    volume = CloudVolume(f"file://{directory}", progress=False)
    np.asarray(volume[:128, :128, :128])  # of more, it reads slower afterwards
    np.full(2**31, 1, np.uint8)  # and given back
    began, before = time.perf_counter(), sum(os.times()[:4])
    voxels = np.asarray(volume[:])[..., 0].T
    took = time.perf_counter() - began, sum(os.times()[:4]) - before
    print(*took, hashlib.sha256(np.ascontiguousarray(voxels)).hexdigest())


def write(directory: str, form: str, voxels: np.ndarray) -> None:
    """Write a volume in chunks of 64 voxels a side."""
    encoding, _, suffix = form.partition(".")
    info = CloudVolume.create_new_info(
        num_channels=1,
        layer_type="image",
        data_type=voxels.dtype.name,
        encoding=encoding,
        resolution=(4, 8, 40),
        voxel_offset=(10, 20, 30),
        chunk_size=(64, 64, 64),
        volume_size=voxels.shape[::-1],
    )
    compress = COMPRESSED[suffix]
    volume = CloudVolume(f"file://{directory}", info=info, compress=compress, progress=False)
    volume.commit_info()
    volume[:] = voxels.T[..., None]


if __name__ == "__main__":
    main()
