"""Runs of the pipeline that were begun by a program, and go on where that ends."""

import json
import os
import shutil
import subprocess
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from . import launching
from .pipeline import OWN

ABOUT = "run.json"
LOG = "log"
LEFT = ("work", "results")
SAID = 1000
"""Signs at the end of its log that are told of a run."""

KEPT_SECONDS = 30 * 24 * 3600
"""How long logs of the last run stay, and what is left of its tasks."""

_children: list[subprocess.Popen[bytes]] = []
"""Held, so that none is warned of when it goes on."""


class Begun(NamedTuple):
    """A run of Nextflow: its directory, when it began (UTC), and its process here."""

    directory: Path
    since: datetime
    pid: int
    created: float

    @classmethod
    def last(cls, place: Path) -> "Begun | None":
        """Return the run that was begun last in one of the directories of a place."""
        found = _in(place)
        return cls._at(found[-1]) if found else None

    @classmethod
    def _at(cls, directory: Path) -> "Begun":
        told = json.loads((directory / ABOUT).read_text("utf-8"))
        since = datetime.fromisoformat(told["since"])
        return cls(directory, since, told["pid"], told["created"])

    @classmethod
    def tidy(cls, places: Path) -> None:
        """Remove what runs left that ended long ago, or that are not the last of their place.

        What they were asked for stays: by it, results are made again to be compared.
        """
        for place in places.iterdir() if places.is_dir() else ():
            found = _in(place)
            for directory in found:
                gone_by = directory != found[-1] or _age(directory) > KEPT_SECONDS
                if gone_by and not cls._at(directory).goes_on():
                    for name in LEFT:
                        shutil.rmtree(directory / name, ignore_errors=True)
                    for path in (directory / LOG, *directory.glob("nextflow.log*")):
                        path.unlink(missing_ok=True)

    @classmethod
    def begin(cls, directory: Path, params: dict[str, Any], options: list[str]) -> "Begun":
        """Begin a run in the working directory, with what it leaves beside results in another one.

        Parameters
        ----------
        directory : Path
            Exists; a later run of the same is told by a name that sorts behind.
        params : dict
            The pipeline's parameters.
        options : list of str
            What `nextflow run` is told beside.
        """
        (directory / "params.json").write_text(json.dumps(params), "utf-8")
        config = directory / "quickly.config"
        config.write_text(f"{launching.QUICKLY}cleanup = true\n", "utf-8")
        command = [launching.nextflow(), "-log", str(directory / "nextflow.log")]
        command += ["run", str(OWN), "-params-file", str(directory / "params.json")]
        command += ["-c", str(config), "-work-dir", str(directory / "work")]
        command += ["--outdir", str(directory / "results"), "--page", "false", *options]
        since = datetime.now(UTC).replace(tzinfo=None)
        with (directory / LOG).open("wb") as log:
            process = subprocess.Popen(
                command,
                env=os.environ | launching.found() | {"NXF_ANSI_LOG": "false"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        _children.append(process)
        created = 0.0
        with suppress(psutil.Error):
            created = psutil.Process(process.pid).create_time()
        told = {"pid": process.pid, "created": created, "since": since.isoformat()}
        (directory / ABOUT).write_text(json.dumps(told), "utf-8")
        return cls(directory, since, process.pid, created)

    def goes_on(self) -> bool:
        """Say whether its process is there."""
        for child in _children:
            child.poll()  # so that none that ended stays
        with suppress(psutil.Error):
            process = psutil.Process(self.pid)
            same = process.create_time() == self.created
            return same and process.status() != psutil.STATUS_ZOMBIE
        return False

    def said(self) -> str:
        """Return the end of what it said, and where all of that is."""
        log = self.directory / LOG
        text = log.read_text("utf-8", "replace").strip()[-SAID:] if log.exists() else ""
        return f"{text}\n(all it said: {log})"


def _in(place: Path) -> list[Path]:
    """Return the directories of the runs of a place, by when they were begun."""
    return sorted(about.parent for about in place.glob(f"*/{ABOUT}"))


def _age(directory: Path) -> float:
    """Return for how many seconds a run has said nothing."""
    log = directory / LOG
    return time.time() - (log if log.exists() else directory / ABOUT).stat().st_mtime
