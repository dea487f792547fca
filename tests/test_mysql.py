"""The core's tests once more, on MySQL."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.mysql
def test_the_core_passes_on_mysql() -> None:
    """BOSSFLOW_TEST_MYSQL names a directory with the `datajoint.json` of a MySQL server."""
    core = Path(__file__).with_name("test_core.py")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(core)],
        cwd=os.environ["BOSSFLOW_TEST_MYSQL"],
        env=os.environ | {"BOSSFLOW_SCHEMA": f"bossflow_test_{os.getpid()}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout
