#!/bin/bash
# cellmap-schemas 0.8.1: a COSEM group in N5 has `scales` in z, y, x next to `axes` in x, y, z.
#
# The attributes of such a group repeat those that Neuroglancer reads in an N5 group: axes, units,
# pixelResolution and scales, all in N5's order of dimensions, x first. One would expect `scales` to
# follow the `axes` beside them, as in the group that the same package makes for Neuroglancer of the
# same arrays. It turns the other attributes round and leaves `scales` as the transforms have them,
# z first. Nothing warns of it, and where each level is isotropic, both orders are equal; elsewhere
# the factors of x and z are exchanged, against the sizes of the arrays. fibsem-tools 7.0.5 writes
# its N5 with this. Take the levels from each array's own `pixelResolution`, which is right.
set -euo pipefail

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
    cellmap-schemas==0.8.1 pydantic-zarr==0.7.0 pydantic==2.14.4 zarr==2.18.7 numcodecs==0.15.1 \
    numpy==2.4.6 asciitree==1.0.0 fasteners==0.20

venv/bin/python -W ignore - <<'END'
import importlib.metadata
import json
import pathlib

import numpy as np
import zarr
from cellmap_schemas.multiscale import cosem, neuroglancer_n5

for package in ("cellmap-schemas", "pydantic-zarr", "zarr"):
    print(package, importlib.metadata.version(package))

# thick sections: the first step halves x and y alone
paths = ["s0", "s1", "s2"]
arrays = [np.zeros(shape, "u1") for shape in ((8, 64, 64), (8, 32, 32), (4, 16, 16))]
scales = [[40.0, 8.0, 8.0], [40.0, 16.0, 16.0], [80.0, 32.0, 32.0]]
axes, units = ["z", "y", "x"], ["nm", "nm", "nm"]
transforms = [
    cosem.STTransform(
        order="C",
        axes=axes,
        units=units,
        scale=scale,
        translate=[(new - old) / 2 for new, old in zip(scale, scales[0])],
    )
    for scale in scales
]
chunks = (4, 16, 16)
groups = {
    "cosem": cosem.Group.from_arrays(
        arrays=arrays, paths=paths, transforms=transforms, chunks=chunks, name="em"
    ),
    "neuroglancer": neuroglancer_n5.Group.from_arrays(
        arrays=arrays,
        paths=paths,
        axes=axes,
        scales=scales,
        units=units,
        chunks=chunks,
        dimension_order="C",
    ),
}
written = {}
for name, group in groups.items():
    group.to_zarr(zarr.N5FSStore(f"{name}.n5"), path="em")
    root = pathlib.Path(f"{name}.n5", "em")
    attributes = json.loads((root / "attributes.json").read_text())
    levels = [json.loads((root / path / "attributes.json").read_text()) for path in paths]
    sizes = [level["dimensions"] for level in levels]
    factors = [[a // b for a, b in zip(sizes[0], size)] for size in sizes]
    print(
        f"{name}: axes {attributes['axes']}, pixelResolution"
        f" {attributes['pixelResolution']['dimensions']}, scales {attributes['scales']},"
        f" by the dimensions of its arrays {factors}"
    )
    assert attributes["axes"] == ["x", "y", "z"]
    assert attributes["pixelResolution"]["dimensions"] == [8, 8, 40]
    resolutions = [level["pixelResolution"]["dimensions"] for level in levels]
    assert resolutions == [scale[::-1] for scale in scales], resolutions
    assert factors == [[1, 1, 1], [2, 2, 1], [4, 4, 2]], factors
    written[name] = attributes["scales"]
assert written["neuroglancer"] == [[1, 1, 1], [2, 2, 1], [4, 4, 2]], written
assert written["cosem"] == [[1, 1, 1], [1, 2, 2], [2, 4, 4]], written
END
