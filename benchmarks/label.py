"""Label a large volume: the whole `nextflow run` against Igneous, dask-image, and cc3d in memory.

    python benchmarks/label.py [--size 1024] [--peers igneous dask-image] [--param NAME=VALUE]

The volume is tiled to SIZE voxels a side and written as a precomputed volume, which is the source
of both. Labels are compared: ours with cc3d's exactly, the peers' as partitions.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import absent  # noqa: F401
import common
import fastremap
import inputs
import numpy as np
import numpy.typing as npt
import psutil
import reports
import tensorstore as ts
from common import Bossflow, Measured, console

PEERS = Path(__file__).parent / "peers"
IGNEOUS = ("igneous-pipeline==4.37.0",)
DASK_IMAGE = ("dask-image==2026.5.0",)

# Igneous reads a voxel beyond its tasks, so small chunks serve it best; ours don't matter much.
SOURCE = {
    "encoding": "compressed_segmentation",
    "chunk_size": [128] * 3,
    "compressed_segmentation_block_size": [8] * 3,
}
# Its best of raw, compresso and crackle; compressed_segmentation it can't write as uint16, which
# it chooses for fewer than 65,536 components.
IGNEOUS_OPTIONS = ("--shape", "512,512,512", "--encoding", "crackle")
DASK_BLOCK = 256
# The sample's tiles end at 200, 712, ..., so that no seam between them is a border of blocks.
FIRST_TILE = 200

LABEL_STAGES = ("LABEL_BLOCK", "LINK_BLOCK", "STITCH", "RELABEL_BLOCK")
HEAD_STAGES = ("DESCRIBE", "PLAN", "RECORD", "SUMMARY")


def tiled(voxels: npt.NDArray[Any], size: int, low: int, high: int) -> npt.NDArray[Any]:
    """Cut the z sections from low to high out of the volume tiled to size voxels a side."""
    index = [
        (np.arange(*ends) - (FIRST_TILE if size > side else 0)) % side
        for ends, side in zip(((low, high), (0, size), (0, size)), voxels.shape, strict=True)
    ]
    return voxels[np.ix_(*index)]


def source(voxels: npt.NDArray[Any], size: int) -> Path:
    """Write the tiled volume, unless it is there from before."""
    name = f"{size}-{inputs.digest(voxels)}"
    return inputs.precomputed(
        name, [size] * 3, str(voxels.dtype), partial(tiled, voxels, size), **SOURCE
    )


def peer(python: Path, script: str, volume: Path, labels: Path, *more: str) -> Measured:
    """Run a peer that measures itself, with files and imports left out."""
    taken = common.measure([python, PEERS / script, volume, labels, *more])
    return taken._replace(**json.loads(labels.with_suffix(".json").read_text()))


class Ours:
    """Whole runs, each in a new home with an empty database, as set-up leaves it."""

    def __init__(self, scratch: Path, params: Mapping[str, Any], **env: str) -> None:
        self.scratch = scratch
        self.params = params
        self.env = env
        self.traces: list[dict[str, dict[str, float]]] = []
        self.stack = contextlib.ExitStack()

    def __call__(self) -> Measured:
        """Run once; the results stay until the next run, or `stack` is closed."""
        self.stack.close()
        self.home: Bossflow = self.stack.enter_context(common.bossflow(self.scratch))
        self.home.env |= self.env
        self.home.call("db", "deploy")
        taken = self.home.run(**self.params)
        self.traces.append(self.home.trace())
        return taken

    def labels(self) -> Any:
        """Open the last run's segmentation, ZYX."""
        (request,) = json.loads(self.home.call("status", "--json"))["requests"]
        path = request["volume"].removeprefix("file://")
        spec = {"driver": "neuroglancer_precomputed", "kvstore": {"driver": "file", "path": path}}
        return ts.open(spec).result()[..., 0].T

    def stages(self) -> dict[str, dict[str, Any]]:
        """Return the medians of each process's figures."""
        return {
            process: {
                column: statistics.median(trace[process][column] for trace in self.traces)
                for column in ("tasks", "wall_s", "cpu_s", "peak_mib")
            }
            for process in self.traces[0]
        }

    def label_stages(self) -> list[Measured]:
        """Sum up what labelling took in each run: from its first task's start to its last's end."""
        found = []
        for trace in self.traces:
            rows = [trace[name] for name in LABEL_STAGES if name in trace]
            wall = max(row["end_s"] for row in rows) - min(row["start_s"] for row in rows)
            cpu, peak = sum(row["cpu_s"] for row in rows), max(row["peak_mib"] for row in rows)
            found.append(Measured(wall, cpu, peak, 0.0))
        return found


