"""What metadata state of an array: its axes, the size of its voxels, where it begins."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from math import isclose
from typing import Any, NamedTuple

from ...boxes import Box
from .. import FURTHEST, Refused, brief
from .units import length, nanometers

_PLACES = (
    "translate", "translation", "origin", "xorigin", "yorigin", "zorigin", "voxeloffset",
    "position", "affine", "affinetransform", "spatialtransform", "coordinatetransformations",
)  # fmt: skip
"""Attributes by which arrays are placed somewhere, each tool's in its own way: not read here."""


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
        Of the first voxel's middle, in the units above; of a precomputed volume, of voxel 0's.
    precomputed : dict or None
        The scale's entry in the `info` of a precomputed volume.
    chosen : tuple of (str, int)
        Indices that a user chose, `channel` or `time`.
    bounds : Box or None
        The voxels that there are, where the array has room for more.
    placed : bool
        Whether it is stated where it begins, be it at 0; any other place is stated anyway.
    given_zyx : tuple of int, or None
        Where a user says that it begins, in voxels.
    """

    spec: dict[str, Any]
    axes: tuple[str, ...]
    kind: str | None = None
    scale_zyx: tuple[float, ...] | None = None
    unit_nm_zyx: tuple[float | None, ...] = (None, None, None)
    translation_zyx: tuple[float, ...] = (0.0, 0.0, 0.0)
    precomputed: dict[str, Any] | None = None
    chosen: tuple[tuple[str, int], ...] = ()
    bounds: Box | None = None
    placed: bool = False
    given_zyx: tuple[int, ...] | None = None

    @property
    def has_size(self) -> bool:
        """Whether the voxel size is stated, with its units."""
        return self.scale_zyx is not None and all(self.unit_nm_zyx)

    def kind_of(self, dtype: str) -> str:
        """Return what is stated; else integers of 32 bits and more are an annotation."""
        wide = dtype in ("int32", "int64", "uint32", "uint64")
        return self.kind or ("annotation" if wide else "image")

    @property
    def offset_zyx(self) -> list[int]:
        """The first voxel: what the translation names, or what was given where none is stated."""
        pairs = zip(self._whole_zyx, self.moved_zyx, strict=True)
        return [whole + moved for whole, moved in pairs]

    @property
    def moved_zyx(self) -> tuple[int, ...]:
        """What a user gave of a level that states no place."""
        stated = self.placed or self.precomputed is not None or any(self._whole_zyx)
        return (0, 0, 0) if stated or self.given_zyx is None else self.given_zyx

    @property
    def _whole_zyx(self) -> list[int]:
        """The voxel that the translation names; half a voxel is still the one below."""
        return [math.ceil(round(start, 6) - 0.5) for start in self._starts]

    @property
    def middle_zyx(self) -> list[float]:
        """Where voxel 0 has its middle, in voxels: what the translation is beyond whole ones."""
        pairs = zip(self._starts, self._whole_zyx, strict=True)
        return [round(start - whole, 9) for start, whole in pairs]

    @property
    def _starts(self) -> list[float]:
        scale = self.scale_zyx or (1.0, 1.0, 1.0)
        return [shift / size for shift, size in zip(self.translation_zyx, scale, strict=True)]


def refuse_senseless(level: Level) -> None:
    """Refuse a voxel size or a place that is beyond all measure, or a path that is no text.

    Raises
    ------
    ValueError
    """
    if not all(0 < size < math.inf for size in level.scale_zyx or ()):
        raise ValueError(f"voxel size {level.scale_zyx}")
    if not all(abs(start) <= FURTHEST for start in level.offset_zyx):
        raise ValueError(f"translation {level.translation_zyx}")
    text = json.dumps(level.spec, ensure_ascii=False)
    if not text.isascii() and any("\ud800" <= one <= "\udfff" for one in text):
        raise ValueError(f"half a surrogate pair in {level.spec}")


def axes_of(uri: str, statements: Iterable[Any], rank: int, order: str) -> tuple[str, ...]:
    """Return the names of an array's axes, in lower case: those stated, else by position.

    Without names a Zarr array is ZYX, after leading axes; an N5 array XYZ, before trailing ones.

    Raises
    ------
    Refused
        If names are stated that do not tell which axes are z, y and x, or that contradict others.
    """
    named = [[_word(name) for name in names] for names in statements if names]
    named = [names for names in named if any(names)]
    telling = [names for names in named if all(names.count(axis) == 1 for axis in "zyx")]
    for names in telling[:1] or named[:1]:
        shown = ", ".join(name or "?" for name in names)
        if not telling or len(names) != rank:
            raise Refused(
                f"{uri} names its {rank} axes {shown}: that does not tell which are z, y and x, "
                "which it needs; name them so in its metadata"
            )
        if any(other != names for other in telling):
            raise Refused(
                f"{uri} names its axes {shown}, and also {', '.join(telling[-1])}: mend its "
                "metadata"
            )
        return tuple(name or f"dimension {i}" for i, name in enumerate(names))
    if rank < 3:
        raise Refused(f"{uri} has {rank} dimensions: it needs z, y and x")
    others = tuple(f"dimension {i}" for i in range(rank - 3))
    return (*others, *order) if order == "zyx" else (*order, *others)


def _word(name: Any) -> str:
    if isinstance(name, dict):  # OME leaves the names of channels and times open
        name = {"channel": "c", "time": "t"}.get(name.get("type", ""), name.get("name"))
    return "" if name is None else str(name).strip().rstrip("^").lower()  # funlib's channels: c^


class Claim(NamedTuple):
    """What one attribute states: by axis the size of voxels, its unit, where the first begins.

    That the first begins at 0 may be stated, or not (`placed`).
    """

    name: str
    scale: dict[str, float]
    unit_nm: dict[str, float | None]
    shift: dict[str, float]
    placed: bool = False


def by_axis(values: Sequence[Any], axes: Sequence[str]) -> dict[str, Any]:
    """Return values for axes: for each one, or for z, y and x alone, in the order of the axes."""
    known = axes if len(values) == len(axes) else [axis for axis in axes if axis in "zyx"]
    if len(values) != len(known):
        raise ValueError(f"{values} for the axes {', '.join(axes)}")
    return dict(zip(known, values, strict=True))


def claim(
    name: str, axes: Sequence[str], scale: Sequence[Any], units: Any, shift: Sequence[Any] | None
) -> Claim:
    """Return a claim made of lists; one unit may stand for all."""
    units = [units] * len(scale) if units is None or isinstance(units, str) else units
    return Claim(
        name,
        {axis: float(size) for axis, size in by_axis(scale, axes).items()},
        {axis: nanometers(unit) for axis, unit in by_axis(units, axes).items()},
        {axis: float(value) for axis, value in by_axis(shift or [0] * len(scale), axes).items()},
        bool(shift),
    )


def transform_axes(transform: Any, fortran: bool) -> list[str] | None:
    """Return the array's axes by a `transform` of OpenOrganelle's, first the slowest or fastest.

    Parameters
    ----------
    transform : dict
        `axes`, `scale`, `translate`, `units`, and `order`: C lists the slowest axis first.
    fortran : bool
        Whether the format lists the fastest axis first, as N5 does.
    """
    if not isinstance(transform, dict) or not transform.get("axes"):
        return None
    axes = [str(axis).lower() for axis in transform["axes"]]
    turned = (transform.get("order", "C") == "F") != fortran
    return axes[::-1] if turned else axes


def claims(attributes: dict[str, Any], axes: Sequence[str], fortran: bool) -> list[Claim]:
    """Return what attributes of an array, or of the group around it, state of voxel and place."""
    units, made = attributes.get("units", attributes.get("unit")), []
    for name in ("resolution", "voxel_size"):
        if size := attributes.get(name):
            made.append(claim(name, axes, size, units, _offset(attributes)))
            break
    if any(sizes := [length(text) for text in attributes.get("dimension_units", ())]):
        spatial = {axis: length for axis, length in by_axis(sizes, axes).items() if length}
        scale, unit_nm = ({axis: length[i] for axis, length in spatial.items()} for i in (0, 1))
        made.append(Claim("dimension_units", scale, unit_nm, dict.fromkeys(scale, 0.0)))
    pixel = attributes.get("pixelResolution")
    if pixel and fortran:  # in others, tools don't agree on the order
        pixel = pixel if isinstance(pixel, dict) else {"dimensions": pixel, "unit": units}
        offset = None if made else _offset(attributes)
        made.append(claim("pixelResolution", axes, pixel["dimensions"], pixel.get("unit"), offset))
    sides = [attributes.get(f"pixel{side}") for side in ("Width", "Height", "Depth")]
    if all(sides):
        unit = attributes.get("pixelUnit", units)
        made.append(claim("pixelWidth, pixelHeight and pixelDepth", "xyz", sides, unit, None))
    if (transform := attributes.get("transform")) is not None:
        own = [str(axis).lower() for axis in transform["axes"]]
        shift = transform.get("translate", transform.get("translation"))
        made.append(claim("transform", own, transform["scale"], transform.get("units"), shift))
    return made


def _offset(attributes: dict[str, Any]) -> Any:
    offset = attributes.get("offset")
    return None if offset == 0 else offset


def grid_of(uri: str, attributes: dict[str, Any], claims: list[Claim]) -> dict[str, Any]:
    """Return scale, units, translation and `placed` of a `Level`, by its claims.

    Raises
    ------
    Refused
        If claims contradict each other, or the array is placed in a way that is not read.
    """
    for name, value in attributes.items():
        if name.lower().replace("_", "") in _PLACES and _is_something(value):
            raise Refused(
                f"{uri} states {name} {brief(value)}, which is not read, and so where it lies is "
                "not known: state the attribute offset instead, in the units of resolution"
            )
    if not claims:
        if _is_something(attributes.get("offset")):
            raise Refused(
                f"{uri} states the offset {brief(attributes['offset'])} and no voxel size by which "
                "it is counted: give it the attributes resolution and units"
            )
        return {}
    # Units may be stated by one alone.
    first, *others = sorted(claims, key=lambda claim: -sum(map(bool, claim.unit_nm.values())))
    for other in others:
        if not all(_same_size(first, other, axis) for axis in "zyx"):
            raise Refused(
                f"{uri} states two voxel sizes, {_shown(first)} and {_shown(other)}: mend its "
                "metadata"
            )
    starts = {
        claim.name: {axis: claim.shift[axis] / claim.scale[axis] for axis in "zyx"}
        for claim in claims
        if any(claim.shift[axis] for axis in "zyx")
    }
    where = next(iter(starts.values()), dict.fromkeys("zyx", 0.0))
    for start in starts.values():
        if not all(isclose(start[axis], where[axis], abs_tol=1e-3) for axis in "zyx"):
            raise Refused(f"{uri} states two places, by {' and by '.join(starts)}: mend it")
    return {
        "scale_zyx": tuple(first.scale[axis] for axis in "zyx"),
        "unit_nm_zyx": tuple(first.unit_nm[axis] for axis in "zyx"),
        "translation_zyx": tuple(where[axis] * first.scale[axis] for axis in "zyx"),
        "placed": any(claim.placed for claim in claims),
    }


def _is_something(value: Any) -> bool:
    """Tell whether a place is another one than 0."""
    if isinstance(value, list):
        return any(map(_is_something, value))
    return bool(value)


def _same_size(one: Claim, other: Claim, axis: str) -> bool:
    units = one.unit_nm[axis], other.unit_nm[axis]
    factor, further = (unit or 1.0 for unit in units) if all(units) else (1.0, 1.0)
    return isclose(one.scale[axis] * factor, other.scale[axis] * further, rel_tol=1e-4)


def _shown(one: Claim) -> str:
    return f"{one.name} ({', '.join(f'{axis} {one.scale[axis]:g}' for axis in 'xyz')})"
