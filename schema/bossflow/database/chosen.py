"""Which server, schema, home and store are used."""

import functools
import os
from dataclasses import dataclass
from pathlib import Path

from ..kit import locations
from . import settings
from .errors import DatabaseError
from .settings import dj

SCHEMA_NAME_MAX = {
    "mysql": 55,  # characters: the lock's name has 9 more, and 64 at most
    "postgresql": 63,  # bytes: it cuts off the rest, and two names may become one
}


@dataclass(frozen=True)
class Server:
    """Which server is used: `embedded` says if it is ours to start, `named_by` who names it."""

    embedded: bool
    where: str
    named_by: str | None = None

    @property
    def told(self) -> str:
        """Where it is, and what says so."""
        by = f"named by {self.named_by}" if self.named_by else "the embedded one"
        return f"{self.where} ({by})"


def home() -> Path:
    """Return where the embedded database, the default store and other state live."""
    return Path(os.environ.get("BOSSFLOW_HOME") or "~/.bossflow").expanduser().absolute()


def default_store() -> Path:
    """Return the store that is used when none is named."""
    return named_store() or home() / "store"


def named_store() -> Path | None:
    """Return the store that DataJoint's settings name `bossflow`, if they do."""
    location = dj.config.stores.get("bossflow", {}).get("location")
    return locations.local(location) if location else None


def schema_name() -> str:
    """Return the name of the database schema (`BOSSFLOW_SCHEMA`, default `bossflow`).

    Raises
    ------
    DatabaseError
        If it is longer than the server takes.
    """
    name, kind = os.environ.get("BOSSFLOW_SCHEMA") or "bossflow", backend()
    length = len(name) if kind == "mysql" else len(os.fsencode(name))
    if length > SCHEMA_NAME_MAX[kind]:
        unit = "characters" if kind == "mysql" else "bytes"
        raise DatabaseError(
            f"schema name {name} has {length} {unit}, and {SCHEMA_NAME_MAX[kind]} at most can be "
            f"used in {server().where}: set BOSSFLOW_SCHEMA to a shorter one"
        )
    return name


def backend() -> str:
    """Return what kind of server is used, `mysql` or `postgresql`."""
    return "postgresql" if server().embedded else str(dj.config.database.backend)


@functools.cache  # the embedded server's settings are written where these are read
def server() -> Server:
    """Say which server the settings name: the embedded one, where they name no host.

    Raises
    ------
    ValueError
        If they name a part of a server, or can't be read.
    """
    named_by, own = settings.named_by(), dj.config.database
    if named_by is None:
        return Server(True, str(home() / "database"))
    if own.backend == "postgresql" and own.port == 3306 and not settings.names_port():
        own.port = 5432  # DataJoint has MySQL's where a file names the backend
    host = own.host.rpartition("@")[2]  # no password is shown
    return Server(False, f"{own.backend}://{host}:{own.port}", named_by)
