"""Which database DataJoint's settings name, and what says so: a variable, or a file."""

import json
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..kit.system import keeping_all
from ..kit.texts import sentence
from .lean import lean

with (
    lean(),
    keeping_all(),
    warnings.catch_warnings(record=True) as _said,  # both are said here
):
    warnings.filterwarnings("always", message="No datajoint.json|Failed to load config")
    import datajoint as dj
from datajoint.settings import CONFIG_FILENAME, find_config_file, find_secrets_dir

__all__ = [
    "config_file",
    "dj",
    "find_secrets_dir",
    "named_by",
    "names_port",
    "notes",
    "of_database",
]

BEFORE_2 = "dj_local_conf.json"
"""Where DataJoint looked before version 2."""

_REFUSED = next((str(said.message) for said in _said if "Failed" in str(said.message)), "")
_OF_A_SERVER = ("user", "password", "port", "backend", "name")


def config_file() -> Path | None:
    """Return the `datajoint.json` that DataJoint reads here, if it does."""
    return None if dj.config.ignore_config_file else find_config_file()


def of_database(file: Path) -> dict[str, Any]:
    """Return the database part of a file of settings, which may be nested or flat.

    Raises
    ------
    ValueError
        If it is no file of settings.
    """
    try:
        held = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{file} can't be read as settings: {sentence(error)}") from None
    if not isinstance(held, dict):
        raise ValueError(f"{file} can't be read as settings: it is no JSON object")
    own = held.get("database")
    start = "database."
    flat = {
        name.removeprefix(start): value for name, value in held.items() if name.startswith(start)
    }
    return (own if isinstance(own, dict) else {}) | flat


def named_by() -> str | None:
    """Return what names the database's host: a variable or a file; None if nothing does.

    Raises
    ------
    ValueError
        If a file can't be read, or settings are a server's and name no host.
    """
    file = config_file()
    held = of_database(file) if file else {}
    if file and _REFUSED:  # in more words, which may hold a password
        name = (*_REFUSED.splitlines(), "", "")[1].strip() or "it"
        raise ValueError(f"{file} can't be read as settings: DataJoint does not take {name}")
    if os.environ.get("DJ_HOST"):
        return "DJ_HOST"
    if held.get("host"):
        return str(file)
    if dj.config.database.host not in ("", "localhost"):
        return "dj.config"
    partly = [name for name in _OF_A_SERVER if held.get(name)]
    if partly:
        raise ValueError(
            f"{file} names the {' and '.join(partly)} of a database, and no host: add "
            '"host" ("localhost" for a server on this machine), or remove its database part to '
            "use the embedded one"
        )
    if os.environ.get("DJ_USER") or dj.config.database.user:
        by = "DJ_USER is set" if os.environ.get("DJ_USER") else "DataJoint's settings name a user"
        raise ValueError(
            f"{by}, and no database host is: set DJ_HOST too (localhost for a server on this "
            "machine), or unset it to use the embedded database"
        )
    return None


def names_port() -> bool:
    """Say whether a variable or a file names the database's port."""
    file = config_file()
    return bool(os.environ.get("DJ_PORT") or (file and of_database(file).get("port")))


def notes() -> list[str]:
    """Say of files that look like settings which DataJoint does not read, if nothing names a host.

    They are those of before version 2, and those above a repository.
    """
    if dj.config.ignore_config_file or named_by():
        return []
    return [*_of_before(), *_hidden()]


def _of_before() -> Iterator[str]:
    for directory in (Path.cwd(), *Path.cwd().parents):
        old = directory / BEFORE_2
        if host := _host(old):
            held = of_database(old)
            own = {"host": host} | {n: held[n] for n in ("port", "user") if held.get(n)}
            yield (
                f"{old} is of DataJoint before 2 and is not read: to use its database, write "
                f"{json.dumps({'database': own})} into {directory / CONFIG_FILENAME}, and the "
                f"password into {directory / '.secrets' / 'database.password'} (mode 600)"
            )
            return


def _hidden() -> Iterator[str]:
    here = Path.cwd().resolve()
    ends = [
        directory
        for directory in (here, *here.parents)
        if (directory / ".git").exists() or (directory / ".hg").exists()
    ]
    if config_file() or not ends:
        return
    for directory in ends[0].parents:
        if _host(directory / CONFIG_FILENAME):
            yield (
                f"{directory / CONFIG_FILENAME} is not read, as DataJoint looks no further up than "
                f"the repository {ends[0]}: copy it there, or set DJ_HOST"
            )
            return


def _host(file: Path) -> str | None:
    """Return the database's host that a file names, if it is one and does."""
    try:
        host = of_database(file).get("host") if file.is_file() else None
    except (OSError, ValueError):
        return None
    return str(host) if host else None
