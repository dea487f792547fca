"""What a volume is that a request made, as `voxels.archives.survey` tells it of other sources."""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from ..voxels.archives import Refused, survey
from ..voxels.archives.made import ARCHIVE, named, spelled, uri_of
from ..voxels.boxes import grid
from . import made

FORMATS = {"precomputed": "Neuroglancer precomputed", "zarr": "OME-Zarr"}


def of_made(uri: str, resolution: int | None, block_zyx: Sequence[int]) -> dict[str, Any]:
    """Return what there is at a URI `bossflow://...`, by the database.

    Of a request that makes several volumes, where none is named, which.

    Raises
    ------
    ValueError
        If there is no such request, volume or level, or it is not whole.
    """
    try:
        _, level = spelled(uri, resolution or 0)
    except Refused as error:
        raise ValueError(str(error)) from None
    name, at, _ = uri.partition("@")
    _, request, outputs = made.outputs_of(uri)
    names = sorted({output.name for output in outputs})
    wanted = named(uri).output or (names[0] if len(names) == 1 else "")
    told: dict[str, Any] = {"source": name, "archive": ARCHIVE, "format": "bossflow's own"}
    if not wanted and resolution is None and not at:
        volumes = [uri_of(request.request_id, one) for one in names]
        return told | {"levels": [], "inside": {"volumes": volumes}}
    every = [output.level for output in outputs if output.name == wanted]
    asked = every if resolution is None and not at and every else [level]
    levels = []
    for number in asked:
        output = made.found(name, number).output
        told["format"] = FORMATS.get(output.files["format"], output.files["format"])
        levels.append(_level(output, block_zyx))
    return told | {"levels": levels, "inside": {}}


def _level(output: made.Output, block_zyx: Sequence[int]) -> dict[str, Any]:
    told = {
        "kind": output.kind,
        "dtype": output.dtype,
        "offset_zyx": output.extent.corner_zyx,
        "shape_zyx": output.extent.shape_zyx,
        "voxel_size_nm_zyx": output.voxel_size_nm_zyx,
        "chunk_zyx": output.chunk_zyx,
    }
    box = survey.first_block(told, block_zyx)
    number = len(grid(box, output.chunk_zyx, output.origin_zyx))
    chunk_bytes = prod(output.chunk_zyx) * np.dtype(output.dtype).itemsize
    return survey.level(output.level, told, box, (number, number * chunk_bytes))
