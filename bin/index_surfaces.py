#!/usr/bin/env python3
"""INDEX_SURFACES: which blocks have cubes of which bucket, and the meshes' description."""

from kit.tasks import main
from kit.units import Bundle, Unit
from reading import sliced
from voxels.meshing import How


def index_surfaces(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one request: a row for each bucket that a block has cubes of.

    `mesh/` has the `info` of the meshes; MESH_BUCKET writes them there.
    """
    about = How.of(unit.arguments).info
    number = sliced.index(unit, bundle, about, "mesh", "surface_paramset_id")
    bundle.attributes["n_slices"] = number
    bundle.urls["meshes"] = "mesh"


if __name__ == "__main__":
    main("INDEX_SURFACES", index_surfaces, software=("pyarrow",))
