"""Neuroglancer with image and results of requests, each where it lies."""

import dataclasses
import json
from collections.abc import Iterable, Sequence
from math import ceil, floor
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import neuroglancer
import numpy as np

from ..core import ledger, results, states
from ..core.tables import Request
from ..voxels.archives import Refused, Unreachable
from ..voxels.archives.places import s3
from ..voxels.boxes import Box
from . import mesh_files, points
from .layer import Layer
from .served import Volume
from .server import Served
from .shown import layers

PANEL = 400
"""Pixels of a panel that what is looked at fills."""

PUBLIC = "https://neuroglancer-demo.appspot.com"
"""A viewer that anyone can open."""

_SHADER = "#uicontrol invlerp normalized\nvoid main() { emitGrayscale(normalized()); }\n"


LINKED = 500
"""How many points an address tells of."""


class Shown(NamedTuple):
    """A layer that can be looked at, and what it is called; and what its points are called."""

    name: str
    layer: Layer
    volume: Volume
    points: tuple[str, ...] = ()


def opened(
    starts: Iterable[str], token: str, host: str | None = None
) -> tuple[list[Shown], list[str]]:
    """Return what there is to see of requests, and sentences on what can't be seen.

    Parameters
    ----------
    starts : iterable of str
        Requests, by the start of their ids or by name.
    token : str
        What BossDB knows the user by.
    host : str, optional
        Address of BossDB; else the one that was asked when the request first was.

    Raises
    ------
    ValueError
        If there is nothing to see.
    """
    ids = [*dict.fromkeys(ledger.named(Request, start) for start in starts)]
    called = states.names(ids)

    def whose(request: str) -> str:
        of = called[request][-1] if called.get(request) else request[:8]
        return f" of {of}" if len(ids) > 1 else ""

    found: list[Shown] = []
    problems: list[str] = []
    for layer in _together(layers(ids)):
        try:
            volume = Volume(dataclasses.replace(layer, host=host or layer.host), token)
        except (Refused, Unreachable, ValueError, OSError) as error:
            problems.append(str(error))
            continue
        name = "source" if _is_source(layer, volume) else layer.name
        pointed = [f"{Path(one.path).name}{whose(one.request_id)}" for one in layer.points]
        name += whose(layer.request_id)
        names = {one.name for one in found}
        name = f"{name} {layer.request_id[:8]}" if name in names else name
        found.append(Shown(name, layer, volume, tuple(pointed)))
    if not found:
        why = "; ".join(problems) or "nothing of it is a volume"
        raise ValueError(f"there is nothing to look at of {', '.join(ids)}: {why}")
    return found, problems


def _together(every: Iterable[Layer]) -> list[Layer]:
    """Return layers without those that are there already; of a segmentation, all told of it in one.

    Such as the table of components, and meshes and skeletons that other requests made of them.
    """
    kept: list[Layer] = []
    for layer in every:
        at = next((at for at, one in enumerate(kept) if _has_room(one, layer)), None)
        if at is None:
            kept.append(layer)
        else:
            told: Any = {name: getattr(kept[at], name) or getattr(layer, name) for name in _TOLD}
            of_both = tuple(dict.fromkeys((*kept[at].points, *layer.points)))
            kept[at] = dataclasses.replace(kept[at], points=of_both, **told)
    return kept


def _has_room(one: Layer, other: Layer) -> bool:
    """Say whether a layer is of the same volume as another, and may have what is told of that."""
    if one.problem or other.problem or _where(one) != _where(other):
        return False
    pairs = [(getattr(one, name), getattr(other, name)) for name in _TOLD]
    if all(a == b for a, b in pairs):
        return True
    if "image" in (one.name, other.name) or (one.kind, other.kind) != ("segmentation",) * 2:
        return False
    return not any(a and b for a, b in pairs)


_TOLD = ("table", "meshes", "skeletons")
"""What a layer may have of its segments, each once."""


def _where(layer: Layer) -> tuple[Any, ...]:
    """Return what the volume of a layer is."""
    size = layer.voxel_size_nm_xyz if layer.source else None
    of = layer.host if str(layer.source).startswith("bossdb://") else ""
    return layer.source, layer.place, layer.resolution, layer.chosen, size, of


def viewer(shown: list[Shown], port: int = 0) -> Any:
    """Return a viewer of layers, and have it and them served."""
    served = Served([one.volume for one in shown], port)
    made = neuroglancer.Viewer(allow_credentials=False)
    sources: list[str | list[str]] = [
        [f"precomputed://{served.base}/{number}{part}" for part in one.volume.parts]
        for number, one in enumerate(shown)
    ]
    made.set_state(state(shown, sources))
    return made


