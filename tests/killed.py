"""Run programs that end at a chosen point, each in a fork of a process that has all imports.

Reads a line of JSON for each, and answers with one: `status`, or the process that was `stopped`. A
point is an event, a pattern that is found in it, and its number. Events are Python's audit events,
of files only opened to write, `os.fsync` of a path, and `sql` and `sql done`, before and after each
statement.
"""

import atexit
import gc
import json
import os
import re
import runpy
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

from warm import leave

FILES = (
    "open", "os.fsync", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "shutil.rmtree"
)  # fmt: skip


def watch(asked: dict[str, Any]) -> None:
    """Send this process a signal at a point, or note its events."""
    event, pattern, number = asked["end_at"] or (None, None, 0)
    found: list[str] = []
    here = str(Path(asked["lab"]))

    def happens(name: str, args: tuple[Any, ...]) -> None:
        nonlocal number
        if name not in FILES and not name.startswith("sql"):
            return
        if name == "open" and not (isinstance(args[1], str) and set(args[1]) & set("wax+")):
            return
        text = " ".join(map(str, args))
        if asked["note"] and (name.startswith("sql") or here in text):
            found.append(name)
        if event == "any":
            number -= name.startswith("sql") or here in text
        elif event == name and re.search(pattern, text):
            number -= 1
        else:
            return
        if number == 0:
            os.kill(os.getpid(), asked["signal"])

    sys.addaudithook(happens)
    fsync = os.fsync

    def flushed(descriptor: int) -> None:
        happens("os.fsync", (os.readlink(f"/proc/self/fd/{descriptor}"),))
        fsync(descriptor)

    os.fsync = flushed
    from datajoint.connection import Connection

    execute = Connection._execute_query

    def executed(self: Any, cursor: Any, query: str, *rest: Any) -> None:
        happens("sql", (query,))
        execute(self, cursor, query, *rest)
        happens("sql done", (query,))

    Connection._execute_query = executed
    if asked["note"]:
        atexit.register(lambda: Path(asked["note"]).write_text(json.dumps(found)))


def run(asked: dict[str, Any]) -> None:
    """Be the program."""
    os.chdir(asked["directory"])
    out = os.open(asked["said"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (out, 1), (out, 2)):
        os.dup2(source, target)
    sys.argv = asked["argv"]
    watch(asked)
    code: Any = 0
    try:
        if sys.argv[0] == "bossflow":
            from bossflow.command.main import main

            main()
        else:
            runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as end:
        code = end.code
        if isinstance(code, str):
            print(code)
    except BaseException:
        traceback.print_exc()
        code = 1
    leave(code if isinstance(code, int) else int(code is not None))


def main() -> None:
    programs = sys.argv[1]
    sys.path.insert(0, programs)
    import bossflow.command.main  # noqa: F401
    import bossflow.core.plan  # noqa: F401
    import bossflow.core.record  # noqa: F401
    import cc3d  # noqa: F401
    import pyarrow.parquet  # noqa: F401
    import scipy.sparse.csgraph  # noqa: F401
    import voxels.archives.volumes
    import voxels.kernels
    import voxels.segmentation  # noqa: F401

    gc.freeze()
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        asked = json.loads(line)
        if "goes_on" in asked:
            pid = asked["goes_on"]
            os.kill(pid, signal.SIGCONT)
        else:
            pid = os.fork()
            if not pid:
                answers.close()
                run(asked)
        _, status = os.waitpid(pid, os.WUNTRACED)
        stopped = os.WIFSTOPPED(status)
        answer = {"stopped": pid} if stopped else {"status": os.waitstatus_to_exitcode(status)}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
