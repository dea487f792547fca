"""Voxels that a unit is made from, wherever they are: pulled, in place, or made here."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import accumulate, chain, pairwise
from typing import Any

import numpy as np
from kit import bundles, locations
from kit.bundles import Finished
from kit.units import Unit
from numpy.typing import NDArray
from voxels.archives import MODULES, archive_of
from voxels.arrays import read_array
from voxels.boxes import Box


def voxels_of(unit: Unit, box: Box) -> NDArray[Any]:
    """Read a box of a unit's source.

    Parameters
    ----------
    unit : Unit
        Made from pulled blocks alone, which hold the box; or with a `source` among its arguments:
        `uri`, `resolution` and `dtype`, and `chosen` or, of a volume that was made here, `files`
        (`volumes.made.Output` says what); then its first inputs are those of
        `volumes.made.Blocks.inputs`.
    box : Box
        In voxels of the source.

    Returns
    -------
    ndarray
        ZYX, C order, of the source's dtype.

    Raises
    ------
    Refused, Unreachable
        If it can't be read.
    ValueError
        If it was made here, and made anew meanwhile.
    """
    source = unit.arguments.get("source")
    if source is None:
        return _pulled(unit.inputs, box)
    uri, level, dtype = source["uri"], source["resolution"], source["dtype"]
    if "files" in source:
        return _made(source, unit.inputs, box)
    chosen = source.get("chosen", {})
    return archive_of(uri).read(uri, level, "", "", dtype, box, chosen=chosen)


def of_each(unit: Unit, sources: Sequence[dict[str, Any]]) -> list[Unit]:
    """Return a unit of several sources as units that read one each.

    Parameters
    ----------
    unit : Unit
        Its settings say how many inputs, `n_inputs`, each source has, in order.
    sources : sequence of dict
        What each reads, as arguments of a unit of one.
    """
    ends = pairwise(accumulate(unit.settings["n_inputs"], initial=0))
    return [
        replace(unit, inputs=unit.inputs[start:end], arguments=arguments)
        for arguments, (start, end) in zip(sources, ends, strict=True)
    ]


def software(unit: Unit) -> tuple[str, ...]:
    """Return the distributions that read a unit's source, if it is a file of their format."""
    source = unit.arguments.get("source", unit.arguments)
    return MODULES.get(source.get("uri", "").partition("://")[0], ())


def reader(unit: Unit, inputs: list[Finished], block: Box) -> Callable[[Box], NDArray[Any]]:
    """Return what reads parts of a block, as `voxels_of` does, of a unit with other inputs too.

    Parameters
    ----------
    unit : Unit
    inputs : list of Finished
        Those that it reads voxels from.
    block : Box
        All that is read of it.
    """
    of_source = replace(unit, inputs=inputs)
    if "source" in unit.arguments:
        return lambda box: voxels_of(of_source, box)
    pulled = voxels_of(of_source, block)
    return lambda box: pulled[box.slices(block.corner_zyx)]


def _pulled(inputs: list[Finished], box: Box) -> NDArray[Any]:
    """Read a box from copies of all blocks that it meets."""
    blocks = [Box.parse(copy.key["block"]) for copy in inputs]
    parts = [block.intersect(box) for block in blocks]
    if sum(part.voxel_count for part in parts) != box.voxel_count:
        raise ValueError(f"{box.name} is not all in {', '.join(block.name for block in blocks)}")
    each = zip(inputs, blocks, parts, strict=True)
    found = (
        read_array(copy.file("voxels.zarr"), part.slices(block.corner_zyx))
        for copy, block, part in each
    )
    first = next(found)
    if len(parts) == 1:
        return first
    voxels = np.empty(box.shape_zyx, first.dtype)
    for part, some in zip(parts, chain([first], found), strict=True):
        voxels[part.slices(box.corner_zyx)] = some
    return voxels


def _made(source: dict[str, Any], inputs: list[Finished], box: Box) -> NDArray[Any]:
    """Read a box of a volume in the store, of whose blocks these are the bundles.

    They are there with the content that the unit names, before it is read and after.
    """
    holder, told = inputs[0], source["files"]
    about = {"precomputed": "info", "zarr": "zarr.json"}[told["format"]]
    volume = holder.file(f"{told['volume']}/{about}").parent
    place = (holder.directory / told["volume"] / told["level"]).relative_to(holder.store)
    for bundle in inputs:
        bundle.files_in(f"{place.as_posix()}/")
    uri = f"{told['format']}://{volume}"
    voxels = archive_of(uri).read(uri, source["resolution"], "", "", source["dtype"], box)
    in_place = locations.each(bundles.in_place, inputs, holder.directory)
    for bundle, there in zip(inputs, in_place, strict=True):
        if not there:
            raise ValueError(
                f"{locations.shown(bundle.directory)} was made anew, or set aside, while it was "
                f"read for {source['uri']}: run again"
            )
    return voxels
