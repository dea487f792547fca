"""Write a volume anew, and downsample it: whole `nextflow run`s against Igneous' `image` commands.

    python benchmarks/volumes.py [--size 1024] [--of transfer downsample] [--param NAME=VALUE]

The source of both is a precomputed volume in compressed_segmentation, tiled to SIZE voxels a side.
What they make is compared, voxel by voxel: precomputed volumes as CloudVolume reads them; OME-Zarr
is validated by ome-zarr-models. Raw chunks are compressed by both with gzip, as they do of
themselves, or by neither with `--compress none`; OME-Zarr's always are, with zstd.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import absent  # noqa: F401
import common
import inputs
import label
import reports
import tensorstore as ts
from common import Measured

LEVELS = 2
OME = ("ome-zarr-models==1.7",)


def opened(path: Path, number: int, zarr: bool = False) -> Any:
    """Open a level of a volume, ZYX."""
    if zarr:
        kvstore = {"driver": "file", "path": str(path / str(number))}
        return ts.open({"driver": "zarr3", "kvstore": kvstore}).result()
    spec = {"driver": "neuroglancer_precomputed", "scale_index": number}
    return ts.open(spec | {"kvstore": {"driver": "file", "path": str(path)}}).result()[..., 0].T


class Igneous:
    """Runs of one of its commands, each in a new directory."""

    def __init__(self, scratch: Path, source: Path, *words: str) -> None:
        self.directory, self.source, self.words = scratch, source, words
        self.made = scratch / "volume"
        self.program = common.environment("igneous", *label.IGNEOUS) / "igneous"

    def __call__(self) -> Measured:
        """Run once, with two workers; the results stay until the next run."""
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir()
        if self.words[0] == "downsample":  # it adds levels to the volume itself
            shutil.copytree(self.source, self.made)
            paths = [self.made]
        else:
            paths = [self.source, self.made]
        urls = [f"precomputed://file://{path}" for path in paths]
        command = [self.program, "-p", "2", "image", self.words[0], *urls, *self.words[1:]]
        return common.measure(command, self.directory)


def result(ours: label.Ours) -> Path:
    """Return where the volume of ours' last run is."""
    (request,) = json.loads(ours.home.call("status", "--json"))["requests"]
    return Path((request.get("volume") or request["pyramid"]).removeprefix("file://"))


def transfer(options: argparse.Namespace, where: Path, scratch: Path) -> dict[str, Any]:
    """Compare copies in raw chunks of 64^3 voxels; ours also as OME-Zarr."""
    size = options.size
    names = [f"{name}, {size}^3" for name in ("bossflow", "bossflow to OME-Zarr", "Igneous")]
    given = {"workflow": "transfer", "source": f"precomputed://{where}", **common.given(options)}
    compressed = {"encoding": "raw", "compression": options.compress}
    raw = label.Ours(scratch / "raw", compressed | given)
    zarr = label.Ours(scratch / "zarr", {"volume_format": "zarr", **given})
    words = "--encoding", "raw", "--chunk-size", "64,64,64", "--skip-downsample"
    peer = Igneous(scratch / "igneous", where, "xfer", *words, "--compress", options.compress)
    runs: dict[str, Callable[[], Measured]] = dict(zip(names, (raw, zarr, peer), strict=True))
    with raw.stack, zarr.stack:
        figures = reports.medians(reports.alternate(options.rounds, runs))
        source = opened(where, 0)
        label.agree("bossflow and its source", label.same(by_peer(peer, result(raw), 0), source))
        label.agree("OME-Zarr and its source", label.same(opened(result(zarr), 0, True), source))
        label.agree("Igneous and its source", label.same(by_peer(peer, peer.made, 0), source))
        python = common.environment("ome-zarr-models", *OME) / "python"
        common.measure([python, label.PEERS / "open_ome.py", result(zarr)])
        reports.show("bossflow's parts", raw.stages())
    return {"figures": figures, "ratios": reports.ratios(figures, names[0], names[2])}


def downsample(options: argparse.Namespace, where: Path, scratch: Path) -> dict[str, Any]:
    """Compare two levels of modes, halved along all axes."""
    names = [f"{name}, {LEVELS} levels, {options.size}^3" for name in ("bossflow", "Igneous")]
    given = {"workflow": "downsample", "source": f"precomputed://{where}", "levels": LEVELS}
    ours = label.Ours(scratch / "ours", given | {"factor": "2,2,2"} | common.given(options))
    words = "--num-mips", str(LEVELS), "--volumetric"
    peer = Igneous(scratch / "igneous", where, "downsample", *words)
    runs: dict[str, Callable[[], Measured]] = dict(zip(names, (ours, peer), strict=True))
    with ours.stack:
        figures = reports.medians(reports.alternate(options.rounds, runs))
        for number in range(LEVELS):
            made = opened(result(ours), number)
            theirs = by_peer(peer, peer.made, number + 1)
            label.agree(f"level {number + 1}", label.same(made, theirs))
        reports.show("bossflow's parts", ours.stages())
    return {"figures": figures, "ratios": reports.ratios(figures, *names)}


def by_peer(peer: Igneous, volume: Path, number: int) -> Any:
    """Read a level with CloudVolume, which alone finds the chunks that it compresses."""
    copied = peer.directory / "copy.npy"
    script = label.PEERS / "volume_to_npy.py"
    python = peer.program.with_name("python")
    common.measure([python, script, f"precomputed://file://{volume}", copied, number])
    return inputs.load(copied)


def main() -> None:
    """Run what is asked for and report."""
    parser = common.parser(__doc__)
    parser.add_argument("--size", type=int, default=1024, help="voxels a side, 256 at least (1024)")
    choices = "gzip", "none"
    parser.add_argument("--compress", default="gzip", choices=choices, help="raw chunks (gzip)")
    known = {"transfer": transfer, "downsample": downsample}
    parser.add_argument("--of", nargs="*", choices=known, default=[*known])
    options = parser.parse_args()
    voxels = inputs.load(options.volume)
    where = label.source(voxels, options.size)
    figures: dict[str, Any] = {}
    ratios: dict[str, Any] = {}
    for name in options.of:
        with tempfile.TemporaryDirectory(prefix="bossflow-volumes-") as scratch:
            found = known[name](options, where, Path(scratch))
        figures |= found["figures"]
        ratios |= {f"{name}_{key}": value for key, value in found["ratios"].items()}
    reports.report(options, f"Volumes, {options.rounds} rounds", figures, ratios)


if __name__ == "__main__":
    main()
