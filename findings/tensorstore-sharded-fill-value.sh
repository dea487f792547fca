#!/bin/bash
# tensorstore 0.1.86: `store_data_equal_to_fill_value` is passed over for shards that it writes whole.
#
# The option says that chunks are stored although all of their voxels are the fill value, 0. Others
# need that: CloudVolume takes a chunk that is absent for missing data, and refuses to read it unless
# told to fill it. One would expect the option to hold for every precomputed volume. It holds for
# chunks in files, and for shards whose chunks have no common box. But where hash, preshift and bits
# make a shard a box of chunks, as is usual for volumes, the same call leaves these chunks out,
# without a word. So a volume that reads well in CloudVolume stops doing so once it is sharded. Put
# the encoded chunks there by number through the driver neuroglancer_uint64_sharded, which stores
# what it is given.
set -euo pipefail

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
    tensorstore==0.1.86 cloud-volume==12.15.2 cloud-files==6.4.3 numpy==2.4.6

venv/bin/python -W ignore - <<'END'
import importlib.metadata
import pathlib

import numpy as np
import tensorstore as ts
from cloudvolume import CloudVolume
from cloudvolume.exceptions import EmptyVolumeException

for package in ("tensorstore", "cloud-volume"):
    print(package, importlib.metadata.version(package))

# 4 x 4 x 4 chunks, of which those at x < 32 are 0
voxels = np.ones((64, 64, 64, 1), "u1")
voxels[:32] = 0
BITS = {"files": None, "shards that are no boxes": (0, 0, 0), "shards that are boxes": (3, 2, 1)}


def stored(name: str, bits: tuple[int, int, int] | None) -> int:
    """Write the volume with tensorstore, and count the chunks that are there."""
    scale = {"resolution": [4, 4, 40], "size": [64] * 3, "chunk_size": [16] * 3, "encoding": "raw"}
    if bits:
        scale["sharding"] = {
            "@type": "neuroglancer_uint64_sharded_v1",
            "hash": "identity",
            **dict(zip(("preshift_bits", "minishard_bits", "shard_bits"), bits)),
        }
    kvstore = {"driver": "file", "path": f"{name}/"}
    spec = {
        "driver": "neuroglancer_precomputed",
        "kvstore": kvstore,
        "multiscale_metadata": {"type": "image", "data_type": "uint8", "num_channels": 1},
        "scale_metadata": scale,
        "store_data_equal_to_fill_value": True,
    }
    ts.open(spec, create=True).result().write(voxels).result()
    base = kvstore | {"path": f"{name}/4_4_40/"}
    if bits:
        base = {
            "driver": "neuroglancer_uint64_sharded",
            "base": base,
            "metadata": scale["sharding"],
        }
    return len(ts.KvStore.open(base).result().list().result())


found = {}
for name, bits in BITS.items():
    number = stored(name, bits)
    volume = CloudVolume(f"file://{pathlib.Path(name).absolute()}", progress=False)
    try:
        read = "as it was written" if (volume[:, :, :] == voxels).all() else "otherwise"
    except EmptyVolumeException as error:
        read = f"{type(error).__name__}"
    found[name] = number, read
    print(f"{name}: {number} of 64 chunks are stored; CloudVolume: {read}")
assert found == {
    "files": (64, "as it was written"),
    "shards that are no boxes": (64, "as it was written"),
    "shards that are boxes": (32, "EmptyVolumeException"),
}, found
END
