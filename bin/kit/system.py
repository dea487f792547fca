"""What a program knows of the system that it runs in: directories, memory, a full disk."""

import atexit
import contextlib
import gc
import re
import resource
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from . import buckets
from .texts import words_of


def end_quickly() -> None:
    """Have Python end without looking once more through all that is still there.

    What DataJoint imports alone takes it a seventh of a second, what numba does half of that. Files
    must be closed by then.
    """
    atexit.register(gc.freeze)


@contextlib.contextmanager
def ending_in_order() -> Iterator[None]:
    """Have SIGTERM and SIGHUP end this program as Ctrl-C does: what it started and made aside goes.

    For the main thread. The exit code is 128 and the signal's number, as a shell tells it.
    """

    def end(number: int, frame: object) -> None:
        sys.exit(128 + number)

    numbers = signal.SIGTERM, signal.SIGHUP
    was = {one: signal.getsignal(one) for one in numbers}
    for one in numbers:
        if was[one] is not signal.SIG_IGN:  # as `nohup` has it
            signal.signal(one, end)
    try:
        yield
    finally:
        for one, handler in was.items():
            signal.signal(one, handler)


@contextlib.contextmanager
def keeping_all() -> Iterator[None]:
    """Have Python not look for what can go while much is made that stays: it takes a quarter."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@contextlib.contextmanager
def at_home(launch_dir: str) -> Iterator[None]:
    """Work where `nextflow run` was started: DataJoint looks for its settings from there up."""
    buckets.work_in(Path.cwd())
    if Path(launch_dir).is_dir():
        with contextlib.chdir(launch_dir):
            yield
    else:  # in a container that does not see it
        yield


def peak_memory() -> int:
    """Return the largest resident memory of this program so far, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def task_log() -> str | None:
    """Return what holds all that this task said, where Nextflow keeps it; None if that is not here.

    In a cloud, a task works in a directory that goes with it.
    """
    here = Path.cwd()
    kept = re.fullmatch("[0-9a-f]{2}/[0-9a-f]{30}", "/".join(here.parts[-2:]))
    return str(here / ".command.log") if kept else None


_FULL = re.compile(r"No space left on device|Disk quota exceeded|\d+ requested and \d+ written")
"""How the system, and the libraries that pass its words on, say it; the last one is numpy."""


def full(error: BaseException, disk: Path) -> str | None:
    """Return a sentence if an error says that a directory's disk is full, else None."""
    if not _FULL.search(words_of(error)):
        return None
    return f"the disk of {disk} is full, or your share of it: make room there and run it again"
