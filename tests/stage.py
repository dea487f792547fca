"""The pipeline's wiring under real Nextflow, with tiny programs in place of the real ones."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

PIPELINE = (
    "main.nf",
    "nextflow.config",
    "nextflow_schema.json",
    "conf",
    "containers",
    "modules",
    "workflows",
)
PROGRAMS = (
    "describe",
    "plan",
    "pull_block",
    "label_block",
    "link_block",
    "stitch",
    "relabel_block",
)

OF_SOURCES = "BOSSFLOW_SOURCE_AWS_SECRET_ACCESS_KEY"
OF_DESTINATIONS = "BOSSFLOW_DEST_AWS_SECRET_ACCESS_KEY"
SECRETS = ("BOSSDB_TOKEN", OF_SOURCES, OF_DESTINATIONS, "DJ_HOST", "DJ_USER", "DJ_PASS")

# Stands in for every program: plays the scenario that the environment names, and notes in a
# journal what it was given and when.
STAND_IN = """#!{python}
import json, os, sys, time
from pathlib import Path

def sum_up(tasks, batches):
    Path("summary.txt").write_text(f"recorded {{tasks}} tasks in {{batches}} batches\\n")
    Path("verdict.json").write_text(json.dumps({{"missing": scenario.get("missing")}}))
    Path("requests.csv").write_text(scenario.get("requests", "request,state,volume,components\\n"))
    if tasks and "page" in scenario:
        Path("page.json").write_text(scenario["page"])

name, given = Path(sys.argv[0]).stem, sys.argv[1:]
scenario = json.loads(Path(os.environ["SCENARIO"]).read_text())
task = Path(given[0]).stem
entry = {{"program": name, "task": task, "given": given, "start": time.time()}}
entry["secrets"] = [key for key in {secrets} if key in os.environ]
seconds = scenario.get("seconds", {{}})
time.sleep(seconds.get(task, seconds.get(name, 0)))
entry["end"] = time.time()
if name == "describe":
    entry["run"] = Path(given[0]).read_text()
    entry["sheet"] = [Path(sheet).read_text() for sheet in given[2:]]
with open(os.environ["SCENARIO"] + ".journal", "a") as journal:
    journal.write(json.dumps(entry) + "\\n")
if {{name, task}} & set(scenario.get("die", [])):
    sys.exit(1)
if task in scenario.get("exits", {{}}):
    tries = [json.loads(line)["task"] for line in open(os.environ["SCENARIO"] + ".journal")]
    if status := scenario["exits"][task][tries.count(task) - 1]:
        sys.exit(status)
if name == "describe":
    Path("described.json").write_text("{{}}")
elif name == "plan":
    plan = {{"problem": None, "notes": [], "dry_run": False, "text": "", "tasks": []}}
    with open(os.environ["SCENARIO"] + ".journal") as journal:
        again = sum('"program": "plan"' in line for line in journal) > 1
    plan |= scenario["again" if again else "plan"]
    Path("plan.json").write_text(json.dumps(plan))
    for job in plan["tasks"]:
        Path("tasks").mkdir(exist_ok=True)
        Path("tasks", job["task"] + ".jsonl").touch()
    if not (plan["tasks"] or plan["problem"] or plan["dry_run"]):
        sum_up(0, 0)
elif name == "record":
    lines = sum(Path(receipts).read_text().count("url") for receipts in given[1:])
    recorded = {{"recorded": {{"ANY": lines}}, "known": {{}}, "tasks": len(given) - 1}}
    Path("recorded.json").write_text(json.dumps(recorded))
elif name == "summary":
    sum_up(sum(json.loads(Path(x).read_text())["tasks"] for x in given[1:]), len(given) - 1)
elif name == "page":
    Path("index.html").write_text("the page of " + Path(given[0]).read_text())
else:
    states = scenario.get("states", {{}}).get(task, ["made"])
    made = {{"url": "file:///store/bundle"}}
    lines = [{{"state": state}} | (made if state != "failed" else {{}}) for state in states]
    Path("receipts.jsonl").write_text("".join(json.dumps(line) + "\\n" for line in lines))
"""


NO_REPORTS = ("-c", str(ROOT / "tests" / "no_reports.config"))
"""Options of `nextflow run` that save a quarter of a short run's time."""