def same_partition(ours: Any, theirs: Any) -> bool:
    """Tell whether a bijection maps one array of labels (ZYX) to the other, 0 to 0."""
    forth: dict[int, int] = {0: 0}
    depth = max(1, 2**26 // (ours.shape[1] * ours.shape[2]))  # half a GiB of each
    for low, high in inputs.slabs(ours.shape[0], depth):
        one, other = (np.ascontiguousarray(labels[low:high]) for labels in (ours, theirs))
        one, other = one.astype(np.uint64), other.astype(np.uint64)
        here = fastremap.component_map(one, other)
        if not np.array_equal(fastremap.remap(one, here), other):
            return False
        if any(forth.setdefault(int(a), int(b)) != b for a, b in here.items()):
            return False
    return ours.shape == theirs.shape and len(set(forth.values())) == len(forth)


def same(ours: Any, theirs: Any) -> bool:
    """Tell whether two arrays of labels (ZYX) are equal."""
    return ours.shape == theirs.shape and all(
        np.array_equal(ours[low:high], theirs[low:high])
        for low, high in inputs.slabs(ours.shape[0])
    )


def agree(what: str, equal: bool) -> None:
    """Say that labels were compared, or end if they differ."""
    if not equal:
        raise SystemExit(f"{what}: the labels differ, so the figures mean nothing")
    console.print(f"{what}: the same labels")


def against_igneous(
    options: argparse.Namespace, voxels: npt.NDArray[Any], scratch: Path
) -> dict[str, Any]:
    """Compare whole runs on the tiled volume; returns rows of the table and ratios."""
    size = options.size
    where = source(voxels, size)
    names = {name: f"{name}, {size}^3" for name in ("bossflow", "Igneous", "cc3d in memory")}
    params = {"source": f"precomputed://{where}", "connectivity": 6}
    ours = Ours(scratch / "ours", params | common.given(options))
    runs: dict[str, Callable[[], Measured]] = {names["bossflow"]: ours}
    reference, theirs = scratch / "cc3d.npy", scratch / "igneous"
    if "igneous" in options.peers:
        bin = common.environment("igneous", *IGNEOUS)

        def igneous() -> Measured:
            shutil.rmtree(theirs, ignore_errors=True)
            theirs.mkdir()
            urls = [f"precomputed://file://{path}" for path in (where, theirs / "labels")]
            options = [*IGNEOUS_OPTIONS, "--queue", f"fq://{theirs / 'queue'}"]
            command = [bin / "igneous", "-p", "2", "image", "ccl", "auto", *urls, *options]
            return common.measure(command, theirs)

        runs[names["Igneous"]] = igneous
    # volume, labels and cc3d's own table
    if floor := size**3 * (2 * voxels.itemsize + 8) < psutil.virtual_memory().available:
        whole = scratch / "volume.npy"
        np.save(whole, np.concatenate([tiled(voxels, size, *ends) for ends in inputs.slabs(size)]))
        arguments = Path(sys.executable), "cc3d_whole.py", whole, reference
        runs[names["cc3d in memory"]] = lambda: peer(*arguments)
    with ours.stack:
        results = reports.alternate(options.rounds, runs)
        labels = ours.labels()
        if floor:
            agree("bossflow and cc3d", same(labels, np.load(reference, mmap_mode="r")))
        if "igneous" in options.peers:
            copied = scratch / "igneous.npy"
            script = PEERS / "volume_to_npy.py"
            url = f"precomputed://file://{theirs / 'labels'}"
            # Igneous ends with 0 also when tasks failed: what it left tells
            subprocess.run([bin / "python", script, url, copied], check=True)
            agree("bossflow and Igneous", same_partition(labels, np.load(copied, mmap_mode="r")))
    stages = ours.stages()
    figures = reports.medians(results)
    whole_run = figures[names["bossflow"]]
    tasks_cpu = sum(row["cpu_s"] for row in stages.values())
    whole_run["head_cpu_s"] = whole_run["cpu_s"] - sum(
        row["cpu_s"] for name, row in stages.items() if name not in HEAD_STAGES
    )
    stages["Nextflow"] = {"cpu_s": whole_run["cpu_s"] - whole_run["server_s"] - tasks_cpu}
    stages["database"] = {"cpu_s": whole_run["server_s"]}
    reports.show(f"bossflow's parts, {size}^3", stages)
    ratios = {}
    if "igneous" in options.peers:
        ratios = reports.ratios(figures, names["bossflow"], names["Igneous"])
    return {"figures": figures, "ratios": ratios, "parts": stages}


def against_dask_image(
    options: argparse.Namespace, voxels: npt.NDArray[Any], scratch: Path
) -> dict[str, Any]:
    """Compare the label stages on the untiled foreground; returns rows of the table and ratios."""
    size = min(voxels.shape)
    voxels = voxels[:size, :size, :size]
    where = source(voxels, size)
    bin = common.environment("dask-image", *DASK_IMAGE)
    names = [
        f"{name}, {size}^3 foreground"
        for name in ("bossflow", "bossflow's label stages", "dask-image")
    ]
    params = {"source": f"precomputed://{where}", "connectivity": 6}
    params |= {"component_of": "foreground", **common.given(options)}
    ours = Ours(scratch / "ours", params)
    whole, theirs = scratch / "volume.npy", scratch / "dask.npy"
    np.save(whole, voxels)
    arguments = bin / "python", "dask_image_label.py", whole, theirs, str(DASK_BLOCK)
    with ours.stack:
        runs: dict[str, Callable[[], Measured]] = {
            names[0]: ours,
            names[2]: lambda: peer(*arguments),
        }
        results = dict(reports.alternate(options.rounds, runs))
        labels = np.load(theirs, mmap_mode="r")
        agree("bossflow and dask-image", same_partition(ours.labels(), labels))
    results[names[1]] = ours.label_stages()
    figures = reports.medians({name: results[name] for name in names})
    found = reports.ratios(figures, names[1], names[2])
    return {
        "figures": figures,
        "ratios": {f"dask_image_{name}": value for name, value in found.items()},
        "parts_foreground": ours.stages(),
    }


def main() -> None:
    """Run what is asked for and report."""
    parser = common.parser(__doc__)
    parser.add_argument("--size", type=int, default=1024, help="voxels a side (1024)")
    known = ("igneous", "dask-image")
    parser.add_argument("--peers", nargs="*", choices=known, default=known)
    options = parser.parse_args()
    voxels = inputs.load(options.volume)
    with tempfile.TemporaryDirectory(prefix="bossflow-label-") as scratch:
        found = against_igneous(options, voxels, Path(scratch))
    if "dask-image" in options.peers:
        with tempfile.TemporaryDirectory(prefix="bossflow-label-") as scratch:
            more = against_dask_image(options, voxels, Path(scratch))
        found = {
            name: found.get(name, {}) | more.get(name, {})
            for name in dict.fromkeys([*found, *more])
        }
    figures, ratios = found.pop("figures"), found.pop("ratios")
    reports.report(options, f"Labelling, {options.rounds} rounds", figures, ratios, **found)


if __name__ == "__main__":
    main()
