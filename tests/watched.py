"""What programs do to files and rows, noted in order.

`made` is a path that is made or opened to write, `removed` one that goes, `rename` two, with all
`files` that move, `fsync` a file and, of a directory, the `names` in it, `sql` the first word of a
statement that is sent, with its `length` in bytes, and `end` a program that ends, with the files of
the `modules` it loaded.
A file is `(device, inode, size, mtime_ns)`.
"""

import atexit
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NOTE = "BOSSFLOW_TESTS_NOTE"
"""Names a file in a program's environment, in which it notes what it does: a line of JSON each."""

Event = dict[str, Any]
File = tuple[int, int, int, int]


def file(path: Path | str | int) -> File:
    """Return what tells a file, as it is, from all others and from what it was before."""
    found = os.stat(path)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


@contextmanager
def noting() -> Iterator[list[Event]]:
    """Note what this process does."""
    noted: list[Event] = []
    end = _observe(lambda **event: noted.append(event))
    try:
        yield noted
    finally:
        end()


def watch(name: str, program: str) -> None:
    """Have a program note what it does in a file, to which others write as well."""
    stream = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    loaded = set(sys.modules)

    def note(**event: Any) -> None:
        os.write(stream, json.dumps(event).encode() + b"\n")

    def ends() -> None:
        new = [sys.modules[name] for name in set(sys.modules) - loaded]
        files = [getattr(module, "__file__", None) for module in new]
        modules = [os.path.realpath(name) for name in files if name]
        note(end=os.path.basename(program), modules=modules)

    atexit.register(ends)
    _observe(note)


def events(name: Path) -> list[Event]:
    """Return what programs have noted in a file."""
    return [json.loads(line) for line in name.read_text().splitlines()]


def _observe(note: Callable[..., None]) -> Callable[[], None]:
    """Note what happens from now on; return what ends it."""
    fsync, watching, statements = os.fsync, True, _Statements(note)

    def happens(event: str, args: tuple[Any, ...]) -> None:
        if not watching:  # a hook stays
            return
        statements.observe()
        if event == "os.rename":
            paths = [os.fspath(path) for path in args[:2]]
            note(rename=paths, files=[file(path) for path in _below(paths[0])])
        elif event == "os.remove":
            note(removed=os.fspath(args[0]))
        elif event == "os.mkdir" or (event == "open" and _writes(*args)):
            note(made=os.path.abspath(os.fsdecode(args[0])))

    def noted(descriptor: int) -> None:
        what = file(descriptor)
        names = os.listdir(descriptor) if os.path.isdir(descriptor) else None
        fsync(descriptor)
        note(fsync=what, names=names)

    def end() -> None:
        nonlocal watching
        watching, os.fsync = False, fsync
        statements.end()

    statements.observe()
    sys.addaudithook(happens)
    os.fsync = noted
    return end


def _below(path: str) -> list[str]:
    if not os.path.isdir(path):
        return [path] * os.path.exists(path)
    return [os.path.join(root, name) for root, _, names in os.walk(path) for name in names]


def _writes(path: Any, mode: str | None, flags: int) -> bool:
    if not isinstance(path, (str, bytes)):
        return False
    return bool(set(mode) & set("wax+")) if mode else bool(flags & (os.O_WRONLY | os.O_RDWR))


class _Statements:
    """DataJoint's statements, once it is loaded: it reads its settings then, so we must not."""

    def __init__(self, note: Callable[..., None]) -> None:
        self.note = note
        self.connection: Any = None

    def observe(self) -> None:
        found = getattr(sys.modules.get("datajoint.connection"), "Connection", None)
        if self.connection or not hasattr(found, "_execute_query"):
            return
        self.connection, self.execute = found, found._execute_query
        note, execute = self.note, self.execute

        def executed(self: Any, cursor: Any, query: str, args: Any, *rest: Any) -> None:
            sent = cursor.mogrify(query, args)
            length = len(sent if isinstance(sent, bytes) else sent.encode())
            note(sql=query.split()[0], length=length)
            execute(self, cursor, query, args, *rest)

        found._execute_query = executed

    def end(self) -> None:
        if self.connection:
            self.connection._execute_query = self.execute
