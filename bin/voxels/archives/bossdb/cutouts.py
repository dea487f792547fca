"""Boxes of voxels as BossDB's cutouts, through intern, several requests at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

import blosc
import numpy as np
import numpy.typing as npt
import requests
from intern.remote.boss import BossRemote
from intern.resource.boss.resource import ChannelResource

from ...boxes import Box, grid
from .. import Unreachable
from . import patience
from .client import persist
from .frames import CUBOID_ZYX

# One answer is decoded while others come in.
blosc.set_releasegil(True)

REQUESTS_AT_ONCE = 4
LARGEST_REQUEST_BYTES = 16 * 2**20
SMALLEST_REQUEST_BYTES = 2 * 2**20


def requests_of(box: Box, bytes_per_voxel: int) -> list[Box]:
    """Cut a box into requests: whole cuboids, clipped to the box, as many in z as is sensible.

    A request is at most 16 MiB or one cuboid, so far below the 60 million voxels at which intern
    cuts requests itself; smaller where that keeps all connections busy.
    """
    depth, height, width = CUBOID_ZYX
    _, box_height, box_width = box.shape_zyx
    slab_bytes = depth * min(height, box_height) * min(width, box_width) * bytes_per_voxel
    share = box.voxel_count * bytes_per_voxel // REQUESTS_AT_ONCE
    wanted = min(LARGEST_REQUEST_BYTES, max(SMALLEST_REQUEST_BYTES, share))
    slabs = max(1, wanted // slab_bytes)
    return grid(box, (slabs * depth, height, width), (0, 0, 0))


def read(
    remote: BossRemote,
    channel: ChannelResource,
    uri: str,
    resolution: int,
    host: str,
    box: Box,
    verify: bool,
) -> npt.NDArray[Any]:
    """Read a box of a channel as intern has it, as `bossdb.read` does."""
    voxels = np.empty(box.shape_zyx, channel.datatype)
    hopeless = threading.Event()

    def cutout(part: Box) -> npt.NDArray[Any]:
        try:
            answer: npt.NDArray[Any] = remote.get_cutout(
                channel,
                resolution,
                [part.x0, part.x1],
                [part.y0, part.y1],
                [part.z0, part.z1],
                parallel=False,
            )
        except (blosc.blosc_extension.error, ValueError) as error:
            if isinstance(error, requests.RequestException):
                raise
            raise Unreachable("it is damaged or has the wrong size") from None
        if answer.shape != part.shape_zyx or answer.dtype != voxels.dtype:
            raise Unreachable(f"it is {answer.dtype} of shape {answer.shape} (ZYX)")
        return answer

    def fill(part: Box) -> None:
        where = part.slices(box.corner_zyx)
        what = f"box {part.name} of {uri} at resolution {resolution}"

        def attempt() -> None:
            voxels[where] = cutout(part)
            if verify and not np.array_equal(cutout(part), voxels[where]):
                raise Unreachable("two reads differ")

        persist(attempt, what, host, patience.VOXEL_LIMITS, hopeless)

    with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
        jobs = [pool.submit(fill, part) for part in requests_of(box, voxels.itemsize)]
        try:
            for job in as_completed(jobs):
                job.result()
        except BaseException:
            hopeless.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return voxels
