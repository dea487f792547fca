"""A process that decodes chunks, which whatever a codec does over damaged bytes ends alone.

    python -m voxels.chunk_decoder ENCODING DTYPE FILE BYTES

is started by `archives.volumes.apart`.
"""

from __future__ import annotations

import contextlib
import importlib
import mmap
import os
import signal
import struct
import sys
from collections.abc import Callable, Sequence

ASKED = struct.Struct("<5Q")
"""The sides of a chunk (x, y, z, channels) and how many bytes of it follow."""

ANSWERED = struct.Struct("<Q")
"""How many bytes follow that say what is wrong; 0 if the voxels are in the file."""

MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**28)}
"""Variables for the GNU C library: memory that was freed is kept for the next chunk."""

ZEROED = {"MALLOC_PERTURB_": "255"}
"""And all memory is zero before it is written: for Crackle."""

_MOST_BYTES = 2**31
"""Of memory that a codec may ask for beside what whole chunks take."""

Decode = Callable[[bytes, Sequence[int]], None]


def main() -> None:
    """Decode what is asked for at stdin into a file that is shared, until there is no more."""
    encoding, dtype = sys.argv[1:3]
    file, length = map(int, sys.argv[3:])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who asked ends, and so does stdin
    asked = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # codecs may print
    shared = mmap.mmap(file, length)
    decode = _by_fpzip(dtype, shared) if encoding == "fpzip" else _by(encoding, dtype, shared)
    _limit(length)
    while len(head := asked.read(ASKED.size)) == ASKED.size:
        *shape, size = ASKED.unpack(head)
        content = asked.read(size)
        try:
            if not content:
                raise ValueError("it is empty")
            decode(content, shape)
            said = b""
        except Exception as error:
            said = " ".join(str(error).split()).encode() or type(error).__name__.encode()
        answers.write(ANSWERED.pack(len(said)) + said)
        answers.flush()


def _by(encoding: str, dtype: str, shared: mmap.mmap) -> Decode:
    """Return what decodes a chunk of so many voxels into memory that is shared."""
    import numpy as np

    from .chunk_codecs import PACKAGES, decode

    importlib.import_module(PACKAGES[encoding][0])

    def decoded(content: bytes, shape: Sequence[int]) -> None:
        decode(encoding, content, np.ndarray(shape, dtype, shared, order="F"))

    return decoded


def _by_fpzip(dtype: str, shared: mmap.mmap) -> Decode:
    """Return the same without numpy: two such processes start in half the CPU seconds."""
    from . import fpzip_streams

    fpzip_streams.library()
    return lambda content, shape: fpzip_streams.decode(content, dtype, shape, shared)


def _limit(length: int) -> None:
    """Limit memory: damaged sizes ask for any amount."""
    import resource

    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with open("/proc/self/statm") as stream:
            now = int(stream.read().split()[0]) * resource.getpagesize()
        most = now + 8 * length + _MOST_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


if __name__ == "__main__":
    main()
