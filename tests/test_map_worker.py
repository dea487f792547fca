"""The process that calls users' functions: what it answers is of the call that was asked for."""

import os
import signal
from pathlib import Path

from call_function import Caller


def test_an_answer_is_of_its_own_call(tmp_path: Path) -> None:
    """Whatever a function writes to descriptors, and whatever a child does that it forks."""
    (tmp_path / "forks.py").write_text(
        "import os, time\n"
        "from pathlib import Path\n"
        "def forks(how):\n"
        "    if how == 'write':\n"
        "        for number in filter(lambda one: one > 2, map(int, os.listdir('/dev/fd'))):\n"
        "            try:\n"
        "                os.write(number, b'[]' + bytes([10]))\n"
        "            except OSError:\n"
        "                pass\n"
        "    if how in ('child', 'raise', 'left') and not (child := os.fork()):\n"
        "        if how == 'raise':\n"
        "            raise ValueError\n"
        "        return time.sleep(60) if how == 'left' else 'of the child'\n"
        "    if how == 'left':\n"
        "        Path(__file__).with_name('left').write_text(str(child))\n"
        "        os._exit(3)\n"
        "    if how in ('child', 'raise'):\n"
        "        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), os.listdir()\n"
        "    return how\n"
    )
    asked = {"module": "forks", "name": "forks", "parameters": [["how", "str", True]]}
    asked |= {"sources": str(tmp_path), "directory": str(tmp_path / "made")}
    hows = ["child", "a", "raise", "b", "left", "c", "write", "d"]
    caller = Caller()
    try:
        answers = [caller.call(asked | {"arguments": {"how": how}}) for how in hows]
    finally:
        caller.close()
    os.kill(int((tmp_path / "left").read_text()), signal.SIGKILL)  # there: it was not waited for
    values = [one.get("value") for one in answers]
    assert values == [[0, []], "a", [1, []], "b", None, "c", None, "d"]
    assert [one["error"] for one in answers if "error" in one] == [
        "it ended its process, with exit code 3",
        "it wrote to a file descriptor that is not its own",
    ]
