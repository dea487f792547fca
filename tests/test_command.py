"""Command lines from what is asked for to what is recorded, a step at a time."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import bossflow
import collect_command
import pytest
import stage_command
from kit import tasks
from pipeline import Pipeline, bossflow_says, run_of
from test_tools import RUN, asked
from tools.asked import described

COUNT = "import sys; print(len(open(sys.argv[1]).read()), file=open('outputs/n.txt', 'w'))"


@pytest.fixture(scope="module")
def command(home: Path) -> Any:
    """Return the workflow's module, its tables bound."""
    from bossflow.core import installed
    from bossflow.workflows import command

    installed.open_schema([command.workflow])
    return command


class Commands(Pipeline):
    """What Nextflow does with command lines."""

    def plan(
        self, files: list[Path], *_: Any, compared: Any = None, **changed: Any
    ) -> tuple[dict[str, Any], Path]:
        from bossflow.core.plan import plan

        self.runs += 1
        work_dir = self.directory / f"run{self.runs}"
        work_dir.mkdir()
        count = [sys.executable, "-c", COUNT, "{input1}"]
        rows = [asked(inputs=[str(file)], where=file.name) for file in files]
        rows = [{**row, "command": count, **changed} for row in rows]
        found = {"problem": None, "channels": []}
        found["rows"] = described(rows, None, str(self.directory))
        run = run_of(self.runs, self.directory)
        params = {"store": str(self.store)}
        plan(
            {"workflow": "bossflow.workflows.command", "params": params, "run": run},
            found,
            "0" * 16,
            work_dir,
            compared,
        )
        return json.loads((work_dir / "plan.json").read_text()), work_dir

    def compute(self, plan: dict[str, Any], work_dir: Path) -> list[Path]:
        done = []
        for task in plan["tasks"]:
            task_dir = work_dir / task["task"]
            (task_dir / "attempts").mkdir(parents=True)
            self.monkeypatch.chdir(task_dir)
            file = work_dir / "tasks" / f"{task['task']}.jsonl"
            self.monkeypatch.setattr(sys, "argv", ["program", str(file)])
            stage_command.main()
            for unit in (task_dir / "staged").iterdir():
                if (unit / "refused").exists():
                    unit.rename(task_dir / "attempts" / unit.name)
                elif task["task"] not in self.dying:
                    self.attempt(unit, task_dir / "attempts", 1)
            tasks.main("COMMAND", collect_command.collect, software=("pyarrow",))
            done.append(task_dir / "receipts.jsonl")
        return done

    dying: tuple[str, ...] = ()

    def attempt(self, unit: Path, place: Path, number: int) -> None:
        asks = json.loads((unit / "asks.json").read_text())
        words = [number, asks["cores"], asks["memory"] * number, asks["seconds"]]
        subprocess.run([RUN, unit, *map(str, words)], cwd=place, check=True)
        outcome = (place / f"{unit.name}-{number}" / "outcome").read_text().splitlines()
        if number == 1 and {"killed memory", "killed signal"} & {*outcome}:
            self.attempt(unit, place, 2)


