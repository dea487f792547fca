"""MRC and CCP4 maps of electron microscopy: sizes in angstrom, the first voxel where it starts."""

from __future__ import annotations

from io import BytesIO
from math import isclose
from typing import Any

import numpy as np
from mrcfile import utils
from mrcfile.mrcinterpreter import MrcInterpreter

from .. import Refused
from ..places.ranged import File
from ..volumes.stated import Level
from .image import Image, refuse_inside
from .raw import in_file, shortest

_HEADER_BYTES, _EXTENDED = 1024, 92  # where the length of the extended header is
_STACK_OF_VOLUMES = 401
_IMOD = b"IMOD"


def images(file: File, inside: str, uri: str) -> list[Image]:
    """Return the map."""
    refuse_inside(inside, uri)
    header, extended = _header(file.stream.read(_HEADER_BYTES))
    if int(header.ispg) >= _STACK_OF_VOLUMES:
        raise Refused(f"{uri} holds a stack of volumes: make files of single ones")
    shape = tuple(int(header[name]) for name in ("nz", "ny", "nx"))
    order = [int(header[name]) for name in ("maps", "mapr", "mapc")]
    if sorted(order) == [0, 0, 0]:  # of old programs: as almost all are
        order = [3, 2, 1]
    if sorted(order) != [1, 2, 3]:
        raise ValueError(f"mapc, mapr and maps are {order[::-1]}")
    axes = tuple("xyz"[axis - 1] for axis in order)
    level = Level({"driver": "mrc"}, axes, **_grid(header, axes, uri))
    dtype = utils.data_dtype_from_header(header)
    start = _HEADER_BYTES + extended
    read = in_file(file, start, shape, dtype, False, uri)
    return [Image(level, shape, dtype, (1, *shape[1:]), read)]


def _header(content: bytes) -> tuple[Any, int]:
    """Return the header, and how long the extended one is, which mrcfile would read whole."""
    alone = content[:_EXTENDED] + bytes(4) + content[_EXTENDED + 4 :]
    header = MrcInterpreter(iostream=BytesIO(alone), header_only=True).header
    extended = int(np.frombuffer(content, header.dtype["nsymbt"], 1, _EXTENDED)[0])
    if extended < 0:
        raise ValueError(f"its extended header has {extended} bytes")
    return header, extended


def _grid(header: Any, axes: tuple[str, ...], uri: str) -> dict[str, Any]:
    """Return size and place of voxels; nothing where no size is stated."""
    names = ("nzstart", "nystart", "nxstart")
    starts = dict(zip(axes, (int(header[name]) for name in names), strict=True))
    cell = {axis: shortest(header.cella[axis]) for axis in "xyz"}
    cut = {axis: int(header[f"m{axis}"]) for axis in "xyz"}
    origin = {axis: shortest(header.origin[axis]) for axis in "xyz"}
    if not all(cell.values()) or not all(cut.values()):
        if any(origin.values()):
            raise Refused(f"{uri} states an origin, and no voxel size by which it is counted")
        return {"scale_zyx": None, "translation_zyx": tuple(float(starts[axis]) for axis in "zyx")}
    size = {axis: cell[axis] / cut[axis] for axis in "xyz"}
    place = {axis: starts[axis] * size[axis] for axis in "xyz"}
    if any(origin.values()):
        if _IMOD in header["extra2"].tobytes():
            raise Refused(
                f"{uri} has an origin as IMOD states it, of which the sign is not known: set it to "
                "0 (alterheader -org 0,0,0), and it starts at nxstart, nystart and nzstart"
            )
        if any(starts.values()) and not all(
            isclose(place[axis], origin[axis], abs_tol=1e-3 * size[axis]) for axis in "xyz"
        ):
            raise Refused(
                f"{uri} states two places, by origin {origin} and by nxstart and so on {starts}: "
                "mend its header"
            )
        place = origin
    return {
        "scale_zyx": tuple(size[axis] for axis in "zyx"),
        "unit_nm_zyx": (0.1, 0.1, 0.1),
        "translation_zyx": tuple(place[axis] for axis in "zyx"),
        "placed": any(place.values()),
    }
