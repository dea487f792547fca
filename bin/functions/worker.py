"""What calls users' functions: a process of its own, so that what ends it ends one call.

    python -P -c "import sys; sys.path.insert(0, BIN); from functions.worker import main; main()" \
        ASKED TOLD [ENVIRONMENT]

ASKED and TOLD are file descriptors: a line of JSON for each call comes by the one, and one for each
result goes by the other. What functions print goes to standard error. ENVIRONMENT, a directory of
distributions, is in PYTHONPATH already.
"""

import contextlib
import ctypes
import json
import os
import shutil
import signal
import site
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .arguments import values
from .blocks import handed
from .calling import load
from .identity import Parameter
from .results import write
from .texts import cut, one_line

PR_SET_PDEATHSIG = 1
"""Of Linux's `prctl`: which signal comes when the process that started this one is gone."""

SCRATCH = "call-"
"""How the directories begin that calls work in."""

MOST_SAID = 600
"""Characters of what an error says; the traceback, in the log, has all."""


def main() -> None:
    """Call what is asked for, until nobody asks."""
    asked, told = (int(number) for number in sys.argv[1:3])
    for environment in sys.argv[3:]:
        site.addsitedir(environment)  # for what distributions have in `.pth` files
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    for number in (asked, told):
        os.set_inheritable(number, False)
    os.register_at_fork(after_in_child=lambda: _leave(asked, told))
    os.dup2(2, 1)
    here = os.getcwd()
    for left in Path().glob(f"{SCRATCH}*"):  # by the process before this one, which a call ended
        shutil.rmtree(left, ignore_errors=True)
    with open(asked, encoding="utf-8") as lines, open(told, "w", encoding="utf-8") as answers:
        for line in lines:
            wanted = json.loads(line)
            answer = called(wanted) | {"number": wanted["number"]}
            signal.setitimer(signal.ITIMER_REAL, 0)  # an alarm would end another call
            os.chdir(here)
            answers.write(json.dumps(answer) + "\n")
            answers.flush()


def _leave(*numbers: int) -> None:
    """Have a child that a function forked hear and answer nothing, nor keep the pipes open."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in numbers:
        os.dup2(nothing, number, inheritable=False)
    os.close(nothing)


def called(asked: dict[str, Any]) -> dict[str, Any]:
    """Call a function as it is asked for, in a directory of its own, and write its result.

    Parameters
    ----------
    asked : dict
        `sources` (directory), `module`, `name`, `parameters` and `arguments`, the `directory`
        that the result is written to and, of a block, what is `handed` (`blocks.handed`).

    Returns
    -------
    dict
        `kind`, `value` and `seconds`, or the `error`: its type and what it says.
    """
    parameters = [
        Parameter(name, kind, required, None) for name, kind, required in asked["parameters"]
    ]
    try:
        function = load(Path(asked["sources"]), asked["module"], asked["name"])
        with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=os.getcwd()) as scratch:
            os.chdir(scratch)
            given = values(asked["arguments"], parameters)
            if "handed" in asked:
                given |= handed(asked["handed"], parameters)
            began = time.monotonic()
            result = _result(function, given)
            seconds = time.monotonic() - began
            os.chdir(scratch)
            kind, value = write(result, Path(asked["directory"]))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # also what ends a program, such as sys.exit
        traceback.print_exc()
        return {"error": said(error)}
    return {"kind": kind, "value": value, "seconds": round(seconds, 6)}


def _result(function: Callable[..., Any], given: dict[str, Any]) -> Any:
    """Return what a function returns; children that it forked end here, as Python would."""
    own, code, mask = os.getpid(), 1, os.umask(0o77)
    os.umask(mask)
    try:
        result = function(**given)
        code = 0
        return result
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
        raise
    finally:
        os.umask(mask)  # or its result could be no one's to read
        if os.getpid() != own:
            if sys.exc_info()[0] not in (None, SystemExit):
                traceback.print_exc()
            sys.stdout.flush()
            os._exit(code & 0xFF)


def said(error: BaseException) -> str:
    """Return an error's type and, if it says something, what."""
    text = ""
    with contextlib.suppress(Exception):  # of a user's own way to say it
        text = one_line(str(error))
    text = cut(text, MOST_SAID)  # so that what it was called with is told, too
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
