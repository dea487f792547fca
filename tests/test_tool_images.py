"""Tools in images of their own, by real engines: what they see, and how their end is told."""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from engines import need
from stage_command import write_words
from test_tools import RUN, UNIT, run
from tool_images import BUSYBOX, NIFTI, as_sif, imported, said

pytestmark = pytest.mark.docker

USER = 4711  # has no entry in /etc/passwd, and none in the image's


@pytest.fixture(scope="module", params=["docker", "apptainer"])
def engine(request: pytest.FixtureRequest) -> str:
    if request.param == "apptainer":
        need("apptainer")
    return str(request.param)


@pytest.fixture(scope="module")
def images() -> Iterator[dict[str, str]]:
    """Return images by name: `echo`, whose entry point echoes in capitals' way, and `nifti`."""
    made = {
        "echo": imported(BUSYBOX, '["/bin/busybox", "echo", "it says"]', "USER 12345"),
        "nifti": imported(NIFTI, '["/usr/bin/nifti_tool"]'),
    }
    yield made
    said("docker", "rmi", "--force", *made.values())


@pytest.fixture(scope="module")
def tools(
    engine: str, images: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """Return the images as the engine takes them."""
    if engine == "docker":
        return images
    place = tmp_path_factory.mktemp("sif")
    return {name: str(as_sif(image, place / f"{name}.sif")) for name, image in images.items()}


def test_the_entry_point_of_an_image_is_honoured(
    tmp_path: Path, engine: str, tools: dict[str, str]
) -> None:
    """And words are words, whatever a shell would make of them."""
    hostile = ["$(id)", "a  b", "", "'", "--help", "*"]
    ended = run(tmp_path, hostile, [engine, tools["echo"], "", ""])
    assert ended.exit_code == 0, ended.log_end()
    assert f"it says {' '.join(hostile)}\n" in (ended.directory / "log").read_text()


def test_a_tool_in_an_image_sees_its_files_and_nothing_else(
    tmp_path: Path, engine: str, tools: dict[str, str]
) -> None:
    given = tmp_path / "staged" / UNIT / "inputs"
    given.mkdir(parents=True)
    (given / "in.txt").write_text("given")
    script = """
        cat inputs/in.txt >outputs/out.txt; echo changed >inputs/in.txt; ls /work /root "$HOME"
        mkdir "$TMPDIR/scratch"; touch "$HOME/here" && echo home; env; pwd
        for one in bash python3; do command -v $one && echo "there is $one"; done; true
    """
    tool = [engine, tools["echo"], "/bin/busybox", ""]
    ended = run(tmp_path, ["sh", "-c", script], tool)
    text = ended.log_end()
    assert ended.exit_code == 0, text
    left = ended.directory / "run" / "outputs" / "out.txt"
    assert left.read_text() == (given / "in.txt").read_text() == "given", text
    assert left.stat().st_uid == os.getuid()
    assert "home" in text and "\n/bossflow" in text and "OMP_NUM_THREADS=1" in text
    assert "swordfish" not in text and "there is" not in text


def test_a_public_tool_runs_that_knows_nothing_of_us(
    tmp_path: Path, engine: str, tools: dict[str, str]
) -> None:
    words = ["-make_im", "-new_dim", "3", "4", "5", "6", "1", "1", "1", "1", "-new_datatype", "16"]
    words += ["-prefix", "outputs/new image.nii"]
    ended = run(tmp_path, words, [engine, tools["nifti"], "", ""])
    assert ended.exit_code == 0, ended.log_end()
    written = (ended.directory / "run/outputs/new image.nii").stat().st_size
    assert written == 352 + 4 * 4 * 5 * 6


@pytest.mark.parametrize(
    ("script", "code", "words"),
    [
        ("echo wrong; exit 5", 5, "it failed with exit code 5; its log ends: "),
        ("kill -SEGV $$", 139, "it was ended by signal 11"),
        ("sleep 60", 124, "it took longer than the 4 s that it asks for: give more time"),
    ],
)
def test_how_a_tool_in_an_image_ended_is_told(
    tmp_path: Path, engine: str, tools: dict[str, str], script: str, code: int, words: str
) -> None:
    tool = [engine, tools["echo"], "/bin/busybox", ""]
    ended = run(tmp_path, ["sh", "-c", script], tool, seconds=4)
    assert (ended.exit_code, str(ended.problem())[: len(words)]) == (code, words)


def test_an_image_that_lacks_the_entry_point_never_starts(
    tmp_path: Path, engine: str, tools: dict[str, str]
) -> None:
    ended = run(tmp_path, ["x"], [engine, tools["nifti"], "/bin/nope", ""])
    assert ended.exit_code in (127, 255)
    assert "/bin/nope" in ended.log_end() and "no such file" in ended.log_end().lower()
    outcome = (ended.directory / "outcome").read_text()
    assert "killed no" in outcome, "so it is not tried again"


def test_a_tool_that_takes_more_memory_is_told_apart(
    tmp_path: Path, images: dict[str, str]
) -> None:
    tool = ["docker", images["echo"], "/bin/busybox", ""]
    ended = run(tmp_path, ["tail", "/dev/zero"], tool, memory=30 * 2**20)
    assert (ended.exit_code, ended.memory) == (137, True)
    assert "more than its 30 MiB of memory" in str(ended.problem())


def test_a_task_that_is_ended_takes_its_container_along(
    tmp_path: Path, images: dict[str, str]
) -> None:
    unit = tmp_path / "staged" / UNIT
    (unit / "inputs").mkdir(parents=True)
    write_words(unit / "words", ["sleep", "600"])
    write_words(unit / "tool", ["docker", images["echo"], "/bin/busybox", ""])
    task = subprocess.Popen([RUN, unit, "1", "1", "100000000", "0"], cwd=tmp_path)
    name = f"name=bossflow-{UNIT}-1-{task.pid}"

    def running() -> str:
        return said("docker", "ps", "--all", "--quiet", "--filter", name)

    _until(running)
    task.terminate()
    assert task.wait(30) == 143
    assert not running()


def test_files_are_those_of_whoever_runs_it(images: dict[str, str]) -> None:
    """A number that neither this machine nor the image has a name for."""
    group = os.stat("/var/run/docker.sock").st_gid
    as_user: dict[str, Any] = {"user": USER, "group": USER, "extra_groups": [group]}
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:  # where that user may go
        unit = Path(directory, "staged", UNIT)
        (unit / "inputs").mkdir(parents=True)
        write_words(unit / "words", ["sh", "-c", "id -u; touch outputs/x"])
        write_words(unit / "tool", ["docker", images["echo"], "/bin/busybox", ""])
        for path in (Path(directory), *Path(directory).rglob("*")):
            os.chown(path, USER, USER)
        command = ["/bin/bash", "-s", str(unit), "1", "1", "100000000", "0"]
        environment = os.environ | {"HOME": directory, "DOCKER_CONFIG": f"{directory}/docker"}
        with RUN.open("rb") as script:
            subprocess.run(
                command, stdin=script, cwd=directory, env=environment, check=True, **as_user
            )
        left = Path(directory, f"{UNIT}-1")
        assert (left / "log").read_text() == f"{USER}\n"
        assert (left / "run/outputs/x").stat().st_uid == USER


def _until(true: Any) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)
