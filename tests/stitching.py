"""Stitching blocks in memory, as the programs do it from files."""

from voxels.boxes import direction, grid_shape, preceding
from voxels.labelling import surface
from voxels.links import facing, link_block
from voxels.merging import component_columns, lookups, merge, number_components, unite

VOXEL_SIZE = (30.0, 4.0, 3.5)


def links_of(made, blocks, connectivity):
    """Links of each block; `made` holds the labels and the statistics of each."""
    found = []
    for block, (labels, statistics), before in zip(
        blocks, made, preceding(blocks, connectivity), strict=True
    ):
        neighbours = {}
        for other in before:
            way = direction(block, blocks[other])
            plane = surface(made[other][0])[facing(way)]
            neighbours[way] = plane, made[other][1].segment_id
        planes = [surface(labels)[face] for face in ("z0", "y0", "x0")]
        found.append(link_block(planes, statistics.segment_id, neighbours, connectivity))
    return found


def stitched(made, blocks, cutout, connectivity, min_voxels, voxel_size=VOXEL_SIZE):
    """Look-up table of each block, and the component table."""
    sizes = [len(statistics.voxel_count) for _, statistics in made]
    group, n = unite(sizes, grid_shape(blocks), links_of(made, blocks, connectivity))
    merged = merge((statistics for _, statistics in made), sizes, group, n, cutout)
    order, ids = number_components(merged, min_voxels)
    tables = list(lookups(sizes, group, ids))
    return tables, component_columns(merged, order, 1, cutout, voxel_size)
