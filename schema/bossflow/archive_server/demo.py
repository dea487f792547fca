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
from typing import NamedTuple

import cc3d
import numpy as np
from numpy.typing import NDArray

SHAPE_ZYX = (128, 512, 512)
VOXEL_SIZE_NM_ZYX = (40.0, 16.0, 16.0)
SHA256 = {
    "segmentation": "8cda3b6cc5f0961eb43fa67c7468b599c008edcafd47a53b3fd1af0380cddfd9",
    "image": "01be18371fc82896270d5688a690a309bd658b4a700f75647ee72ea75ab8bd73",
}
"""Digests of the files; one that differs is made again."""

# lengths are in pixels, the side of a voxel along x and y
_DEPTH = 2.5  # height of a section
_EXTENT = (SHAPE_ZYX[0] * _DEPTH, float(SHAPE_ZYX[1]), float(SHAPE_ZYX[2]))
_STEP = 2.0  # from one point of a walk to the next
_WIDEST = 34.0  # no radius is larger
_REACH = 30  # no voxel is farther from a walk
_SCRAP = 800  # (voxels) smaller pieces of a neurite are given to its neighbours
_EMPTY = 2**30  # larger than every key of _grow
_N_DENDRITES, _N_AXONS = 14, 1500
_PSD, _MITOCHONDRION, _VESICLE = 1, 2, 3

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Balls(NamedTuple):
    """Balls along walks: centres (…, 3) ZYX, radii (…), and the neurites (…) that they are of."""

    centre: Floats
    radius: Floats
    neurite: Ints


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
    neurites, synapses, mitochondria, vesicles = _neuropil()
    straight = _grow(neurites)
    organelles = np.zeros(SHAPE_ZYX, np.uint8)
    _paint(organelles, synapses, _PSD, None)
    _paint(organelles, mitochondria, _MITOCHONDRION, straight)
    _paint(organelles, vesicles, _VESICLE, straight)
    labels = _bent(straight, organelles)
    del straight

    n = int(labels.max()) + 1
    segment_ids = np.cumsum(1 + np.floor(_uniform(62, n) * 40)).astype(np.uint64)
    segment_ids[0] = 0
    tone = np.floor(178 + 34 * _uniform(63, n)).astype(np.int16)
    slant = np.floor(5 * _uniform(64, 2, n)).astype(np.int64)
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
        grain = np.floor(120 * _uniform(100 + z, *section.shape) - 60).astype(np.int16)
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
        for one, other in ((np.s_[:, 1:], np.s_[:, :-1]), (np.s_[1:], np.s_[:-1])):
            same = section[one] == section[other]
            joined[one] |= same
            joined[other] |= same
        for beside in (max(z - 1, 0), min(z + 1, depth - 1)):
            if beside != z:
                joined |= section == labels[beside]
        section[~joined] = 0
    return labels


