"""What servers refuse: what of it passes, what does not, and how it is said.

Both drivers are imported for it, so who reads it does so when something went wrong.
"""

import re
from collections.abc import Iterator

import psycopg2
import pymysql
from psycopg2 import errorcodes
from pymysql.constants import CR, ER

from ..kit.texts import one_line
from .settings import dj

REFUSALS = (dj.DataJointError, psycopg2.Error, pymysql.MySQLError)
"""What a server that was reached may answer: DataJoint lets some of its drivers' errors through."""


CLIENT_INTERACTION_TIMEOUT = 4031
"""MySQL's word to a connection that was idle for too long; PyMySQL has no name for it."""

_BUSY = {
    ER.CON_COUNT_ERROR,
    ER.TOO_MANY_USER_CONNECTIONS,
    ER.USER_LIMIT_REACHED,
    errorcodes.TOO_MANY_CONNECTIONS,
    errorcodes.CANNOT_CONNECT_NOW,
}
"""Errors of a server that takes no more connections now, or is starting."""

_PASSING = _BUSY | {
    CR.CR_CONNECTION_ERROR,
    CR.CR_CONN_HOST_ERROR,
    CR.CR_SERVER_GONE_ERROR,
    CR.CR_SERVER_LOST,
    ER.SERVER_SHUTDOWN,
    ER.LOCK_WAIT_TIMEOUT,
    ER.LOCK_DEADLOCK,
    CLIENT_INTERACTION_TIMEOUT,
    errorcodes.LOCK_NOT_AVAILABLE,
    errorcodes.ADMIN_SHUTDOWN,
    errorcodes.CRASH_SHUTDOWN,
    errorcodes.DATABASE_DROPPED,
    errorcodes.IDLE_SESSION_TIMEOUT,
}
"""Errors of MySQL and states of PostgreSQL of which nothing is left when it is tried again."""

_PASSING_CLASSES = (
    errorcodes.CLASS_CONNECTION_EXCEPTION,
    errorcodes.CLASS_TRANSACTION_ROLLBACK,
)
_FULL = {ER.DISK_FULL, ER.RECORD_FILE_FULL, errorcodes.DISK_FULL}

_BUSY_WORDS = re.compile(r"too many|connection slots|starting up|shutting down|not yet accept")


def _code(error: BaseException) -> int | str | None:
    """Return a driver's error as MySQL's number or PostgreSQL's state; None where it has none."""
    if isinstance(error, pymysql.MySQLError):
        return int(error.args[0]) if error.args and str(error.args[0]).isdigit() else None
    if isinstance(error, psycopg2.Error):
        if error.pgcode:
            return str(error.pgcode)
        if _BUSY_WORDS.search(str(error)):  # it has no state while connecting
            return str(errorcodes.TOO_MANY_CONNECTIONS)
        lost = isinstance(error, (psycopg2.OperationalError, psycopg2.InterfaceError))
        for_good = re.search("FATAL(?!.*terminat)|translate host name", str(error))
        return errorcodes.CONNECTION_FAILURE if lost and not for_good else None
    return CR.CR_SERVER_LOST if isinstance(error, dj.errors.LostConnectionError) else None


def _codes(error: BaseException | None) -> Iterator[int | str]:
    """Yield the codes of an error and of those that it came of."""
    while error is not None:
        if code := _code(error):
            yield code
        error = error.__cause__ or error.__context__


def is_busy(error: BaseException) -> bool:
    """Say whether the server takes no more connections now, or is starting."""
    return _code(error) in _BUSY


def passes(error: BaseException) -> bool:
    """Say whether the same may do if it is tried again, as nothing is left of what failed."""
    return any(
        code in _PASSING or (isinstance(code, str) and code.startswith(_PASSING_CLASSES))
        for code in _codes(error)
    )


def is_full(error: BaseException) -> bool:
    """Say whether the server's disk is full."""
    return not _FULL.isdisjoint(_codes(error))


def said(error: BaseException) -> str:
    """Return what a server or driver said, in one line."""
    told: object = error
    if isinstance(error, REFUSALS) and error.args:  # MySQL's number comes first
        told = error.args[-1 if isinstance(error, pymysql.MySQLError) else 0]
    return one_line(str(told)) or type(error).__name__  # it may repeat what was asked
