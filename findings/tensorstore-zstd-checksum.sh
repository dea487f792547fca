#!/bin/bash
# TensorStore 0.1.86 opens no Zarr v2 array whose zstd compressor has the key `checksum`.
#
# numcodecs has written this key since 0.13, as false where nothing is asked for, and zarr-python 2
# puts it into .zarray: one would expect a reader that supports zstd to open such an array, as
# TensorStore does where Zarr v3 metadata hold the very same key. For v2 its `zarr` driver refuses
# the whole array over it ("Object includes extra members"), whatever the value. zarr-python 3
# leaves the key out where it is false, so that its default arrays open, and those with a checksum
# don't. The chunks are no hindrance: a zstd frame says itself whether it ends in a checksum, and
# without the key in .zarray both are read.
set -euo pipefail

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
python3 -m venv zarr2
zarr2/bin/pip install --quiet --disable-pip-version-check \
    zarr==2.18.7 numcodecs==0.15.1 numpy==2.4.6 asciitree==1.0.0 fasteners==0.20
python3 -m venv zarr3
zarr3/bin/pip install --quiet --disable-pip-version-check \
    zarr==3.1.6 numcodecs==0.16.6 numpy==2.4.6 tensorstore==0.1.86

zarr2/bin/python -W ignore - <<'END'
import numcodecs
import numpy as np
import zarr

print("zarr", zarr.__version__, "numcodecs", numcodecs.__version__)
voxels = np.arange(64, dtype="u2").reshape(4, 4, 4)
zarr.save_array("gzip-by-2", voxels, compressor=numcodecs.GZip())
zarr.save_array("zstd-by-2", voxels, compressor=numcodecs.Zstd())
END

zarr3/bin/python -W ignore - <<'END'
import importlib.metadata
import json
import pathlib

import numcodecs
import numpy as np
import tensorstore
import zarr

print("zarr", zarr.__version__, "numcodecs", numcodecs.__version__)
print("tensorstore", importlib.metadata.version("tensorstore"))
voxels = np.arange(64, dtype="u2").reshape(4, 4, 4)
zstd, checked = numcodecs.Zstd(), numcodecs.Zstd(checksum=True)
zarr.create_array("zstd-by-3", data=voxels, zarr_format=2, compressors=zstd)
zarr.create_array("zstd-with-checksum-by-3", data=voxels, zarr_format=2, compressors=checked)
checked = zarr.codecs.ZstdCodec(checksum=True)
zarr.create_array("v3-with-checksum-by-3", data=voxels, zarr_format=3, compressors=checked)


def compressor(name):
    """The compressor that the metadata of the array say."""
    if name.startswith("v3"):
        return json.loads(pathlib.Path(name, "zarr.json").read_text())["codecs"][-1]
    return json.loads(pathlib.Path(name, ".zarray").read_text())["compressor"]


def opened(name):
    """Whether TensorStore reads what was written; or what it says."""
    driver = "zarr3" if name.startswith("v3") else "zarr"
    spec = {"driver": driver, "kvstore": {"driver": "file", "path": f"{name}/"}}
    try:
        array = tensorstore.open(spec).result()
    except ValueError as error:
        return str(error).split(" [")[0].split("Error parsing ")[-1]
    return np.array_equal(array.read().result(), voxels)


refused = 'object member "compressor": Object includes extra members: "checksum"'
expected = {
    "gzip-by-2": True,
    "zstd-by-2": refused,
    "zstd-by-3": True,
    "zstd-with-checksum-by-3": refused,
    "v3-with-checksum-by-3": True,
}
for name, result in expected.items():
    # zarr-python reads all of them
    assert np.array_equal(zarr.open_array(name, mode="r")[:], voxels)
    said = opened(name)
    print(f"{name}: {compressor(name)}: {said}")
    assert said == result, said

for name in ("zstd-by-2", "zstd-with-checksum-by-3"):
    path = pathlib.Path(name, ".zarray")
    metadata = json.loads(path.read_text())
    del metadata["compressor"]["checksum"]
    path.write_text(json.dumps(metadata))
    said = opened(name)
    print(f"{name} without the key: {said}")
    assert said is True, said
END
