"""How a program works through a task file: unit by unit, one bundle each, going on past failures.

A program of any process is one function `work(unit, bundle)` handed to `main`.
"""

import contextlib
import importlib.metadata
import json
import os
import platform
import random
import shutil
import sys
import time
import traceback
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from . import buckets, bundles, fetched, locations
from .manifests import compared, described, reusable, seal
from .system import end_quickly, full, peak_memory, task_log
from .texts import json_lines, print_anything, sentence, unit_name
from .units import Blocked, Bundle, Unit, Work, open_unit


def main(
    process: str,
    work: Work,
    software: Iterable[str] = (),
    of_unit: Callable[[Unit], Iterable[str]] = lambda unit: (),
) -> None:
    """Work through the task file named on the command line.

    Writes `receipts.jsonl` in the working directory: a line a unit with its `state` (`made`,
    `reused`, `failed`, `blocked`), its bundle's `url`, or its `error` and the task's `log`. Exits 0
    also when units failed: the receipts say so, and what was finished is recorded all the same.

    Parameters
    ----------
    process : str
        The process that this program is.
    work : callable
        Takes a `Unit` and fills a `Bundle`.
    software : iterable of str
        Distributions whose versions the bundle tells, beside Python's.
    of_unit : callable
        Returns those that only some units need.
    """
    end_quickly()
    buckets.work_in(Path.cwd())
    print_anything()
    header, *todo = json_lines(Path(sys.argv[1]))
    if header["process"] != process:
        raise SystemExit(f"{sys.argv[1]} is a task of {header['process']}, not of {process}")
    versions = {"python": platform.python_version()} | _versions(software)
    with open("receipts.jsonl", "w", encoding="utf-8") as receipts:
        total = len(todo)
        for number in range(1, total + 1):
            todo = in_turn(todo, header)
            line = todo.pop(0)
            following = partial(next_unit, todo, header)
            receipt = run_unit(work, line, header, versions, following, of_unit)
            receipts.write(json.dumps(receipt) + "\n")
            receipts.flush()
            name = unit_name(process, line["key"])
            problem = f": {receipt['error']}" if "error" in receipt else ""
            print(f"{number}/{total} {name} {receipt['state']}{problem}", flush=True)


def _versions(distributions: Iterable[str]) -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in distributions}


def run_unit(
    work: Work,
    line: dict[str, Any],
    header: dict[str, Any],
    versions: dict[str, str],
    following: Callable[[], Unit | None] = lambda: None,
    of_unit: Callable[[Unit], Iterable[str]] = lambda unit: (),
) -> dict[str, Any]:
    """Make one unit's bundle, or take the whole one with the same inputs that is there.

    A task that compares (`compare` in its header) makes the bundle beside, and keeps only the
    digest of what it holds, unless the unit says `keep`. A unit that is recorded (`recorded` says
    where) is made no more: RECORD is to add rows of it (`add_rows`).

    Returns
    -------
    dict
        The unit's receipt.
    """
    named = ("unit_id", "process", "key", "add_rows", "recorded", "makes")
    receipt = {name: line[name] for name in named if name in line}
    if "recorded" in line:
        return receipt | {"state": "reused", "url": line["recorded"]}
    store = locations.local(header["store"])
    final = locations.place(store, line["process"], line["unit_id"])
    fetched.tidy()
    try:
        unit = open_unit(line, store)
        made_from = [given.as_input for given in unit.inputs]
        compare, keep = header.get("compare", False), line.get("keep", False)
        may_reuse = keep or not compare
        if may_reuse and reusable(final, unit, made_from, header, line.get("content_sha256")):
            if compare:
                return receipt | compared(bundles.read(final).manifest)
            return receipt | {"state": "reused", "url": locations.url(final)}
        working = store / f"{locations.WORKING}{line['unit_id']}-{uuid.uuid4().hex[:8]}"
        working.mkdir(parents=True)
        bundle = Bundle(working, final, kept=may_reuse, following=following)
        try:
            started, clock = datetime.now(UTC), time.monotonic()
            try:
                work(unit, bundle)
            finally:
                receipt |= {"attempts": bundle.attempts} if bundle.attempts else {}
            measured = {
                "run_id": header["run_id"],
                "code": header["code"],
                "container": bundle.container or os.environ.get("BOSSFLOW_CONTAINER"),
                "software": versions | _versions(of_unit(unit)),
                "task": "/".join(Path.cwd().parts[-2:]),
                "started": started.isoformat(timespec="seconds"),
                "seconds": round(time.monotonic() - clock, 3),
                "peak_memory_bytes": peak_memory(),
            }
            manifest = described(unit, bundle, store, made_from) | measured
            if may_reuse:
                seal(unit, bundle, manifest)
            if compare:
                return receipt | compared(manifest)
        finally:
            shutil.rmtree(working, ignore_errors=True)
            for path in filter(buckets.holds, bundle.outside):
                fetched.drop(path)
    except Blocked as error:
        return receipt | {"state": "blocked", "error": sentence(error)}
    except Exception as error:  # whatever one unit meets, the others go on
        traceback.print_exc()
        disk = getattr(error, "disk", None) or (Path.cwd() if buckets.holds(store) else store)
        said = {
            "error": full(error, disk) or sentence(error),
            "log": getattr(error, "log", None) or task_log(),
        }
        return receipt | {"state": "failed"} | said
    return receipt | {"state": "made", "url": locations.url(final)}


def in_turn(lines: list[dict[str, Any]], header: dict[str, Any]) -> list[dict[str, Any]]:
    """Return units in their order, but last those that another program seems to be making.

    So two runs of one request seldom make a unit twice. Whoever makes it may be dead: nobody waits.
    In a bucket it can't be seen; there, each run has an order of its own (PLAN).
    """
    store = locations.local(header["store"])
    if len(lines) < 2 or buckets.holds(store) or not store.is_dir():
        return lines
    begun = {name.split("-")[1] for name in os.listdir(store) if name.startswith(locations.WORKING)}
    if not begun:
        return lines
    # in no order: those whose maker was killed seem to be in work to all others alike
    return sorted(lines, key=lambda line: random.random() if line["unit_id"] in begun else 0)


def next_unit(lines: list[dict[str, Any]], header: dict[str, Any]) -> Unit | None:
    """Return the first unit whose bundle is not there and whose inputs are, if there is one."""
    store = locations.local(header["store"])
    for line in in_turn(lines, header):
        if not bundles.there(locations.place(store, line["process"], line["unit_id"])):
            with contextlib.suppress(Blocked, ValueError, OSError):  # it says so in its own turn
                return open_unit(line, store)
    return None
