"""The process that calls users' functions: what it answers is of the call that was asked for."""

import os
import signal
from pathlib import Path

import pytest
from functions.caller import Caller


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


def test_a_call_ends_no_later_one_nor_leaves_it_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it does to alarms and to the rights of files, and where it worked as it died."""
    (tmp_path / "leaves.py").write_text(
        "import os, signal\n"
        "from pathlib import Path\n"
        "def leaves(how):\n"
        "    Path('left').write_text(how)\n"
        "    if how == 'alarm':\n"
        "        signal.alarm(600)\n"
        "    if how == 'after':\n"
        "        return signal.alarm(0)\n"
        "    if how == 'umask':\n"
        "        os.umask(0o777)\n"
        "    if how == 'die':\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    if how == 'say':\n"
        "        raise ValueError('said ' * 1000)\n"
        "    return Path('left')\n"
    )
    asked = {"module": "leaves", "name": "leaves", "parameters": [["how", "str", True]]}
    asked |= {"sources": str(tmp_path)}
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    hows = ["alarm", "after", "umask", "die", "last", "say"]
    caller = Caller()
    try:
        answers = {
            how: caller.call(asked | {"arguments": {"how": how}, "directory": str(tmp_path / how)})
            for how in hows
        }
    finally:
        caller.close()
    assert [how for how, told in answers.items() if "error" in told] == ["die", "say"]
    assert answers["after"]["value"] == 0
    assert (tmp_path / "umask/files/left").stat().st_mode & 0o400
    assert answers["say"]["error"].startswith("ValueError: said said")
    assert len(answers["say"]["error"]) < 700 and answers["say"]["error"].endswith("…")
    assert not [*Path().iterdir()]
