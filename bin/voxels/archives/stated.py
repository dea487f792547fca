"""What the metadata of volumes say: precomputed, Zarr, OME-Zarr, N5."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from . import Refused, brief
from .places import json_at, kvstore_of, split, under

NANOMETERS = {
    **dict.fromkeys(("angstrom", "\u00c5"), 0.1),
    **dict.fromkeys(("nanometer", "nm"), 1.0),
    **dict.fromkeys(("micrometer", "micron", "um", "\u00b5m", "\u03bcm"), 1e3),
    **dict.fromkeys(("millimeter", "mm"), 1e6),
    **dict.fromkeys(("centimeter", "cm"), 1e7),
    **dict.fromkeys(("meter", "m"), 1e9),
}


class Level(NamedTuple):
    """One resolution of a volume, by its metadata.

    Attributes
    ----------
    spec : dict
        What tensorstore opens.
    axes : tuple of str
        Names of the array's dimensions, in its order.
    kind : str or None
        "image", "annotation", or None where the metadata don't tell.
    scale_zyx : tuple of float, or None
        Voxel size in the units below; None if none is stated.
    unit_nm_zyx : tuple of float or None
        The units, in nanometres; None on an axis that states no known one.
    translation_zyx : tuple of float
        Of the first voxel, in the units above.
    precomputed : dict or None
        The scale's entry in the `info` of a precomputed volume.
    """

    spec: dict[str, Any]
    axes: tuple[str, ...]
    kind: str | None = None
    scale_zyx: tuple[float, ...] | None = None
    unit_nm_zyx: tuple[float | None, ...] = (None, None, None)
    translation_zyx: tuple[float, ...] = (0.0, 0.0, 0.0)
    precomputed: dict[str, Any] | None = None


def levels(uri: str) -> list[Level]:
    """Return the levels of a volume, as it lists them.

    Raises
    ------
    Refused, Unreachable
    """
    scheme, place = split(uri)
    kvstore = kvstore_of(place)
    reader = {"precomputed": _precomputed, "zarr": _zarr, "n5": _n5}[scheme]
    try:
        found = reader(uri, kvstore)
        for level in found:
            if not all(0 < size < math.inf for size in level.scale_zyx or ()):
                raise ValueError(f"voxel size {level.scale_zyx}")
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise Refused(f"the metadata of {uri} make no sense: {brief(error)}") from None
    return found


def _precomputed(uri: str, kvstore: dict[str, Any]) -> list[Level]:
    info = json_at(uri, kvstore, "info")
    if info is None:
        raise Refused(f"there is no precomputed volume at {uri}: it has no info file")
    if not info.get("scales"):
        raise Refused(f"{uri} is no volume: its info file lists no scales")
    kind = "annotation" if info.get("type") == "segmentation" else "image"
    found = []
    for index, scale in enumerate(info["scales"]):
        spec = {"driver": "neuroglancer_precomputed", "kvstore": kvstore, "scale_index": index}
        size_zyx = tuple(map(float, scale["resolution"][::-1]))
        axes = ("x", "y", "z", "channel")
        level = Level(spec, axes, kind, size_zyx, (1.0, 1.0, 1.0))
        found.append(level._replace(precomputed=info | {"scale": scale}))
    return found


def _zarr(uri: str, kvstore: dict[str, Any]) -> list[Level]:
    node = json_at(uri, kvstore, "zarr.json")
    if node is not None:
        driver, attributes = "zarr3", node.get("attributes", {})
        array = node if node["node_type"] == "array" else None
    else:
        driver, attributes = "zarr", json_at(uri, kvstore, ".zattrs") or {}
        array = json_at(uri, kvstore, ".zarray")
        if array is None and not attributes and json_at(uri, kvstore, ".zgroup") is None:
            raise Refused(f"there is no Zarr array or group at {uri}, or none that may be read")
    if array is not None:
        names = array.get("dimension_names") or attributes.get("_ARRAY_DIMENSIONS")
        spec = {"driver": driver, "kvstore": kvstore}
        return [_array(spec, attributes, _axes(names, len(array["shape"]), "zyx"), uri)]
    ome = attributes.get("ome", attributes)
    if not ome.get("multiscales"):
        raise Refused(f"{uri} is a Zarr group without multiscales: name the image or array in it")
    image = ome["multiscales"][0]  # the one to take, says OME, if nobody chooses
    axes = tuple(axis["name"] for axis in image["axes"])
    if len(set(axes)) < len(axes) or not set("zyx") <= set(axes):
        raise Refused(f"{uri} has the axes {', '.join(axes)}: it needs z, y and x")
    zyx = [axes.index(axis) for axis in "zyx"]
    units = tuple(nanometers(image["axes"][i].get("unit")) for i in zyx)
    kind = "annotation" if "image-label" in ome else None
    found = []
    for dataset in image["datasets"]:
        scale, translation = _transformed(dataset, image, len(axes))
        found.append(
            Level(
                {"driver": driver, "kvstore": under(kvstore, dataset["path"])},
                axes,
                kind,
                tuple(scale[i] for i in zyx) if scale else None,
                units,
                tuple(translation[i] for i in zyx),
            )
        )
    return found


def _transformed(
    dataset: dict[str, Any], image: dict[str, Any], rank: int
) -> tuple[list[float] | None, list[float]]:
    """Return what scales and translations come to, those of the level first; None: no scale."""
    scale, translation, scaled = [1.0] * rank, [0.0] * rank, False
    for step in (
        *dataset.get("coordinateTransformations", ()),
        *image.get("coordinateTransformations", ()),
    ):
        values = [float(value) for value in step.get(step["type"], [])]
        if step["type"] == "identity":
            continue
        if step["type"] not in ("scale", "translation") or len(values) != rank:
            raise ValueError(f"transformation {step}")
        if step["type"] == "scale":
            scale = [a * b for a, b in zip(scale, values, strict=True)]
            translation = [a * b for a, b in zip(translation, values, strict=True)]
            scaled = True
        else:
            translation = [a + b for a, b in zip(translation, values, strict=True)]
    return scale if scaled else None, translation


def _n5(uri: str, kvstore: dict[str, Any]) -> list[Level]:
    attributes = json_at(uri, kvstore, "attributes.json")
    if attributes is None:
        raise Refused(f"there is no N5 array at {uri}: it has no attributes.json")
    if "dimensions" not in attributes:
        raise Refused(f"{uri} is an N5 group: name an array in it, such as {uri}/s0")
    factors = attributes.get("downsamplingFactors")
    if factors and set(factors) != {1}:
        # Some writers mean the voxels of this array, others those of the finest.
        raise Refused(
            f"{uri} has downsamplingFactors {factors}, which leave its voxel size open: "
            "name the array of full resolution"
        )
    pixel = attributes.get("pixelResolution")
    if "resolution" not in attributes and isinstance(pixel, dict):
        attributes |= {"resolution": pixel["dimensions"], "units": pixel.get("unit")}
    axes = _axes(attributes.get("axes"), len(attributes["dimensions"]), "xyz")
    return [_array({"driver": "n5", "kvstore": kvstore}, attributes, axes, uri)]


def _axes(names: Any, rank: int, order: str) -> tuple[str, ...]:
    """Return the names of an array's axes: those stated, else by position.

    Without names a Zarr array is ZYX, after leading axes; an N5 array XYZ, before trailing ones.
    """
    if names and set("zyx") <= set(names):
        return tuple(map(str, names))
    others = tuple(f"dimension {i}" for i in range(rank - 3))
    known = order[:rank]
    return (*others, *known) if order == "zyx" else (*known, *others)


def _array(
    spec: dict[str, Any], attributes: dict[str, Any], axes: tuple[str, ...], uri: str
) -> Level:
    """Return the one level of an array; `resolution`, `units` and `offset` are as its axes are."""
    if not set("zyx") <= set(axes):
        raise Refused(f"{uri} has {len(axes)} dimensions: it needs z, y and x")

    def zyx(values: Any) -> list[Any]:
        if len(values) != len(axes):
            raise ValueError(f"{values} for the axes {', '.join(axes)}")
        return [values[axes.index(axis)] for axis in "zyx"]

    scale = attributes.get("resolution", attributes.get("voxel_size"))
    units = attributes.get("units")
    units = [units] * len(axes) if units is None or isinstance(units, str) else units
    return Level(
        spec,
        axes,
        scale_zyx=tuple(map(float, zyx(scale))) if scale else None,
        unit_nm_zyx=tuple(map(nanometers, zyx(units))),
        translation_zyx=tuple(map(float, zyx(attributes.get("offset", [0] * len(axes))))),
    )


def nanometers(unit: Any) -> float | None:
    """Return a unit of length in nanometres, or None if it is not known to be one."""
    word = unit.strip() if isinstance(unit, str) else ""
    return NANOMETERS.get(word) or NANOMETERS.get(
        word.lower().removesuffix("s").replace("metre", "meter")
    )
