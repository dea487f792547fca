"""Small disks that tests fill and make read-only."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def disk(directory: Path, size: str) -> Iterator[None]:
    """Have a directory be a disk of its own."""
    mount("-t", "tmpfs", "-o", f"size={size}", "bossflow", str(directory))
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", directory], check=True)


def mount(*arguments: str) -> None:
    """Mount something, which takes root; without, the test is skipped, except in CI."""
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True)
    if done.returncode:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"mount: {done.stderr}")


def fill(directory: Path, leave: int) -> None:
    """Have a disk hold so many bytes more, and not one beyond."""
    filler = directory / "filler"
    filler.unlink(missing_ok=True)
    with filler.open("wb") as stream:
        stream.write(bytes(max(0, shutil.disk_usage(directory).free - leave)))
