"""The connection, and the one lock that is held around recording and deployment."""

import contextlib
import hashlib
import os
import time
from collections.abc import Iterator
from typing import Any

from . import access, limits
from .chosen import schema_name, server
from .embedded import attach_embedded, start_embedded
from .errors import DatabaseError, NotStarted, Unreachable
from .settings import dj


def connection() -> Any:
    """Return DataJoint's connection, starting the embedded server where it is the one used.

    A connection that was lost is made anew.

    Raises
    ------
    DatabaseError
        If the server can't be reached or used, with what to do next.
    ValueError
        If others can read the password.
    """
    chosen = server()
    schema_name()  # refused before an embedded server is made for it
    if chosen.embedded and _reached and _works(kept := dj.conn()):
        return kept  # so the server runs: to look for it takes longer than to ask it
    # A server that was killed leaves its socket and, for a while, processes: only a connection
    # that works says that it runs.
    waits = [0.2, 0.5, 1.0, 2.0, 4.0] if chosen.embedded else []
    options = {} if chosen.embedded else access.options()
    while True:
        try:
            if chosen.embedded:
                dj.config.database.backend = "postgresql"
                contained = "BOSSFLOW_CONTAINER" in os.environ
                dj.config.database.host = attach_embedded() if contained else start_embedded()
                dj.config.database.port = 5432
                dj.config.database.user = "postgres"
                dj.config.database.password = ""
                dj.config.database.use_tls = False
            return _connected(options)
        except DatabaseError as error:
            if not (isinstance(error, NotStarted) and waits):
                raise
            time.sleep(waits.pop(0))
        except Exception as error:  # each driver has its own
            if waits:
                time.sleep(waits.pop(0))
                continue
            from .refusals import is_busy, said

            kind = DatabaseError if is_busy(error) else Unreachable
            raise kind(f"database {chosen.told} can't be used: {said(error)}") from error


_reached = False  # by this program


def is_reached() -> bool:
    """Say whether this program has reached the server."""
    return _reached


def _connected(options: dict[str, Any]) -> Any:
    """Return DataJoint's connection: a new one, or the one that it has and that still works."""
    global _reached
    conn = dj.conn(**options)
    if not _reached:
        if conn.adapter.backend == "mysql":
            _refuse_small_packets(conn)
        _reached = True
    elif not _works(conn):
        conn.connect()
        conn._in_transaction = False
    return conn


def _works(conn: Any) -> bool:
    return bool(conn.adapter.ping(conn._conn))  # conn.is_connected never says no


def _refuse_small_packets(conn: Any) -> None:
    """Refuse a server that would hang up on a long statement."""
    taken = int(conn.query("SELECT @@max_allowed_packet").fetchone()[0])
    if taken < limits.PACKET_BYTES:
        raise DatabaseError(
            f"database {server().told} takes statements of {taken:,} bytes at most: set "
            f"max_allowed_packet there to {limits.PACKET_BYTES:,} or more (its default is "
            "67,108,864)"
        )


@contextlib.contextmanager
def lock(conn: Any) -> Iterator[None]:
    """Hold the session lock of the schema, taken before any transaction begins.

    Meanwhile, DataJoint makes no new connection by itself: that one would not hold the lock.

    Raises
    ------
    DatabaseError
        If another process holds it for more than ten minutes.
    """
    name = f"bossflow:{schema_name()}"
    if conn.adapter.backend == "postgresql":
        key: Any = int.from_bytes(hashlib.sha256(name.encode()).digest()[:7], "big")
        patience = (
            f"SET lock_timeout = '{limits.LOCK_SECONDS}s'",
            f"SET lock_timeout = '{limits.ROW_LOCK_SECONDS}s'",
        )
        take: Any = ("SELECT pg_advisory_lock(%s)", (key,))
        release = "SELECT pg_advisory_unlock(%s)"
    else:
        key = name
        patience = "DO 0", f"SET innodb_lock_wait_timeout = {limits.ROW_LOCK_SECONDS}"
        take = ("SELECT GET_LOCK(%s, %s)", (name, limits.LOCK_SECONDS))
        release = "SELECT RELEASE_LOCK(%s)"
    with dj.config.override(database__reconnect=False):
        try:
            conn.query(patience[0])
            taken = conn.query(*take).fetchone()[0]
            conn.query(patience[1])
        except Exception as error:  # PostgreSQL raises, each driver its own
            from .refusals import said

            raise DatabaseError(
                f"the schema lock {name} could not be taken: {said(error)}"
            ) from error
        if taken in (0, None):
            raise DatabaseError(
                f"another process held the schema lock {name} for {limits.LOCK_SECONDS} s"
            )
        try:
            yield
        finally:
            _release(conn, release, key)


def _release(conn: Any, statement: str, key: Any) -> None:
    """Release the lock; without a connection it is free."""
    try:
        conn.query(statement, (key,))
    except Exception as error:
        from .refusals import REFUSALS

        if not isinstance(error, REFUSALS):
            raise
