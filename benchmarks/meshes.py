"""Make the meshes of a segmentation: whole `nextflow run`s against Igneous' `mesh forge`.

    python benchmarks/meshes.py [--size 512] [--param NAME=VALUE]

The source of both is a precomputed volume in compressed_segmentation, SIZE voxels a side, of 16 nm
along x and y and 40 nm along z. Igneous makes and merges shards of 40 nm, of one level. The finest
levels are read by CloudVolume: triangles of all segments are counted, and of 50, points of the
surface of their voxels are sampled, and their distance to each mesh is measured.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import absent  # noqa: F401
import common
import fastremap
import inputs
import label
import numpy as np
import numpy.typing as npt
import reports
from common import ROOT, Measured
from scipy.ndimage import find_objects
from scipy.spatial import cKDTree

sys.path.insert(0, str(ROOT / "bin"))

from voxels.meshes import distances, gathered, triangles

NM_XYZ = (16, 16, 40)
OBJECTS = 50
POINTS = 2_000  # of the surface of each
DENSE = 100_000  # of a mesh, to look for the nearest triangles
NEAREST = 8
LARGEST = 300_000
"""Triangles of a surface that is sampled, at most; and at least a hundredth."""


class Igneous:
    """Runs of `mesh forge` and `mesh merge-sharded`, each in a new copy of the volume."""

    def __init__(self, scratch: Path, source: Path, size: int) -> None:
        self.source, self.made = source, scratch / "igneous"
        self.shape = [min(256, size)] * 2 + [min(256, size // 2)]
        self.program = common.environment("igneous", *label.IGNEOUS) / "igneous"

    def __call__(self) -> Measured:
        """Run once, with two workers; the results stay until the next run."""
        shutil.rmtree(self.made, ignore_errors=True)
        shutil.copytree(self.source, self.made)
        url = f"precomputed://file://{self.made}"
        words = "--sharded", "--shape", ",".join(map(str, self.shape))
        forged = common.measure([self.program, "-p", "2", "mesh", "forge", url, *words])
        merged = common.measure([self.program, "-p", "2", "mesh", "merge-sharded", url])
        return Measured(
            forged.wall_s + merged.wall_s,
            forged.cpu_s + merged.cpu_s,
            max(forged.peak_mib, merged.peak_mib),
        )


def cut(voxels: npt.NDArray[Any], size: int, low: int, high: int) -> npt.NDArray[Any]:
    """Cut a cube out of the middle of the volume, or out of what it is tiled to."""
    if size > min(voxels.shape):
        return label.tiled(voxels, size, low, high)
    z, y, x = ((side - size) // 2 for side in voxels.shape)
    return voxels[z + low : z + high, y : y + size, x : x + size]


def surfaces(whole: npt.NDArray[Any], seed: int) -> dict[int, tuple[Any, Any]]:
    """Return vertices (nm, XYZ) and faces of the surface of some segments."""
    numbers, given = fastremap.renumber(whole, preserve_zero=True)
    ids = {number: one for one, number in given.items() if one}
    boxes = find_objects(numbers)
    found: dict[int, tuple[Any, Any]] = {}
    for at in np.random.default_rng(seed).permutation(len(boxes)).tolist():
        box = boxes[at]
        cubes = gathered.of_block((numbers[box] == at + 1).astype(np.uint8))
        vertices, faces = triangles.of(cubes.segment(0), cubes.shape_zyx)
        if LARGEST // 100 <= len(faces) <= LARGEST:
            corner = 2 * np.array([side.start for side in box[::-1]])
            found[int(ids[at + 1])] = (vertices + corner) * (np.array(NM_XYZ) / 2), faces
        if len(found) == OBJECTS:
            break
    return found


def sampled(vertices: Any, faces: Any, number: int, seed: int) -> tuple[Any, Any]:
    """Return points of a surface, everywhere alike, and the faces that they are of."""
    random = np.random.default_rng(seed)
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    face = random.choice(len(faces), number, p=area / area.sum())
    u, v = np.sort(random.random((2, number, 1)), axis=0)
    return a[face] * u + b[face] * (v - u) + c[face] * (1 - v), face


def gone(points: Any, vertices: Any, faces: Any) -> npt.NDArray[np.float64]:
    """Return distances (nm) of points to a mesh: to the triangles of its nearest points."""
    there, face = sampled(vertices, faces, DENSE, 1)
    nearest = face[cKDTree(there).query(points, NEAREST)[1]]
    found = [
        min(
            distances.square_to_triangle(tuple(point), *map(tuple, vertices[faces[one]]))
            for one in {*some}
        )
        for point, some in zip(points, nearest.tolist(), strict=True)
    ]
    return np.sqrt(found)


def quality(volume: Path, ids: Path, raw: dict[int, tuple[Any, Any]]) -> dict[str, float]:
    """Count the triangles of the finest level, and tell how far surfaces are from it, in nm."""
    python = common.environment("igneous", *label.IGNEOUS) / "python"
    read = ids.with_suffix(".npz")
    common.measure([python, label.PEERS / "read_meshes.py", volume, ids, read])
    with np.load(read) as made:
        far = np.concatenate(
            [
                gone(
                    sampled(*surface, POINTS, one)[0],
                    made[f"vertices-{one}"].astype(np.float64),
                    made[f"faces-{one}"],
                )
                for one, surface in raw.items()
                if f"faces-{one}" in made
            ]
        )
        counts = {"triangles": int(made["total"]), "without": int(made["missing"])}
    return counts | {"p99_nm": float(np.percentile(far, 99)), "max_nm": float(far.max())}


def seen(ours: label.Ours, source: Path, scratch: Path) -> Path:
    """Return a volume whose meshes are those of ours' last run."""
    made = scratch / "seen"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir()
    info = json.loads((source / "info").read_text()) | {"mesh": "mesh"}
    (made / "info").write_text(json.dumps(info))
    (made / "mesh").symlink_to((ours.home.directory / "results/meshes/meshes").resolve())
    return made


