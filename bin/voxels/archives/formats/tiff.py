"""TIFF: stacks of pages, BigTIFF, ImageJ's and OME's, in strips or tiles, with their pyramids."""

from __future__ import annotations

import logging
import math
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from .. import Refused
from ..places.ranged import File
from ..volumes.stated import Level
from ..volumes.units import nanometers
from .image import Image, Slices
from .raw import in_file

_NAMES = {"Z": "z", "Y": "y", "X": "x", "C": "c", "T": "t"}
_MICROMETER = "\u00b5m"
_ROWS = 64
"""Of a page in strips, what is read at once: strips may be of one row."""


def images(file: File, inside: str, uri: str) -> list[Image]:
    """Return the levels of a series; of several, `#/NUMBER` says which."""
    with _errors_told():
        opened = tifffile.TiffFile(file.stream)
        number = _number(inside, len(opened.series), uri)
        series = opened.series[number]
        if series.dataoffset is None:
            len(opened.pages)  # goes through all of them
    if series.is_multifile:
        raise Refused(f"{uri} has planes in other files: make one file of it")
    axes = _axes(series.axes)
    if not {*"zyx"} <= {*axes}:
        raise Refused(f"{uri} has the axes {', '.join(axes)}: it needs z, y and x")
    grid = _grid(opened, number, axes)
    levels = []
    for level in series.levels:
        if level.axes != series.axes:
            break
        placed = Level({"driver": "tiff"}, axes, None, **_coarser(grid, axes, series, level))
        levels.append(_image(opened, level, placed, file, uri))
    return levels


def names(file: File) -> list[str]:
    """Return the numbers of series, where there are several."""
    with _errors_told():
        total = len(tifffile.TiffFile(file.stream).series)
    return [f"/{number}" for number in range(total)] if total > 1 else []


@contextmanager
def _errors_told() -> Iterator[None]:
    """Raise what tifffile logs as an error: of a file that is cut off it tells fewer pages."""
    told: list[str] = []
    handler, thread = logging.Handler(logging.ERROR), threading.get_ident()
    handler.addFilter(lambda record: record.thread == thread)
    handler.emit = lambda record: told.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("tifffile")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
    if told:
        raise ValueError(told[0])


def _number(inside: str, total: int, uri: str) -> int:
    if not inside and total == 1:
        return 0
    if not re.fullmatch(r"/\d{1,6}", inside) or int(inside[1:]) >= total:
        raise Refused(
            f"{uri} has {total} series: write #/ and the number of one after the file's path, 0 to "
            f"{total - 1}"
        )
    return int(inside[1:])


def _axes(letters: str) -> tuple[str, ...]:
    """Return axes' names: pages that nothing names are z, samples of a pixel channels."""
    names = [_NAMES.get(letter, letter.lower()) for letter in letters]
    if "z" not in names:
        unnamed = [i for i, letter in enumerate(letters) if letter in "IQ"]
        if len(unnamed) == 1:
            names[unnamed[0]] = "z"
    if "s" in names and "c" not in names:
        names[names.index("s")] = "c"
    return tuple(names)


def _grid(opened: Any, number: int, axes: tuple[str, ...]) -> dict[str, Any]:
    """Return size and place of voxels; print's dots per inch are none."""
    if opened.is_ome:
        size, unit = _of_ome(opened.ome_metadata, number)
        start = dict.fromkeys("zyx", 0.0)
    elif opened.is_imagej:
        size, unit, start = _of_imagej(opened)
    else:
        return {}
    if not any(size.values()):
        return {}
    return {
        "scale_zyx": tuple(size[axis] or 1.0 for axis in "zyx"),
        "unit_nm_zyx": tuple(unit[axis] if size[axis] else None for axis in "zyx"),
        "translation_zyx": tuple(start[axis] * (size[axis] or 1.0) for axis in "zyx"),
        "placed": any(start.values()),
    }


def _of_ome(text: str, number: int) -> tuple[dict[str, float], dict[str, float | None]]:
    listed = tifffile.xml2dict(text)["OME"]["Image"]
    pixels = (listed[number] if isinstance(listed, list) else listed)["Pixels"]
    size = {axis: float(pixels.get(f"PhysicalSize{axis.upper()}", 0)) for axis in "zyx"}
    names = (pixels.get(f"PhysicalSize{axis.upper()}Unit", _MICROMETER) for axis in "zyx")
    return size, dict(zip("zyx", map(nanometers, names), strict=True))


def _of_imagej(opened: Any) -> tuple[dict[str, float], dict[str, float | None], dict[str, float]]:
    about, tags = opened.imagej_metadata, opened.pages[0].tags
    size = {"z": float(about.get("spacing", 0))}
    for axis in "yx":
        tag = tags.get(f"{axis.upper()}Resolution")
        dots, per = tag.value if tag else (0, 1)
        size[axis] = round(per / dots, 12) if dots else 0.0
    word = str(about.get("unit", "")).replace("\\u00B5", "\u00b5")
    start = {axis: -float(about.get(f"{axis}origin", 0)) for axis in "zyx"}
    return size, dict.fromkeys("zyx", nanometers(word)), start


