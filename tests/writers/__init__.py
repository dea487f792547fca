"""Volumes as their own tools write them: a function each, that says which tools it takes."""

import importlib.metadata
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SHAPE, CHUNK, OFFSET = (20, 22, 26), (8, 9, 10), (5, -7, 11)
SIZE = (40.0, 8.0, 4.0)
NOWHERE = (0, 0, 0)


def voxels(dtype: str = "uint32", shape: tuple[int, ...] = SHAPE) -> Any:
    """Segments in blobs of 3x4x5, of which some touch: components that chunks cut."""
    few = np.random.default_rng(9).integers(0, 4, [-(-n // 3) for n in shape], np.uint8)
    return few.repeat(3, 0).repeat(3, 1).repeat(3, 2)[tuple(map(slice, shape))].astype(dtype)


def nm(values: tuple[float, ...], factor: float = 1.0) -> list[float]:
    return [value * factor for value in values]


START = tuple(a * b for a, b in zip(OFFSET, SIZE, strict=True))
Told = dict[str, Any]
WRITERS: dict[str, tuple[str, Callable[[Path], Told]]] = {}


def by(*tools: str) -> Callable[[Callable[[Path], Told]], Callable[[Path], Told]]:
    """Note which tools a writer takes: `zarr>=3`, the first is the one that writes."""

    def noted(write: Callable[[Path], Told]) -> Callable[[Path], Told]:
        WRITERS[write.__name__] = " ".join(tools), write
        return write

    return noted


def is_here(tools: str) -> bool:
    for tool in tools.split():
        name, sign, release = re.fullmatch(r"([\w.-]+?)(?:(>=|<|==)([\d.]+))?", tool).groups()
        try:
            there = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            return False
        major, wanted = (int(one.partition(".")[0]) for one in (there, release or "0"))
        fits = {">=": major >= wanted, "<": major < wanted, "==": there.startswith(f"{release}.")}
        if not fits.get(sign, True):
            return False
    return True


def told(scheme: str, **more: Any) -> Told:
    return {"scheme": scheme, "dtype": "uint32", "kind": "annotation"} | more
