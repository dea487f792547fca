"""Of which format a place is likely, by how it ends or by what lies there: a word for a sentence.

Nothing is read by it: a format is always what the URI says.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from itertools import islice

from . import MODULES

_DIRECTORIES: dict[str, tuple[str, ...]] = {"zarr": (".zarr",), "n5": (".n5",)}
"""Also of what lies below."""

_ENDINGS: dict[str, tuple[str, ...]] = {
    "ckl": (".ckl", ".ckl.gz"),
    "hdf5": (".h5", ".hdf5", ".hdf"),
    "mrc": (".mrc", ".map", ".rec", ".ccp4"),
    "nifti": (".nii", ".nii.gz"),
    "npy": (".npy",),
    "nrrd": (".nrrd",),
    "nwb": (".nwb",),
    "tiff": (".tif", ".tiff", ".btf"),
}

_HOLDS = {
    "info": "precomputed",
    "datasource-properties.json": "webknossos",
    "zarr.json": "zarr",
    ".zarray": "zarr",
    ".zgroup": "zarr",
    "attributes.json": "n5",
}
"""The format of a directory that has such a file."""

_BEGINS = {
    b"\x89HDF\r\n\x1a\n": "hdf5",
    b"II*\0": "tiff",
    b"MM\0*": "tiff",
    b"II+\0": "tiff",
    b"MM\0+": "tiff",
    b"\x93NUMPY": "npy",
    b"NRRD": "nrrd",
    b"crkl": "ckl",
}
"""The format of a file that begins so."""

_WITHIN = {(344, b"n+1\0"): "nifti", (4, b"n+2\0"): "nifti", (208, b"MAP "): "mrc"}
"""The format of a file that has these bytes there."""

_PLANES = (".tif", ".tiff", ".png", ".jpg", ".jpeg", ".jp2")
_LISTED = 100
_ADDRESSES = ("file", "http", "https", "s3", "gs")
_LONGEST = 120
"""Signs of what is repeated."""


def meant(uri: str) -> str:
    """Return what is wrong with a URI that names no format, and what may be meant."""
    scheme, sign, _ = uri.partition("://")
    found = "" if sign and scheme not in _ADDRESSES or len(uri) > _LONGEST else likely(uri)
    if found and uri.isprintable():
        layer = "#LAYER" * (found == "webknossos" and "#" not in uri)
        return f"does not say what it is: write {found}://{uri}{layer}"
    return (
        "names no archive that is known here: write bossdb://collection/experiment/channel, or "
        "precomputed://, zarr:// or n5:// and then the address of a volume, or webknossos:// and "
        "that of a dataset, # and a layer, or "
        f"{', '.join(f'{name}://' for name in MODULES)} and that of a file"
    )


def likely(place: str) -> str:
    """Return the scheme of the format that a place is likely of; empty where nothing tells.

    Parameters
    ----------
    place : str
        A path, or an address, of which the ending alone is looked at. What follows `#` is within.
    """
    path = place.partition("#")[0].rstrip("/")
    parts = path.lower().split("/")
    for scheme, endings in _DIRECTORIES.items():
        if any(part.endswith(endings) for part in parts):
            return scheme
    for scheme, endings in _ENDINGS.items():
        if parts[-1].endswith(endings):
            return scheme
    if re.match(r"\w+://", path) and not path.startswith("file://"):
        return ""
    with suppress(OSError, ValueError):
        return _by_contents(path.removeprefix("file://"))
    return ""


def _by_contents(path: str) -> str:
    if os.path.isfile(path):  # of a pipe nothing is taken away
        with open(path, "rb") as file:
            head = file.read(352)
        for begin, scheme in _BEGINS.items():
            if head.startswith(begin):
                return scheme
        return next((s for (at, sign), s in _WITHIN.items() if head[at:].startswith(sign)), "")
    for name, scheme in _HOLDS.items():
        if os.path.isfile(os.path.join(path, name)):
            return scheme
    with os.scandir(path) as entries:
        names = [entry.name.lower() for entry in islice(entries, _LISTED)]
    return "planes" if names and all(name.endswith(_PLANES) for name in names) else ""
