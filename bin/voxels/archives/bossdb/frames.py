"""What BossDB's metadata say of a channel, and which of its voxels BossDB does not serve.

BossDB describes the finest resolution only, by a coordinate frame. The voxels of any are counted
from the frame's 0, and a range of them is compared with the frame as if it were of the finest.
"""

from __future__ import annotations

import math
import re
from typing import Any, NamedTuple

from .. import Refused, brief, sensible
from ..naming import not_one_of

# BossDB stores cuboids of this shape, counted from coordinate 0 at every resolution; a request
# whose seams lie between them makes it read each cuboid once.
CUBOID_ZYX = (16, 512, 512)

DTYPES = ("uint8", "uint16", "uint32", "uint64")
NANOMETERS = {"nanometers": 1, "micrometers": 10**3, "millimeters": 10**6, "centimeters": 10**7}

_UNREADABLE = (KeyError, TypeError, ValueError, ArithmeticError, AttributeError)


class Told(NamedTuple):
    """What BossDB tells of a channel, its experiment and its coordinate frame.

    Attributes
    ----------
    channel, experiment, frame : dict
    levels : dict
        Its `downsample` service's answer, which has the extent of each level; may be empty.
    """

    channel: dict[str, Any]
    experiment: dict[str, Any]
    frame: dict[str, Any]
    levels: dict[str, Any]


