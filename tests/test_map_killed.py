"""Runs of workflow map that are killed with all their processes: what was returned is kept."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import conftest
import pytest
from conftest import COUNTS, ROOT, SEED
from killable import embedded
from kit import bundles, locations
from stage import NO_REPORTS

pytestmark = pytest.mark.faults

CALLS = 160
FUNCTION = """
import time

def double(x: int):
    time.sleep(0.05)
    return 2 * x
"""


def test_killed_maps_lose_no_call_and_record_none_twice(tmp_path: Path) -> None:
    """`kill -9` of Nextflow's whole process group, again and again, each time run again at once."""
    chosen = random.Random(SEED)
    print(f"BOSSFLOW_SEED={SEED}")
    (tmp_path / "ours.py").write_text(FUNCTION)
    (tmp_path / "rows.csv").write_text("x\n" + "".join(f"{x}\n" for x in range(CALLS)))
    server = embedded(tmp_path / "home")
    environment = server.environment | {
        "NXF_ANSI_LOG": "false",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(ROOT / "schema"),
        "PYTHONWARNINGS": "ignore",
    }
    environment.pop("BOSSFLOW_SCHEMA", None)
    asked = ["--workflow", "map", "--function", "ours:double", "--rows", "rows.csv"]
    command = ["nextflow", "run", str(ROOT), *asked, "--store", "store", *NO_REPORTS]

    def made() -> dict[str, tuple[object, ...]]:
        """Return what tells each call's bundle from one that was made again."""
        return {
            path.name: (*bundles.stamp(path), path.stat().st_ino)
            for path in locations.every(tmp_path / "store", "CALL_FUNCTION")
        }

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

    def stop() -> None:
        code = "from bossflow import database; database.stop_embedded()"
        subprocess.run([sys.executable, "-c", code], env=environment, check=False)

    try:
        kept: dict[str, tuple[object, ...]] = {}
        for _ in range(10 if conftest.SOAK else 3):
            run = begin()
            enough = chosen.randint(len(kept), CALLS * 9 // 10) if len(kept) < CALLS / 2 else 0
            while len(made()) < enough:
                assert run.poll() is None, (tmp_path / "said.txt").read_text()
                time.sleep(0.02)
            time.sleep(chosen.uniform(0, 0.5 if enough else 8))
            os.killpg(run.pid, signal.SIGKILL)
            COUNTS["kills"] += run.wait() == -signal.SIGKILL
            found = made()
            assert kept.items() <= found.items(), f"seed {SEED}"
            kept = found
        run = begin()
        assert run.wait(300) == 0, (tmp_path / "said.txt").read_text()
        assert kept.items() <= made().items(), f"seed {SEED}"
        COUNTS["units kept"] += len(kept)
        calls, executions = server.query(
            'SELECT call_arguments, result_json FROM "bossflow"."__function_call"',
            'SELECT execution_id FROM "bossflow"."execution" WHERE process = \'CALL_FUNCTION\'',
        )
        found_results = {row["call_arguments"]["x"]: row["result_json"] for row in calls}
        assert found_results == {x: json.dumps(2 * x) for x in range(CALLS)}
        assert len(calls) == len(executions) == CALLS
    finally:
        stop()
