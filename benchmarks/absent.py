"""Say what installs what a benchmark lacks; each benchmark imports this first."""

import sys
from types import TracebackType

HOW = "run ./set-up.sh --test --version, then . .venv/bin/activate"


def say(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Be Python's last word: a sentence instead of a traceback, where something is missing."""
    if isinstance(error, ModuleNotFoundError):
        print(f"the Python package {error.name} is not installed here: {HOW}", file=sys.stderr)
    elif isinstance(error, FileNotFoundError) and error.filename and "/" not in error.filename:
        print(f"{error.filename} is not on PATH: {HOW}", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


sys.excepthook = say
