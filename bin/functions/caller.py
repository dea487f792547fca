"""The process that calls a user's functions, as the program that has them called sees it."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

END_SECONDS = 10
OURS = "BOSSFLOW_SOURCE_", "PIP_"
"""Begin the names of secrets that programs read sources with, and pip its index: no function's."""

START = "import sys; sys.path.insert(0, sys.argv.pop(1)); import functions.worker as w; w.main()"


class Caller:
    """The process that calls functions: started when it is needed, and again when it died."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._asked: IO[str]
        self._told: IO[bytes]
        self._number = 0
        self._environment: Path | None = None

    def call(self, asked: dict[str, Any], environment: Path | None = None) -> dict[str, Any]:
        """Return what `functions.worker.called` tells; `error` too where its process died.

        `environment` is a directory of distributions that come before those of this Python.
        """
        if environment != self._environment:
            self.close()
        if self._process is None:
            self._start(environment)
        self._number += 1
        try:
            self._asked.write(json.dumps(asked | {"number": self._number}) + "\n")
            self._asked.flush()
            answer = self._told.readline()
        except BrokenPipeError:
            answer = b""
        if not answer.endswith(b"\n"):
            return {"error": self._how_it_ended()}
        with suppress(ValueError):
            told = json.loads(answer)
            if isinstance(told, dict) and told.pop("number", None) == self._number:
                return told
        assert self._process is not None
        self._process.kill()  # what else it tells may be no answer either
        self._told.close()
        self.close()
        return {"error": "it wrote to a file descriptor that is not its own"}

    def _start(self, environment: Path | None) -> None:
        (asks, asked), (told, tells) = os.pipe(), os.pipe()
        words = [str(Path(__file__).resolve().parents[1]), str(asks), str(tells)]
        variables = {name: os.environ[name] for name in os.environ if not name.startswith(OURS)}
        if environment:
            words.append(str(environment))
            for name, own in {"PYTHONPATH": environment, "PATH": environment / "bin"}.items():
                variables[name] = os.pathsep.join(filter(None, [str(own), variables.get(name)]))
        self._environment = environment
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", START, *words],
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            pass_fds=(asks, tells),
            env=variables,
        )
        for number in (asks, tells):
            os.close(number)
        self._asked = os.fdopen(asked, "w", encoding="utf-8")
        self._told = os.fdopen(told, "rb")

    def _how_it_ended(self) -> str:
        assert self._process is not None
        self._told.close()
        code = self._process.wait()
        self.close()
        if code >= 0:
            return f"it ended its process, with exit code {code}"
        name = signal.Signals(-code).name
        most = ", as if for taking more memory than there is" if -code == signal.SIGKILL else ""
        return f"its process was killed by {name}{most}"

    def close(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(BrokenPipeError):
            self._asked.close()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:  # threads of a function's that go on
            process.kill()
            process.wait()
