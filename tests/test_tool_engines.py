"""What engines are told that run a tool, and what ends with it: engines are stood in for."""

import os
import subprocess
import time
from pathlib import Path

import pytest
from stage_command import write_words
from test_tools import RUN, UNIT, run
from tools.files import stage


@pytest.mark.parametrize("engine", ["docker", "apptainer"])
def test_what_an_engine_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    """Docker refuses more cores than there are; where images are put is for the user to say."""
    script = """#!/bin/sh
        [ "$1" = run ] || exit 1
        echo "$*" | grep -o -e '--cpus [0-9]*'
        env | grep -e CACHEDIR -e swordfish
        exit 0
    """
    (tmp_path / engine).write_text(script)
    (tmp_path / engine).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("APPTAINER_CACHEDIR", "/large disk")
    ended = run(tmp_path, ["x"], [engine, "lab/tool", "", ""], cores=10_000)
    said = (ended.directory / "log").read_text()
    if engine == "docker":
        assert f"--cpus {os.cpu_count()}\n" in said
    else:
        assert said == "APPTAINER_CACHEDIR=/large disk\n"


@pytest.mark.parametrize("engine", ["docker", "apptainer"])
def test_the_time_that_an_image_takes_to_come_is_not_the_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    """An engine is stood in for: it takes longer to pull than the command may take."""
    script = f"""#!/bin/sh
        [ "$1" = rm ] && exit 0
        [ "$1" = pull ] || [ "$1" = run ] || exit 1
        [ -e "{tmp_path}/here" ] || {{ sleep 1.5; touch "{tmp_path}/here"; }}
        echo "$1"
    """
    (tmp_path / engine).write_text(script)
    (tmp_path / engine).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    ended = run(tmp_path, ["x"], [engine, "docker://lab/tool@sha256:12", "", ""], seconds=1)
    assert (ended.exit_code, ended.late) == (0, False)
    assert ended.seconds < 1 and ended.log_end() == "run"
    assert not [*tmp_path.glob("*.sif")]


@pytest.mark.parametrize("engine", ["docker", "apptainer"])
def test_an_image_is_not_fetched_on_for_a_task_that_was_killed(tmp_path: Path, engine: str) -> None:
    """An engine is stood in for: its pull has no end."""
    told, unit = tmp_path / "told", tmp_path / "staged" / UNIT
    script = f'#!/bin/sh\n[ "$1" = pull ] || exit 1\necho $$ >{told}.new && mv {told}.new {told}\n'
    (tmp_path / engine).write_text(script + "sleep 1000\n")
    (tmp_path / engine).chmod(0o755)
    (unit / "inputs").mkdir(parents=True)
    write_words(unit / "words", ["x"])
    write_words(unit / "tool", [engine, "docker://lab/tool@sha256:12", "", ""])
    words = [RUN, unit, "1", "1", "1000000000", "0"]
    path = f"{tmp_path}:{os.environ['PATH']}"
    with subprocess.Popen(words, cwd=tmp_path, env=os.environ | {"PATH": path}) as task:
        while not told.exists():
            assert task.poll() is None
            time.sleep(0.02)
        task.kill()
    with pytest.raises(ProcessLookupError):
        for _ in range(600):
            os.kill(int(told.read_text()), 0)
            time.sleep(0.1)


@pytest.mark.parametrize("seconds", [0, 60])
def test_what_a_command_leaves_running_is_ended_with_it(tmp_path: Path, seconds: int) -> None:
    """It would go on to write into a user's own files, which are linked."""
    given = tmp_path / "given"
    given.write_text("a")
    stage(given, tmp_path / "staged" / UNIT / "inputs" / "given")
    script = "(sleep 1; echo b >>inputs/given; echo b >outputs/late) & exit 0"
    ended = run(tmp_path, ["bash", "-c", script], seconds=seconds)
    assert (ended.exit_code, ended.problem()) == (0, None)
    time.sleep(1.5)
    assert given.read_text() == "a"
    assert not (ended.directory / "run" / "outputs" / "late").exists()
