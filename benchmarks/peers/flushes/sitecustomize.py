"""Count the fsyncs of every Python program that finds this, and have none do a thing if asked to.

Each adds a line of JSON to the file that FLUSHES names: `program`, `calls` and `seconds`.
"""

import atexit
import json
import os
import sys
import time

calls: list[float] = []
fsync = os.fsync


def counted(descriptor: int) -> None:
    """Do what os.fsync does, unless NO_FLUSHES is set."""
    began = time.perf_counter()
    if "NO_FLUSHES" not in os.environ:
        fsync(descriptor)
    calls.append(time.perf_counter() - began)


def tell() -> None:
    """Add this program's line."""
    line = {"program": os.path.basename(sys.argv[0]), "calls": len(calls), "seconds": sum(calls)}
    with open(os.environ["FLUSHES"], "a", encoding="utf-8") as stream:
        stream.write(json.dumps(line) + "\n")


if "FLUSHES" in os.environ:
    os.fsync = counted
    atexit.register(tell)
