"""Pull a block through intern, against bare httpx and blosc with the same requests at once.

    python benchmarks/pull.py

Incompressible voxels and a segmentation, over loopback and over a link of 20 ms and 1 Gbit/s.
The bare peer only decodes: it neither checks what came nor puts the block together.
"""

from __future__ import annotations

import contextlib
import functools
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import absent  # noqa: F401
import blosc
import common
import httpx
import inputs
import numpy as np
import psutil
import reports
from bossflow.voxels.archives import bossdb
from bossflow.voxels.archives.bossdb import cutouts
from bossflow.voxels.boxes import Box
from common import Measured

PEERS = Path(__file__).parent / "peers"
RTT_MS, GBIT = 20, 1
BLOCK_ZYX = (128, 512, 512)

Read = Callable[[str, str, Box], None]


@contextlib.contextmanager
def running(script: str, *arguments: object) -> Iterator[tuple[str, psutil.Process]]:
    """Run a server that prints its address, until the end; yields address and process."""
    command = [sys.executable, str(PEERS / script), *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield process.stdout.readline().strip(), psutil.Process(process.pid)
        finally:
            process.terminate()


def through_intern(host: str, uri: str, box: Box) -> None:
    """Read the box as PULL_BLOCK does."""
    bossdb.read(uri, 0, host, "public", "uint64", box)


@functools.cache
def client() -> httpx.Client:
    """Return what keeps connections open."""
    return httpx.Client(timeout=60, headers={"Accept": "application/blosc"})


def bare(host: str, uri: str, box: Box) -> None:
    """Ask for the same pieces of the box, as many at once, and decode them."""
    blosc.set_releasegil(False)  # as the library comes; bossdb changes it

    def ask(part: Box) -> None:
        ends = f"{part.x0}:{part.x1}/{part.y0}:{part.y1}/{part.z0}:{part.z1}"
        answer = client().get(f"{host}/v1/cutout/{uri.removeprefix('bossdb://')}/0/{ends}/")
        answer.raise_for_status()
        blosc.decompress(answer.content)

    with ThreadPoolExecutor(cutouts.REQUESTS_AT_ONCE) as pool:
        list(pool.map(ask, cutouts.requests_of(box, 8)))


def second(read: Read, host: str, uri: str, box: Box) -> Measured:
    """Read twice, and measure the second time: connections are open, and answers made."""
    read(host, uri, box)
    wall, cpu = time.perf_counter(), time.process_time()
    read(host, uri, box)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Measured(wall, cpu)


def measured(read: Read, host: str, uri: str, box: Box) -> Measured:
    """Measure a read in a process of its own, so that neither inherits the other's memory."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(second, read, host, uri, box).result()


def main() -> None:
    """Measure both in all four cases and report."""
    options = common.parser(__doc__, rounds=5).parse_args()
    voxels = inputs.load(options.volume)[tuple(slice(side) for side in BLOCK_ZYX)]
    noise = np.random.default_rng(0).integers(0, 2**64, voxels.shape, np.uint64)
    box = Box.of((0, 0, 0), voxels.shape)
    figures: dict[str, dict[str, Any]] = {}
    ratios: dict[str, dict[str, float]] = {}
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bossflow-pull-")))
        volumes = {"incompressible": noise, "segmentation": voxels.astype(np.uint64)}
        for name, content in volumes.items():
            np.save(scratch / f"{name}.npy", content)
        uris = {name: f"bossdb://benchmark/pull/{name}" for name in volumes}
        served = [f"{uri}={scratch / name}.npy" for name, uri in uris.items()]
        near, _ = stack.enter_context(running("answers.py", *served))
        port = near.rpartition(":")[2]
        far, link = stack.enter_context(running("link.py", port, RTT_MS, GBIT))
        hosts = {"loopback": near, f"{RTT_MS} ms, {GBIT} Gbit/s": far}
        for where, host in hosts.items():
            for what, uri in uris.items():
                case = f"{what}, {where}"
                runs = {
                    f"{name}, {case}": partial(measured, read, host, uri, box)
                    for name, read in (("bossflow", through_intern), ("httpx", bare))
                }
                before = sum(link.cpu_times()[:2])
                found = reports.medians(reports.alternate(options.rounds, runs))
                for row in found.values():
                    row["mb_per_s"] = box.voxel_count * 8 / 1e6 / row["wall_s"]
                ours, peer = found
                found[ours]["link_cpu_s"] = sum(link.cpu_times()[:2]) - before
                ratios[case] = reports.ratios(found, ours, peer)
                figures |= found
    least = {name: min(case[name] for case in ratios.values()) for name in ("wall", "cpu")}
    reports.report(options, "Pulling a block, voxels as uint64", figures, least, cases=ratios)


if __name__ == "__main__":
    main()
