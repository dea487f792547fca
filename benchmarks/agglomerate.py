"""From affinities to segments: whole `nextflow run`s against waterz on arrays in memory.

    python benchmarks/agglomerate.py [--size 512] [--high 200] [--param NAME=VALUE]

Affinities are made of the segmentation (affinities.py), SIZE voxels a side, and written as the
channels of a precomputed volume. Ours is a run of `watershed`, and one of `agglomerate` on what it
made; waterz makes supervoxels of its own and merges them by mean, with all in memory. Before, both
merge the same regions of small volumes, of which no two affinities are alike, and the partitions
are compared.
"""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import absent  # noqa: F401
import affinities
import common
import inputs
import label
import meshes
import numpy as np
import numpy.typing as npt
import reports
import tensorstore as ts
from common import ROOT, Measured

sys.path.insert(0, str(ROOT / "bin"))

from voxels.agglomeration import agglomerate, regions_of
from voxels.boxes import Box
from voxels.region_graph import region_graph

WATERZ = ("waterz==0.10.1", "numpy==2.4.6")
LOW, HIGH, THRESHOLD = 60, 200, 128
ROUNDS = 200  # of small volumes
SMALL = (4, 4, 5)
"""All affinities of such can be different ones of 8 bits, and then there are no ties."""


class Ours:
    """Runs of watershed and agglomerate, each time in a new home with an empty database."""

    def __init__(self, scratch: Path, source: Path, high: int, params: dict[str, str]) -> None:
        self.scratch, self.high, self.params = scratch, high, params
        self.uri = f"precomputed://{source}"
        self.stack = contextlib.ExitStack()
        self.traces: list[dict[str, dict[str, float]]] = []

    def __call__(self) -> Measured:
        """Run both once; the results stay until the next time, or `stack` is closed."""
        self.stack.close()
        self.home = self.stack.enter_context(common.bossflow(self.scratch))
        self.home.call("db", "deploy")
        runs: list[dict[str, Any]] = [
            {"workflow": "watershed", "source": self.uri, "name": "pieces"}
            | {"low_threshold": LOW, "high_threshold": self.high},
            {"workflow": "agglomerate", "source": "bossflow://pieces", "name": "merged"}
            | {"affinities": self.uri, "thresholds": THRESHOLD},
        ]
        taken, trace = [], {}
        for params in runs:
            taken.append(self.home.run(**params | self.params))
            name = params["workflow"]
            trace |= {f"{name}: {part}": row for part, row in self.home.trace().items()}
            trace[f"{name}: all of the run"] = taken[-1]._asdict()
        self.traces.append(trace)
        first, second = taken
        return Measured(
            first.wall_s + second.wall_s,
            first.cpu_s + second.cpu_s,
            max(first.peak_mib, second.peak_mib),
            first.server_s + second.server_s,
        )

    def segments(self) -> dict[str, int]:
        """Return how many supervoxels and segments the last runs made."""
        told = json.loads(self.home.call("status", "--json"))["requests"]
        (merged,) = (one for one in told if "n_segments" in one)
        (segments,) = merged["n_segments"].values()
        return {"supervoxels": merged["n_regions"], "segments": segments}


def write(name: str, segments: npt.NDArray[Any], size: int) -> tuple[Path, Path]:
    """Write affinities in the cache as a precomputed volume and as an array; return where."""
    directory = common.CACHE / "volumes" / name
    array = directory / "affinities.npy"
    if not array.exists():
        directory.mkdir(parents=True, exist_ok=True)
        part = array.with_suffix(".partial.npy")
        spec = {
            "driver": "neuroglancer_precomputed",
            "kvstore": {"driver": "file", "path": f"{directory}/"},
            "multiscale_metadata": {"type": "image", "data_type": "uint8", "num_channels": 3},
            "scale_metadata": {
                "size": [size] * 3,
                "resolution": list(meshes.NM_XYZ),
                "encoding": "raw",
                "chunk_size": [64, 64, 64],
            },
        }
        volume = ts.open(spec, create=True, delete_existing=True).result()
        whole = np.lib.format.open_memmap(part, "w+", np.uint8, (3, *[size] * 3))
        cut = partial(meshes.cut, segments, size)
        for low, some in affinities.slabs(cut, (size, size, size)):
            whole[:, low : low + some.shape[1]] = some
            volume[:, :, low : low + some.shape[1]] = some.T
        whole.flush()
        part.rename(array)
    return directory, array


