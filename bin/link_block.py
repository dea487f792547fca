#!/usr/bin/env python3
"""LINK_BLOCK: find which labels of a block touch which labels of the blocks before it."""

from collections.abc import Callable
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from kit.bundles import Finished, fetch
from kit.tasks import main
from kit.units import Bundle, Unit
from voxels.arrow import strings
from voxels.boxes import Box, direction
from voxels.labelling import Labels
from voxels.links import Links, Unsigned, facing, link_block
from voxels.surface import read_plane, read_segment_ids, write_links

T = TypeVar("T")


def link(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one block: `links.arrow`, how many links it has, and to which blocks."""
    block = unit.inputs[0]
    fetch(unit.inputs, "planes.arrow", "statistics.arrow")
    around = neighbours(unit, _plane_and_segments)
    links = link_block(
        [read_plane(block.file("planes.arrow"), face) for face in ("z0", "y0", "x0")],
        read_segment_ids(block.file("statistics.arrow")),
        around,
        unit.arguments["connectivity"],
    )
    keep_links(unit, bundle, links, {"neighbour_block": "block"})
    bundle.attributes["n_links"] = len(links.label)


def neighbours(unit: Unit, read: Callable[[Finished, str], T]) -> dict[int, T]:
    """Return what is read of the blocks before the first input's, by where they lie.

    Of each, `read` is told the face that holds all that may touch the block.
    """
    block, *around = unit.inputs
    box = Box.parse(block.key["block"])
    numbers = [direction(box, Box.parse(other.key["block"])) for other in around]
    each = zip(numbers, around, strict=True)
    return {number: read(other, facing(number)) for number, other in each}


def keep_links(unit: Unit, bundle: Bundle, links: Links, columns: dict[str, str]) -> None:
    """Write `links.arrow`, and the blocks that they are to: by column what it is in their keys."""
    write_links(bundle.directory / "links.arrow", links)
    table = {
        name: strings([other.key[of] for other in unit.inputs[1:]]) for name, of in columns.items()
    }
    pq.write_table(pa.table(table), bundle.directory / "neighbour.parquet")
    bundle.parts["Neighbour"] = "neighbour.parquet"


def _plane_and_segments(block: Finished, face: str) -> tuple[Labels, Unsigned]:
    return (
        read_plane(block.file("planes.arrow"), face),
        read_segment_ids(block.file("statistics.arrow")),
    )


if __name__ == "__main__":
    main("LINK_BLOCK", link, software=("numpy", "pyarrow"))
