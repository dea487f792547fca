"""How a program works through a task file: unit by unit, one bundle each, going on past failures.

A program of any process is one function `work(unit, bundle)` handed to `main`.
"""

import contextlib
import importlib.metadata
import json
import os
import platform
import random
import re
import resource
import shutil
import sys
import time
import traceback
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from . import buckets, bundles
from .bundles import Finished
from .texts import json_lines, print_anything, sentence, unit_name, words_of


@dataclass(frozen=True)
class Unit:
    """One piece of work: a process, the primary key of the row it fills, and how to make it.

    `arguments` decide what is made, and are kept in the bundle; `settings` only how.
    """

    unit_id: str
    process: str
    key: dict[str, Any]
    arguments: dict[str, Any]
    settings: dict[str, Any]
    inputs: list[Finished]


@dataclass
class Bundle:
    """What a program fills for a unit.

    Attributes
    ----------
    directory : Path
        Files written here become the bundle's.
    final : Path
        Where the directory will be once the bundle is whole; in a bucket, what stands for it.
    attributes : dict
        The row's columns that are not in its key.
    urls : dict
        Column name to a path in the directory; recorded as a URL.
    parts : dict
        Part table's name to a Parquet file in the directory, or to a directory of such files.
    part_rows : dict
        Part table's name to how many first rows of it become database rows, where not all do.
    outside : list of Path
        Files elsewhere in the store that this unit alone writes, on disk before they get there.
    taken_from : str, optional
        URL of the bundle from which the result was taken, where it was not computed.
    following : callable
        Gives the task's next unit that must be made, or None: a program may read for it while it
        writes this one.
    """

    directory: Path
    final: Path
    attributes: dict[str, Any] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)
    part_rows: dict[str, int] = field(default_factory=dict)
    outside: list[Path] = field(default_factory=list)
    taken_from: str | None = None
    following: Callable[[], Unit | None] = lambda: None


class Blocked(Exception):
    """A unit whose input is not there."""


Work = Callable[[Unit, Bundle], None]


def main(process: str, work: Work, software: Iterable[str] = ()) -> None:
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
    """
    buckets.work_in(Path.cwd())
    print_anything()
    header, *todo = json_lines(Path(sys.argv[1]))
    if header["process"] != process:
        raise SystemExit(f"{sys.argv[1]} is a task of {header['process']}, not of {process}")
    versions = {"python": platform.python_version()}
    versions |= {name: importlib.metadata.version(name) for name in software}
    with open("receipts.jsonl", "w", encoding="utf-8") as receipts:
        total = len(todo)
        for number in range(1, total + 1):
            todo = in_turn(todo, header)
            line = todo.pop(0)
            following = partial(next_unit, todo, header)
            receipt = run_unit(work, line, header, versions, following)
            receipts.write(json.dumps(receipt) + "\n")
            receipts.flush()
            name = unit_name(process, line["key"])
            problem = f": {receipt['error']}" if "error" in receipt else ""
            print(f"{number}/{total} {name} {receipt['state']}{problem}", flush=True)


def run_unit(
    work: Work,
    line: dict[str, Any],
    header: dict[str, Any],
    versions: dict[str, str],
    following: Callable[[], Unit | None] = lambda: None,
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
    named = ("unit_id", "process", "key", "add_rows", "recorded")
    receipt = {name: line[name] for name in named if name in line}
    if "recorded" in line:
        return receipt | {"state": "reused", "url": line["recorded"]}
    store = bundles.local(header["store"])
    final = bundles.place(store, line["process"], line["unit_id"])
    buckets.tidy()
    try:
        unit = open_unit(line, store)
        made_from = [given.as_input for given in unit.inputs]
        compare, keep = header.get("compare", False), line.get("keep", False)
        may_reuse = keep or not compare
        if may_reuse and reusable(final, unit, made_from, header, line.get("content_sha256")):
            if compare:
                return receipt | compared(bundles.read(final).manifest)
            return receipt | {"state": "reused", "url": bundles.url(final)}
        working = store / f"{bundles.WORKING}{line['unit_id']}-{uuid.uuid4().hex[:8]}"
        working.mkdir(parents=True)
        bundle = Bundle(working, final, following=following)
        try:
            started, clock = datetime.now(UTC), time.monotonic()
            work(unit, bundle)
            measured = {
                "run_id": header["run_id"],
                "code": header["code"],
                "container": os.environ.get("BOSSFLOW_CONTAINER"),
                "software": versions,
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
                buckets.drop(path)
    except Blocked as error:
        return receipt | {"state": "blocked", "error": sentence(error)}
    except Exception as error:  # whatever one unit meets, the others go on
        traceback.print_exc()
        disk = Path.cwd() if buckets.holds(store) else store
        said = {"error": full(error, disk) or sentence(error), "log": task_log()}
        return receipt | {"state": "failed"} | said
    return receipt | {"state": "made", "url": bundles.url(final)}


def open_unit(line: dict[str, Any], store: Path) -> Unit:
    """Open a unit of a task file with its inputs.

    Raises
    ------
    Blocked
        If an input is not there.
    """
    fields = ("unit_id", "process", "key", "arguments", "settings")
    inputs = list(bundles.each(partial(open_input, store=store), line["inputs"], store))
    return Unit(**{name: line[name] for name in fields}, inputs=inputs)


def in_turn(lines: list[dict[str, Any]], header: dict[str, Any]) -> list[dict[str, Any]]:
    """Return units in their order, but last those that another program seems to be making.

    So two runs of one request seldom make a unit twice. Whoever makes it may be dead: nobody waits.
    In a bucket it can't be seen; there, each run has an order of its own (PLAN).
    """
    store = bundles.local(header["store"])
    if len(lines) < 2 or buckets.holds(store) or not store.is_dir():
        return lines
    begun = {name.split("-")[1] for name in os.listdir(store) if name.startswith(bundles.WORKING)}
    # in no order: those whose maker was killed seem to be in work to all others alike
    return sorted(lines, key=lambda line: random.random() if line["unit_id"] in begun else 0)


def next_unit(lines: list[dict[str, Any]], header: dict[str, Any]) -> Unit | None:
    """Return the first unit whose bundle is not there and whose inputs are, if there is one."""
    store = bundles.local(header["store"])
    for line in in_turn(lines, header):
        if not bundles.there(bundles.place(store, line["process"], line["unit_id"])):
            with contextlib.suppress(Blocked, ValueError, OSError):  # it says so in its own turn
                return open_unit(line, store)
    return None


def open_input(given: dict[str, Any], store: Path) -> Finished:
    """Open the bundle that a unit is made from: where it is recorded, else in this store."""
    if given["url"]:
        directory = bundles.local(given["url"])
    else:
        directory = bundles.place(store, given["process"], given["unit_id"])
    try:
        return _read(directory, bundles.stamp(directory))
    except FileNotFoundError:
        name, where = unit_name(given["process"], given["key"]), bundles.shown(directory)
        raise Blocked(f"its input {name} is not in {where}") from None


@lru_cache(maxsize=64)
def _read(directory: Path, stamp: tuple[Any, ...]) -> Finished:
    """Read a bundle once for all units of a task that are made from it."""
    return bundles.read(directory)


def compared(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return what a receipt says of a unit that is to be compared."""
    made = {"made_sha256": bundles.made_digest(manifest), "seen": seen(manifest)}
    return {"state": "compared", "content_sha256": manifest["content_sha256"]} | made


