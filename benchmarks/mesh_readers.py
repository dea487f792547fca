"""Meshes as CloudVolume reads them, and their vertices beside zmesh's: nothing is measured.

    python benchmarks/mesh_readers.py [--shape 48 96 320]

Of the middle, meshed in both formats without simplification, by whole runs. That is done as
docs/mesh.md says: the directory of meshes is copied into the volume. zmesh is given the whole
array. It is LGPL, and CloudVolume is too large for the tests: both are in an environment of their
own.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import absent  # noqa: F401
import common
import inputs
import numpy as np
import pandas
from bossflow.voxels import mesh_reading
from scipy.spatial import cKDTree

PEER = ("cloud-volume==12.15.2", "zmesh==1.15.0")
SIZE_NM, NEAR_NM = 8.0, 0.01  # of a voxel; as 32-bit floats they differ less


def meshed(ours: common.Bossflow, volume: Path, form: str, block: int) -> list[int]:
    """Mesh a volume in a format, and put the meshes into it; return the ids in the table."""
    for name in ("mesh", "meshes"):
        shutil.rmtree(volume / name, ignore_errors=True)
    ours.run(
        workflow="mesh",
        source=f"precomputed://{volume}",
        name=form,
        mesh_format=form,
        keep=1,
        block_shape=[block] * 3,
        page=False,
    )
    made = ours.directory / "results" / form
    shutil.copytree(made / "meshes", volume / "mesh")
    info = json.loads((volume / "info").read_text())
    info |= {"mesh": "mesh", "segment_properties": "mesh/segment_properties"}
    (volume / "info").write_text(json.dumps(info))
    properties = json.loads((volume / "mesh" / "segment_properties" / "info").read_text())
    ids = pandas.read_parquet(made / "table")["meshed_segment_id"].astype("uint64").tolist()
    if sorted(map(int, properties["inline"]["ids"])) != ids:
        raise SystemExit(f"{form}: segment properties have other ids than the table")
    return ids


def as_set(points: Any) -> set[bytes]:
    """Return points, as bytes of 32-bit floats."""
    rows = np.ascontiguousarray(points, "<f4")
    return {row.tobytes() for row in rows}


def compared(form: str, volume: Path, ids: list[int], found: Any) -> int:
    """Compare what CloudVolume reads with what we read, and legacy's with zmesh's."""
    vertices = 0
    for segment in ids:
        own, faces = mesh_reading.finest(
            lambda name, start, end: (volume / "mesh" / name).read_bytes()[start:end], segment
        )
        read = found[f"read_{segment}"]
        if len(found[f"faces_{segment}"]) != len(faces):
            raise SystemExit(f"{form}: CloudVolume has other triangles of segment {segment}")
        ways = ((own, read), (read, own))
        if any(cKDTree(one).query(other)[0].max() > NEAR_NM for one, other in ways):
            raise SystemExit(f"{form}: CloudVolume has other vertices of segment {segment}")
        if form == "legacy":
            # zmesh counts from the middle of the border's voxel
            wanted = (found[f"zmesh_{segment}"].astype(np.float64) - 0.5) * SIZE_NM
            if as_set(wanted) != as_set(own):
                raise SystemExit(f"{form}: zmesh has other vertices of segment {segment}")
        vertices += len(own)
    return vertices


def main() -> None:
    """Make, read and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--volume", type=Path, help="segmentation: .npy or .npy.ckl.gz, ZYX")
    parser.add_argument(
        "--shape", type=int, nargs=3, default=[48, 96, 320], metavar=("Z", "Y", "X"),
        help="voxels of the middle (48 96 320: longer than a node of an octree, which has 256)",
    )  # fmt: skip
    parser.add_argument("--block", type=int, default=48, help="voxels of a block (48)")
    options = parser.parse_args()
    python = common.environment("mesh-readers", *PEER) / "python"
    whole = inputs.load(options.volume)
    sides = zip(whole.shape, options.shape, strict=True)
    whole = whole[tuple(slice(max(0, (a - b) // 2), (a + b) // 2) for a, b in sides)]
    whole = np.ascontiguousarray(whole, np.uint32)
    with tempfile.TemporaryDirectory(prefix="bossflow-meshes-") as name:
        directory = Path(name).resolve()
        chunks = {"encoding": "raw", "chunk_size": [64] * 3}
        stored = inputs.precomputed(
            f"meshes-{inputs.digest(whole)}", whole.shape, "uint32",
            lambda low, high: whole[low:high], **chunks,
        )  # fmt: skip
        volume, voxels = directory / "volume", directory / "voxels.npy"
        shutil.copytree(stored, volume)
        np.save(voxels, whole)
        there = np.unique(whole[whole > 0]).tolist()
        with common.bossflow(directory / "ours") as ours:
            ours.call("db", "deploy")
            for form in ("legacy", "multires"):
                ids = meshed(ours, volume, form, options.block)
                if ids != there:
                    raise SystemExit(f"{form}: other ids than the volume has")
                np.save(directory / "ids.npy", np.array(ids, np.uint64))
                peer = Path(__file__).with_name("peers") / "mesh_reader.py"
                files = (volume, directory / "ids.npy", voxels, directory / "found.npz")
                subprocess.run([python, peer, *files], check=True)
                found = np.load(directory / "found.npz")
                vertices = compared(form, volume, ids, found)
                common.console.print(
                    f"{form}: {len(ids):,} meshes, {vertices:,} vertices as CloudVolume reads them"
                    + (", and zmesh makes them" if form == "legacy" else "")
                )


if __name__ == "__main__":
    main()