def main() -> None:
    """Run both by turns and report."""
    parser = common.parser(__doc__, rounds=1)
    parser.add_argument("--size", type=int, default=512, help="voxels a side, 64 at least (512)")
    options = parser.parse_args()
    voxels, size = inputs.load(options.volume), options.size
    own = partial(cut, voxels, size)
    name = f"{size}-{inputs.digest(voxels)}-meshes"
    scale = {"resolution": list(NM_XYZ), **label.SOURCE}
    source = inputs.precomputed(name, [size] * 3, str(voxels.dtype), own, **scale)
    names = f"bossflow, {size}^3", f"Igneous, {size}^3"
    with tempfile.TemporaryDirectory(prefix="bossflow-meshes-") as directory:
        scratch = Path(directory)
        params = {"workflow": "mesh", "source": f"precomputed://{source}", "name": "meshes"}
        ours = label.Ours(scratch / "ours", params | common.given(options))
        peer = Igneous(scratch, source, size)
        with ours.stack:
            runs = dict(zip(names, (ours, peer), strict=True))
            figures = reports.medians(reports.alternate(options.rounds, runs))
            whole = own(0, size)
            raw = surfaces(whole, 1)
            every = fastremap.unique(whole)
            rest = np.setdiff1d(every[every > 0], [*raw])
            ids = scratch / "ids.npy"
            np.save(ids, np.concatenate([np.array([*raw], rest.dtype), rest]))
            figures[names[0]] |= quality(seen(ours, source, scratch), ids, raw)
            figures[names[1]] |= quality(peer.made, ids, raw)
            reports.show("bossflow's parts", ours.stages())
            ratios = reports.ratios(figures, *names)
    reports.report(options, f"Meshes, {options.rounds} rounds", figures, ratios)


if __name__ == "__main__":
    main()
