"""What is served by collection, experiment and channel; channels of one share a frame."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from ..voxels.boxes import Box
from .served import Volume, reduced

_URI = re.compile(r"bossdb://([\w-]+)/([\w-]+)/([\w-]+)", re.ASCII)


class Experiment(NamedTuple):
    """Channels that share a coordinate frame.

    Attributes
    ----------
    channels : dict
        Volumes by name.
    frame : Box
        Extent, in voxels of resolution 0.
    voxel_size_nm_zyx : tuple of float
        Of resolution 0.
    hierarchy_method : str
    n_levels, n_samples : int
    stale : set of str
        Channels that were written to: the Boss takes their coarser levels for outdated.
    """

    channels: dict[str, Volume]
    frame: Box
    voxel_size_nm_zyx: tuple[float, ...]
    hierarchy_method: str
    n_levels: int
    n_samples: int
    stale: set[str]

    def scale_zyx(self, resolution: int) -> tuple[int, int, int]:
        """Return how many voxels of resolution 0 make one, on each axis."""
        scale = 2**resolution
        return (scale if self.hierarchy_method == "isotropic" else 1), scale, scale

    def downsample_status(self, channel: str) -> str:
        """Return what the Boss says of a channel's levels above the one that was written."""
        volume = self.channels[channel]
        if channel in self.stale:
            return "NOT_DOWNSAMPLED"
        whole = len(volume.levels) == self.n_levels > 1
        return volume.downsample_status or ("DOWNSAMPLED" if whole else "NOT_DOWNSAMPLED")

    def extent_xyz(self, channel: str, resolution: int) -> list[int]:
        """Return where a resolution ends, counted from 0: the Boss halves and rounds up."""
        volume = self.channels[channel]
        level = resolution - volume.base_resolution
        if 0 <= level < len(volume.levels):
            return list(reversed(volume.levels[level].box.end_zyx))
        pairs = zip(self.frame.end_zyx, self.scale_zyx(resolution), strict=True)
        return [-(-end // scale) for end, scale in pairs][::-1]


Collections = dict[str, dict[str, Experiment]]


def collections(volumes: Mapping[str, Volume]) -> Collections:
    """Sort volumes by collection, experiment and channel.

    Raises
    ------
    ValueError
        If a URI is malformed, or channels of one experiment disagree.
    """
    channels: dict[tuple[str, str], dict[str, Volume]] = {}
    for uri, volume in volumes.items():
        match = _URI.fullmatch(uri)
        if not match:
            raise ValueError(f"{uri!r} is no channel: write bossdb://collection/experiment/channel")
        collection, experiment, channel = match.groups()
        channels.setdefault((collection, experiment), {})[channel] = volume
    by_name: Collections = {}
    for (collection, name), some in channels.items():
        by_name.setdefault(collection, {})[name] = _experiment(
            f"bossdb://{collection}/{name}", some
        )
    return by_name


def _experiment(where: str, channels: dict[str, Volume]) -> Experiment:
    first = min(channels, key=lambda name: channels[name].base_resolution)
    methods = {channel.hierarchy_method for channel in channels.values() if len(channel.levels) > 1}
    if len(methods) > 1:
        raise ValueError(
            f"the levels of channels in {where} grow along different axes: serve them in different "
            "experiments"
        )
    experiment = Experiment(
        channels,
        channels[first].levels[0].box,
        channels[first].levels[0].voxel_size_nm_zyx,
        methods.pop() if methods else "anisotropic",
        max(len(channel.levels) for channel in channels.values()),
        max(channel.num_time_samples for channel in channels.values()),
        set(),
    )
    scale_zyx = experiment.scale_zyx(channels[first].base_resolution)
    sizes = zip(experiment.voxel_size_nm_zyx, scale_zyx, strict=True)
    experiment = experiment._replace(
        frame=_scaled(experiment.frame, scale_zyx),
        voxel_size_nm_zyx=tuple(size / scale for size, scale in sizes),
    )
    for name, volume in channels.items():
        finest, scale_zyx = volume.levels[0], experiment.scale_zyx(volume.base_resolution)
        sizes = zip(experiment.voxel_size_nm_zyx, scale_zyx, strict=True)
        if finest.box != reduced(experiment.frame, scale_zyx) or any(
            abs(size * scale - own) > 1e-6 * own
            for (size, scale), own in zip(sizes, finest.voxel_size_nm_zyx, strict=True)
        ):
            raise ValueError(
                f"{where}/{name} differs in extent, offset or voxel size from {first}: serve it in "
                "another experiment"
            )
    return experiment


def _scaled(box: Box, scale_zyx: tuple[int, int, int]) -> Box:
    z, y, x = scale_zyx
    return Box(*(edge * scale for edge, scale in zip(box, (x, x, y, y, z, z), strict=True)))
