"""Archives, one module per URI scheme: `describe` a channel, `read` a box of it."""

from __future__ import annotations

import reprlib
from ipaddress import ip_address
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from ..boxes import Box

if TYPE_CHECKING:  # DESCRIBE says which package is missing: it must not need one to start
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt


class Refused(Exception):
    """What was asked can't be had from the archive, however often it is asked."""


class SizeUnknown(Refused):
    """A volume states no voxel size, or not in what unit, and none is given."""


class Unreachable(Exception):
    """The archive gave no usable answer; it may later.

    Attributes
    ----------
    retry_after : float
        Seconds for which the archive asked to be left alone.
    """

    def __init__(self, sentence: str, retry_after: float = 0.0) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


FURTHEST = 2**53
"""Voxels from 0 that metadata may name: up to there, centroids are exact as float64."""

LARGEST_VOXEL_NM = 1e12

MODULES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "bigarray": ("blosc",),
        "ckl": ("crackle-codec",),
        "hdf5": ("h5py",),
        "hypersquare": ("pillow",),
        "mrc": ("mrcfile",),
        "nifti": ("nibabel",),
        "npy": ("numpy",),
        "nrrd": ("pynrrd",),
        "nwb": ("h5py",),
        "planes": ("pillow", "tifffile"),
        "tiff": ("tifffile",),
    }
)
"""The formats of single files: scheme of a URI and module of `formats`, and what reads it."""

DIRECTORIES = ("bigarray", "hypersquare", "planes")
"""Those of them of which a volume is a directory of files."""

STREAMS = ("nifti", "nrrd")
"""Of these, those that are one stream where they are compressed: a task unpacks all of it."""

NOTHING: Mapping[str, int] = MappingProxyType({})
"""What is chosen of a volume, where nothing is."""

_brief = reprlib.Repr()
_brief.maxstring = _brief.maxother = 120
brief = _brief.repr
"""A value that others gave, on one line of a message, and short."""


DEFAULT_PORTS = {"http": 80, "https": 443}


def spelled(address: str) -> str:
    """Return the one spelling of where an http(s) address leads; empty where it is none.

    Host, port and path, without the scheme: the same host answers to both, at their own ports. A
    port that is the scheme's own is left out, and so are a dot or slashes at the end.
    """
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
        host = f"[{ip_address(host)}]" if ":" in host else host.rstrip(".")
    except ValueError:
        return ""
    if not host or parts.scheme not in DEFAULT_PORTS:
        return ""
    named = "" if port in (None, DEFAULT_PORTS[parts.scheme]) else f":{port}"
    return f"{host}{named}{parts.path}".rstrip("/")


def sensible(metadata: dict[str, Any], uri: str) -> dict[str, Any]:
    """Return what `describe` found, if it can be computed and recorded.

    Raises
    ------
    Refused
        If it or its chunks are empty, or coordinates or voxel sizes are beyond all measure.
    """
    offset, shape = metadata["offset_zyx"], metadata["shape_zyx"]
    if min(shape) < 1:
        raise Refused(f"{uri} is empty: its shape is {brief(shape)} (ZYX)")
    ends = [start + size for start, size in zip(offset, shape, strict=True)]
    if max(map(abs, [*offset, *ends])) > FURTHEST:
        raise Refused(
            f"the metadata of {uri} make no sense: it lies at {brief(offset)} to {brief(ends)} "
            "(ZYX), further than 2^53 voxels from 0"
        )
    size_nm = metadata["voxel_size_nm_zyx"]
    if not all(0 < size <= LARGEST_VOXEL_NM for size in size_nm):
        raise Refused(f"the metadata of {uri} make no sense: voxels of {size_nm} nm (ZYX)")
    if not all(type(side) is int and side > 0 for side in metadata["chunk_zyx"]):
        chunk = brief(metadata["chunk_zyx"])
        raise Refused(f"the metadata of {uri} make no sense: chunks of {chunk} voxels (ZYX)")
    return metadata


class Contents(NamedTuple):
    """What there is at a URI.

    Attributes
    ----------
    format : str
        In words.
    resolutions : sequence of int
        Of the volume that is named; none where it is a collection.
    inside : dict
        URIs of what may be named instead, by what they are.
    """

    format: str
    resolutions: Sequence[int]
    inside: dict[str, list[str]]


