"""Sweeps that are killed with all their processes: the same points, and nothing made twice."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import COUNTS, ROOT, SEED
from killable import embedded
from kit import bundles, locations
from stage import NO_REPORTS
from steps import write_volume

pytestmark = [pytest.mark.faults, pytest.mark.soak]

POINTS = [2, 4, 6, 8, 10]
UNITS = {"PULL_BLOCK": 27, "LABEL_BLOCK": 27, "LINK_BLOCK": 27, "STITCH": 5, "RELABEL_BLOCK": 135}
KILLS = 10


def test_killed_sweeps_go_on_with_their_points(tmp_path: Path) -> None:
    """`kill -9` of `bossflow sweep run` and all of Nextflow, in each of its rounds."""
    chosen = random.Random(SEED)
    print(f"BOSSFLOW_SEED={SEED}")
    volume = write_volume(tmp_path / "volume", (12, 15, 18))
    asked = {"source": f"zarr://{volume}", "stage": True, "block_shape": [4, 5, 6], "page": False}
    asked |= {"store": str(tmp_path / "store"), "sweep": {"min_voxels": POINTS}}
    (tmp_path / "points.json").write_text(json.dumps(asked | {"search": {"round": 2}}))
    server = embedded(tmp_path / "home")
    environment = server.environment | {
        "NXF_ANSI_LOG": "false",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(ROOT / "schema"),
        "PYTHONWARNINGS": "ignore",
    }
    environment.pop("BOSSFLOW_SCHEMA", None)
    bossflow = [sys.executable, "-c", "from bossflow.command.main import main; main()"]
    command = [*bossflow, "sweep", "run", "points.json", *NO_REPORTS]

    def made() -> dict[str, tuple[object, ...]]:
        """Return what tells each unit's bundle from one that was made again."""
        return {
            f"{process} {path.name}": (*bundles.stamp(path), path.stat().st_ino)
            for process in UNITS
            for path in locations.every(tmp_path / "store", process)
        }

    def points() -> list[tuple[int, int, str]]:
        (rows,) = server.query(
            'SELECT sweep_point, sweep_round, point_values FROM "bossflow"."sweep_point" '
            "ORDER BY sweep_point"
        )
        return [tuple(map(str, row.values())) for row in rows]  # type: ignore[misc]

    def begin() -> "subprocess.Popen[bytes]":
        with (tmp_path / "said.txt").open("w") as said:
            return subprocess.Popen(
                command,
                cwd=tmp_path,
                env=environment,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    kept: dict[str, tuple[object, ...]] = {}
    known: list[tuple[int, int, str]] = []
    try:
        for number in range(KILLS):
            run = begin()
            enough = max(len(kept), number * sum(UNITS.values()) // KILLS)
            while run.poll() is None and len(made()) < enough:
                time.sleep(0.05)
            time.sleep(chosen.uniform(0, 8))  # also while it records, scores, or asks for more
            os.killpg(run.pid, signal.SIGKILL)
            COUNTS["kills"] += run.wait() == -signal.SIGKILL
            found = made()
            assert kept.items() <= found.items(), f"seed {SEED}"
            kept = found
            if number:  # else there may be no database
                now = points()
                assert now[: len(known)] == known
                known = now
        assert begin().wait(300) == 0, (tmp_path / "said.txt").read_text()
        assert kept.items() <= made().items(), f"seed {SEED}"
        COUNTS["units kept"] += len(kept)
        assert points()[: len(known)] == known and len(points()) == len(POINTS)
        (executions,) = server.query('SELECT process FROM "bossflow"."execution"')
        found_units = [row["process"] for row in executions]
        assert {name: found_units.count(name) for name in UNITS} == UNITS
        assert len(found_units) == len(made()) == sum(UNITS.values())
    finally:
        code = "from bossflow import database; database.stop_embedded()"
        subprocess.run([sys.executable, "-c", code], env=environment, check=False)
