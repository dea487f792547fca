"""What engines are told that run a tool, and what ends with it: engines are stood in for."""

import os
import time
from pathlib import Path

import pytest
from test_tools import UNIT, run
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
