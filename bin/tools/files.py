"""Files and directories that a user gives a command line: known by their content, and staged."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kit.digests import digest
from kit.texts import one_line


def files_of(path: Path) -> Iterator[tuple[str, Path]]:
    """Yield each file of a file or directory, by its relative path; links are followed.

    A file has the relative path "". Directories come in the order of their names.

    Raises
    ------
    ValueError
        If there is a link to nothing or to a directory that holds it, or what is no file.
    """
    if not path.is_dir():
        yield "", _file(path)
        return
    yield from _below(path, "", ())


def _below(
    directory: Path, prefix: str, above: tuple[tuple[int, int], ...]
) -> Iterator[tuple[str, Path]]:
    about = directory.stat()
    here = about.st_dev, about.st_ino
    if here in above:
        raise ValueError(f"{one_line(str(directory))} is a link to a directory that holds it")
    for name in sorted(os.listdir(directory)):
        path = directory / name
        if path.is_dir():
            yield from _below(path, f"{prefix}{name}/", (*above, here))
        else:
            yield f"{prefix}{name}", _file(path)


def _file(path: Path) -> Path:
    if not path.is_file():
        what = "a link to nothing" if path.is_symlink() else "no file"
        raise ValueError(f"{one_line(str(path))} is {what}")
    return path


def sha256(path: Path) -> str:
    """Return the digest of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def content(path: Path) -> dict[str, Any]:
    """Return what tells a file or directory from others: `sha256`, `bytes` and `n_files`.

    The digest is of relative paths, sizes and contents; times, owners and links do not count.
    """
    return _summed([[name, file.stat().st_size, sha256(file)] for name, file in files_of(path)])


def stage(path: Path, target: Path) -> dict[str, Any]:
    """Put a file or directory to `target`, by hard links where they can be; return its `content`.

    Links are followed, so that nothing leads out of what was staged.
    """
    entries = []
    for name, file in files_of(path):
        copy = target / name if name else target
        copy.parent.mkdir(parents=True, exist_ok=True)
        link(file, copy)
        entries.append([name, copy.stat().st_size, sha256(copy)])
    if not entries:
        target.mkdir(parents=True)
    return _summed(entries)


def link(file: Path, copy: Path) -> None:
    """Link a file, or copy it: to another file system, or where it is another user's."""
    try:
        os.link(os.path.realpath(file), copy)
    except OSError:
        shutil.copy(file, copy)


def link_any(file: Path, copy: Path) -> None:
    """Link a file, by a symbolic link where there can't be a hard one."""
    real = os.path.realpath(file)
    try:
        os.link(real, copy)
    except OSError:
        os.symlink(real, copy)


def _summed(entries: list[list[Any]]) -> dict[str, Any]:
    return {
        "sha256": digest(entries),
        "bytes": sum(entry[1] for entry in entries),
        "n_files": len(entries),
    }
