#!/usr/bin/env python3
"""JOIN_BLOCK: find which labels of a block are joined to which of the blocks before it."""

import numpy as np
from kit.bundles import Finished, fetch
from kit.tasks import main
from kit.units import Bundle, Unit
from link_block import keep_links, neighbours
from voxels.labelling import Labels
from voxels.surface import read_plane
from voxels.watershed import Joins, link_basins


def join(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one block: `links.arrow`, how many links it has, and to which blocks."""
    block = unit.inputs[0]
    fetch(unit.inputs, "planes.arrow", "joins.arrow")
    planes, joins = zip(*(_face(block, face) for face in ("z0", "y0", "x0")), strict=True)
    links = link_basins(planes, joins, neighbours(unit, _face))
    keep_links(unit, bundle, links, NEIGHBOUR)
    bundle.attributes["n_joins"] = len(links.label)


NEIGHBOUR = {"neighbour_block": "block", "neighbour_surroundings": "basin_surroundings"}


def _face(block: Finished, face: str) -> tuple[Labels, Joins]:
    joins = read_plane(block.file("joins.arrow"), face)
    return read_plane(block.file("planes.arrow"), face), joins.astype(np.bool_)


if __name__ == "__main__":
    main("JOIN_BLOCK", join, software=("numpy", "pyarrow"))