class Waterz:
    """Runs of waterz, in an environment of its own."""

    def __init__(self, scratch: Path) -> None:
        self.made = scratch / "waterz.npy"
        python = common.environment("waterz", *WATERZ) / "python"
        self.program = python, label.PEERS / "waterz_whole.py"

    def __call__(self, array: Path, *words: object) -> Measured:
        """Run once, and return what it took without reading and writing files."""
        run = common.measure([*self.program, array, self.made, *words])
        told = json.loads(self.made.with_suffix(".json").read_text())
        return Measured(told["wall_s"], told["cpu_s"], run.peak_mib)


def agree(waterz: Waterz, scratch: Path) -> int:
    """Merge small volumes without ties by both, by mean and 75 %; return how many partitions.

    Raises
    ------
    SystemExit
        If one is another one.
    """
    box, merged = Box.of((0, 0, 0), SMALL), 0
    array, fragments = scratch / "small.npy", scratch / "fragments.npy"
    random = np.random.default_rng(1)
    volumes = random.integers(0, 12, (ROUNDS, *SMALL)).astype(np.uint64)
    for quantile, dtype, step in ((None, np.uint16, 256), (75, np.uint8, 1)):
        values = [random.permutation(256 * step)[: 3 * box.voxel_count] for _ in volumes]
        every = np.reshape(values, (ROUNDS, 3, *SMALL)).astype(dtype)
        np.save(array, every)
        np.save(fragments, volumes)
        thresholds = [step * one + 0.5 for one in (200, 150, 125, 100)]
        waterz(array, "mean" if quantile is None else "quantile", fragments, *thresholds)
        for regions, edges, made in zip(volumes, every, np.load(waterz.made), strict=True):
            ids, _, graph = region_graph(regions, [*edges], box, box)
            merges = agglomerate(graph, [Fraction(one) for one in thresholds], quantile)
            for until, theirs in zip(merges.until, made, strict=True):
                of = dict(zip(ids.tolist(), regions_of(ids, merges, until).tolist(), strict=True))
                own = np.vectorize({0: 0, **of}.get)(regions)
                if not same_partition(own, theirs):
                    raise SystemExit("waterz merges a small volume otherwise")
                merged += 0 < until < len(ids) - 1
    return merged


def same_partition(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> bool:
    """Say whether two segmentations have the same segments, under whatever ids."""
    pairs = np.unique(np.stack([one.ravel(), other.ravel()]), axis=1)
    return all(len(np.unique(side)) == pairs.shape[1] for side in pairs)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run both by turns and report."""
    parser = common.parser(__doc__, rounds=1)
    parser.add_argument("--size", type=int, default=512, help="voxels a side, 64 at least (512)")
    parser.add_argument(
        "--high",
        type=int,
        default=HIGH,
        help=f"high_threshold: the higher, the smaller supervoxels are ({HIGH})",
    )
    options = parser.parse_args(arguments)
    segments, size = inputs.load(options.volume), options.size
    source, array = write(f"{size}-{inputs.digest(segments)}-affinities", segments, size)
    names = f"bossflow, {size}^3", f"waterz, {size}^3"
    with tempfile.TemporaryDirectory(prefix="bossflow-agglomerate-") as directory:
        scratch = Path(directory)
        ours = Ours(scratch / "ours", source, options.high, common.given(options))
        waterz = Waterz(scratch)
        same = agree(waterz, scratch)
        common.console.print(f"{8 * ROUNDS} small partitions agree, {same} of some merges")
        theirs = partial(waterz, array, "supervoxels", LOW, options.high, THRESHOLD)
        with ours.stack:
            runs = dict(zip(names, (ours, theirs), strict=True))
            figures = reports.medians(reports.alternate(options.rounds, runs))
            figures[names[0]] |= ours.segments()
            (made,) = np.load(waterz.made, mmap_mode="r")
            figures[names[1]]["segments"] = len(np.unique(made[made > 0]))
            reports.show("bossflow's parts, of the last round", ours.traces[-1])
    reports.report(
        options,
        f"Segments of affinities, {options.rounds} rounds",
        figures,
        reports.ratios(figures, *names),
    )


if __name__ == "__main__":
    main()