def _neuropil() -> tuple[Balls, Balls, Balls, Balls]:
    """Walk every neurite; its balls, and those of synapses, mitochondria and vesicles."""
    n = _N_DENDRITES + _N_AXONS
    neurite = np.arange(1, n + 1)
    is_dendrite = neurite <= _N_DENDRITES
    start = (1.2 * _uniform(1, n, 3) - 0.1) * _EXTENT
    direction = _uniform(2, n, 3) - 0.5
    slim = 4.0 + 4.5 * _uniform(3, n) * _uniform(4, n)
    stout = 16.0 + 9.0 * _uniform(5, n)
    radius = np.where(is_dendrite, stout, slim)
    centre = np.concatenate(
        [_walk(start, direction, 170, 0.35, 6), _walk(start, -direction, 170, 0.35, 7)]
    )
    swelling = np.concatenate([_swelling(170, n, 8), _swelling(170, n, 9)])
    trunk = Balls(centre, radius * swelling, np.broadcast_to(neurite, swelling.shape))

    def somewhere(count: int, among: int, stream: int) -> tuple[Ints, Ints]:
        """Pick balls of the first neurites' trunks: steps and neurites."""
        step, which = (_uniform(stream, 2, count) * [[len(centre)], [among]]).astype(np.int64)
        return step, which

    def branches(count: int, among: int, radii: Floats, wander: float, stream: int) -> Balls:
        step, which = somewhere(count, among, stream)
        root = trunk.centre[step, which]
        way = _walk(root, _uniform(stream + 1, count, 3) - 0.5, len(radii), wander, stream + 2)
        return Balls(way, np.minimum(radii, 20), np.broadcast_to(neurite[which], way.shape[:2]))

    twigs = branches(_N_AXONS, n, 5.5 * _swelling(80, _N_AXONS, 20), 0.45, 21)
    spine = np.repeat([2.5, 6.0], [17, 4])[:, None]
    n_spines = 70 * _N_DENDRITES
    spines = branches(n_spines, _N_DENDRITES, np.repeat(spine, n_spines, 1), 0.3, 25)

    step, which = somewhere(5000, n, 30)
    step = np.minimum(step + np.arange(24)[:, None], len(centre) - 1)
    long = np.arange(24)[:, None] < 6 + 18 * _uniform(31, len(which))
    width = np.where(long, np.minimum(0.6 * trunk.radius[step, which], 8.0), 0.0)
    mitochondria = Balls(trunk.centre[step, which], width, trunk.neurite[step, which])

    step, which = somewhere(900, n, 32)
    scatter = (_uniform(33, 120, len(which), 3) - 0.5) * 2.2 * trunk.radius[step, which][:, None]
    boutons = trunk.centre[step, which] + scatter
    vesicles = Balls(
        boutons, np.full(boutons.shape[:2], 1.3), np.broadcast_to(neurite[which], boutons.shape[:2])
    )
    synapses = Balls(boutons[0], np.full(len(which), 7.0), neurite[which])
    return _joined(trunk, twigs, spines), synapses, _joined(mitochondria), _joined(vesicles)


def _joined(*many: Balls) -> Balls:
    """Put balls into one list."""
    return Balls(
        np.concatenate([balls.centre.reshape(-1, 3) for balls in many]),
        np.concatenate([balls.radius.reshape(-1) for balls in many]),
        np.concatenate([balls.neurite.reshape(-1) for balls in many]),
    )


def _walk(start: Floats, direction: Floats, steps: int, wander: float, stream: int) -> Floats:
    """Walk from every start (n, 3), turning a little at each step: points (steps, n, 3)."""
    turns = wander * (_uniform(stream, steps, *start.shape) - 0.5)
    points = np.empty(turns.shape)
    for step, turn in enumerate(turns):
        points[step] = start
        z, y, x = direction.T
        direction = direction / np.sqrt(z * z + y * y + x * x)[:, None] + turn
        start = start + _STEP * direction
    return points


