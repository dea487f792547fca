"""What a tool that is not ours is given, and how it is told how that ended: without Nextflow."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from collect_command import kept_files
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st
from stage_command import write_words
from tools import attempts
from tools.asked import NONE, described
from tools.files import content, sha256, stage
from tools.words import filled

RUN = ROOT / "bin" / "run_command.sh"
UNIT = "0123456789abcdef" * 2
SHOW = "import json, sys; json.dump(sys.argv[1:], open('outputs/words.json', 'w'))"
SECRETS = {
    "BOSSDB_TOKEN": "swordfish",
    "DJ_PASS": "swordfish",
    "AWS_SECRET_ACCESS_KEY": "swordfish",
}


def run(
    directory: Path,
    words: list[str],
    tool: list[str] | None = None,
    seconds: int = 0,
    memory: int = 10**9,
    number: int = 1,
    cores: int = 1,
) -> attempts.Attempt:
    """Run a command line as STAGE_COMMAND lays it out, and read how it ended."""
    unit = directory / "staged" / UNIT
    (unit / "inputs").mkdir(parents=True, exist_ok=True)
    write_words(unit / "words", words)
    write_words(unit / "tool", tool or ["none", "", "", ""])
    asks = map(str, (number, cores, memory, seconds))
    subprocess.run([RUN, unit, *asks], cwd=directory, env=os.environ | SECRETS, check=True)
    return attempts.read(directory, UNIT)[-1]


def test_words_arrive_as_they_are(tmp_path: Path) -> None:
    """Whatever a shell, or `env`, would make of them."""
    hostile = ["$(touch here)", "`touch here`", "; touch here", "*", "a\nb", "'\"", "", "-n", "A=b"]
    hostile += ["é\u2028", "--", "\\", "${HOME}", "\udcff", "{input", "!!", " "]
    ended = run(tmp_path, [sys.executable, "-c", SHOW, *hostile])
    assert ended.exit_code == 0, ended.log_end()
    said = json.loads((ended.directory / "run/outputs/words.json").read_text())
    assert said == hostile
    assert not [*tmp_path.rglob("here")]


@given(st.lists(st.text(max_size=20)), st.lists(st.text(min_size=1), max_size=3))
def test_only_what_stands_for_something_is_filled_in(words: list[str], inputs: list[str]) -> None:
    plain = [word.replace("{", "(") for word in words]
    assert filled(plain, inputs, 4, 8_000_000_000) == plain
    given = ["{input1}-{cores}", "{memory_mb}", "{x}", "a{1}", "{print $1}"]
    told = ["{{cores}}-4", "8000", "{x}", "a{1}", "{print $1}"]
    assert filled(given, ["{{cores}}"], 4, 8_000 << 20) == told, "and what it says stays"


def test_a_word_that_names_no_input_is_refused() -> None:
    with pytest.raises(ValueError, match=r"command has \{input2\}, but of inputs there are 1"):
        filled(["{input2}"], ["inputs/a"], 1, 1)


def test_a_tool_is_told_no_secret(tmp_path: Path) -> None:
    ended = run(tmp_path, ["env"])
    assert "OMP_NUM_THREADS=1" in ended.log_end()
    assert "swordfish" not in ended.log_end()


@pytest.mark.parametrize(
    ("script", "code", "words"),
    [
        ("exit 0", 0, None),
        ("echo gone wrong; exit 3", 3, "it failed with exit code 3; its log ends: gone wrong"),
        ("exit 255", 255, "it failed with exit code 255; it wrote nothing"),
        ("kill -SEGV $$", 139, "it was ended by signal 11; it wrote nothing"),
        (
            "kill -KILL $$",
            137,
            "it was killed, as if for taking more than its 953 MiB of memory: give more",
        ),
        ("sleep 30", 124, "it took longer than the 1 s that it asks for: give more time"),
        ("trap '' TERM; sleep 1.5; exit 7", 124, "it took longer than the 1 s that it asks for"),
        ("no-such-program", 127, "it never started (exit code 127); its log ends: "),
        ("exec /etc/passwd", 126, "it never started (exit code 126); its log ends: "),
    ],
)
def test_how_a_command_ended_is_told(
    tmp_path: Path, script: str, code: int, words: str | None
) -> None:
    seconds = 1 if code == 124 else 60  # others may take longer to start
    ended = run(tmp_path, ["bash", "-c", script], seconds=seconds)
    assert ended.exit_code == code
    problem = ended.problem()
    assert problem == words if words is None else problem and problem.startswith(words)


def test_what_a_command_takes_is_measured(tmp_path: Path) -> None:
    script = "import time; x = bytearray(3 * 10**8); y = sum(range(10**7)); time.sleep(0.7)"
    ended = run(tmp_path, [sys.executable, "-c", script])
    assert ended.exit_code == 0
    assert ended.peak_bytes and 3 * 10**8 < ended.peak_bytes < 5 * 10**8
    assert ended.cpu_seconds and 0.1 < ended.cpu_seconds < ended.seconds
    assert 0.7 < ended.seconds < 60


def test_of_a_task_that_is_killed_nothing_stays(tmp_path: Path) -> None:
    unit = tmp_path / "staged" / UNIT
    (unit / "inputs").mkdir(parents=True)
    write_words(unit / "words", ["bash", "-c", "echo $$ >pid; sleep 300; true"])
    write_words(unit / "tool", ["none", "", "", ""])
    command = [RUN, unit, "1", "1", "1000000000", "0"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE) as task:
        told = tmp_path / f"{UNIT}-1" / "run" / "pid"
        while not (told.exists() and told.read_text()):
            time.sleep(0.05)
        task.kill()
        assert task.stdout and task.stdout.read() == b"", "who reads it sees its end"
        with pytest.raises(ProcessLookupError):
            for _ in range(200):
                os.kill(int(told.read_text()), 0)
                time.sleep(0.1)


def test_another_program_than_was_looked_at_is_not_run(tmp_path: Path) -> None:
    program = tmp_path / "a tool"
    program.write_text("#!/bin/sh\necho ran\n")
    program.chmod(0o755)
    known = ["none", "", "", sha256(program)]
    assert run(tmp_path, [str(program)], known).log_end() == "ran"
    program.write_text("#!/bin/sh\necho ran another\n")
    ended = run(tmp_path, [str(program)], known, number=2)
    assert ended.exit_code == 126
    assert "is another program here than where the run was started" in str(ended.problem())


def test_time_is_told_where_bash_does_not_know_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As that of many a cluster, which is older than 5.0."""
    (tmp_path / "older").write_text("unset EPOCHREALTIME\n")
    monkeypatch.setenv("BASH_ENV", str(tmp_path / "older"))
    assert 0.3 < run(tmp_path, ["sleep", "0.3"]).seconds < 60


