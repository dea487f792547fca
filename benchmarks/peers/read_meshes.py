"""Read the finest level with CloudVolume: read_meshes.py VOLUME IDS.npy MESHES.npz.

VOLUME has meshes that its info names; IDS the segments, of which the first 50 are written whole.
"""

import sys

import numpy as np
from cloudvolume import CloudVolume

WHOLE = 50


def main() -> None:
    """Write triangles of all segments, and vertices (nm, XYZ) and faces of some."""
    source = CloudVolume(f"file://{sys.argv[1]}", progress=False).mesh
    ids = np.load(sys.argv[2]).tolist()
    found = {}
    total = 0
    for at, one in enumerate(ids):
        mesh = source.get(one, lod=0)
        mesh = mesh[one] if isinstance(mesh, dict) else mesh
        total += len(mesh.faces)
        if at < WHOLE:
            found[f"vertices-{one}"], found[f"faces-{one}"] = mesh.vertices, mesh.faces
    np.savez(sys.argv[3], total=total, **found)


if __name__ == "__main__":
    main()
