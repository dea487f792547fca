"""How volumes are written that workflows make, as rows ask for it."""

from math import prod
from typing import Any

from ..voxels.boxes import Box
from ..voxels.made_volumes import Volume
from .channels import middle_of_level
from .made import Output

BLOCK_VOXELS_MAX = 2**31 - 1
BLOCKS_MAX = 1_000_000


def written(
    row: dict[str, Any], dtype: str, is_annotation: bool, in_shards: bool
) -> dict[str, str]:
    """Return `format`, `encoding` and `compression` of a new volume, as a row asks or as usual.

    Raw ids are some twenty times as small compressed, in gzip as CloudVolume and Igneous have it;
    images are hardly smaller, and take long.
    """
    packed = row["volume_format"] == "precomputed" and is_annotation
    packed = packed and dtype in ("uint32", "uint64")
    encoding = row["encoding"] or ("compressed_segmentation" if packed else "raw")
    usual = "gzip" if is_annotation and encoding == "raw" and in_shards else "none"
    if row["volume_format"] == "zarr":
        usual = "zstd"
    compression = row["compression"] or usual
    return {"format": row["volume_format"], "encoding": encoding, "compression": compression}


def asked_again(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that ask for a volume written as a recorded request's is."""
    told = {name: parameters[name] for name in ("encoding", "compression", "block_shape")}
    return told | {"volume_format": parameters["format"], "stage": parameters["staged"]}


def outputs(name: str, volume: dict[str, Any]) -> list[Output]:
    """Return what others may read of a volume, level by level.

    Parameters
    ----------
    name : str
        Of the volume, among those of its request.
    volume : dict
        As `Volume.of` takes it; its files are in `volume/` of the bundle that others write within.
    """
    made, cutout = Volume.of(volume), Box.parse(volume["cutout"])
    return [
        Output(
            name,
            number,
            made.kind,
            made.dtype,
            level.of(cutout),
            tuple(
                size * by for size, by in zip(made.voxel_size_nm_zyx, level.factor_zyx, strict=True)
            ),
            level.volume.corner_zyx,
            level.chunk_zyx,
            {"format": made.format, "volume": "volume", "level": level.key},
            middle_of_level(volume, level.factor_zyx),
        )
        for number, level in enumerate(made.levels)
    ]


def refuse_impossible(row: dict[str, Any], volume: dict[str, Any]) -> None:
    """Refuse a volume that can't be, or has too many or too large blocks.

    Parameters
    ----------
    row : dict
        What asks for it.
    volume : dict
        As `Volume.of` takes it.

    Raises
    ------
    ValueError
        With one sentence.
    """
    try:
        Volume.of(volume).refuse_impossible()
    except ValueError as error:
        raise ValueError(f"{error} (in {row['where']})") from None
    block, cutout = volume["block_shape_zyx"], Box.parse(volume["cutout"])
    shown = ",".join(map(str, block))
    if prod(block) > BLOCK_VOXELS_MAX:
        raise ValueError(
            f"block_shape {shown} in {row['where']} makes blocks of 2^31 voxels or more: choose a "
            "smaller one"
        )
    starts = zip(cutout.corner_zyx, cutout.end_zyx, block, volume["origin_zyx"], strict=True)
    number = prod(
        -(-(end - start + (start - origin) % side) // side) for start, end, side, origin in starts
    )
    if number > BLOCKS_MAX:
        raise ValueError(
            f"block_shape {shown} in {row['where']} cuts {cutout.name} into {number:,} blocks, "
            f"more than {BLOCKS_MAX:,}: give ranges, or a larger block_shape"
        )
