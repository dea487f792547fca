"""Commands that tests run in the repository, and the files that git has there."""

import os
import shutil
import subprocess

import pytest
from conftest import ROOT

HEARD = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
"""What a program begins with that a test ends by SIGINT: what a shell starts in the background
passes over it."""


def tracked(*patterns: str) -> list[str]:
    """Return the files that git has, or would take, below the root."""
    if not (ROOT / ".git").exists():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(
            "this is no clone: git lists no files"
        )
    listed = said(tool("git"), "ls-files", "--cached", "--others", "--exclude-standard", *patterns)
    return [name for name in listed.splitlines() if (ROOT / name).is_file()]


def said(*command: str) -> str:
    """Return what a command says; it must succeed."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.fail(f"{' '.join(command)}:\n{done.stdout}{done.stderr}", pytrace=False)
    return done.stdout


def tool(name: str) -> str:
    """Return a program from PATH; without it the test is skipped, except in CI."""
    if not shutil.which(name):
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{name} is not on PATH")
    return name
