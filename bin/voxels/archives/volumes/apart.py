"""Chunks that are decoded in processes of their own, since codecs crash over damaged ones.

A process takes one chunk after the other, and leaves its voxels in memory that is shared. Up to
four are at it, each for as long as this one lives; about 50 MB each, and two chunks.
"""

from __future__ import annotations

import atexit
import mmap
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ... import chunk_decoder
from ...chunk_decoder import ANSWERED, ASKED
from .. import Unreachable

AT_ONCE = min(4, os.cpu_count() or 1)


class _Process:
    """A process that decodes chunks of one encoding, dtype, and number of bytes at most."""

    def __init__(self, encoding: str, dtype: str, length: int) -> None:
        self.encoding, self.dtype = encoding, dtype
        with tempfile.TemporaryFile() if sys.platform != "linux" else _memory() as file:
            file.truncate(length)
            self._shared = mmap.mmap(file.fileno(), length)
            words = [encoding, dtype, str(file.fileno()), str(length)]
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", chunk_decoder.__name__, *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pass_fds=[file.fileno()],
                env=_environment(encoding),
            )

    def decode(self, content: bytes | memoryview, shape_xyzc: Sequence[int]) -> npt.NDArray[Any]:
        """Return the voxels of a chunk, which are there until the next one is decoded.

        Raises
        ------
        ValueError
            If it is damaged.
        Unreachable
            If the process was killed.
        """
        asked, answers = self._process.stdin, self._process.stdout
        assert asked and answers
        try:
            asked.write(ASKED.pack(*shape_xyzc, len(content)))
            asked.write(content)
            asked.flush()
            head = answers.read(ANSWERED.size)
        except BrokenPipeError:
            head = b""
        if len(head) < ANSWERED.size:
            raise self._ended()
        (length,) = ANSWERED.unpack(head)
        if length:
            said = answers.read(length).decode(errors="replace")
            self.close()  # what damaged bytes wrote into its memory harms no other chunk
            raise ValueError(said)
        return np.ndarray(tuple(shape_xyzc), self.dtype, self._shared, order="F")

    def _ended(self) -> Exception:
        status = self.close()
        if status == -9:
            return Unreachable(
                f"the process that decodes {self.encoding} was killed; where memory is short, give "
                "it more"
            )
        return ValueError(f"the codec of {self.encoding} crashes over it (status {status})")

    @property
    def is_there(self) -> bool:
        return self._process.poll() is None

    @property
    def is_closed(self) -> bool:
        return self._process.returncode is not None

    def close(self) -> int:
        with suppress(BrokenPipeError), self._process:  # which closes its stdin: so it ends
            pass
        return self._process.returncode


def _environment(encoding: str) -> dict[str, str]:
    """Return the variables of a process that finds its module where this one did."""
    file, name = Path(chunk_decoder.__file__), chunk_decoder.__name__
    places = [str(file.parents[name.count(".")]), os.environ.get("PYTHONPATH", "")]
    found = {"PYTHONPATH": os.pathsep.join(filter(None, places)), "OPENBLAS_NUM_THREADS": "1"}
    zeroed = chunk_decoder.ZEROED if encoding == "crackle" else {}
    return os.environ | found | chunk_decoder.MEMORY | zeroed


def _memory() -> Any:
    return os.fdopen(os.memfd_create("bossflow"), "wb")


_idle: list[tuple[tuple[str, str, int], _Process]] = []


@contextmanager
def process(encoding: str, dtype: str, length: int) -> Iterator[_Process]:
    """Lend a process that decodes chunks of so many bytes at most; those of other kinds end."""
    key, found = (encoding, dtype, length), None
    while _idle and found is None:
        try:
            its_key, idle = _idle.pop()
        except IndexError:  # another thread was faster
            break
        if its_key == key and idle.is_there:
            found = idle
        else:
            idle.close()
    found = found or _Process(*key)
    try:
        yield found
    finally:
        if not found.is_closed:
            _idle.append((key, found))


@atexit.register
def close() -> None:
    """End the processes that are idle."""
    while _idle:
        _idle.pop()[1].close()