def _swelling(steps: int, n: int, stream: int) -> Floats:
    """Let n radii swell and shrink along a walk: factors (steps, n) from 0.75 to 1.25."""
    knots = 0.75 + 0.5 * _uniform(stream, steps // 12 + 2, n)
    knot, part = np.divmod(np.arange(steps), 12)
    factors: Floats = knots[knot] + (knots[knot + 1] - knots[knot]) * (part / 12)[:, None]
    return factors


def _grow(balls: Balls) -> NDArray[np.uint16]:
    """Give every voxel to the ball whose surface is nearest, in the sense of a power diagram."""
    z, y, x, there = _voxels(balls.centre)
    # a key orders by cost, and then names the neurite: the least one wins
    cost = np.floor(4 * (_WIDEST * _WIDEST - balls.radius * balls.radius)).astype(np.int64)
    keys = np.full(SHAPE_ZYX, _EMPTY, np.int32)
    np.minimum.at(keys, (z, y, x), (cost << 16 | balls.neurite)[there].astype(np.int32))
    _fill(keys, _REACH)
    # a walk that passes through a wider one leaves scraps: its neighbours take them
    labels = (keys & 0xFFFF).astype(np.uint16)
    pieces = cc3d.connected_components(labels, connectivity=6)
    scrap = np.bincount(pieces.reshape(-1)) < _SCRAP
    scrap[0] = True
    for section, piece in zip(keys, pieces, strict=True):
        section &= 0xFFFF
        section[scrap[piece]] = _EMPTY
    del labels, pieces
    _fill(keys, 10)
    return (keys & 0xFFFF).astype(np.uint16)


def _fill(keys: NDArray[np.int32], reach: int) -> None:
    """Lower every key to the least within reach, plus the cost of the squared distance to it."""
    for row in range(SHAPE_ZYX[1]):
        keys[:, row] = _spread(keys[:, row], 4 * _DEPTH * _DEPTH, int(reach / _DEPTH))
    for section in keys:
        section[:] = _spread(section, 4, reach)
        section[:] = _spread(np.ascontiguousarray(section.T), 4, reach).T


def _spread(keys: NDArray[np.int32], cost: float, reach: int) -> NDArray[np.int32]:
    """Lower keys to the least of those along axis 0, each plus the cost of its squared distance."""
    lowest, offered = keys.copy(), np.empty_like(keys)
    for far in range(1, reach + 1):
        np.add(keys, np.int32(int(cost * far * far) << 16), out=offered)
        np.minimum(lowest[far:], offered[:-far], out=lowest[far:])
        np.minimum(lowest[:-far], offered[far:], out=lowest[:-far])
    return lowest


def _paint(
    canvas: NDArray[np.uint8], balls: Balls, colour: int, labels: NDArray[np.uint16] | None
) -> None:
    """Paint balls; with labels, only those voxels of a ball that are its neurite's."""
    reach = int(balls.radius.max())
    steps = range(-reach, reach + 1)
    near = (balls.centre > -reach) & (balls.centre < np.array(_EXTENT) + reach)
    keep = near.all(1) & (balls.radius > 0)
    balls = Balls(balls.centre[keep], balls.radius[keep], balls.neurite[keep])
    for dz in range(-int(reach / _DEPTH), int(reach / _DEPTH) + 1):
        for dy in steps:
            for dx in steps:
                far = (dz * _DEPTH) ** 2 + dy * dy + dx * dx
                if far > reach * reach:
                    continue
                large = balls.radius * balls.radius >= far
                z, y, x, there = _voxels(balls.centre[large] + (dz * _DEPTH, dy, dx))
                if labels is not None:
                    own = labels[z, y, x] == balls.neurite[large][there]
                    z, y, x = z[own], y[own], x[own]
                canvas[z, y, x] = colour


def _voxels(points: Floats) -> tuple[Ints, Ints, Ints, NDArray[np.bool_]]:
    """Find the voxels of those points (n, 3) that lie in the volume, and which these are (n)."""
    z, y, x = np.floor(points / (_DEPTH, 1.0, 1.0)).astype(np.int64).T
    depth, height, width = SHAPE_ZYX
    there = (z >= 0) & (z < depth) & (y >= 0) & (y < height) & (x >= 0) & (x < width)
    return z[there], y[there], x[there], there


def _blur(section: NDArray[np.int16]) -> NDArray[np.int16]:
    """Blur by 1, 2, 1 along both axes."""
    padded = np.pad(section, 1, "edge")
    rows = padded[:-2] + 2 * padded[1:-1] + padded[2:]
    blurred: NDArray[np.int16] = (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) // 16
    return blurred


def _clouds(stream: int, deep: int, wide: int) -> Callable[[int], Floats]:
    """Make noise from 0 to 1 that varies over so many sections and pixels; by section."""
    depth, height, width = SHAPE_ZYX
    knots = _uniform(stream, depth // deep + 2, height // wide + 2, width // wide + 2)

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


def _uniform(stream: int, *shape: int) -> Floats:
    """Draw floats from 0 to below 1; each stream is a sequence of its own."""
    bits = np.random.PCG64(stream).random_raw(int(np.prod(shape)))
    return (bits >> np.uint64(11)).astype(np.float64).reshape(shape) * 2.0**-53
