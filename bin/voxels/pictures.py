"""Pictures of volumes: slices, overlays, single objects and meshes, painted without a display.

Voxels are shown where they are in space (nm), nearest neighbour: volumes of other resolution,
offset or anisotropy lie over each other as they do in a viewer. Of each is read the coarsest level
that has a voxel for each pixel, and of that no more than the pieces that the pixels are in.
"""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw, WebPImagePlugin

from .archives import Refused, Unreachable
from .archives.places import kvstores, ranged, s3
from .frames import OBJECT_SIDE, Frame, bar_within, length
from .seen import VOXELS_READ, Seen

if TYPE_CHECKING:
    import numpy.typing as npt

FORMAT = WebPImagePlugin.WebPImageFile.format
"""By name alone, Pillow would look for it among all that it knows."""

DEPTHS, VOXELS_OF_OBJECT = 64, 2**24
"""At how many depths an object is looked at, and how many voxels are read for it."""

MOST_OF_SKELETON = 2**22
"""Bytes of a skeleton that is painted: some hundred thousand lines."""

_OPACITY = 0.5
_FOUND = (255, 200, 0)
"""The colour of what was detected."""


class Picture(NamedTuple):
    """A painted picture.

    Attributes
    ----------
    uri : str
        `data:` URI of a WebP.
    note : str
        What is to be known of it; empty for nothing.
    """

    uri: str
    note: str = ""


def draw(asked: dict[str, Any]) -> Picture:
    """Paint what is asked for.

    Parameters
    ----------
    asked : dict
        `box_nm` (what is shown: start and end by axis), `axis` (across which) and `layers` (as
        `voxels.seen.Seen` takes them, from below); of one object its value, as `only`; `circles`
        over them (places to the right and down, and radii, in nm). Or, of a mesh or a skeleton,
        where the directory of these in a store is (`meshes` or `skeletons`, a URL) and `only`.

    Raises
    ------
    Refused, Unreachable, ValueError
        If it can't be read.
    """
    if "meshes" in asked or "skeletons" in asked:
        canvas, pixel_nm = _of_files(asked)
        bar_nm = bar_within(0.4 * OBJECT_SIDE * pixel_nm)
        note = f"bar {length(bar_nm)}"  # nobody knew before
    else:
        frame = Frame.of(asked)
        pixel_nm, bar_nm = frame.pixel_nm[frame.axes[0]], frame.bar_nm
        if "only" in asked:
            (layer,) = asked["layers"]
            canvas, note = _object(Seen(**layer), frame, asked["only"])
        else:
            canvas, note = _slice([Seen(**layer) for layer in asked["layers"]], frame)
    image = Image.fromarray(canvas)
    if asked.get("circles"):
        _draw_circles(image, frame, asked["circles"])
    _draw_bar(image, bar_nm / pixel_nm)
    stream = io.BytesIO()
    image.save(stream, FORMAT, quality=82, method=2)
    text = base64.b64encode(stream.getvalue()).decode("ascii")
    return Picture(f"data:image/webp;base64,{text}", note)


def _slice(layers: list[Seen], frame: Frame) -> tuple[npt.NDArray[np.uint8], str]:
    """Paint the middle plane of a box: images in grey, what is segmented in colours over them."""
    canvas = np.zeros((frame.height, frame.width, 3), np.uint8)
    right, down = frame.axes
    at = (frame.start_nm[frame.axis] + frame.end_nm[frame.axis]) / 2
    points = {frame.axis: np.array([at]), **{axis: frame.centres(axis) for axis in frame.axes}}
    painted, notes = False, []
    for layer in layers:
        try:
            voxels, known, note = _sample(layer, points, frame.pixel_nm, VOXELS_READ)
        except (Refused, Unreachable, OSError) as error:
            if layer is layers[-1]:
                raise
            notes.append(f"what is below it is not shown: {error}")
            continue
        plane, inside = (_plane(each, frame.axis) for each in (voxels, known))
        if layer.kind == "image":
            canvas[inside] = grey(plane, inside)[inside][:, None]
        else:
            over = inside & (plane != 0)
            coloured = _outlined(plane)[over]
            if painted:
                coloured = canvas[over] * (1 - _OPACITY) + coloured * _OPACITY
            canvas[over] = coloured
        painted = True
        notes += [note] if note else []
    return canvas, "; ".join(dict.fromkeys(notes))


def _object(layer: Seen, frame: Frame, value: int) -> tuple[npt.NDArray[np.uint8], str]:
    """Paint one object as it is seen along an axis: brighter where it is nearer."""
    low, high = frame.start_nm[frame.axis], frame.end_nm[frame.axis]
    number = min(DEPTHS, max(1, round((high - low) / min(frame.pixel_nm.values()))))
    depth = low + (np.arange(number) + 0.5) * (high - low) / number
    points = {frame.axis: depth, **{axis: frame.centres(axis) for axis in frame.axes}}
    voxels, _, note = _sample(layer, points, frame.pixel_nm, VOXELS_OF_OBJECT)
    mask = np.moveaxis(voxels == value, "zyx".index(frame.axis), 0)
    hit = mask.any(0)
    near = 1 - 0.6 * mask.argmax(0) / max(1, len(mask) - 1)
    colour = colours(np.array([[value]]))[0, 0].astype(np.float64)
    shaded = (near[..., None] * colour).astype(np.uint8)
    return np.where(hit[..., None], shaded, np.uint8(0)), note