def test_of_a_long_log_the_end_is_kept(tmp_path: Path) -> None:
    script = r"head -c 3000000 /dev/zero | tr '\0' x; printf '\n\e[1mlast\xff\r100%%\n'"
    end = run(tmp_path, ["bash", "-c", script]).row["log_end"]
    assert len(end) == attempts.LOG_END
    assert end.endswith("x\n\\x1b[1mlast\ufffd\n100%")


def test_inputs_are_known_by_what_they_hold(tmp_path: Path) -> None:
    given, other = tmp_path / "given", tmp_path / "other"
    (given / "sub").mkdir(parents=True)
    (given / "sub" / "a.txt").write_text("a")
    (given / "link.txt").symlink_to("sub/a.txt")
    before = content(given)
    assert before["n_files"] == 2 and before["bytes"] == 2
    assert stage(given, other) == before
    assert not (other / "link.txt").is_symlink()
    assert (other / "sub/a.txt").stat().st_ino == (given / "sub/a.txt").stat().st_ino
    assert content(other) == before, "a link is what it leads to"
    (given / "sub" / "a.txt").rename(given / "sub" / "b.txt")
    with pytest.raises(ValueError, match="link.txt is a link to nothing"):
        content(given)
    (given / "link.txt").unlink()
    (given / "link.txt").write_text("a")
    assert content(given)["sha256"] != before["sha256"], "names count"
    (given / "sub" / "up").symlink_to(given)
    with pytest.raises(ValueError, match="is a link to a directory that holds it"):
        content(given)


def test_an_input_that_changes_meanwhile_is_noticed(tmp_path: Path) -> None:
    """It is a link to the user's own file."""
    unit = tmp_path / "staged" / UNIT
    (tmp_path / "given").write_text("a")
    stage(tmp_path / "given", unit / "inputs" / "given")
    (unit / "asks.json").touch()
    assert run(tmp_path, ["cat", "inputs/given"]).problem() is None
    ended = run(tmp_path, ["sh", "-c", "sleep 0.1; echo b >>inputs/given"], number=2)
    assert str(ended.problem()).startswith("an input changed after it was looked at")


