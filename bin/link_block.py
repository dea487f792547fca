#!/usr/bin/env python3
"""LINK_BLOCK: find which labels of a block touch which labels of the blocks before it."""

import pyarrow as pa
import pyarrow.parquet as pq
from kit.bundles import Finished, fetch
from kit.tasks import main
from kit.units import Bundle, Unit
from voxels.arrow import strings
from voxels.boxes import Box, direction
from voxels.labelling import Labels
from voxels.links import Unsigned, facing, link_block
from voxels.surface import read_plane, read_segment_ids, write_links


def link(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one block: `links.arrow`, how many links it has, and to which blocks."""
    block, *around = unit.inputs
    fetch(unit.inputs, "planes.arrow", "statistics.arrow")
    box = Box.parse(block.key["block"])
    neighbours = {}
    for other in around:
        number = direction(box, Box.parse(other.key["block"]))
        neighbours[number] = _plane_and_segments(other, facing(number))
    links = link_block(
        [read_plane(block.file("planes.arrow"), face) for face in ("z0", "y0", "x0")],
        read_segment_ids(block.file("statistics.arrow")),
        neighbours,
        unit.arguments["connectivity"],
    )
    write_links(bundle.directory / "links.arrow", links)
    names = strings([other.key["block"] for other in around])
    pq.write_table(pa.table({"neighbour_block": names}), bundle.directory / "neighbour.parquet")
    bundle.parts["Neighbour"] = "neighbour.parquet"
    bundle.attributes["n_links"] = len(links.label)


def _plane_and_segments(block: Finished, face: str) -> tuple[Labels, Unsigned]:
    return (
        read_plane(block.file("planes.arrow"), face),
        read_segment_ids(block.file("statistics.arrow")),
    )


if __name__ == "__main__":
    main("LINK_BLOCK", link, software=("numpy", "pyarrow"))
