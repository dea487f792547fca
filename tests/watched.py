"""What programs do to files and rows, noted while they do it, a line of JSON each.

`made` is a path that is made or opened to write, `removed` one that goes, `rename` has two, `fsync`
a file as `[device, inode, size, mtime_ns]` and, of a directory, the `names` in it, `sql` the first
word of a statement that is sent, and `end` a program that ends, with the `files` of its modules.
"""

import atexit
import json
import os
import sys
from pathlib import Path
from typing import Any

NOTE = "BOSSFLOW_TESTS_NOTE"
"""Names the file, in a program's environment."""


def watch(file: str, program: str) -> None:
    """Have a program note what it does in a file, to which others write as well."""
    stream = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    fsync, loaded = os.fsync, set(sys.modules)

    def note(**what: Any) -> None:
        os.write(stream, json.dumps(what).encode() + b"\n")

    def happens(event: str, args: tuple[Any, ...]) -> None:
        _note_statements(note)
        if event == "os.rename":
            note(rename=[os.fspath(path) for path in args[:2]])
        elif event == "os.remove":
            note(removed=os.fspath(args[0]))
        elif event == "os.mkdir" or (event == "open" and _writes(*args)):
            note(made=os.path.abspath(os.fsdecode(args[0])))

    def noting(descriptor: int) -> None:
        found = os.fstat(descriptor)
        names = os.listdir(descriptor) if os.path.isdir(descriptor) else None
        fsync(descriptor)
        note(fsync=[found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns], names=names)

    def ends() -> None:
        new = [sys.modules[name] for name in set(sys.modules) - loaded]
        files = [getattr(module, "__file__", None) for module in new]
        note(
            end=os.path.basename(program), files=[os.path.realpath(name) for name in files if name]
        )

    sys.addaudithook(happens)
    os.fsync = noting
    atexit.register(ends)


def _writes(path: Any, mode: str | None, flags: int) -> bool:
    if not isinstance(path, (str, bytes)):
        return False
    return bool(set(mode) & set("wax+")) if mode else bool(flags & (os.O_WRONLY | os.O_RDWR))


def _note_statements(note: Any) -> None:
    """Note statements from now on, if DataJoint is loaded: we can't load it for the program."""
    connection: Any = getattr(sys.modules.get("datajoint.connection"), "Connection", None)
    execute = getattr(connection, "_execute_query", None)
    if not execute or execute.__name__ == "executed":
        return

    def executed(self: Any, cursor: Any, query: str, *rest: Any) -> None:
        note(sql=query.split()[0])
        execute(self, cursor, query, *rest)

    connection._execute_query = executed


def events(file: Path) -> list[dict[str, Any]]:
    """Return what was noted, in order."""
    return [json.loads(line) for line in file.read_text().splitlines()]
