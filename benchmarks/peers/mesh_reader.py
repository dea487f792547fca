"""Meshes as CloudVolume reads them, and those that zmesh makes.

    python mesh_reader.py VOLUME IDS.npy SEGMENTATION.npy OUT.npz

VOLUME is precomputed, with meshes. OUT has by segment what CloudVolume finds (`read_7`, vertices in
nm, XYZ, and `faces_7`), and the vertices of zmesh's surface of the whole, with a border of zeros
(`zmesh_7`, voxels, XYZ).
"""

import sys

import numpy as np
import zmesh
from cloudvolume import CloudVolume


def main() -> None:
    """Read, and mesh."""
    directory, ids, voxels, out = sys.argv[1:]
    found = {}
    volume = CloudVolume(f"file://{directory}", progress=False)
    segments = np.load(ids).tolist()
    for segment in segments:
        mesh = volume.mesh.get(segment)
        mesh = mesh.get(segment, mesh) if isinstance(mesh, dict) else mesh
        found[f"read_{segment}"], found[f"faces_{segment}"] = mesh.vertices, mesh.faces
    whole = np.pad(np.load(voxels), 1)
    mesher = zmesh.Mesher((1, 1, 1))
    mesher.mesh(whole.T)
    there = sorted(mesher.ids())
    if there != sorted(segments):
        raise SystemExit(f"zmesh has other ids: {set(there) ^ {*segments}}")
    for segment in segments:
        mesh = mesher.get(segment, normals=False, reduction_factor=0)
        found[f"zmesh_{segment}"] = mesh.vertices
    np.savez(out, **found)


if __name__ == "__main__":
    main()