class Reader(Protocol):
    """What the module of a kind of archive offers."""

    def canonical(self, uri: str, directory: str) -> str:
        """Return the one spelling of a URI; a relative path in it starts at `directory`.

        Raises
        ------
        Refused
        """

    def archive_name(self, uri: str, host: str) -> str:
        """Return what the channel lies in, as part of its identity: such as host and port.

        Raises
        ------
        Refused
        """

    def address(self, uri: str, host: str) -> str:
        """Return the address that `archive_name` spells; empty where it names no address."""

    def describe(
        self,
        uri: str,
        resolution: int,
        host: str,
        token: str,
        patient: bool = False,
        chosen: Mapping[str, int] = NOTHING,
        size_nm_zyx: Sequence[float] | None = None,
    ) -> dict[str, Any]:
        """Return a channel's metadata at one resolution; `patient` if nobody waits for them.

        `chosen` are indices of axes beside x, y and z, `channel` or `time`, and an offset
        (`offsets`). `size_nm_zyx` and the offset are those where none is stated.

        Returns
        -------
        dict
            `kind` ("image" or "annotation"), `dtype`, `shape_zyx` and `offset_zyx` (voxels of
            this resolution), `voxel_size_nm_zyx`, `chunk_zyx` (the voxels that the archive
            reads at once); `middle_zyx`, if it is not 0: where voxel 0 has its middle, in voxels
            from that of the finest level; where something can be chosen, `chosen`: what was one of
            several, and an offset that is not 0.

        Raises
        ------
        Refused, Unreachable
        """

    def contents(self, uri: str, host: str, token: str) -> Contents:
        """Return what there is at a URI, be it a volume or a collection of some.

        Raises
        ------
        Refused, Unreachable
        """

    def cost(
        self,
        uri: str,
        resolution: int,
        host: str,
        token: str,
        box: Box,
        chosen: Mapping[str, int] = NOTHING,
    ) -> tuple[int, int]:
        """Return what it takes to read a box: requests, and bytes at most, as decoded.

        Raises
        ------
        Refused, Unreachable
        """

    def files(
        self,
        uri: str,
        resolution: int,
        host: str,
        token: str,
        boxes: Sequence[Box],
        chosen: Mapping[str, int] = NOTHING,
    ) -> dict[str, Any] | None:
        """Return what `voxels.files.seen` needs to notice changes of boxes; None: nothing tells.

        Raises
        ------
        Refused, Unreachable
        """

    def unwritten(
        self,
        uri: str,
        resolution: int,
        host: str,
        token: str,
        boxes: Sequence[Box],
        told: dict[str, Any] | None,
        chosen: Mapping[str, int] = NOTHING,
    ) -> str | None:
        """Return a sentence on boxes that hold nothing because nothing was ever written there.

        `told` is what `files` says, if it was asked. None if there are no such boxes, or if nothing
        tells.

        Raises
        ------
        Refused
            If it only looks so.
        """

    def read(
        self,
        uri: str,
        resolution: int,
        host: str,
        token: str,
        dtype: str,
        box: Box,
        verify: bool = False,
        chosen: Mapping[str, int] = NOTHING,
    ) -> npt.NDArray[Any]:
        """Return the voxels of a box as a C-ordered ZYX array of `dtype`.

        Raises
        ------
        Refused, Unreachable
        """


def archive_of(uri: str) -> Reader:
    """Return the module that speaks to the archive a URI names.

    Raises
    ------
    Refused
        If there is none for the URI's scheme.
    ImportError
        If a package that the module needs is not installed.
    """
    scheme = uri.partition("://")[0]
    if scheme == "bossdb":
        from . import bossdb

        return bossdb
    if scheme in ("precomputed", "zarr", "n5", "webknossos"):
        from . import volumes

        return volumes
    if scheme in MODULES:
        from . import formats

        return formats
    from .likely import meant
    from .naming import OfParameter

    raise OfParameter("", "source", f" {brief(uri)} {meant(uri)}")
