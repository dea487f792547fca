"""What the metadata of N5 arrays, and of groups of them, say."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from typing import Any

from .. import Refused
from ..places import kvstores
from ..places.kvstores import hint, json_at, kvstore_of, outer, split, under
from . import stated
from .stated import Claim, Level


def levels(uri: str, kvstore: dict[str, Any]) -> list[Level]:
    """Return the one level of an array, or those of a group that says what they are."""
    attributes = kvstores.told(json_at(uri, kvstore, "attributes.json"))
    if attributes is None:
        why = hint(uri, kvstore) or "it has no attributes.json"
        raise Refused(f"there is no N5 array at {uri}: {why}")
    if "dimensions" in attributes:
        return [_array(uri, kvstore, attributes)]
    by_name = _group(uri, kvstore, attributes)
    if not by_name:
        raise Refused(
            f"{uri} is an N5 group that states no levels of an image: name an array in it, such as "
            f"{uri}/s0"
        )
    return list(by_name.values())


def _array(uri: str, kvstore: dict[str, Any], attributes: dict[str, Any]) -> Level:
    axes = _axes(uri, attributes)
    claims = stated.claims(attributes, axes, True)
    factors = _factors(attributes)
    if "transform" not in attributes:
        # What an array lacks, or leaves open, the group around it may say.
        around, group = outer(uri, 1), None
        with suppress(Refused, LookupError, TypeError, ValueError, AttributeError):
            place = kvstore_of(split(around)[1])
            group = kvstores.told(json_at(around, place, "attributes.json"))
        is_asked = not claims or factors or (group and "multiscales" in group)
        if group and is_asked and "dimensions" not in group:
            by_name = _group(around, place, group)
            if level := by_name.get(uri.rpartition("/")[2]):
                return level
    if factors and "transform" not in attributes:
        # Some writers mean the voxels of this array, others those of the finest.
        raise Refused(
            f"{uri} has downsamplingFactors {factors}, which leave its voxel size open: "
            "name the array of full resolution"
        )
    return Level(_spec(kvstore), axes, **stated.grid_of(uri, attributes, claims))


def _spec(kvstore: dict[str, Any]) -> dict[str, Any]:
    return {"driver": "n5", "kvstore": kvstore}


def _factors(attributes: dict[str, Any]) -> list[float] | None:
    factors = attributes.get("downsamplingFactors")
    return factors if factors and set(factors) != {1} else None


def _axes(uri: str, attributes: dict[str, Any], outer_axes: Any = None) -> tuple[str, ...]:
    """Return an array's axes, the fastest first."""
    rank, transform = len(attributes["dimensions"]), attributes.get("transform")
    statements = [attributes.get("axes"), outer_axes]
    statements.append(stated.transform_axes(transform, True))
    if isinstance(transform, dict) and "order" not in transform:
        # By its own rule C, the slowest first; N5's habit is the other way round.
        own = [str(axis).lower() for axis in transform.get("axes", ())]
        if [axis for axis in own if axis in "zyx"] == ["x", "y", "z"]:
            raise Refused(
                f"{uri} has a transform with the axes {', '.join(own)} and without an order: that "
                "does not tell which is first; give it the order F, or C if z is first in N5"
            )
    if "numChannels" in attributes and "pixelWidth" in attributes:  # of ImageJ, x, y, c, z, t
        numbers = {"c": "numChannels", "z": "numSlices", "t": "numFrames"}
        several = [axis for axis, name in numbers.items() if attributes.get(name, 1) > 1]
        statements.append(["x", "y", *several])
    return stated.axes_of(uri, statements, rank, "xyz")


def _group(uri: str, kvstore: dict[str, Any], about: dict[str, Any]) -> dict[str, Level]:
    """Return the levels of a group by the names of their arrays; none if it does not tell."""
    image = (about.get("multiscales") or [{}])[0]
    datasets = image.get("datasets", [])
    if datasets and all("transform" in dataset for dataset in datasets):
        return {
            dataset["path"]: _placed(
                uri, kvstore, dataset["path"], {"transform": dataset["transform"]}
            )
            for dataset in datasets
        }
    scales = about.get("scales", about.get("downsamplingFactors"))
    by_name: dict[str, Level] = {}
    finest: list[Claim] = []
    for number in count() if scales is None else range(len(scales)):
        name = f"s{number}"
        array = kvstores.told(json_at(uri, under(kvstore, name), "attributes.json"))
        if not array or "dimensions" not in array:
            break
        axes = _axes(f"{uri}/{name}", array, about.get("axes"))
        if not number:
            known = {key: value for key, value in array.items() if key != "downsamplingFactors"}
            claims = stated.claims(known, axes, True) + stated.claims(about, axes, True)
            finest, first = claims, {**array, **about}
        factors = [float(side) for side in array.get("downsamplingFactors") or [1] * len(axes)]
        if scales is not None:
            listed = [float(side) for side in scales[number]]
            if "downsamplingFactors" in array and listed != factors:
                raise Refused(
                    f"{uri} says that {name} is smaller by {listed}, and {name} by {factors}: "
                    "mend one of them"
                )
            factors = listed
        # With factors, some writers mean the voxels of this array, others those of the finest.
        own = [] if "downsamplingFactors" in array else stated.claims(array, axes, True)
        if "transform" in array:
            grid = stated.grid_of(f"{uri}/{name}", array, stated.claims(array, axes, True))
        elif finest:
            coarse = [_coarser(claim, axes, factors) for claim in finest]
            grid = stated.grid_of(f"{uri}/{name}", first, coarse + own)
        else:
            return {}
        by_name[name] = Level(_spec(under(kvstore, name)), axes, **grid)
    return by_name


def _coarser(one: Claim, axes: Sequence[str], factors: list[float]) -> Claim:
    by_axis = stated.by_axis(factors, axes)
    return one._replace(scale={axis: size * by_axis[axis] for axis, size in one.scale.items()})


def _placed(uri: str, kvstore: dict[str, Any], name: str, about: dict[str, Any]) -> Level:
    """Return a level of which the group says all."""
    place = under(kvstore, name)
    array = kvstores.told(json_at(uri, place, "attributes.json"))
    if not array:
        raise Refused(f"{uri} is not whole: it has no array {name}")
    axes = _axes(f"{uri}/{name}", about | {"dimensions": array["dimensions"]})
    claims = stated.claims(about, axes, True)
    claims += [] if _factors(array) else stated.claims(array, axes, True)
    return Level(_spec(place), axes, **stated.grid_of(f"{uri}/{name}", array, claims))
