"""BIDS datasets: whom they have, and the view of one that an app gets of a participant."""

import contextlib
import hashlib
import json
import os
import re
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from kit.digests import canonical, digest
from kit.faults import Faults
from kit.texts import one_line

from .files import files_of, link, link_any, sha256

DESCRIPTION = "dataset_description.json"

FOR_READERS = {"README", "CHANGES", "LICENSE", "CITATION"}
"""Files of the root, by their names without an ending, that no app computes with: not shown."""

PATH_MAX = 512
"""Characters of a file's path: those of its column."""

AT_ONCE = 8
SETTLED_SECONDS = 2
"""How old a change must be for a digest to be kept: a file system's clock may be that coarse."""

File = list[Any]
"""A file of a view: its path in the dataset, bytes and sha256."""


def views(
    root: Path, level: str, participants: Iterable[str] | None = None
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return what an app is shown of a dataset, unit by unit, and notes on it.

    Parameters
    ----------
    root : Path
        The dataset.
    level : str
        `participant`, `session`, or `group`: one view of all.
    participants : iterable of str, optional
        Labels of those that are wanted, with `sub-` or without; default: all.

    Returns
    -------
    list of dict
        `view_id` (32 hex digits: of the rest), `participant`, `session` (labels; empty where it is
        of all), and `files`, each with path, bytes and sha256, in the order of their paths. Tables
        of participants and sessions have the rows of those that are shown alone.
    list of str
        Where directories and participants.tsv differ.

    Raises
    ------
    Wrong
        A ValueError with a sentence for each participant that can't be shown.
    """
    if not (root / DESCRIPTION).is_file():
        raise ValueError(f"{root} is no BIDS dataset: it has no {DESCRIPTION}")
    every = _labels(root, "sub")
    chosen = [name.removeprefix("sub-") for name in participants or every]
    faults = Faults(ValueError, OSError)
    for name in chosen:
        if name not in every:
            faults.add(name, f"participant {one_line(name)} has no directory sub-{one_line(name)}")
    if not every:
        raise ValueError(f"{root} has no participants: no directory sub-…")
    root_files = [name for name in sorted(os.listdir(root)) if _is_shown(root / name)]
    shown: list[tuple[str, str, list[str]]] = []
    for name in chosen:
        with faults.of(name):
            shown += _of_participant(root, name, level)
    if wrong := faults.told():
        from kit.parameters import Wrong  # its library is in DESCRIBE's image alone

        raise Wrong(*wrong)
    if level == "group":
        shown = [("", "", [file for *_, files in shown for file in files])]
    known = digests(root, {file for *_, files in shown for file in [*root_files, *files]})
    found = []
    for participant, session, files in shown:
        people, entries = _people(files), []
        for file in sorted([*root_files, *files]):
            content = _of_those(root, file, people, session)
            own = [len(content), hashlib.sha256(content).hexdigest()] if content else known[file]
            entries.append([file, *own])
        view = {"participant": participant, "session": session, "files": entries}
        found.append({"view_id": digest(view)[:32], **view})
    notes = _differences(root, every)
    return found, notes if participants is None else []


def lay_out(
    root: Path, files: Sequence[File], target: Path, session: str, links: bool = False
) -> None:
    """Put a view of a dataset to `target`, its files by hard links where they can be.

    Else by copies, or where `links` says that these can be followed, by links.

    A file that has no sha256 is a table that each participant has some rows of.

    Raises
    ------
    ValueError
        If a file is not what it was.
    """
    people = _people(name for name, *_ in files)
    for name, size, sha in files:
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        content = _of_those(root, name, people, session)
        if content is None:
            (link_any if links else link)(root / name, copy)
        else:
            copy.write_bytes(content)
        if sha and (copy.stat().st_size != size or sha256(copy) != sha):
            raise ValueError(f"{root / name} changed since the run began: run again")


def digests(root: Path, files: Iterable[str]) -> dict[str, tuple[int, str]]:
    """Return bytes and sha256 of files of a dataset, by their paths.

    A file that looks as it did (size, times, inode) when it was last read is not read again:
    digests are kept below BOSSFLOW_HOME.
    """
    home = Path(os.environ.get("BOSSFLOW_HOME") or "~/.bossflow").expanduser().absolute()
    place = home / "digests" / f"{digest(str(root.resolve()))[:32]}.json"
    before: dict[str, list[Any]] = {}
    with contextlib.suppress(OSError, ValueError):
        before = json.loads(place.read_text(encoding="utf-8"))
    now = time.time_ns() - SETTLED_SECONDS * 10**9
    found: dict[str, tuple[int, str]] = {}
    kept: dict[str, list[Any]] = {}

    def look(name: str) -> tuple[str, list[Any], str]:
        path = root / name
        about = path.stat()
        seen = [about.st_size, about.st_mtime_ns, about.st_ctime_ns, about.st_ino]
        known = before.get(name, [])
        return name, seen, known[-1] if known[:-1] == seen else sha256(path)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for name, seen, sha in pool.map(look, sorted(files)):
            found[name] = (seen[0], sha)
            if max(seen[1:3]) < now:
                kept[name] = [*seen, sha]
    if kept != {name: before.get(name) for name in kept}:
        with contextlib.suppress(OSError):  # then they are read again
            place.parent.mkdir(parents=True, exist_ok=True)
            working = place.with_name(f".tmp-{uuid.uuid4().hex[:8]}")
            working.write_text(canonical(before | kept), encoding="utf-8")
            working.replace(place)
    return found


def description(root: Path) -> dict[str, Any]:
    """Return what a dataset says of itself.

    Raises
    ------
    ValueError
        If that is no JSON object.
    """
    try:
        told = json.loads((root / DESCRIPTION).read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise ValueError(f"{root / DESCRIPTION} is not JSON: {error}") from None
    if not isinstance(told, Mapping):
        raise ValueError(f"{root / DESCRIPTION} is no JSON object")
    return dict(told)


def _labels(directory: Path, kind: str) -> list[str]:
    """Return the labels of directories `sub-…` or `ses-…`.

    Raises
    ------
    ValueError
        If one is not of letters and digits.
    """
    names = [name for name in sorted(os.listdir(directory)) if name.startswith(f"{kind}-")]
    names = [name for name in names if (directory / name).is_dir()]
    for name in names:
        if not re.fullmatch(rf"{kind}-[0-9A-Za-z+]+", name):
            raise ValueError(
                f"{one_line(str(directory / name))} is no name of BIDS, which has letters and "
                "digits after the dash: rename it"
            )
    return [name.removeprefix(f"{kind}-") for name in names]


def _is_shown(path: Path) -> bool:
    hidden = path.name.startswith(".") and path.name != ".bidsignore"
    return path.is_file() and not hidden and path.name.partition(".")[0] not in FOR_READERS


def _of_participant(root: Path, label: str, level: str) -> list[tuple[str, str, list[str]]]:
    """Return participant, session and own files of each unit of a participant."""
    own = f"sub-{label}"
    files = [f"{own}/{name}" for name, _ in files_of(root / own)]
    if not files:
        raise ValueError(f"{own} has no files: remove the directory, or leave it out")
    for name in files:
        if len(name) > PATH_MAX or not name.isprintable():
            raise ValueError(
                f"{one_line(name)} has more than {PATH_MAX} characters, or some that can't be "
                "printed: rename it"
            )
    if level != "session":
        return [(label, "", files)]
    sessions = _labels(root / own, "ses")
    if not sessions:
        raise ValueError(f"{own} has no sessions: no directory ses-…; give level participant")
    common = [name for name in files if not name.startswith(f"{own}/ses-")]
    return [
        (label, one, common + [name for name in files if name.startswith(f"{own}/ses-{one}/")])
        for one in sessions
    ]


def _of_those(root: Path, name: str, people: set[str], session: str) -> bytes | None:
    """Return a table of participants or sessions with the rows of some; None of other files."""
    if name == "participants.tsv":
        return _rows(root / name, "participant_id", people)
    if session and name.endswith("_sessions.tsv"):
        return _rows(root / name, "session_id", {f"ses-{session}"})
    return None


def _people(files: Iterable[str]) -> set[str]:
    """Return the directories of participants that files are in."""
    return {name.partition("/")[0] for name in files if name.startswith("sub-")}


def _rows(path: Path, column: str, wanted: set[str]) -> bytes:
    header, *lines = _lines(path)
    at = _column(path, header, column)
    return "".join([header, *(line for line in lines if _cell(line, at) in wanted)]).encode()


def _cell(line: str, at: int) -> str:
    """Return a cell of a table; of a line that is too short, an empty one."""
    cells = line.rstrip("\r\n").split("\t")
    return cells[at] if at < len(cells) else ""


def _lines(path: Path) -> list[str]:
    try:
        lines = path.read_bytes().decode("utf-8-sig").splitlines(keepends=True)
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not text in UTF-8: save it so") from None
    return [line for number, line in enumerate(lines) if line.strip() or number == 0] or [""]


def _column(path: Path, header: str, column: str) -> int:
    names = header.rstrip("\r\n").split("\t")
    if column not in names:
        raise ValueError(f"{path} has no column {column}: it needs one, with tabs between columns")
    return names.index(column)


def _differences(root: Path, every: list[str]) -> list[str]:
    """Say which participants have a directory and no row in participants.tsv, or no directory."""
    path = root / "participants.tsv"
    if not path.is_file():
        return []
    header, *lines = _lines(path)
    at = _column(path, header, "participant_id")
    listed = {_cell(line, at).removeprefix("sub-") for line in lines if _cell(line, at)}
    unlike = [_cell(line, at) for line in lines if not _cell(line, at).startswith("sub-")]
    if unlike:
        raise ValueError(
            f"{path} names a participant {one_line(unlike[0]) or 'nothing'}: begin it with sub-"
        )
    told = []
    for names, what in (
        (sorted({*every} - listed), "are not in participants.tsv"),
        (sorted(listed - {*every}), "are in participants.tsv, but have no directory"),
    ):
        if names:
            more = f" and {len(names) - 5} more" if len(names) > 5 else ""
            told.append(f"participants {', '.join(map(one_line, names[:5]))}{more} {what}")
    return told
