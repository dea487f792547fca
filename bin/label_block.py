#!/usr/bin/env python3
"""LABEL_BLOCK: label the connected components of one block on its own."""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from kit.taking import take
from kit.tasks import main
from kit.units import Bundle, Unit
from numpy.typing import NDArray
from reading import software, voxels_of
from voxels.boxes import Box
from voxels.encoding import EncodedLabels
from voxels.labelling import label_block
from voxels.surface import write_planes, write_statistics


def label(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one block: its labels, and what stitching needs of them."""
    if take(unit, bundle):
        return
    asked = unit.arguments
    box = Box.parse(asked["box"])
    labels, statistics = label_block(
        _coming.pop(name).result() if (name := _named(unit)) in _coming else voxels_of(unit, box),
        box.corner_zyx,
        asked["connectivity"],
        asked["component_of"],
        asked["foreground_above"],
    )
    # Only now: while cc3d is at work, there must not be another block in memory.
    following = bundle.following()
    _coming.clear()  # what another run made meanwhile, or is making
    if following and "same" not in following.settings:  # else it may be taken, and not read
        next_box = Box.parse(following.arguments["box"])
        _coming[_named(following)] = _reader.submit(voxels_of, following, next_box)
    encoded = EncodedLabels.of(labels, box, asked["chunk_shape_zyx"], asked["origin_zyx"])
    encoded.write(bundle.directory)
    write_planes(bundle.directory / "planes.arrow", labels)
    write_statistics(bundle.directory / "statistics.arrow", statistics, box)
    bundle.attributes["n_labels"] = len(statistics.voxel_count)


_reader = ThreadPoolExecutor(1)
_coming: dict[tuple[str, ...], Future[NDArray[Any]]] = {}
"""Voxels that are read ahead, by unit and what it is made from."""


def _named(unit: Unit) -> tuple[str, ...]:
    """Return what tells a unit, also from itself with inputs that were made anew meanwhile."""
    return (unit.unit_id, *(given.manifest_sha256 for given in unit.inputs))


if __name__ == "__main__":
    main(
        "LABEL_BLOCK",
        label,
        software=("connected-components-3d", "numba", "numpy", "pyarrow", "tensorstore"),
        of_unit=software,
    )
