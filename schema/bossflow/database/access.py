"""How a team's server is reached: by a password that only its owner reads, and over TLS."""

import os
import shlex
from pathlib import Path
from typing import Any

from . import settings
from .settings import dj, find_secrets_dir


def options() -> dict[str, Any]:
    """Return what `dj.conn` is to be given beside DataJoint's settings.

    DataJoint's `use_tls` alone asks MySQL for TLS and goes on without: PyMySQL insists only if it
    is told something of certificates.

    Raises
    ------
    ValueError
        If the password comes from a file that others can read, or there is no file of certificates
        where BOSSFLOW_TLS_CA says.
    """
    if not os.environ.get("DJ_PASS"):
        for path in _password_files():
            refuse_readable(path)
    if not tls_is_required():
        return {}
    own, authority = dj.config.database, tls_authority()
    if own.backend == "postgresql":  # libpq checks certificates by its own variable
        if authority:
            os.environ["PGSSLROOTCERT"] = authority
        return {"host": own.host, "use_tls": True}
    tls = {"ca": authority} if authority else {"verify_mode": False}
    return {"host": own.host, "use_tls": tls}


def tls_is_required() -> bool:
    """Say whether a connection without TLS is refused."""
    return bool(dj.config.database.use_tls or tls_authority())


def tls_authority() -> str | None:
    """Return the file of certificates that the server's must be signed by; None: any will do."""
    given = os.environ.get("BOSSFLOW_TLS_CA")
    if given and not Path(given).is_file():
        raise ValueError(f"BOSSFLOW_TLS_CA names no file: {given}")
    return given or None


def refuse_readable(path: Path) -> None:
    """Refuse a file with a password that others than its owner can read.

    Raises
    ------
    ValueError
        If there is one.
    """
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise ValueError(
            f"{path} holds a password and can be read by others (mode {mode:o}): run "
            f"`chmod 600 {shlex.quote(str(path))}`, and set another password if they may have"
        )


def _password_files() -> list[Path]:
    """Return the files that DataJoint takes the password from, if it does."""
    file = settings.config_file()
    if file is None:
        return []
    files = [file] if settings.of_database(file).get("password") else []
    # those of /run/secrets, for a container alone, have the modes that its engine gives them
    secrets = find_secrets_dir(file)
    if secrets is not None and secrets.parent == file.parent:
        files.append(secrets / "database.password")
    return [path for path in files if path.is_file()]