class Stage:
    """A copy of the pipeline with stand-in programs, and what its last run did."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.project = directory / "project"
        self.launch = directory / "launch"
        self.scenario = directory / "scenario.json"
        self.add(*PIPELINE)
        (self.project / "bin").mkdir()
        for program in (*PROGRAMS, "create_volume", "transfer_block", "record", "summary", "page"):
            path = self.project / "bin" / f"{program}.py"
            path.write_text(STAND_IN.format(python=sys.executable, secrets=SECRETS))
            path.chmod(0o755)

    def add(self, *parts: str) -> None:
        """Copy files and directories of the pipeline."""
        for part in parts:
            source, target = ROOT / part, self.project / part
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, symlinks=True)
            else:
                shutil.copy(source, target)

    def run(
        self,
        *arguments: str,
        pipeline: str = "",
        env: dict[str, str] | None = None,
        reports: bool = False,
        **scenario: Any,
    ) -> subprocess.CompletedProcess[str]:
        shutil.rmtree(self.launch / "results", ignore_errors=True)
        self.launch.mkdir(exist_ok=True)
        self.journal_file.unlink(missing_ok=True)
        self.scenario.write_text(json.dumps({"plan": {}} | scenario))
        return nextflow(
            "-q",
            "run",
            pipeline or str(self.project),
            *(() if reports else NO_REPORTS),
            *arguments,
            cwd=self.launch,
            env={"SCENARIO": str(self.scenario)} | (env or {}),
        )

    @property
    def journal_file(self) -> Path:
        return Path(f"{self.scenario}.journal")

    @property
    def journal(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.journal_file.read_text().splitlines()]

    @property
    def programs(self) -> list[str]:
        return [entry["program"] for entry in self.journal]


def nextflow(
    *arguments: str, cwd: Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("DJ_", "BOSSDB_"))}
    done = subprocess.run(
        ["nextflow", *arguments],
        cwd=cwd,
        env=clean | {"NXF_ANSI_LOG": "false"} | (env or {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=600,  # one that hangs fails
    )
    tell_why(done.returncode, cwd)
    return done


def tell_why(code: int, launch: Path) -> None:
    """Print, for the report of a test that fails, where in Nextflow a run ended with an error."""
    log = launch / ".nextflow.log"
    lines = log.read_text(errors="replace").splitlines() if code and log.exists() else []
    errors = [number for number, line in enumerate(lines) if "] ERROR " in line]
    for line in lines[errors[-1] :][:40] if errors else ():
        print(line)


def said(run: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the lines that a user saw."""
    lines = (run.stdout + run.stderr).splitlines()
    return [line for line in lines if line.strip() and "Unrecognized config option" not in line]


def job(task: str, *after: str, units: int = 1, seconds: float = 1) -> dict[str, Any]:
    amount = 0 if "STITCH" in task else units * 10**6
    size = {"units": units, "seconds": seconds, "amount": amount, "amount_unit": "voxels"}
    process = task.rsplit("-", 1)[0]
    return {"task": task, "process": process, "size": 0, "after": list(after)} | size


SOURCE = ("--source", "bossdb://lab/brain/neurons")


JUDGE = """
include {{ checked }} from '{root}/workflows/kit/parameters'

workflow {{
    def schema = new org.yaml.snakeyaml.Yaml().load(file('{root}/nextflow_schema.json').text)
    def verdicts = file('maps.jsonl').readLines().collect {{ line ->
        def (text, profile) = new groovy.json.JsonSlurper().parseText(line)
        def run = [profile: profile, launchDir: workflow.launchDir]
        run += [projectDir: workflow.projectDir, workDir: workflow.workDir]
        try {{
            [values: checked({read}(text), schema, run)]
        }}
        catch (Throwable thrown) {{
            def cause = thrown.cause ?: thrown
            [problem: cause.message, type: cause.class.name]
        }}
    }}
    file('verdicts.json').text = groovy.json.JsonOutput.toJson(verdicts)
}}
"""


JSON = "new groovy.json.JsonSlurper().parseText"
YAML = "new org.yaml.snakeyaml.Yaml().load"


def judge(
    directory: Path, given: list[str], read: str = JSON, profiles: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Return what the pipeline says of each of some parameter files, in one run of Nextflow.

    Its `values`, or the `problem` with which it would end a run, and the exception's `type`.
    `profiles` are those that each would be run with.
    """
    (directory / "main.nf").write_text(JUDGE.format(root=ROOT, read=read))
    pairs = zip(given, profiles or ["standard"] * len(given), strict=True)
    (directory / "maps.jsonl").write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    done = nextflow("-q", "run", "main.nf", cwd=directory)
    assert done.returncode == 0, said(done)
    found: list[dict[str, Any]] = json.loads((directory / "verdicts.json").read_text())
    return found


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return Stage(tmp_path_factory.mktemp("pipeline"))
