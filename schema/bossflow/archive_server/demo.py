"""The demo volume: a made-up piece of neuropil, and the electron micrograph that goes with it.

Neurites are random walks that branch; a power diagram around them fills the space, so that they
touch everywhere. Only integers and single IEEE operations on floats are used, on random bits whose
stream numpy guarantees: every machine makes the same bytes.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .neurites import SHAPE_ZYX, Floats, Ints, grow, neuropil, paint, uniform

VOXEL_SIZE_NM_ZYX = (40.0, 16.0, 16.0)
META = {
    "bossflow/demo": {
        "citation": "The bossflow developers: a made-up piece of neuropil, with its micrograph",
        "licence": "Apache-2.0",
    }
}
"""How to cite it, as BossDB notes it."""

SHA256 = {
    "segmentation": "8cda3b6cc5f0961eb43fa67c7468b599c008edcafd47a53b3fd1af0380cddfd9",
    "image": "01be18371fc82896270d5688a690a309bd658b4a700f75647ee72ea75ab8bd73",
}
"""Digests of the files; one that differs is made again."""

_PSD, _MITOCHONDRION, _VESICLE = 1, 2, 3


def make(directory: Path) -> dict[str, Path]:
    """Make the demo volume, unless it is there already.

    It takes about ten seconds of one core and 0.7 GB of memory.

    Parameters
    ----------
    directory : Path
        Where the two files go; made if need be.

    Returns
    -------
    dict of str to Path
        Two .npy files in ZYX order. `segmentation`: uint64 segment ids, 0 on membranes; many a
        segment is in several pieces. `image`: uint8, cytoplasm bright and membranes dark.
    """
    paths = {name: directory / f"{name}.npy" for name in SHA256}
    if all(path.is_file() and _sha256(path) == SHA256[name] for name, path in paths.items()):
        return paths
    directory.mkdir(parents=True, exist_ok=True)
    partial = {name: directory / f".{name}.{os.getpid()}" for name in paths}
    try:
        files = {
            name: np.lib.format.open_memmap(partial[name], "w+", dtype, SHAPE_ZYX)
            for name, dtype in (("segmentation", "<u8"), ("image", "u1"))
        }
        for z, (segments, grey) in enumerate(_sections()):
            files["segmentation"][z] = segments
            files["image"][z] = grey
        for name, path in paths.items():
            files[name].flush()
            partial[name].replace(path)
    finally:
        for path in partial.values():
            path.unlink(missing_ok=True)
    return paths


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sections() -> Iterator[tuple[NDArray[np.uint64], NDArray[np.uint8]]]:
    """Yield the segment ids and the grey values of one section after the other."""
    neurites, synapses, mitochondria, vesicles = neuropil()
    straight = grow(neurites)
    organelles = np.zeros(SHAPE_ZYX, np.uint8)
    paint(organelles, synapses, _PSD, None)
    paint(organelles, mitochondria, _MITOCHONDRION, straight)
    paint(organelles, vesicles, _VESICLE, straight)
    labels = _bent(straight, organelles)
    del straight

    n = int(labels.max()) + 1
    segment_ids = np.cumsum(1 + np.floor(uniform(62, n) * 40)).astype(np.uint64)
    segment_ids[0] = 0
    tone = np.floor(178 + 34 * uniform(63, n)).astype(np.int16)
    slant = np.floor(5 * uniform(64, 2, n)).astype(np.int64)
    texture, shade = _clouds(65, 1, 3), _clouds(66, 3, 50)
    for z, section in enumerate(labels):
        membrane = np.int16(160) * (section == 0)
        for beside in (max(z - 1, 0), min(z + 1, len(labels) - 1)):
            membrane += np.int16(48) * (labels[beside] == 0)  # at a slant it is wide and pale
        dark = _blur(_blur(membrane))
        np.copyto(dark, dark * 3 // 2, where=organelles[z] == _PSD)
        grey = tone[section] + np.floor(30 * shade(z) + 30 * texture(z) - 30).astype(np.int16)
        mitochondrion = organelles[z] == _MITOCHONDRION
        y, x = np.nonzero(mitochondrion)
        of = section[y, x]
        cristae = (slant[0, of] * x + slant[1, of] * y) % 5 < 2
        grey[y, x] -= np.where(cristae, 40, 62).astype(np.int16)
        grey[mitochondrion & (_blur(np.int16(16) * mitochondrion) < 16)] -= 25
        grey[organelles[z] == _VESICLE] -= 60
        grain = np.floor(120 * uniform(100 + z, *section.shape) - 60).astype(np.int16)
        grey = _blur(4 * (grey - dark) + 2 * grain) // 4
        yield segment_ids[section], np.clip(grey, 0, 255).astype(np.uint8)


def _bent(straight: NDArray[np.uint16], organelles: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Bend the smooth shapes that were grown, organelles in place, and part them by membranes."""
    labels = np.empty_like(straight)
    bend_y, bend_x = _clouds(60, 6, 14), _clouds(61, 6, 14)
    depth, height, width = SHAPE_ZYX
    y, x = np.indices((height, width))
    for z in range(depth):
        from_y = np.clip(y + np.floor(9 * bend_y(z) - 4).astype(np.int64), 0, height - 1)
        from_x = np.clip(x + np.floor(9 * bend_x(z) - 4).astype(np.int64), 0, width - 1)
        source = from_y * width + from_x
        labels[z] = straight[z].take(source)
        organelles[z] = organelles[z].take(source)
        membrane = np.zeros((height, width), bool)
        membrane[:, :-1] |= labels[z, :, :-1] != labels[z, :, 1:]
        membrane[:-1] |= labels[z, :-1] != labels[z, 1:]
        labels[z][membrane] = 0
    for z, section in enumerate(labels):  # a voxel left on its own is membrane too
        joined = np.zeros((height, width), bool)
        for near, far in ((np.s_[:, 1:], np.s_[:, :-1]), (np.s_[1:], np.s_[:-1])):
            same = section[near] == section[far]
            joined[near] |= same
            joined[far] |= same
        for beside in (max(z - 1, 0), min(z + 1, depth - 1)):
            if beside != z:
                joined |= section == labels[beside]
        section[~joined] = 0
    return labels


def _blur(section: NDArray[np.int16]) -> NDArray[np.int16]:
    """Blur by 1, 2, 1 along both axes."""
    padded = np.pad(section, 1, "edge")
    rows = padded[:-2] + 2 * padded[1:-1] + padded[2:]
    blurred: NDArray[np.int16] = (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) // 16
    return blurred


def _clouds(stream: int, deep: int, wide: int) -> Callable[[int], Floats]:
    """Make noise from 0 to 1 that varies over so many sections and pixels; by section."""
    depth, height, width = SHAPE_ZYX
    knots = uniform(stream, depth // deep + 2, height // wide + 2, width // wide + 2)

    def between(values: Floats, at: int | Ints, every: int) -> Floats:
        knot, part = np.divmod(at, every)
        share = np.asarray(part / every)
        share = share.reshape(share.shape + (1,) * (values.ndim - 1))
        mixed: Floats = values[knot] + (values[knot + 1] - values[knot]) * share
        return mixed

    def section(z: int) -> Floats:
        columns = between(between(knots, z, deep), np.arange(height), wide)
        return between(np.ascontiguousarray(columns.T), np.arange(width), wide).T

    return section
