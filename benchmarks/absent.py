"""Say what installs what a benchmark lacks; each benchmark imports this first."""

import subprocess
import sys
from types import TracebackType

HOW = "run ./set-up.sh --test --version, then . .venv/bin/activate"


def say(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Be Python's last word: a sentence instead of a traceback, where something is missing."""
    if isinstance(error, ModuleNotFoundError):
        print(f"the Python package {error.name} is not installed here: {HOW}", file=sys.stderr)
    elif isinstance(error, FileNotFoundError) and _starts(trace):
        print(f"{error.filename} is not on PATH: {HOW}", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


def _starts(trace: TracebackType | None) -> bool:
    """Tell whether an error came up where a program was started."""
    while trace and trace.tb_next:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_code.co_filename == subprocess.__file__


sys.excepthook = say
