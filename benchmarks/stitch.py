#!/usr/bin/env python3
"""Join the labels of ever more blocks: seconds and memory per label should stay what they are.

    stitch.py [--grid N ...] [--rounds N] [--json FILE] [--plot FILE]

Blocks of boxes stacked like bricks, with seams through most of them: what the programs must find
is known. All blocks hold the same voxels, so one is labelled and the others share its files (which
makes them no slower to read than what was just written); of links, every kind of place in the grid
has one made. STITCH is the program itself, reading its own
task file in a process of its own, and everything it writes is compared with what is known.
"""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import absent  # noqa: F401
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
from bricks import BRICKS_ZYX, SHAPE_ZYX, Bricks, Integers, block_voxels, bricks, ids_of
from common import ROOT, Measured, console, measure, parser
from kit import bundles, digests, locations
from reports import alternate, medians, report
from voxels.boxes import Box, grid, preceding
from voxels.labelling import label_block
from voxels.surface import write_planes, write_statistics

# As the programs import them: numba's cache of the compiled loops knows them by these names.
sys.path.insert(0, str(ROOT / "bin"))

VOXEL_SIZE_NM_ZYX = (30.0, 8.0, 8.0)
CONNECTIVITY = 26


class Case:
    """The blocks of a cubic grid in a store of their own, and what STITCH is asked."""

    def __init__(self, directory: Path, blocks: int) -> None:
        self.blocks, self.store = blocks, directory / "store"
        self.cutout = Box.of((0, 0, 0), [side * blocks for side in SHAPE_ZYX])
        self.boxes = grid(self.cutout, SHAPE_ZYX, (0, 0, 0))
        directory.mkdir()
        self.directory = directory
        self.labelled = self._label()
        self.linked = self._link()
        self.labels = sum(one["attributes"]["n_labels"] for one in self.labelled)
        self.links = sum(one["attributes"]["n_links"] for one in self.linked)
        self.unit_id = digests.unit_id("STITCH", {"request_id": "bricks"})
        self.bundle = locations.place(self.store, "STITCH", self.unit_id)

    def _label(self) -> list[dict[str, Any]]:
        labels, statistics = label_block(block_voxels(), (0, 0, 0), CONNECTIVITY, "segment", 0)
        write_planes(self.directory / "planes.arrow", labels)
        write_statistics(self.directory / "statistics.arrow", statistics, self.boxes[0])
        files = [self.directory / name for name in ("planes.arrow", "statistics.arrow")]
        attributes = {"n_labels": len(statistics.voxel_count)}
        return [
            self._bundle("LABEL_BLOCK", {"block": box.name} | LABELS, attributes, files, [])
            for box in self.boxes
        ]

    def _link(self) -> list[dict[str, Any]]:
        """Have LINK_BLOCK link a block at each kind of place; the others there share its links."""
        places = product(range(self.blocks), repeat=3)
        kinds = [tuple((at > 0) + (at == self.blocks - 1) for at in place) for place in places]
        around = preceding(self.boxes, CONNECTIVITY)
        units = []
        for number, box in enumerate(self.boxes):
            key = (
                {"block": box.name} | LABELS | {"neighbourhood": "-".join(map(str, kinds[number]))}
            )
            inputs = [self.labelled[other] for other in (number, *around[number])]
            units.append(task_line("LINK_BLOCK", key, {"connectivity": CONNECTIVITY}, inputs))
        first = {kind: kinds.index(kind) for kind in set(kinds)}
        self.link_runs = self.run("LINK_BLOCK", [units[number] for number in first.values()])
        made = {
            kind: bundles.read(locations.place(self.store, "LINK_BLOCK", units[number]["unit_id"]))
            for kind, number in first.items()
        }
        self.link_seconds = float(np.median([one.manifest["seconds"] for one in made.values()]))
        linked = []
        for number, (unit, kind) in enumerate(zip(units, kinds, strict=True)):
            like = made[kind]
            if number == first[kind]:
                linked.append(like.manifest)
                continue
            files = [like.directory / "links.arrow"]
            attributes = like.manifest["attributes"]
            linked.append(
                self._bundle("LINK_BLOCK", unit["key"], attributes, files, unit["inputs"])
            )
        return linked

    def _bundle(
        self,
        process: str,
        key: dict[str, Any],
        attributes: dict[str, Any],
        files: Sequence[Path],
        inputs: Sequence[dict[str, Any]],
    ) -> dict[str, Any]:
        """Leave a bundle in the store; its files are links to those given."""
        unit_id = digests.unit_id(process, key)
        directory = locations.place(self.store, process, unit_id)
        directory.mkdir(parents=True)
        for file in files:
            os.link(file, directory / file.name)
        manifest: dict[str, Any] = {
            "bundle": bundles.VERSION,
            "unit_id": unit_id,
            "process": process,
            "key": key,
            "arguments": {},
            "attributes": attributes,
            "urls": {},
            "parts": {},
            "files": [],
            "inputs": [{name: one[name] for name in ("process", "unit_id")} for one in inputs],
        }
        manifest["content_sha256"] = digests.content_digest(manifest)
        (directory / locations.MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
        return manifest

    def run(self, process: str, lines: Sequence[dict[str, Any]]) -> Measured:
        """Run a program on units, and measure it."""
        header = {
            "process": process,
            "run_id": "benchmark",
            "store": self.store.as_uri(),
            "code": "benchmark",
        }
        task = self.directory / f"{process}.jsonl"
        task.write_text("".join(digests.canonical(line) + "\n" for line in (header, *lines)))
        program = ROOT / "bin" / f"{process.lower()}.py"
        taken = measure([sys.executable, program, task], cwd=self.directory)
        for line in (self.directory / "receipts.jsonl").read_text().splitlines():
            receipt = json.loads(line)
            if receipt["state"] != "made":
                raise SystemExit(f"{process} {receipt['key']}: {receipt.get('error')}")
        return taken

    def stitch(self) -> Measured:
        """Run STITCH anew."""
        shutil.rmtree(self.bundle, ignore_errors=True)
        arguments = {
            "cutout": self.cutout.name,
            "block_shape_zyx": SHAPE_ZYX,
            "origin_zyx": [0, 0, 0],
            "min_voxels": 0,
            "voxel_size_nm_zyx": VOXEL_SIZE_NM_ZYX,
        }
        inputs = [*self.labelled, *self.linked]
        line = task_line("STITCH", {"request_id": "bricks"}, arguments, inputs)
        taken = self.run("STITCH", [line])
        # the program's own word, which no sampling misses
        peak = bundles.read(self.bundle).manifest["peak_memory_bytes"] / 2**20
        return taken._replace(peak_mib=peak)

    def check(self) -> int:
        """Compare all that STITCH wrote with what is known; return the number of components."""
        laid = bricks(self.blocks)
        shape = [len(axis) for axis in laid.kind]
        start = 0
        for path in sorted((self.bundle / "components").iterdir()):
            table = pq.read_table(path)
            places = np.unravel_index(np.arange(start, start + len(table)), shape)
            for name, expected in expected_columns(laid, places, start + 1):
                column = table[name]
                if name == "segment_id":
                    column = column.cast("uint64")
                if not np.array_equal(column.to_numpy(), expected):
                    raise SystemExit(f"{name} in {path} is wrong")
            start += len(table)
        if start != np.prod(shape):
            raise SystemExit(f"STITCH found {start} components, not {np.prod(shape)}")
        self._check_lookup(shape)
        return start

    def _check_lookup(self, shape: Sequence[int]) -> None:
        starts = np.load(self.bundle / "lookup_starts.npy")
        lookup = np.load(self.bundle / "lookup.npy", mmap_mode="r")
        places = product(range(self.blocks), repeat=3)
        ends = zip(self.boxes, places, starts[:-1], starts[1:], strict=True)
        for box, place, start, end in ends:
            parts = [at * n + np.arange(n + 1) for at, n in zip(place, BRICKS_ZYX, strict=True)]
            expected = np.ravel_multi_index(np.ix_(*parts), shape).reshape(-1) + 1
            table = lookup[start:end]
            if table[0] != 0 or not np.array_equal(table[1:], expected):
                raise SystemExit(f"the look-up table of block {box.name} is wrong")


LABELS = {"channel_id": "bricks", "label_paramset_id": "bricks"}


def task_line(
    process: str,
    key: dict[str, Any],
    arguments: dict[str, Any],
    inputs: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    """Return a unit as PLAN writes it."""
    return {
        "unit_id": digests.unit_id(process, key),
        "process": process,
        "key": key,
        "arguments": arguments,
        "settings": {"max_component_rows": 0},
        "inputs": [
            {name: one[name] for name in ("process", "unit_id", "key")} | {"url": None}
            for one in inputs
        ],
    }


def expected_columns(
    laid: Bricks, places: Sequence[Integers], first_id: int
) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Yield the columns of the component table for the bricks at some places, ZYX."""
    lower = [axis[place] for axis, place in zip(laid.lower, places, strict=True)]
    upper = [axis[place] for axis, place in zip(laid.upper, places, strict=True)]
    yield "component_id", np.arange(first_id, first_id + len(places[0]))
    yield "segment_id", ids_of([axis[at] for axis, at in zip(laid.kind, places, strict=True)])
    sides = [end - start for start, end in zip(lower, upper, strict=True)]
    yield "voxel_count", sides[0] * sides[1] * sides[2]
    axes = zip("zyx", lower, upper, VOXEL_SIZE_NM_ZYX, strict=True)
    for name, start, end, size in axes:
        centroid = (start + end - 1) / 2
        yield f"bbox_{name}0", start
        yield f"bbox_{name}1", end
        yield f"centroid_{name}", centroid
        yield f"centroid_{name}_nm", centroid * size


def main() -> None:
    """Stitch each grid, check what came out, and report."""
    arguments = parser(__doc__ or "")
    arguments.add_argument("--grid", type=int, nargs="+", default=[8, 12, 16], help="blocks a side")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="bossflow-stitch-") as directory:
        cases = {}
        for side in sorted(options.grid):
            name = f"{side}x{side}x{side} blocks"
            cases[name] = case = Case(Path(directory) / str(side), side)
            console.print(f"{name}: {case.labels:,} labels, {case.links:,} links are in the store")
        results = alternate(options.rounds, {name: case.stitch for name, case in cases.items()})
        figures = medians(results)
        for name, case in cases.items():
            figures[name] |= {
                "labels": case.labels,
                "links_per_label": case.links / case.labels,
                "components": case.check(),
                "wall_us_per_label": figures[name]["wall_s"] / case.labels * 1e6,
                "cpu_us_per_label": figures[name]["cpu_s"] / case.labels * 1e6,
                "bytes_per_label": figures[name]["peak_mib"] * 2**20 / case.labels,
                "link_s_per_block": case.link_seconds,
            }
    small, large = figures[next(iter(cases))], figures[list(cases)[-1]]
    ratio = {
        "wall": small["wall_us_per_label"] / large["wall_us_per_label"],
        "cpu": small["cpu_us_per_label"] / large["cpu_us_per_label"],
        "memory": small["bytes_per_label"] / large["bytes_per_label"],
    }
    report(options, "STITCH: per label, smallest grid over largest", figures, ratio)


if __name__ == "__main__":
    main()
