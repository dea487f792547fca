#!/usr/bin/env python3
"""COLLECT_MESHES: the table of a cutout's meshes, and what a viewer is told of its segments."""

from kit.tasks import main
from kit.units import Bundle, Unit
from reading import collected, sliced

NUMBERS = {
    "volume_nm3": "volume (nm^3)",
    "area_nm2": "surface area (nm^2)",
    "n_faces": "triangles",
    "n_vertices": "vertices",
}


def collect_meshes(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one request: `meshes/`, a row for each mesh by segment id.

    `segment_properties/` goes beside the meshes.
    """
    segment = "meshed_segment_id"
    table = collected.rows(unit, bundle, "meshes", segment, "mesh_bucket", "Mesh")
    bundle.attributes["n_meshes"] = len(table)
    bundle.attributes["n_mesh_rows"] = min(len(table), unit.settings["max_component_rows"])
    bundle.urls["mesh_table"] = "meshes"
    beside = bundle.directory / "mesh" / "segment_properties"
    collected.write_properties(beside, table, segment, NUMBERS)
    sliced.put(unit.inputs[0], bundle, "mesh")


if __name__ == "__main__":
    main("COLLECT_MESHES", collect_meshes, software=("numpy", "pyarrow"))