def _coarser(
    grid: dict[str, Any], axes: tuple[str, ...], finest: Any, level: Any
) -> dict[str, Any]:
    """Return the grid of a level: larger voxels, whose first has its middle further in."""
    if not grid:
        return grid
    at = [axes.index(axis) for axis in "zyx"]
    factors = [round(finest.shape[i] / level.shape[i]) for i in at]
    size = [one * factor for one, factor in zip(grid["scale_zyx"], factors, strict=True)]
    shift = [(one - fine) / 2 for one, fine in zip(size, grid["scale_zyx"], strict=True)]
    starts = zip(grid["translation_zyx"], shift, strict=True)
    return grid | {
        "scale_zyx": tuple(size),
        "translation_zyx": tuple(start + more for start, more in starts),
    }


def _image(opened: Any, series: Any, level: Level, file: File, uri: str) -> Image:
    page, shape = series.keyframe, tuple(series.shape)
    if series.dataoffset is not None:  # one plane after the other, as raw as they are
        dtype = series.dtype.newbyteorder(opened.byteorder)
        read = in_file(file, series.dataoffset, shape, dtype, False, uri)
    else:
        read = partial(_read, series, shape)
    best = _at_once(page, series.dataoffset is not None)
    chunk = (*(1 for _ in shape[: len(shape) - len(best)]), *best)
    return Image(level, shape, series.dtype, chunk, read, fill=page.nodata)


def _at_once(page: Any, raw: bool) -> tuple[int, ...]:
    """Return the shape of tiles, or of strips that hold some rows; of a raw page, rows alone."""
    height, *others = page.shape
    if not (raw or _in_parts(page)):
        return height, *others
    if page.is_tiled:
        return tuple(page.chunks)
    strip = 1 if raw else max(1, page.rowsperstrip)
    return min(height, -(-_ROWS // strip) * strip), *others


def _in_parts(page: Any) -> bool:
    """Say whether a page's strips or tiles are read one by one."""
    return len(page.shape) == 2 and page.samplesperpixel == 1 and page.imagedepth == 1


def _read(series: Any, shape: tuple[int, ...], part: Slices) -> npt.NDArray[Any]:
    outer = len(shape) - series.keyframe.ndim
    leading, inner = shape[:outer], part[outer:]
    if math.prod(leading) != len(series.pages):
        raise ValueError(f"{len(series.pages)} pages for {leading}")
    found = np.empty([one.stop - one.start for one in part], series.dtype)
    for index in product(*(range(one.start, one.stop) for one in part[:outer])):
        number = int(np.ravel_multi_index(index, leading)) if leading else 0
        at = tuple(i - one.start for i, one in zip(index, part, strict=False))
        page = series.pages[number]
        if page is None:
            raise ValueError(f"page {number} is missing")
        found[at] = _of_page(page, series.keyframe, inner)
    return found


def _of_page(page: Any, key: Any, inner: Slices) -> npt.NDArray[Any]:
    """Return a part of a page, of which the strips or tiles are read that hold it."""
    if not _in_parts(key):
        return np.asarray(page.asarray())[inner]
    rows, columns = inner
    height, width = (
        (key.tilelength, key.tilewidth) if key.is_tiled else (key.rowsperstrip, key.imagewidth)
    )
    across = -(-key.imagewidth // width)
    found = np.full((rows.stop - rows.start, columns.stop - columns.start), key.nodata, key.dtype)
    for down in range(rows.start // height, -(-rows.stop // height)):
        for right in range(columns.start // width, -(-columns.stop // width)):
            segment = _segment(page, key, down * across + right)
            if segment is None:  # never written
                continue
            top, left = down * height, right * width
            y0, y1 = max(rows.start, top), min(rows.stop, top + segment.shape[0])
            x0, x1 = max(columns.start, left), min(columns.stop, left + segment.shape[1])
            found[y0 - rows.start : y1 - rows.start, x0 - columns.start : x1 - columns.start] = (
                segment[y0 - top : y1 - top, x0 - left : x1 - left]
            )
    return found


def _segment(page: Any, key: Any, number: int) -> npt.NDArray[Any] | None:
    """Return a strip or tile, decoded; None where the file has none."""
    start, length = page.dataoffsets[number], page.databytecounts[number]
    if not length:
        return None
    handle = page.parent.filehandle
    handle.seek(start)
    content = handle.read(length)
    if len(content) != length:
        raise ValueError(f"it is cut off: {length} bytes are said to be at {start}")
    decoded, _, shape = key.decode(content, number, jpegtables=page.jpegtables)
    if decoded is None:
        return None
    if decoded.size < math.prod(shape):
        raise ValueError(f"a part of {decoded.shape} where {shape} was expected")
    plane: npt.NDArray[Any] = decoded[0, :, :, 0]
    return plane
