"""Neurites of the demo volume, as balls along random walks, and the voxels that they take."""

from __future__ import annotations

from typing import NamedTuple

import cc3d
import numpy as np
from numpy.typing import NDArray

SHAPE_ZYX = (128, 512, 512)

# lengths are in pixels, the side of a voxel along x and y
_DEPTH = 2.5  # height of a section
_EXTENT = (SHAPE_ZYX[0] * _DEPTH, float(SHAPE_ZYX[1]), float(SHAPE_ZYX[2]))
_STEP = 2.0  # from one point of a walk to the next
_WIDEST = 34.0  # no radius is larger
_REACH = 30  # no voxel is farther from a walk
_SCRAP = 800  # (voxels) smaller pieces of a neurite are given to its neighbours
_EMPTY = 2**30  # larger than every key of grow
_N_DENDRITES, _N_AXONS = 14, 1500

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Balls(NamedTuple):
    """Balls along walks: centres (…, 3) ZYX, radii (…), and the neurites (…) that they are of."""

    centre: Floats
    radius: Floats
    neurite: Ints


def neuropil() -> tuple[Balls, Balls, Balls, Balls]:
    """Walk every neurite; its balls, and those of synapses, mitochondria and vesicles."""
    n = _N_DENDRITES + _N_AXONS
    neurite = np.arange(1, n + 1)
    is_dendrite = neurite <= _N_DENDRITES
    start = (1.2 * uniform(1, n, 3) - 0.1) * _EXTENT
    direction = uniform(2, n, 3) - 0.5
    slim = 4.0 + 4.5 * uniform(3, n) * uniform(4, n)
    stout = 16.0 + 9.0 * uniform(5, n)
    radius = np.where(is_dendrite, stout, slim)
    centre = np.concatenate(
        [_walk(start, direction, 170, 0.35, 6), _walk(start, -direction, 170, 0.35, 7)]
    )
    swelling = np.concatenate([_swelling(170, n, 8), _swelling(170, n, 9)])
    trunk = Balls(centre, radius * swelling, np.broadcast_to(neurite, swelling.shape))

    def somewhere(count: int, among: int, stream: int) -> tuple[Ints, Ints]:
        """Pick balls of the first neurites' trunks: steps and neurites."""
        step, which = (uniform(stream, 2, count) * [[len(centre)], [among]]).astype(np.int64)
        return step, which

    def branches(count: int, among: int, radii: Floats, wander: float, stream: int) -> Balls:
        step, which = somewhere(count, among, stream)
        root = trunk.centre[step, which]
        way = _walk(root, uniform(stream + 1, count, 3) - 0.5, len(radii), wander, stream + 2)
        return Balls(way, np.minimum(radii, 20), np.broadcast_to(neurite[which], way.shape[:2]))

    twigs = branches(_N_AXONS, n, 5.5 * _swelling(80, _N_AXONS, 20), 0.45, 21)
    spine = np.repeat([2.5, 6.0], [17, 4])[:, None]
    n_spines = 70 * _N_DENDRITES
    spines = branches(n_spines, _N_DENDRITES, np.repeat(spine, n_spines, 1), 0.3, 25)

    step, which = somewhere(5000, n, 30)
    step = np.minimum(step + np.arange(24)[:, None], len(centre) - 1)
    long = np.arange(24)[:, None] < 6 + 18 * uniform(31, len(which))
    width = np.where(long, np.minimum(0.6 * trunk.radius[step, which], 8.0), 0.0)
    mitochondria = Balls(trunk.centre[step, which], width, trunk.neurite[step, which])

    step, which = somewhere(900, n, 32)
    scatter = (uniform(33, 120, len(which), 3) - 0.5) * 2.2 * trunk.radius[step, which][:, None]
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
    turns = wander * (uniform(stream, steps, *start.shape) - 0.5)
    points = np.empty(turns.shape)
    for step, turn in enumerate(turns):
        points[step] = start
        z, y, x = direction.T
        direction = direction / np.sqrt(z * z + y * y + x * x)[:, None] + turn
        start = start + _STEP * direction
    return points


def _swelling(steps: int, n: int, stream: int) -> Floats:
    """Let n radii swell and shrink along a walk: factors (steps, n) from 0.75 to 1.25."""
    knots = 0.75 + 0.5 * uniform(stream, steps // 12 + 2, n)
    knot, part = np.divmod(np.arange(steps), 12)
    factors: Floats = knots[knot] + (knots[knot + 1] - knots[knot]) * (part / 12)[:, None]
    return factors


def grow(balls: Balls) -> NDArray[np.uint16]:
    """Give every voxel to the ball whose surface is nearest, in the sense of a power diagram."""
    z, y, x, inside = _voxels(balls.centre)
    # a key orders by cost, and then names the neurite: the least one wins
    cost = np.floor(4 * (_WIDEST * _WIDEST - balls.radius * balls.radius)).astype(np.int64)
    keys = np.full(SHAPE_ZYX, _EMPTY, np.int32)
    np.minimum.at(keys, (z, y, x), (cost << 16 | balls.neurite)[inside].astype(np.int32))
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


def paint(
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
                z, y, x, inside = _voxels(balls.centre[large] + (dz * _DEPTH, dy, dx))
                if labels is not None:
                    own = labels[z, y, x] == balls.neurite[large][inside]
                    z, y, x = z[own], y[own], x[own]
                canvas[z, y, x] = colour


def _voxels(points: Floats) -> tuple[Ints, Ints, Ints, NDArray[np.bool_]]:
    """Find the voxels of those points (n, 3) that lie in the volume, and which these are (n)."""
    z, y, x = np.floor(points / (_DEPTH, 1.0, 1.0)).astype(np.int64).T
    depth, height, width = SHAPE_ZYX
    inside = (z >= 0) & (z < depth) & (y >= 0) & (y < height) & (x >= 0) & (x < width)
    return z[inside], y[inside], x[inside], inside


def uniform(stream: int, *shape: int) -> Floats:
    """Draw floats from 0 to below 1; each stream is a sequence of its own."""
    bits = np.random.PCG64(stream).random_raw(int(np.prod(shape)))
    return (bits >> np.uint64(11)).astype(np.float64).reshape(shape) * 2.0**-53
