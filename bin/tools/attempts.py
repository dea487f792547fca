"""How an attempt to run a command line ended, as `run_command.sh` left it."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kit.texts import one_line

LOG_END = 4000
"""Characters of a log's end that are recorded."""

_TOLD = 300


@dataclass(frozen=True)
class Attempt:
    """One attempt.

    Attributes
    ----------
    directory : Path
        Holds `run`, where the command ran, and `log`, all that it said.
    number : int
        From 1.
    exit_code : int
        As a shell tells it: 128 and the signal's number, if one ended it.
    seconds : float
        Wall time.
    cpu_seconds, peak_bytes : float or None, int or None
        What it used, where that can be seen.
    work_bytes : int
        Of scratch that it left.
    memory_bytes, limit_seconds : int
        What it might use.
    memory, late : bool
        Whether it took more than that.
    changed : bool
        Whether an input was written to since it was staged.
    stopped : bool
        Whether it was not tried, as its app could not be started for another unit.
    """

    directory: Path
    number: int
    exit_code: int
    seconds: float
    cpu_seconds: float | None
    peak_bytes: int | None
    work_bytes: int
    memory_bytes: int
    limit_seconds: int
    memory: bool
    late: bool
    changed: bool
    stopped: bool

    @property
    def row(self) -> dict[str, Any]:
        """What is recorded of it."""
        return {
            "attempt": self.number,
            "exit_code": self.exit_code,
            "attempt_seconds": self.seconds,
            "attempt_cpu_seconds": self.cpu_seconds,
            "attempt_peak_bytes": self.peak_bytes,
            "attempt_memory_bytes": self.memory_bytes,
            "log_end": self.log_end(),
        }

    def log_end(self) -> str:
        """Return the end of what the command said, its lines as they were."""
        with (self.directory / "log").open("rb") as stream:
            size = stream.seek(0, 2)
            stream.seek(max(0, size - 4 * LOG_END))
            text = stream.read().decode("utf-8", "replace")
        lines = text.replace("\r", "\n").split("\n")
        return "\n".join(one_line(line) for line in lines if line.strip())[-LOG_END:]

    def problem(self, success_codes: Collection[int] = (0,)) -> str | None:
        """Return in a sentence how it failed, with the end of its log; None if it did not."""
        if self.stopped:
            return "it was not tried, as the app could not be started for another unit: mend that"
        if self.exit_code in success_codes and not self.late:
            return (
                "an input changed after it was looked at, by the command or another program: what "
                "was made is not kept; let inputs alone, and run again"
                if self.changed
                else None
            )
        said = one_line(self.log_end())[-_TOLD:]
        return (
            f"{self._ended()}; its log ends: {said}"
            if said
            else f"{self._ended()}; it wrote nothing"
        )

    def _ended(self) -> str:
        if self.late:
            return (
                f"it took longer than the {self.limit_seconds} s that it asks for: give more time"
            )
        if self.memory:
            mib = self.memory_bytes >> 20
            return f"it was killed, as if for taking more than its {mib} MiB of memory: give more"
        if self.exit_code in (125, 126, 127):
            return f"it never started (exit code {self.exit_code})"
        if 128 < self.exit_code <= 192:
            return f"it was ended by signal {self.exit_code - 128}"
        return f"it failed with exit code {self.exit_code}"


def read(directory: Path, unit_id: str) -> list[Attempt]:
    """Return the attempts at a unit that are below a directory, in order."""
    found = []
    for path in sorted(directory.glob(f"{unit_id}-[0-9]")):
        told = dict(line.split(" ", 1) for line in (path / "outcome").read_text().splitlines())
        found.append(
            Attempt(
                path,
                int(path.name.rpartition("-")[2]),
                int(told["exit"]),
                float(told["seconds"]),
                float(told["cpu"]) if "cpu" in told else None,
                int(told["peak"]) if "peak" in told else None,
                int(told.get("work", 0)),
                int(told["memory"]),
                int(told["limit"]),
                told["killed"] == "memory",
                told["killed"] == "late",
                "changed" in told,
                "stopped" in told,
            )
        )
    return found
