"""Read volumes in encodings that tensorstore does not know, beside CloudVolume, by turns.

    python benchmarks/encodings.py [--forms crackle compresso raw.br ...] [--side 512]

CloudVolume writes each of them. Each reads all of it in one process that has read some before: so
CloudVolume has imported the encoding's package, and ours has the processes that did, which live as
long as it does. Voxels are compared by digest. Each had 2 GiB of memory before, and gave it back: a
virtual machine may have to be given memory first, which takes up to a second.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import absent  # noqa: F401
import common
import inputs
import numpy as np
import psutil
import reports
from common import ROOT, Measured

FORMS = (
    "crackle", "compresso", "raw.br", "raw.zstd", "raw.gz", "compressed_segmentation.br",
    "fpzip", "kempressed", "jxl",
)  # fmt: skip
DTYPES = {"fpzip": "float32", "kempressed": "float32", "jxl": "uint8"}
PEER = (
    "cloud-volume==12.15.2", "crackle-codec==0.55.0", "compresso==3.3.3", "fpzip==1.2.5",
    "imagecodecs==2026.3.6", "brotli==1.2.1", "zstandard==0.25.0",
)  # fmt: skip


def read(directory: Path) -> None:
    """Read a volume in this process; print seconds, CPU seconds and a digest."""
    from bossflow.voxels.archives import archive_of
    from bossflow.voxels.boxes import Box

    uri = f"precomputed://file://{directory}"
    archive = archive_of(uri)
    told = archive.describe(uri, 0, "", "")
    whole = Box.of(told["offset_zyx"], told["shape_zyx"])
    first = Box.of(told["offset_zyx"], (256, 256, 256))  # enough for what large reads start
    archive.read(uri, 0, "", "", told["dtype"], first)
    np.full(2**31, 1, np.uint8)
    began, before = time.perf_counter(), cpu_s()
    voxels = archive.read(uri, 0, "", "", told["dtype"], whole)
    took, after = time.perf_counter() - began, cpu_s()
    print(took, after - before, hashlib.sha256(voxels).hexdigest())


def cpu_s() -> float:
    """Return the CPU seconds of this process and of those that it started, which still run."""
    own = psutil.Process()
    times = [one.cpu_times() for one in (own, *own.children(recursive=True))]
    return float(sum(one.user + one.system for one in times))


def measured(digests: set[str], *command: Any) -> Measured:
    """Run what reads; note the digest of what it read."""
    env = os.environ | {"PYTHONPATH": str(ROOT / "schema")}
    words = subprocess.run(
        [str(word) for word in command], check=True, stdout=subprocess.PIPE, text=True, env=env
    ).stdout.split()
    digests.add(words[2])
    return Measured(float(words[0]), float(words[1]))


def main() -> None:
    """Measure what is asked for."""
    parser = common.parser(__doc__)
    parser.add_argument("--forms", nargs="+", default=FORMS, choices=FORMS, metavar="FORM")
    parser.add_argument("--side", type=int, default=512, help="voxels of the volume (512)")
    parser.add_argument("--read", type=Path, help="read a volume, and nothing else")
    options = parser.parse_args()
    if options.read:
        read(options.read)
        return
    python = common.environment("encodings", *PEER) / "python"
    peer = Path(__file__).with_name("peers") / "encoded.py"
    whole = inputs.load(options.volume)[tuple([slice(options.side)] * 3)]
    figures, ratios = {}, {}
    for form in options.forms:
        digests: set[str] = set()
        with tempfile.TemporaryDirectory() as name:
            voxels, directory = Path(name, "voxels.npy"), Path(name, "volume").resolve()
            dtype = np.dtype(DTYPES.get(form, "uint32"))
            np.save(voxels, (whole % 251 if form in DTYPES else whole).astype(dtype))
            subprocess.run([python, peer, directory, form, voxels], check=True)
            ours = (sys.executable, __file__, "--read", directory)
            runs = {
                "bossflow": partial(measured, digests, *ours),
                "cloud-volume": partial(measured, digests, python, peer, directory, form),
            }
            found = reports.medians(reports.alternate(options.rounds, runs))
        if len(digests) != 1:
            raise SystemExit(f"{form}: what was read differs")
        for who, row in found.items():
            row["mvx_per_cpu_s"] = whole.size / row["cpu_s"] / 1e6
            figures[f"{form}: {who}"] = row
        ratio = reports.ratios(found, "bossflow", "cloud-volume")
        ratios |= {f"{form} {name}": value for name, value in ratio.items()}
    reports.report(options, "Reading encodings", figures, ratios)


if __name__ == "__main__":
    main()