def test_files_that_were_to_be_left_are_kept(tmp_path: Path) -> None:
    for name in ("outputs/a.nii", "outputs/deep/b.nii", "outputs/c.txt", "log.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "outputs" / "latest").symlink_to("a.nii")
    kept = kept_files(tmp_path, ["outputs"])
    assert [*kept] == ["outputs/a.nii", "outputs/c.txt", "outputs/deep/b.nii", "outputs/latest"]
    assert kept["outputs/latest"].name == "a.nii"
    assert [*kept_files(tmp_path, ["**/b.*", "log.txt"])] == ["log.txt", "outputs/deep/b.nii"]
    (tmp_path / "outputs" / "out").symlink_to("/etc/passwd")
    (tmp_path / "outputs" / "self").symlink_to("self")
    (tmp_path / "outputs" / "up").symlink_to("..")
    (tmp_path / "outputs" / "etc").symlink_to("/etc")
    assert kept_files(tmp_path, ["outputs/[a-l]*", "outputs"]) == kept
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "d.nii").touch()
    (tmp_path / "final").symlink_to("work")
    left = (tmp_path / "work" / "d.nii").resolve()
    assert kept_files(tmp_path, ["final"]) == {"final/d.nii": left}, "a link is what it leads to"
    for nothing in ("outputs/out", "outputs/e*"):
        with pytest.raises(ValueError, match="it ended well, but left nothing at outputs/"):
            kept_files(tmp_path, [nothing])


@pytest.mark.parametrize("name", ["d" * 250 + "/" + "e" * 250 + "/files", "a\udcff.txt"])
def test_a_path_that_no_column_takes_is_told(tmp_path: Path, name: str) -> None:
    path = tmp_path / "outputs" / name
    path.parent.mkdir(parents=True)
    path.touch()
    with pytest.raises(ValueError, match="^an output's path must be UTF-8, of 512 characters at m"):
        kept_files(tmp_path, ["outputs"])
    path.rename(tmp_path / "outputs" / ("é" * 120))
    assert len(kept_files(tmp_path, ["outputs"])) == 1


def test_paths_that_mysql_takes_for_one_are_refused(tmp_path: Path) -> None:
    for name in ("a", "a ", "b "):
        (tmp_path / name).touch()
    assert [*kept_files(tmp_path, ["b*"])] == ["b "]
    with pytest.raises(ValueError, match="^outputs 'a ?' and 'a ?' differ in blanks at their end "):
        kept_files(tmp_path, ["*"])


def asked(**changed: Any) -> dict[str, Any]:
    """Return a row as DESCRIBE gives it."""
    absent = dict.fromkeys(("inputs", "outputs", "entrypoint", "tool_version", "name"))
    asks = {"cores": 1, "memory": "1 GB", "time_limit": None, "exact": False, "where": "line 2"}
    return absent | asks | {"command": ["cat", "{input1}"]} | changed


def test_a_program_is_known_by_its_digest_and_an_image_by_its_own(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    row = asked(inputs=["a.txt"], tool_version="8.32")
    tool = described([row], NONE, str(tmp_path))[0]["tool"]
    found = subprocess.run(["which", "cat"], capture_output=True, text=True).stdout.strip()
    assert tool == {"sha256": sha256(Path(found)), "version": "8.32"}
    image = {"engine": "docker", "image": "sha256:12", "digest": "sha256:12"}
    assert described([row], image, str(tmp_path))[0]["tool"]["sha256"] == "sha256:12"
    own = asked(command=["inputs/a.txt"], inputs=["a.txt"])
    (one,) = described([own], NONE, str(tmp_path))
    assert one["tool"]["sha256"] == "", "its content is an input's"
    (one,) = described([own | {"memory": "1.5 TB", "time_limit": "90 min"}], NONE, str(tmp_path))
    assert (one["memory"], one["seconds"]) == (3 * 2**39, 5400)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (
            {"inputs": ["a.txt", "b/a.txt"]},
            "line 2: two inputs are called a.txt: put one elsewhere",
        ),
        (
            {"command": ["cat", "{input1}"]},
            "line 2: command has {input1}, but of inputs there are 0",
        ),
        ({"inputs": ["/"]}, "line 2: an input must have a name, which / has not"),
        ({"inputs": ["a.txt"], "outputs": ["../x"]}, "line 2: output ../x must be a path in the "),
        ({"inputs": ["a.txt"], "outputs": ["/etc"]}, "line 2: output /etc must be a path in the "),
        ({"inputs": ["a.txt"], "outputs": ["a**b"]}, "line 2: output a**b is no glob: "),
        ({"command": ["no-such-program"]}, "line 2: there is no program no-such-program on PATH"),
        ({"command": ["cat"], "entrypoint": "sh"}, "line 2: entrypoint is an image's: give image"),
    ],
)
def test_a_mistake_is_told_in_a_sentence(
    tmp_path: Path, changed: dict[str, Any], words: str
) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "a.txt").touch()
    (tmp_path / "b" / "a.txt").touch()
    with pytest.raises(ValueError) as mistake:
        described([asked(**changed)], None, str(tmp_path))
    assert str(mistake.value).startswith(words)