@pytest.fixture
def commands(command: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    return Commands(tmp_path, monkeypatch)


@pytest.fixture
def texts(tmp_path: Path) -> list[Path]:
    """Return three files that no other test has."""
    files = [tmp_path / name for name in ("a.txt", "b.txt", "c.txt")]
    for file in files:
        file.write_text(str(file))
    return files


def attempts(done: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what is recorded of the attempts of a run, in order."""
    made = bossflow.Run.Attempt() & {"run_id": done["plan"]["run_id"]}
    rows: list[dict[str, Any]] = made.to_dicts(order_by=("attempted_unit", "attempt"))
    return rows


def test_what_a_command_leaves_is_recorded(
    command: Any, commands: Commands, texts: list[Path]
) -> None:
    done = commands.run(texts)
    assert done["verdict"] == {"missing": None}, done["summary"]
    assert done["recorded"][0]["recorded"] == {"COMMAND": 3}
    asked = [{"request_id": name} for name in done["plan"]["requests"]]
    rows = (command.CommandResult() * command.CommandResult.Output() & asked).to_dicts()
    assert {row["output_path"] for row in rows} == {"outputs/n.txt"}
    for row in rows:
        left = Path(row["outputs"].removeprefix("file://"), row["output_path"])
        assert left.stat().st_size == row["output_bytes"] == row["outputs_bytes"]
        assert left.read_text() == f"{len(str(texts[0]))}\n"
    assert all(row["outputs"] in done["requests"] for row in rows), done["requests"]
    made = bossflow.diff(*done["plan"]["requests"][:2])["made"]
    assert made["files"]["equal"] == made["rows"]["Output"]["equal"] == 1, "whatever they are of"
    for row in attempts(done):
        assert (row["attempt"], row["exit_code"], row["attempt_memory_bytes"]) == (1, 0, 2**30)
        assert row["attempt_seconds"] > 0


def test_nothing_is_run_twice_until_something_changes(
    commands: Commands, texts: list[Path]
) -> None:
    commands.run(texts)
    again = commands.run(texts)
    assert again["summary"].startswith("nothing to compute: 3 command lines recorded already")
    texts[0].write_text("changed")
    assert commands.run(texts)["recorded"][0]["recorded"] == {"COMMAND": 1}
    other = commands.run(texts[1:2], tool_version="2")
    assert other["recorded"][0]["recorded"] == {"COMMAND": 1}
    slower = commands.run(texts[1:2], tool_version="2", cores=2, memory="2 GB")
    assert slower["plan"]["tasks"] == [], "what it may take does not decide what it makes"
    said = bossflow_says("verify", "--deep", "--request", other["plan"]["requests"][0])[1]
    assert said.startswith("passed over: 1 unit of COMMAND: no program in "), said
    (exact,) = commands.run(texts[1:2], tool_version="3", exact=True)["plan"]["requests"]
    said = bossflow_says("verify", "--deep", "--request", exact)[1]
    assert said.startswith("passed over: 1 unit of COMMAND: no program in "), said


@pytest.mark.parametrize(
    ("script", "codes", "memory", "words"),
    [
        (
            "echo gone wrong; exit 3",
            [3],
            [1],
            "it failed with exit code 3; its log ends: gone wrong",
        ),
        (
            "kill -KILL $$",
            [137, 137],
            [1, 2],
            "it was killed, as if for taking more than its 2048 ",
        ),
        ("kill -SEGV $$", [139, 139], [1, 2], "it was ended by signal 11"),
        ("no-such-program", [127], [1], "it never started (exit code 127)"),
        ("exec /etc/passwd", [126], [1], "it never started (exit code 126)"),
        ("rm -r outputs", [0], [1], "it ended well, but left nothing at outputs"),
    ],
)
def test_each_attempt_is_recorded_and_told(
    commands: Commands,
    texts: list[Path],
    script: str,
    codes: list[int],
    memory: list[int],
    words: str,
) -> None:
    done = commands.run(texts[:1], command=["bash", "-c", script])
    assert words in done["verdict"]["missing"]
    tries = attempts(done)
    assert [row["exit_code"] for row in tries] == codes
    assert [row["attempt_memory_bytes"] for row in tries] == [2**30 * times for times in memory]
    failures = bossflow.Run.Failure() & {"run_id": done["plan"]["run_id"]}
    (failure,) = failures.to_dicts()
    assert words in failure["error"]
    assert failure["unit_id"] == tries[0]["attempted_unit"]


def test_an_attempt_that_failed_before_one_that_did_not_is_kept(
    commands: Commands, texts: list[Path], tmp_path: Path
) -> None:
    script = (
        f"[ -e {tmp_path}/once ] || {{ touch {tmp_path}/once; kill -9 $$; }}; echo well >outputs/x"
    )
    done = commands.run(texts[:1], command=["bash", "-c", script])
    assert done["verdict"] == {"missing": None}
    assert [row["exit_code"] for row in attempts(done)] == [137, 0]


def test_what_is_not_as_planned_is_refused(commands: Commands, texts: list[Path]) -> None:
    """A file that changed since; the others are run."""
    plan, work_dir = commands.plan(texts)
    texts[0].write_text("changed")
    receipts = commands.compute(plan, work_dir)
    lines = [json.loads(line) for path in receipts for line in path.read_text().splitlines()]
    assert sorted(line["state"] for line in lines) == ["failed", "made", "made"]
    (failed,) = (line["error"] for line in lines if line["state"] == "failed")
    assert failed == f"{texts[0]} changed since the run began: run again"


def test_a_task_that_died_is_told(commands: Commands, texts: list[Path]) -> None:
    commands.dying = ("COMMAND-00001",)
    done = commands.run(texts)
    assert done["recorded"][0]["recorded"] == {"COMMAND": 2}
    assert "its task ended before it could tell how" in done["verdict"]["missing"]
    commands.dying = ()
    assert commands.run(texts)["verdict"] == {"missing": None}


@pytest.mark.parametrize("exact", [False, True])
def test_what_is_made_otherwise_elsewhere(
    commands: Commands, texts: list[Path], exact: bool
) -> None:
    """What was recorded first holds; of a tool that is said to be exact, it is a mistake."""
    words = ["bash", "-c", "date +%s%N >outputs/x"]
    first = commands.run(texts[:1], command=words, exact=exact)
    assert first["verdict"] == {"missing": None}
    commands.store.rename(commands.directory / "away")
    commands.store = commands.directory / "other"
    again = commands.run(texts[:1], command=words, exact=exact)
    missing = again["verdict"]["missing"] if "verdict" in again else again["plan"]["problem"]
    assert bool(missing) == exact, (missing, again.get("summary"))


def test_a_failure_is_told_once_by_the_name_of_its_request(
    commands: Commands, texts: list[Path]
) -> None:
    done = commands.run(texts[:1], command=["bash", "-c", "exit 3"], name="left eye")
    sentence = "it failed with exit code 3; it wrote nothing"
    assert f": COMMAND left eye ({sentence} (log: " in done["verdict"]["missing"]
    assert sentence not in done["summary"], "and not twice"
    assert f"COMMAND left eye: {sentence}" in done["requests"]
    assert done["plan"]["requests"][0] not in done["verdict"]["missing"]


def test_status_tells_what_was_run_and_how_it_ended(commands: Commands, texts: list[Path]) -> None:
    name = "fine [/b] [a-z] :smile:"  # which no style and no sign stands for
    fine = commands.run(texts[:1], name=name)["plan"]["requests"][0]
    fails = commands.run(texts[:1], command=["bash", "-c", "exit 3"])["plan"]["requests"][0]
    _, text = bossflow_says("status", "--json", "--request", fine, "--request", fails)
    told = {one["request"]: one for one in json.loads(text)["requests"]}
    one, other = told[fine], told[fails]
    assert (one["state"], one["exit_code"], one["n_outputs"]) == ("complete", 0, 1)
    assert (other["state"], other["exit_code"], other["outputs"]) == ("failed", 3, None)
    assert other["about"] == other["command"] == "bash -c 'exit 3'"
    code, text = bossflow_says("status", "--request", fine)
    assert code == 0 and "components" not in text
    assert f"{name}: {sys.executable} -c " in text and "1 file" in text
    assert one["outputs"] in text
    refused = f"request {fine} is of workflow command, which lists no components"
    assert bossflow_says("components", fine) == (1, f"Error: {refused}\n")


@pytest.mark.parametrize(
    ("image", "short"),
    [
        ("docker://ghcr.io/lab/tool:1@sha256:" + "0" * 64, "tool:1"),
        ("sha256:" + "1" * 64, "sha256:" + "1" * 12),
        ("/shared/tool 2.sif", "tool 2.sif"),
    ],
)
def test_an_image_is_told_by_the_start_of_its_name(
    command: Any, texts: list[Path], image: str, short: str
) -> None:
    given = {"engine": "docker", "image": image, "digest": "sha256:12"}
    rows = described([asked(inputs=[str(texts[0])])], given, "/")
    ((request,), _) = command.workflow.expand({}, {"rows": rows})
    (told,) = command.workflow.describe([request], [{}])
    assert (told["about"], told["image"]) == (f"{short}: cat '{{input1}}'", image)


def test_the_list_has_only_columns_that_a_request_has(
    commands: Commands, texts: list[Path]
) -> None:
    listed = commands.run(texts[:1])["requests"].splitlines()
    assert listed[0] == "request,state,outputs,name,directory,error"


def test_one_command_line_that_is_recorded_is_said_so(
    commands: Commands, texts: list[Path]
) -> None:
    done = commands.run(texts[:1])
    again = commands.run(texts[:1])["summary"]
    assert again.startswith("nothing to compute: 1 command line recorded already (")
    url = done["requests"].splitlines()[1].split(",")[2]
    assert f"  1 file  {url}" in again


def test_two_rows_may_not_ask_for_the_same(commands: Commands, texts: list[Path]) -> None:
    problem = commands.run([texts[0], texts[0]])["plan"]["problem"]
    assert problem == "a.txt asks for the same as a.txt: remove one"
