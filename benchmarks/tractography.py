"""A subject's tractogram: the whole `nextflow run`, against dipy on one core and dask on two.

    python benchmarks/tractography.py [--shape 60 70 60] [--directions 90] [--peers dipy dask]

The subject is synthetic: three bundles that cross, 2 mm, a seed in each voxel of white matter. All
read the same files and write a TRX; all points of all streamlines are compared, as bits.
"""

from __future__ import annotations

import sys
import tempfile
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import absent  # noqa: F401
import common
import numpy as np
import reports
from common import ROOT, Bossflow, Measured, console

sys.path += [str(ROOT / "bin"), str(ROOT / "tests")]  # last: a benchmark and a program share a name

NEEDED = ("dipy==1.12.1", "trx-python==0.6", "distributed==2026.8.0", "numpy==2.4.6")
PEERS = "dipy", "dask"
ALONE = {"PYTHONPATH": "", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
PROGRAM = Path(__file__).parent / "peers" / "tractography.py"


def prepare(directory: Path, shape: tuple[int, int, int], directions: int) -> Path:
    """Write a subject, its sheet, and the seeds that ours has; return where they are."""
    import nibabel
    from diffusion import subject
    from subjects.seeds import seeds_of, voxels_of

    made = subject(directory / "subject", shape, directions)
    labels = np.asarray(nibabel.load(made.segmentation).dataobj)
    white = np.isin(labels, (2, 41, 16, 77, *range(250, 256)))
    np.save(directory / "seeds.npy", seeds_of(voxels_of(white), shape, [0], 0))
    row = {"subject": "synthetic"} | made.row
    lines = [",".join(row), ",".join(row.values())]
    (directory / "subjects.csv").write_text("\n".join(lines) + "\n")
    console.print(f"{white.sum():,} voxels of white matter, as many seeds")
    return directory


def ours(scratch: Path, place: Path, params: dict[str, str], found: list[Any]) -> Measured:
    """Measure a whole run, with an empty database; keep the positions of its tractogram."""
    with common.bossflow(scratch) as there:
        there.call("db", "deploy")
        asked = {"workflow": "tractography", "input": str(place / "subjects.csv")} | params
        taken = there.run(**asked)
        found[:] = [positions(there)]
        return taken


def positions(there: Bossflow) -> Any:
    """Return the positions of the only tractogram in a store."""
    (path,) = there.directory.glob("home/store/MERGE_TRACTS/**/tractogram.trx")
    with zipfile.ZipFile(path) as file:
        return np.frombuffer(file.read("positions.3.float32"), "<f4").reshape(-1, 3)


def main() -> None:
    """Run all by turns, compare, and report."""
    parser = common.parser(__doc__ or "")
    parser.add_argument("--shape", type=int, nargs=3, default=[60, 70, 60])
    parser.add_argument("--directions", type=int, default=90, help="weighted volumes (90)")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=[*PEERS])
    options = parser.parse_args()
    python = common.environment("tractography", *NEEDED) / "python"
    with tempfile.TemporaryDirectory(prefix="bossflow-tractography-") as name:
        place = prepare(Path(name), tuple(options.shape), options.directions)
        files = {peer: place / f"{peer}.npy" for peer in options.peers}
        found: list[Any] = []
        runs = {"bossflow": partial(ours, place / "ours", place, common.given(options), found)}
        for peer, out in files.items():
            words = python, PROGRAM, peer, place / "subject", place / "seeds.npy", out
            runs[peer] = partial(common.measure, words, env=ALONE)
        figures = reports.medians(reports.alternate(options.rounds, runs))
        for peer, out in files.items():
            if not np.array_equal(np.load(out), found[0]):
                raise SystemExit(f"streamlines differ from those of {peer}")
    figures["bossflow"]["points"] = len(found[0])
    ratios: dict[str, float] = {}
    for peer in files:
        each = reports.ratios(figures, "bossflow", peer)
        ratios |= {f"{peer} {name}": value for name, value in each.items()}
    reports.report(options, "Tractogram of a subject, on two cores", figures, ratios)


if __name__ == "__main__":
    main()
