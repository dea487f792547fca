"""The volume that a request makes: component ids, level by level."""

from ...core import work
from ...volumes.channels import extent, middle_of_level, voxel_size
from ...volumes.made import Output, Volumes
from ...voxels.boxes import Box
from ...voxels.pyramid import Level, level_key, levels


def origin_of(request: work.Request) -> tuple[int, ...]:
    """Return where the block grid begins, ZYX: of a volume that was made here, its chunks' grid."""
    if made := request.given.get("made"):
        return tuple(made["origin_zyx"])
    return extent(request.given["channel"]).corner_zyx


def outputs(request: work.Request) -> list[tuple[Level, Output]]:
    """Return the levels of the one volume, `volume`, and what is told of each.

    A coarse voxel that is made of voxels before the cutout too, which are zero, is none of it.
    """
    channel, shape = request.given["channel"], request.paramset.parameters["block_shape"]
    cutout, size_nm = Box.parse(request.given["cutout"]), voxel_size(channel)
    found = []
    for number, level in enumerate(levels(cutout, shape, origin_of(request), size_nm)):
        factors = level.factor_zyx
        low = [-(-start // by) for start, by in zip(cutout.corner_zyx, factors, strict=True)]
        ends = zip(level.of(cutout).end_zyx, low, strict=True)
        sides = [end - start for end, start in ends]
        if min(sides) < 1:
            break
        sizes = tuple(size * by for size, by in zip(size_nm, factors, strict=True))
        told = Output(
            "volume",
            number,
            "annotation",
            "uint32",
            Box.of(low, sides),
            sizes,
            level.volume.corner_zyx,
            level.chunk_zyx,
            {"format": "precomputed", "volume": "segmentation", "level": level_key(sizes)},
            middle_of_level(request.given, factors),
        )
        found.append((level, told))
    return found


VOLUMES = Volumes(lambda request: [output for _, output in outputs(request)])