def state(shown: list[Shown], sources: Sequence[str | list[str]], most: int = points.MOST) -> Any:
    """Return the state of a viewer that looks at the last layer's box, all of it.

    It is at the box's middle, or at the detection nearest to that, if there is one.

    Parameters
    ----------
    shown : list of Shown
        The first lies below.
    sources : list of str, or of lists of str
        Where Neuroglancer finds each.
    most : int
        Points of each layer of these.
    """
    low, high, size = _seen(shown[-1])
    made = neuroglancer.ViewerState()
    made.dimensions = neuroglancer.CoordinateSpace(names=list("xyz"), units="nm", scales=size)
    center = (low + high) / 2
    made.position = center / size
    widest = float(np.max(high - low)) / min(size)
    made.cross_section_scale = widest / PANEL
    made.projection_scale = 1.5 * widest
    made.layout = neuroglancer.DataPanelLayout("4panel")
    for one, source in zip(shown, sources, strict=True):
        if one.volume.kind == "image":
            layer = _image(one, source, center)
        else:
            layer = neuroglancer.SegmentationLayer(source=source, tab="segments")
            for files, number in (
                (one.layer.skeletons, "cable_length_nm"),
                (one.layer.meshes, "volume_nm3"),
            ):
                if files:
                    layer.segments = [*mesh_files.largest(files)]
                    layer.segment_query = f">{number}"
            if one.layer.table:
                layer.segment_query = f">{next(iter(one.layer.table.numbers))}"  # the largest first
            if made.layers and shown[0].volume.kind == "image":
                layer.selected_alpha = 0.3  # what lies below is seen
        made.layers.append(
            name=one.name, layer=layer, visible=not _is_source(one.layer, one.volume)
        )
    if not any(layer.visible for layer in made.layers):
        made.layers[-1].visible = True
    made.selected_layer.layer = made.layers[-1].name
    places: list[Any] = []
    for one in shown:
        for name, some in zip(one.points, one.layer.points, strict=True):
            words, layer = points.layer_of(some, size, most)
            made.layers.append(name=name + words, layer=layer)
            places += [annotation.point for annotation in layer.annotations]
    if places:
        made.position = min(places, key=lambda place: float(np.linalg.norm(place * size - center)))
    made.selected_layer.visible = True
    return made


def _is_source(layer: Layer, volume: Volume) -> bool:
    """Say whether it is the segmentation that something was made of, which it would hide."""
    return layer.name == "image" and volume.kind == "segmentation"


def _image(one: Shown, source: Any, center_nm: Any) -> Any:
    """Return a layer whose grey values span what is there, but for the darkest and brightest."""
    span = _span(one.volume.sample(center_nm[::-1]))
    return neuroglancer.ImageLayer(
        source=source, shader=_SHADER, shader_controls={"normalized": {"range": span}}
    )


def _span(voxels: Any) -> list[float]:
    """Return the values between black and white; of whole numbers whole ones, as they are read."""
    finite = voxels[np.isfinite(voxels)].astype(np.float64)
    low, high = (float(one) for one in np.percentile(finite, (1, 99))) if len(finite) else (0, 0)
    if voxels.dtype.kind in "biu":
        low, high = floor(low), ceil(high)
        high = min(high, 2**64 - 2**11)  # the largest float of an unsigned integer's range
    if not low < high:  # nothing, or all the same
        low, high = (0, high) if high > 0 else (low, low + 1)
    return [low, high]


def _seen(one: Shown) -> tuple[Any, Any, Any]:
    """Return where a layer's box begins and ends, and the size of its voxels (nm, XYZ)."""
    if one.layer.levels:
        box, size = one.layer.levels[0].box, np.array(one.layer.levels[0].voxel_size_nm_xyz)
    elif one.layer.points:
        box, size = one.layer.points[0].box, np.array(one.layer.points[0].voxel_size_nm_xyz)
    else:
        level = one.volume.finest
        box = Box.of(level["offset_zyx"], level["shape_zyx"])
        size = np.array(level["voxel_size_nm_zyx"][::-1])
    return np.array(box.corner_zyx[::-1]) * size, np.array(box.end_zyx[::-1]) * size, size


def link(shown: list[Shown]) -> str:
    """Return the address of a public viewer that shows the same; it reads all of it itself.

    Raises
    ------
    ValueError
        If something lies where no other machine reaches it, or an address does not say all of it.
    """
    sources = [_public(one) for one in shown]
    # what tables tell is served from here alone
    plain = [one._replace(layer=dataclasses.replace(one.layer, table=None)) for one in shown]
    told = state(plain, sources, LINKED).to_json()
    return f"{PUBLIC}/#!{quote(json.dumps(told, separators=(',', ':')), safe='')}"


def _public(one: Shown) -> str | list[str]:
    """Return where a public viewer finds a layer's volume, its meshes and its skeletons."""
    files = filter(None, (one.layer.meshes, one.layer.skeletons))
    uris = [one.volume.uri, *map(mesh_files.uri, files)]
    if not all(map(_is_reached, uris)):
        why = "lies there, which a public viewer does not reach or read"
    elif one.layer.chosen:
        which = results.chosen({"chosen": one.layer.chosen})
        why = f"is read by its {which}, which a link can't say"
    elif not one.volume.states_size:
        why = "has the voxel size that was given for it, which a link can't say"
    else:
        return uris if len(uris) > 1 else uris[0]
    raise ValueError(
        f"{one.name}, of {one.volume.uri}, {why}: copy it to a public bucket with "
        "`--workflow transfer --dest`, or leave out --link"
    )


def _is_reached(uri: str) -> bool:
    """Say whether a public viewer reaches and reads what lies at an address."""
    scheme, _, place = uri.partition("://")
    kind = place.partition("://")[0]
    reached = kind == "https" or kind == "gs" or (kind == "s3" and not s3.address())
    return reached and scheme in ("precomputed", "zarr", "n5")