def seen(manifest: dict[str, Any]) -> str | None:
    """Return what the files looked like that a bundle was made of, where that is known."""
    digest: str | None = manifest.get("reading", {}).get("seen")
    return digest


def reusable(
    final: Path,
    unit: Unit,
    made_from: list[dict[str, Any]],
    header: dict[str, Any],
    content_sha256: str | None = None,
) -> bool:
    """Say whether a whole bundle of the same arguments and inputs is in place; retire any other.

    Where a content is given, it must have that: settings decide of it, and RECORD takes no other.

    Raises
    ------
    ValueError
        If the other one was recorded since the run was planned.
    """
    store = bundles.local(header["store"])
    try:
        found = bundles.read(final)
        made_of = found.manifest["arguments"], found.manifest["inputs"]
        same = made_of == (unit.arguments, made_from)
        same = same and seen(unit.settings) in (None, seen(found.manifest))
        same = same and content_sha256 in (None, found.content_sha256)
        if same and found.lies_in(unit.inputs) and bundles.whole(found, store):
            bundles.flush(found)
            return True
    except FileNotFoundError:
        if not final.exists():
            return False
    except ValueError as error:
        print(error, file=sys.stderr)
    else:
        if bundles.is_marked(found, header.get("marks", ())):
            raise ValueError("another run recorded it meanwhile, made of something else: run again")
    bundles.retire(store, [final])
    return False


def described(
    unit: Unit, bundle: Bundle, store: Path, made_from: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return what `bundle.json` says of what was made, and of what."""
    files = []
    for path in bundles.files_below(bundle.directory):
        entry = bundles.file_record(path, store)
        inside = path.relative_to(bundle.directory)
        files.append(entry | {"path": (bundle.final / inside).relative_to(store).as_posix()})
    for path in sorted(bundle.outside):
        files.append(bundles.file_record(path, store) | {"path": bundles.listed(path, store)})
    manifest = {
        "bundle": bundles.VERSION,
        "unit_id": unit.unit_id,
        "process": unit.process,
        "key": unit.key,
        "arguments": unit.arguments,
        "attributes": bundle.attributes,
        "urls": bundle.urls,
        "parts": bundle.parts,
        "part_rows": bundle.part_rows,
        "files": files,
        "inputs": made_from,
    }
    if bundle.taken_from:
        manifest["taken_from"] = bundle.taken_from
    if "reading" in unit.settings:
        manifest["reading"] = unit.settings["reading"]
    try:
        return manifest | {"content_sha256": bundles.content_digest(manifest)}
    except UnicodeEncodeError as error:
        near = error.object[max(0, error.start - 40) : error.end]
        raise ValueError(
            f"what it made can't be described: there is half a surrogate pair in …{near}"
        ) from None


def seal(unit: Unit, bundle: Bundle, manifest: dict[str, Any]) -> None:
    """Write `bundle.json` last and put the directory into place, on disk."""
    if not bundles.commit(bundle.directory, bundle.final, manifest, bundle.outside):
        other = bundles.read(bundle.final)
        bundles.flush(other)
        if other.content_sha256 != manifest["content_sha256"]:
            raise ValueError(
                f"another run made {unit.process} {unit.unit_id} meanwhile, with other content"
            )


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
