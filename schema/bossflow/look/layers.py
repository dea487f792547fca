"""Which pictures a request has, and how its volumes are read: what `look.shown` knows, as JSON."""

from pathlib import Path
from typing import Any

from ..kit import buckets, bundles, locations
from ..voxels.boxes import Box
from .circles import Circles
from .layer import Layer

FETCHED = 2**28
"""How many bytes of a table are fetched from a bucket."""

CORNER = 512
"""Voxels of the longest side of what Python reads that a page shows."""


def uri_of(layer: Layer) -> str | None:
    """Return where the volume of a layer is read; None if that is not known."""
    if layer.place is None:
        return layer.source
    return f"{layer.place.format}://{locations.url(place_of(layer.place.store, layer.place.path))}"


def place_of(store: Path, path: str) -> Path:
    """Return where a directory of a bundle is in a store; in a bucket, below the attempt's name."""
    if not buckets.holds(store):
        return store / path
    bundle, name = _within(store, path)
    return bundle.at(name)


def files(store: Path, path: str) -> Path | None:
    """Return a directory of a bundle with its files; None if it is too large to be fetched."""
    if not buckets.holds(store):
        return store / path
    bundle, name = _within(store, path)
    listed = (one for one in bundle.manifest["files"] if one["path"].startswith(f"{path}/"))
    return bundle.file(name) if sum(one["bytes"] for one in listed) <= FETCHED else None


def _within(store: Path, path: str) -> tuple[bundles.Finished, str]:
    process, start, unit, name = path.split("/", 3)
    return bundles.read(store / process / start / unit), name


def box_nm(layer: Layer) -> dict[str, list[float]] | None:
    """Return the box of a layer in nm: start and end by axis; else of what was found in it."""
    if layer.box is not None and layer.voxel_size_nm_xyz is not None:
        return _nm(layer.box, layer.voxel_size_nm_xyz)
    return next((_nm(one.box, one.voxel_size_nm_xyz) for one in layer.points), None)


def _nm(box: Box, sizes: tuple[float, ...]) -> dict[str, list[float]]:
    ends = zip("xyz", box[::2], box[1::2], sizes, strict=True)
    return {axis: [low * size, high * size] for axis, low, high, size in ends}


def seen(layer: Layer) -> dict[str, Any]:
    """Return a layer as `voxels.seen.Seen` takes it."""
    return {
        "uri": uri_of(layer),
        "kind": layer.kind,
        "resolution": layer.levels[0].number if layer.levels else 0,
        "voxel_size_nm_xyz": list(layer.voxel_size_nm_xyz or ()),
        "host": layer.host,
        "chosen": layer.chosen,
        "in_store": layer.place is not None,
    }


def slices(layers: list[Layer]) -> list[dict[str, Any]]:
    """Return the pictures of a request's layers: of each the three middle planes.

    Where there are detections, planes are those through the best. What is segmented lies over the
    image, if there is one; of an image of unknown extent it is what the others show.

    Returns
    -------
    list of dict
        `title`, and by axis `pictures`, as `voxels.pictures.draw` takes them.
    """
    image = next((one for one in layers if one.kind == "image"), None)
    told, known = [], next(filter(None, map(box_nm, layers)), None)
    for layer in layers:
        frame = box_nm(layer) or known
        if frame is None or layer.problem:
            continue
        over = layer.kind == "segmentation" and image is not None and image is not layer
        under = [image] if over and image is not None else []
        title = f"{layer.name} over the image" if over else layer.name
        if layer.name == "image" and layer.kind == "segmentation":
            title = "source"
        pictures: dict[str, dict[str, Any]] = {
            axis: {"axis": axis, "box_nm": frame, "layers": [seen(one) for one in [*under, layer]]}
            for axis in "zyx"
        }
        for points in layer.points:
            name = Path(points.path).name
            directory = files(points.store, points.path)
            if directory is None:  # in a bucket, and too large
                continue
            title = f"{name} over the image"
            circles = Circles(points, directory)
            for axis, one in pictures.items():
                one["box_nm"] = circles.through_best(axis, frame)
                one["circles"] = circles.across(axis, one["box_nm"])
        told.append({"title": title, "pictures": pictures})
    return told


def one_object(layer: Layer, row: dict[str, Any]) -> dict[str, Any] | None:
    """Return the picture of a component, along its shortest side; None if its box is not known."""
    sizes = layer.voxel_size_nm_xyz
    ends = {axis: [row.get(f"bbox_{axis}{end}") for end in "01"] for axis in "xyz"}
    if sizes is None or any(value is None for pair in ends.values() for value in pair):
        return None
    frame = {
        axis: [float(value) * size for value in ends[axis] if value is not None]
        for axis, size in zip("xyz", sizes, strict=True)
    }
    axis = min("zyx", key=lambda name: frame[name][1] - frame[name][0])
    return {
        "axis": axis,
        "box_nm": frame,
        "layers": [seen(layer)],
        "only": int(row["component_id"]),
    }


def in_python(layer: Layer) -> str | None:
    """Return Python that reads a corner of a layer's volume; None if its files are not known."""
    scheme, _, place = (uri_of(layer) or "").partition("://")
    box = layer.box
    if box is None or not layer.levels[0].key:
        return None
    place = place if "://" in place else locations.url(Path(place))
    ends = zip(box[::2], box[1::2], strict=True)
    corner = [(low, min(high, low + CORNER)) for low, high in ends]
    if scheme == "precomputed":  # x, y and z are the channel's
        driver, where = "neuroglancer_precomputed", f"{place}/"
        index = "..., 0][" + ", ".join(f"{low}:{high}" for low, high in corner)
    else:  # z, y and x, from the array's first voxel
        driver, where = "zarr3", f"{place}/{layer.levels[0].key}/"
        index = ", ".join(f":{high - low}" for low, high in corner[::-1])
    return (
        "import tensorstore\n\n"
        f"spec = {{'driver': {driver!r}, 'kvstore': {where!r}}}\n"
        "volume = tensorstore.open(spec).result()\n"
        f"voxels = volume[{index}].read().result()"
    )
