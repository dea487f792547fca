"""Environments of lock files: installed once on a machine, whole or not at all."""

import contextlib
import fcntl
import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import Version

from . import locks
from .digests import digest
from .texts import one_line

LEFT_SECONDS = 86_400
"""After which what a killed installation left goes."""

_ADDRESS = re.compile(r"\w+://\S+")


def ready(file: Path, image: str = "") -> Path:
    """Return the directory that holds what a lock file pins; have pip fill it where there is none.

    It is below BOSSFLOW_HOME, by what it was made for: the lock file, Python, system and image.
    Others of this machine wait for who is at it. It gets its name when it is whole, so a kill
    leaves none. Where pip looks, pip's own settings say; addresses, which may hold secrets, are in
    no log.

    Parameters
    ----------
    file : Path
        A lock file, as `locks.read` takes it.
    image : str
        In which this program runs, if a user named one.

    Raises
    ------
    ValueError
        With what pip says, or what the lock file lacks.
    """
    lock = locks.read(file)
    system = [sys.implementation.cache_tag, sysconfig.get_platform(), *platform.libc_ver()]
    image = image or os.environ.get("BOSSFLOW_CONTAINER", "")
    name = digest([lock.digest(), *system, image])[:32]
    home = Path(os.environ.get("BOSSFLOW_HOME") or "~/.bossflow").expanduser().absolute()
    place = home / "environments" / name
    if place.exists():
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    with _alone(place):
        if not place.exists():
            working = place.with_name(f".tmp-{name}-{uuid.uuid4().hex[:8]}")
            try:
                _install(lock, working)
                os.sync()
                with contextlib.suppress(OSError):  # where no lock holds, another was faster
                    (working / "site").rename(place)
                if not place.exists():
                    raise ValueError(f"{place} can't be made")
            finally:
                shutil.rmtree(working, ignore_errors=True)
    return place


@contextlib.contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Keep others that would make a directory out, and remove what killed ones left of it."""
    with open(place.with_name(f"{place.name}.lock"), "w") as held:
        with contextlib.suppress(OSError):  # of file systems that have no locks
            fcntl.flock(held, fcntl.LOCK_EX)
        for left in place.parent.glob(f".tmp-{place.name}-*"):
            with contextlib.suppress(FileNotFoundError):
                if left.stat().st_mtime < time.time() - LEFT_SECONDS:
                    shutil.rmtree(left, ignore_errors=True)
        yield


def _install(lock: locks.Lock, working: Path) -> None:
    """Have pip install all that a lock pins into `site`, and see that it is that and no more."""
    working.mkdir()
    (working / "requirements.txt").write_text(lock.text(), "utf-8")
    site = working / "site"
    own = {name: os.environ[name] for name in os.environ if name != "PYTHONPATH"}
    own |= {"PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    command = [*_pip(working, own), "install", "--no-input", "--target", str(site)]
    done = _run([*command, "--requirement", str(working / "requirements.txt")], own)
    if done.returncode:
        said = _ADDRESS.sub("…", done.stdout)
        print(said, file=sys.stderr)
        errors = [line for line in said.splitlines() if line.startswith("ERROR:")]
        why = one_line((errors or said.splitlines() or ["nothing is said"])[-1])
        raise ValueError(f"requirements can't be installed: {why.removeprefix('ERROR: ')}")
    found: dict[str, str] = {
        canonicalize_name(one.metadata["Name"]): one.version
        for one in importlib.metadata.distributions(path=[str(site)])
    }
    wanted = lock.pins()
    if more := sorted(found.keys() - wanted.keys()):
        pins = ", ".join(f"{name}=={found[name]}" for name in more)
        raise ValueError(f"requirements lacks what others in it need: add {pins}")
    for name, version in wanted.items():
        if name not in found or Version(found[name]) != Version(version):
            raise ValueError(
                f"requirements has {name}=={version}, and pip installed {found.get(name, 'none')}"
            )


def _pip(working: Path, environment: dict[str, str]) -> list[str]:
    """Return how pip is started: this Python's, or else one that Python brings."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-P", "-m", "pip"]
    made = _run([sys.executable, "-P", "-m", "venv", str(working / "pip")], environment)
    if made.returncode:
        print(made.stdout, file=sys.stderr)
        raise ValueError(
            "requirements can't be installed: Python here has neither pip nor ensurepip: "
            "add one of them"
        )
    return [str(working / "pip" / "bin" / "python"), "-P", "-m", "pip"]


def _run(command: list[str], environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