def _of_files(asked: dict[str, Any]) -> tuple[npt.NDArray[np.uint8], float]:
    """Paint the mesh or the skeleton of a segment; return the size of a pixel too (nm)."""
    url = asked.get("meshes") or asked["skeletons"]
    _, place = kvstores.split(f"precomputed://{url}")
    colour = colours(np.array([[asked["only"]]], np.uint64))[0, 0]

    def read(name: str, start: int, end: int | None) -> bytes:
        stream = ranged.opened(f"{place}/{name}", f"{url}/{name}").stream
        with stream:
            stream.seek(start)
            return stream.read(-1 if end is None else end - start)

    with s3.as_of_store():
        if "meshes" in asked:
            from . import mesh_reading
            from .rendering import painted

            surface = mesh_reading.pictured(read, asked["only"])
            return painted(*surface, colour, OBJECT_SIDE)
        from . import skeleton_reading
        from .drawing import drawn

        skeleton = skeleton_reading.read(read, asked["only"], MOST_OF_SKELETON)
        return drawn(skeleton, colour, OBJECT_SIDE)


def _sample(layer: Seen, *given: Any) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_], str]:
    """Return what `Seen.sample` does; a volume that once gave no answer is not asked again."""
    if layer.uri in _SILENT:
        raise Unreachable(_SILENT[layer.uri])
    try:
        return layer.sample(*given)
    except (Unreachable, TimeoutError) as error:
        _SILENT[layer.uri] = str(error)
        raise


_SILENT: dict[str, str] = {}
"""By URI, what volumes said that gave no answer."""


def _plane(volume: npt.NDArray[Any], axis: str) -> npt.NDArray[Any]:
    """Return the one plane of a ZYX array: rows down, columns to the right."""
    return np.asarray(volume.take(0, "zyx".index(axis)))


def grey(plane: npt.NDArray[Any], inside: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """Return values from black to white; the darkest and the brightest half per cent are one.

    What is no number is black, and infinite ones are as dark or as bright as others can be.
    """
    values, made = plane.astype(np.float64), np.zeros(plane.shape, np.uint8)
    finite = values[inside & np.isfinite(values)]
    if not len(finite):
        return made
    low, high = np.percentile(finite, (0.5, 99.5))
    if high <= low:
        low, high = finite.min(), max(finite.max(), finite.min() + 1)
    there = inside & ~np.isnan(values)
    made[there] = np.interp(values[there], (low, high), (0, 255))
    return made


def colours(ids: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Give each value a colour of its own, never a grey or dark one: (Y, X) to (Y, X, 3)."""
    mixed = ids.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    hue = (mixed >> np.uint64(44)).astype(np.float32) * np.float32(2 * np.pi / 2**20)
    light = 0.8 + 0.2 * ((mixed >> np.uint64(24)) & np.uint64(3)).astype(np.float32) / 3
    shifted = hue[..., None] + np.array([0, 2.1, 4.2], np.float32)
    return np.asarray(255 * light[..., None] * (0.6 + 0.4 * np.cos(shifted)), np.uint8)


def _outlined(plane: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Return colours, darker where the value to the right or below is another one."""
    edge = np.zeros(plane.shape, np.bool_)
    edge[:, :-1] |= plane[:, :-1] != plane[:, 1:]
    edge[:-1] |= plane[:-1] != plane[1:]
    painted = colours(plane)
    painted[edge] //= 2
    return painted


def _draw_circles(image: Image.Image, frame: Frame, circles: list[list[float]]) -> None:
    """Draw circles, the smallest as dots."""
    brush = ImageDraw.Draw(image)
    right, down = frame.axes
    for x, y, radius in circles:
        ends = [
            ((at - frame.start_nm[axis] + sign * radius) / frame.pixel_nm[axis])
            for sign in (-1, 1)
            for axis, at in ((right, x), (down, y))
        ]
        if ends[2] - ends[0] < 2:
            ends = [ends[0] - 1, ends[1] - 1, ends[2] + 1, ends[3] + 1]
        brush.ellipse(ends, outline=_FOUND, width=2)


def _draw_bar(image: Image.Image, pixels: float) -> None:
    """Draw a scale bar at the lower left."""
    end, bottom = 6 + round(pixels), image.height - 7
    brush = ImageDraw.Draw(image)
    brush.rectangle((5, bottom - 5, end + 2, bottom + 2), fill="black")
    brush.rectangle((7, bottom - 3, end, bottom), fill="white")
