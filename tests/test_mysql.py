"""The tests of the core and of insert once more, on MySQL."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.mysql
def test_the_core_passes_on_mysql() -> None:
    """BOSSFLOW_TEST_MYSQL names a directory with the `datajoint.json` of a MySQL server."""
    files = [str(Path(__file__).with_name(f"test_{name}.py")) for name in ("core", "insert")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files],
        cwd=os.environ["BOSSFLOW_TEST_MYSQL"],
        env=os.environ | {"BOSSFLOW_SCHEMA": f"bossflow_test_{os.getpid()}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout
