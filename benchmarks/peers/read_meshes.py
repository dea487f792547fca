"""Read the finest level with CloudVolume: read_meshes.py VOLUME IDS.npy MESHES.npz.

VOLUME has meshes that its info names; IDS the segments, of which the first 50 are written whole.
"""

import sys

import numpy as np
from cloudvolume import CloudVolume
from cloudvolume.exceptions import MeshMissingError

WHOLE = 50


def main() -> None:
    """Write numbers of triangles and of segments without any, and vertices (nm), faces of some."""
    source = CloudVolume(f"file://{sys.argv[1]}", progress=False).mesh
    ids = np.load(sys.argv[2]).tolist()
    found = {}
    total = missing = 0
    for at, one in enumerate(ids):
        try:
            mesh = source.get(one, lod=0)
        except MeshMissingError:
            missing += 1
            continue
        mesh = mesh[one] if isinstance(mesh, dict) else mesh
        total += len(mesh.faces)
        if at < WHOLE:
            found[f"vertices-{one}"], found[f"faces-{one}"] = mesh.vertices, mesh.faces
    np.savez(sys.argv[3], total=total, missing=missing, **found)


if __name__ == "__main__":
    main()
