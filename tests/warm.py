"""Python programs in forks of a process that has imported the libraries they need.

To import them takes a second a program, and tests start hundreds. What is ours, and DataJoint,
which reads its settings on import, each fork imports for itself, but the compiled loops.
"""

import atexit
import functools
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
import types
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import watched

HANGS_S = 900
LIBRARIES = (
    "blosc",
    "cc3d",
    "click",
    "fastjsonschema",
    "fsspec",
    "intern",
    "networkx",
    "numba",
    "obstore",
    "pandas",
    "psutil",
    "psycopg2",
    "pyarrow.parquet",
    "pydantic_settings",
    "pymysql",
    "rich.table",
    "scipy.sparse.csgraph",
    "starlette.applications",
    "tenacity",
    "tensorstore",
    "uvicorn",
)


# ---- in a test ----


def never_flush() -> None:
    """Have this process leave to the system when files are on disk: no test cuts the power.

    To wait for a disk takes longer than most of what is tested; see `watched.py` for what is
    flushed, and when.
    """
    os.fsync = os.fstat  # type: ignore[assignment]  # which refuses what is no file's, too


def run(
    *arguments: str, cwd: Path, env: Mapping[str, str], given: str = ""
) -> "subprocess.CompletedProcess[str]":
    """Run what `python -W ignore ARGUMENTS` does: `-c CODE ...` or `FILE ...`."""
    if sys.platform == "darwin":  # whose libraries may not be used in a fork
        command = [sys.executable, "-W", "ignore", *arguments]
        return subprocess.run(
            command, cwd=cwd, env=env, input=given, capture_output=True, text=True, timeout=HANGS_S
        )
    with (
        socket.socket(socket.AF_UNIX) as server,
        tempfile.TemporaryFile() as read,
        tempfile.TemporaryFile() as said,
        tempfile.TemporaryFile() as errors,
    ):
        read.write(given.encode())
        read.seek(0)
        server.settimeout(HANGS_S)
        server.connect(_server())
        files = [read.fileno(), said.fileno(), errors.fileno()]
        socket.send_fds(server, [b"."], files)
        asked = {"arguments": arguments, "cwd": str(cwd), "env": dict(env)}
        server.sendall(json.dumps(asked).encode())
        server.shutdown(socket.SHUT_WR)
        code = int(server.makefile().read())
        for stream in (said, errors):
            stream.seek(0)
        return subprocess.CompletedProcess(
            arguments, code, said.read().decode(), errors.read().decode()
        )


@functools.cache
def _server() -> str:
    """Start the process that is forked, once; it ends with this one."""
    directory = tempfile.mkdtemp(prefix="warm-")
    place = os.path.join(directory, "socket")
    here = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", __file__, place],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=here | {"OPENBLAS_NUM_THREADS": "1"},
        cwd=directory,
    )
    assert process.stdin and process.stdout
    assert process.stdout.readline() == b"ready\n"

    def end() -> None:
        process.communicate()
        Path(place).unlink(missing_ok=True)
        os.rmdir(directory)

    atexit.register(end)
    return place


# ---- in the process that is forked ----


def serve(place: str) -> None:
    """Fork for each that asks, until the test's process has ended."""
    for library in LIBRARIES:
        importlib.import_module(library)
    sys.path.insert(1, str(Path(__file__).resolve().parents[1] / "bin"))
    importlib.import_module("voxels.kernels").compile_all()
    del sys.path[1]
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks that wait
    server = socket.socket(socket.AF_UNIX)
    server.bind(place)
    server.listen(64)
    print("ready", flush=True)
    while 0 not in select.select([0, server], [], [])[0]:
        asking, _ = server.accept()
        if os.fork() == 0:
            server.close()
            _answer(asking)
        asking.close()


def _answer(asking: socket.socket) -> None:
    """Run a program in a fork of its own; tell how it ended, and end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, files, _, _ = socket.recv_fds(asking, 1, 3)
    asked = json.loads(asking.makefile().read())
    child = os.fork()
    if child == 0:
        asking.close()
        _become(asked, files)
    _, status = os.waitpid(child, 0)
    asking.sendall(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _become(asked: dict[str, Any], files: list[int]) -> None:
    """Be the program, as if Python had just started."""
    never_flush()
    for target, file in enumerate(files):
        os.dup2(file, target)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    warnings.simplefilter("ignore")
    first, *rest = asked["arguments"]
    found = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:1] = [*filter(None, found)]
    code: Any = 0
    try:
        if note := os.environ.get(watched.NOTE):
            watched.watch(note, first)
        if first == "-c":
            program, *rest = rest
            sys.argv = ["-c", *rest]
            sys.path.insert(0, "")
            main = types.ModuleType("__main__")
            sys.modules["__main__"] = main
            exec(compile(program, "<string>", "exec"), main.__dict__)
        else:
            sys.argv = [first, *rest]
            sys.path.insert(0, str(Path(first).resolve().parent))
            runpy.run_path(first, run_name="__main__")
    except SystemExit as end:
        code = end.code
        if code is not None and not isinstance(code, int):
            print(code, file=sys.stderr)
            code = 1
    except BaseException:
        traceback.print_exc()
        code = 1
    leave(code or 0)


def leave(code: int) -> None:
    """End a fork; to do it as Python does would touch all that was imported, and so copy it."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    serve(sys.argv[1])