def metadata(told: Told, uri: str, resolution: int, host: str) -> dict[str, Any]:
    """Return what `bossdb.describe` does.

    Raises
    ------
    Refused
        If there is no such resolution, there are several time samples, or it makes no sense.
    """
    channel, frame = told.channel, told.frame
    try:
        first, last = _resolutions(told)
        if not first <= resolution <= last:
            has = f"{brief(first)} to {brief(last)}"
            raise not_one_of(uri, "resolution", resolution, has)
        samples = _whole(told.experiment.get("num_time_samples") or 1)
        if samples > 1:
            raise Refused(
                f"{uri} has {samples} time samples: only channels of one can be read, as nothing "
                "says which of them is meant"
            )
        voxel_xyz = [float(frame[f"{axis}_voxel_size"]) for axis in "xyz"]
        nanometers = NANOMETERS[frame["voxel_unit"].lower()]
        scale_zyx = _scale_zyx(told, resolution)
        offset_zyx = [
            start // scale for start, scale in zip(_edges(frame, "start"), scale_zyx, strict=True)
        ]
        end_zyx = [
            -(-stop // scale) for stop, scale in zip(_edges(frame, "stop"), scale_zyx, strict=True)
        ]
        if str(resolution) in told.levels.get("extent", {}):
            end_zyx = [_whole(end) for end in reversed(told.levels["extent"][str(resolution)])]
        shape_zyx = [end - offset for end, offset in zip(end_zyx, offset_zyx, strict=True)]
        kind, dtype = channel["type"].lower(), channel["datatype"].lower()
        if kind not in ("image", "annotation") or not all(
            0 < side < math.inf for side in voxel_xyz
        ):
            raise ValueError(f"type {kind}, voxel size {voxel_xyz}")
    except _UNREADABLE as error:
        raise senseless(uri, host, brief(error)) from None
    if dtype not in DTYPES:
        raise Refused(f"{uri} holds {brief(dtype)} voxels; these can be used: {', '.join(DTYPES)}")
    described = {
        "kind": kind,
        "dtype": dtype,
        "shape_zyx": shape_zyx,
        "offset_zyx": offset_zyx,
        # Rounded, or 0.57 micrometers would be 569.9999999999999 nm.
        "voxel_size_nm_zyx": [
            round(size * nanometers * scale, 6)
            for size, scale in zip(reversed(voxel_xyz), scale_zyx, strict=True)
        ],
        "chunk_zyx": list(CUBOID_ZYX),
    }
    if max(scale_zyx) > 1:
        described["middle_zyx"] = [(1 - 1 / scale) / 2 for scale in scale_zyx]
    return sensible(described, uri)


def tells_extents(told: Told) -> bool:
    """Say whether the `downsample` service can: it fails where x and y differ and z stays."""
    method = str(told.experiment.get("hierarchy_method")).lower()
    return method == "isotropic" or told.frame.get("x_voxel_size") == told.frame.get("y_voxel_size")


def why_not(told: Told, uri: str, resolution: int, dtype: str) -> str:
    """Return why BossDB does not serve a channel's voxels, in a sentence; empty if it does."""
    first, _ = _resolutions(told)
    if dtype == "uint32":
        return (
            f"{uri} holds uint32 voxels, which BossDB knows but does not serve: they can only be "
            "read from the bucket that they lie in"
        )
    if resolution > 9:
        return (
            f"resolution {resolution} of {uri} can't be asked for: BossDB's addresses have one "
            "digit for it"
        )
    starts_zyx = _edges(told.frame, "start")
    begins = "{2},{1},{0} (x,y,z)".format(*starts_zyx)
    if min(starts_zyx) < 0:
        return (
            f"the coordinate frame of {uri} begins at {begins}: BossDB can't be asked for negative "
            "coordinates"
        )
    if any(
        start and scale > 1
        for start, scale in zip(starts_zyx, _scale_zyx(told, resolution), strict=True)
    ):
        return (
            f"resolution {resolution} of {uri} can't be read whole: its coordinate frame begins at "
            f"{begins}, in finest voxels, and BossDB refuses all that is below these numbers at "
            f"any resolution{'; resolution 0 can be read' if not first else ''}"
        )
    status = str(told.channel.get("downsample_status") or "NOT_DOWNSAMPLED").upper()
    if resolution > first and status != "DOWNSAMPLED":
        return (
            f"resolution {resolution} of {uri} is not there, or not as it should be: its "
            f"downsample_status is {brief(status)}; only resolution {first} is what was written"
        )
    return ""


def bucket(channel: dict[str, Any]) -> str:
    """Return the URI of the volume in a bucket that a channel is kept as; empty if it is not."""
    if str(channel.get("storage_type")).lower() != "cloudvol":
        return ""
    name, path = channel.get("bucket"), str(channel.get("cv_path") or "").strip("/")
    if not (path and isinstance(name, str) and re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,62}", name)):
        return ""
    return f"precomputed://s3://{name}/{path}"


def senseless(uri: str, host: str, why: str) -> Refused:
    """Return what to say of metadata that make no sense."""
    return Refused(f"what {host} tells of {uri} makes no sense: {why}")


def first_and_last(told: Told, uri: str, host: str) -> tuple[int, int]:
    """Return the first and the last resolution of a channel."""
    try:
        return _resolutions(told)
    except _UNREADABLE as error:
        raise senseless(uri, host, brief(error)) from None


def _resolutions(told: Told) -> tuple[int, int]:
    """Return the first and the last resolution; the first one is what was written."""
    first = _whole(told.channel["base_resolution"])
    return first, first + _whole(told.experiment["num_hierarchy_levels"]) - 1


def _edges(frame: dict[str, Any], end: str) -> list[int]:
    return [_whole(frame[f"{axis}_{end}"]) for axis in "zyx"]


def _scale_zyx(told: Told, resolution: int) -> tuple[int, int, int]:
    """Return how many finest voxels make one of this resolution, on each axis.

    `slice` and `iso` are what BossDB once called its methods. Of an anisotropic channel it may
    have a second pyramid, `near_iso` or `?iso=true`: intern can't ask for that one.
    """
    method = told.experiment["hierarchy_method"].lower()
    scale = 2**resolution
    if method in ("anisotropic", "slice"):
        return 1, scale, scale
    if method in ("isotropic", "iso"):
        return scale, scale, scale
    raise ValueError(f"hierarchy_method {method}")


def _whole(value: Any) -> int:
    """Return a whole number of the metadata; a fraction would be cut off silently."""
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise ValueError(f"{value} is no whole number")
    return int(value)
