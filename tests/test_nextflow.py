"""The pipeline's wiring: what runs when, with what rights, and what a user is told."""

import csv
import functools
import http.server
import itertools
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import psutil
import pytest
from conftest import ROOT, sample
from stage import OF_SOURCES, PROGRAMS, SECRETS, SOURCE, YAML, Stage, job, judge, nextflow, said
from voxels.archives import archive_of

pytestmark = pytest.mark.nextflow


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    yield Stage(tmp_path_factory.mktemp("pipeline"))


def test_the_schema_is_json_schema_and_the_configuration_has_its_defaults(stage: Stage) -> None:
    schema = json.loads((ROOT / "nextflow_schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    described = {
        name: one for group in schema["$defs"].values() for name, one in group["properties"].items()
    }
    run = stage.run(*SOURCE, "--x_range=-5,3", "--store", "$(touch bad)'\"")
    assert run.returncode == 0, said(run)
    asked = json.loads(stage.journal[0]["run"])
    given = {
        "source": SOURCE[1],
        "x_range": [-5, 3],
        "store": "$(touch bad)'\"",
    }
    default = {name: one.get("default") for name, one in described.items()}
    flags = {name: False for name, one in described.items() if one["type"] == "boolean"}
    assert asked["params"] == default | flags | given
    jsonschema.validate({k: v for k, v in asked["params"].items() if v is not None}, schema)
    assert asked["run"]["name"] and asked["run"]["launch_dir"] == str(stage.launch)
    assert not list(stage.directory.rglob("bad"))


def test_nothing_to_do_is_summed_up_by_the_plan_and_leaves_reports(stage: Stage) -> None:
    run = stage.run(*SOURCE, "-with-report", reports=True)
    assert run.returncode == 0
    assert said(run) == ["recorded 0 tasks in 0 batches"]
    assert stage.programs == ["describe", "plan"]
    results = stage.launch / "results"
    assert (results / "requests.csv").read_text().startswith("request,")
    reports = {path.name for path in (results / "reports").iterdir()}
    assert reports == {"report.html", "timeline.html", "trace.txt", "dag.html"}


def test_a_problem_of_the_plan_is_one_sentence_before_any_compute(stage: Stage) -> None:
    sentence = "z_range 25..1900 leaves the channel: it has z 0..1850"
    run = stage.run(*SOURCE, plan={"problem": sentence, "tasks": [job("PULL_BLOCK-00000")]})
    assert run.returncode != 0
    assert said(run) == [sentence]
    assert stage.programs == ["describe", "plan"]


def test_a_dry_run_prints_the_plan_and_stops(stage: Stage) -> None:
    plan = {"dry_run": True, "text": "27 blocks to pull"}
    run = stage.run(*SOURCE, "--dry_run", plan=plan)
    assert (run.returncode, said(run)) == (0, ["27 blocks to pull"])
    assert stage.programs == ["describe", "plan"]
    assert json.loads(stage.journal[0]["run"])["params"]["dry_run"] is True


def test_what_is_missing_fails_the_run_and_the_command_for_it_can_be_pasted(stage: Stage) -> None:
    hostile = ["--archive", "it's $(touch bad) `touch bad`\"\\ é*", "--store", "a b"]
    run = stage.run(*SOURCE, *hostile, "-name", "only_once", missing="a block")
    asked = json.loads(stage.journal[0]["run"])["params"]
    assert run.returncode != 0
    summary, missing, command = said(run)
    assert (summary, missing) == ("recorded 0 tasks in 0 batches", "a block")
    assert command.startswith("To complete it: nextflow -q run ")
    assert (stage.launch / "results" / "requests.csv").exists()
    stage.journal_file.unlink()
    again = subprocess.run(
        ["bash", "-c", command.removeprefix("To complete it: ")],
        cwd=stage.launch,
        env=os.environ | {"SCENARIO": str(stage.scenario), "NXF_ANSI_LOG": "false"},
        capture_output=True,
        text=True,
    )
    assert command in said(again)
    assert json.loads(stage.journal[0]["run"])["params"] == asked
    assert asked["archive"] == hostile[1]
    assert not list(stage.directory.rglob("bad"))


# A diamond over two requests; LABEL_BLOCK-00001 dies, and so what comes after it never starts.
DIAMOND = [
    job("PULL_BLOCK-00000") | {"blocks": ["0-8_0-8_0-8", "8-16_0-8_0-8"]},
    job("PULL_BLOCK-00001"),
    job("LABEL_BLOCK-00000", "PULL_BLOCK-00000"),
    job("LABEL_BLOCK-00001", "PULL_BLOCK-00001"),
    job("LABEL_BLOCK-00002"),
    job("LINK_BLOCK-00000", "LABEL_BLOCK-00000", "LABEL_BLOCK-00002"),
    job("STITCH-00000", "LABEL_BLOCK-00000", "LABEL_BLOCK-00002", "LINK_BLOCK-00000"),
    job("STITCH-00001", "LABEL_BLOCK-00000", "LABEL_BLOCK-00001"),
    job("RELABEL_BLOCK-00000", "STITCH-00000", "LABEL_BLOCK-00000"),
    job("RELABEL_BLOCK-00001", "STITCH-00001", "LABEL_BLOCK-00000"),
    job("RELABEL_BLOCK-00002"),
]


def test_a_task_starts_when_those_before_it_are_done(stage: Stage) -> None:
    run = stage.run(
        *SOURCE,
        env={"NXF_SYNTAX_PARSER": "v2"} | dict.fromkeys(SECRETS, "x"),
        plan={"tasks": DIAMOND},
        die=["LABEL_BLOCK-00001"],
    )
    assert run.returncode != 0, "an ignored failure is a failure of the run"
    ends: dict[str, float] = {}
    for entry in stage.journal:
        for one in DIAMOND:
            if one["task"] == entry["task"]:
                assert all(ends[before] <= entry["start"] for before in one["after"])
                ends[entry["task"]] = entry["end"]
    never = {"STITCH-00001", "RELABEL_BLOCK-00001"}
    assert ends.keys() == {one["task"] for one in DIAMOND} - never
    tasks = [entry["task"] for entry in stage.journal]
    assert tasks.count("LABEL_BLOCK-00001") == 3, "a task is tried three times"
    assert len(tasks) == len(set(tasks)) + 2 + 2, "and no other more than once"
    assert any("recorded 8 tasks in 1 batches" in line for line in said(run)), said(run)
    assert stage.programs[-2:] == ["record", "summary"]
    trace = (stage.launch / "results" / "reports" / "trace.txt").read_text()
    assert "LABEL:PULL_BLOCK (PULL_BLOCK-00000 0-8_0-8_0-8 8-16_0-8_0-8)" in trace
    rights = {entry["program"]: entry["secrets"] for entry in stage.journal}
    archive, database = ["BOSSDB_TOKEN", OF_SOURCES], ["DJ_USER", "DJ_PASS"]
    assert rights == {
        "describe": archive,
        "pull_block": archive,
        "label_block": [OF_SOURCES],
        "link_block": [],
        "stitch": [],
        "relabel_block": [],
        "plan": database,
        "record": database,
        "summary": database,
    }


@pytest.mark.parametrize("die", sample([["LABEL_BLOCK-00001"], []], 1))
def test_what_looks_changed_is_compared_before_it_is_planned(stage: Stage, die: list[str]) -> None:
    """PLAN is run once more, with what the tasks found that did not die."""
    doubtful = [job(f"{name}-0000{n}") for name in ("PULL_BLOCK", "LABEL_BLOCK") for n in (0, 1)]
    left = [job("LABEL_BLOCK-00005")]
    note = "2 blocks look changed"
    run = stage.run(
        *SOURCE,
        plan={"compare": True, "tasks": doubtful, "notes": [note]},
        again={"tasks": left},
        die=die,
    )
    assert (run.returncode != 0) == bool(die)
    assert f"note: {note}" in run.stdout
    tasks = [entry["task"] for entry in stage.journal]
    plans = [number for number, name in enumerate(stage.programs) if name == "plan"]
    assert len(plans) == 2
    assert {*tasks[plans[0] + 1 : plans[1]]} == {one["task"] for one in doubtful}
    assert stage.programs[plans[1] + 1 :] == ["label_block", "record", "summary"]
    assert len(stage.journal[plans[1]]["given"]) == 2 + len(doubtful) - len(die)
    assert any("recorded 1 tasks in 1 batches" in line for line in said(run)), said(run)


def test_a_run_of_which_nothing_can_be_compared_says_so(stage: Stage) -> None:
    run = stage.run(
        *SOURCE,
        plan={"compare": True, "tasks": [job("LABEL_BLOCK-00000")]},
        die=["LABEL_BLOCK-00000"],
    )
    assert run.returncode != 0
    assert "none could be compared" in run.stdout + run.stderr
    assert stage.programs.count("plan") == 1


def test_recording_goes_on_while_blocks_are_computed(stage: Stage) -> None:
    pulls = [job(f"PULL_BLOCK-{n:05}") for n in range(30)]
    labels = [job(f"LABEL_BLOCK-{n:05}", f"PULL_BLOCK-{n:05}") for n in range(30)]
    seconds = {"pull_block": 0.2, "label_block": 0.2, "record": 0.1}
    run = stage.run(*SOURCE, plan={"tasks": pulls + labels}, seconds=seconds)
    assert said(run)[-1] == "recorded 60 tasks in 3 batches"
    computed = max(e["start"] for e in stage.journal if e["program"] == "label_block")
    recorded = [entry["end"] for entry in stage.journal if entry["program"] == "record"]
    assert sum(end < computed for end in recorded) >= 2, "batches are recorded while computing"


def test_a_long_run_says_how_far_it_is(stage: Stage) -> None:
    pulls = [job(f"PULL_BLOCK-{n:05}", units=2) for n in range(21)]
    labels = [job(f"LABEL_BLOCK-{n:05}", "PULL_BLOCK-00000", units=2) for n in range(4)]
    stitch = job("STITCH-00000", *(one["task"] for one in labels), seconds=9)
    started = time.monotonic()
    run = stage.run(
        *SOURCE,
        env={"NXF_SYNTAX_PARSER": "v2"},
        plan={"tasks": [*pulls, *labels, stitch]},
        states={one["task"]: ["made", "made"] for one in pulls + labels}
        | {"PULL_BLOCK-00000": ["made", "failed"], "LABEL_BLOCK-00003": ["reused", "made"]},
        seconds={"PULL_BLOCK-00000": 12, "stitch": 3},
    )
    lines = [line for line in said(run) if line.startswith("progress: ")]
    recorded = r"; (0|39|40) of 51 units recorded"  # twenty tasks, with or without the failed one
    most = 3 + (time.monotonic() - started) // 10
    assert 3 <= len(lines) <= most, "one at the end of each stage, else one in ten seconds"
    pulled = rf"progress: PULL_BLOCK 41 of 42 blocks, [0-3]\.\d Mvoxel/s{recorded}; about .+ left"
    labelled = rf"progress: LABEL_BLOCK 8 of 8 blocks, \d+\.\d Mvoxel/s{recorded}; about .+ left"
    assert any(re.fullmatch(pulled, line) for line in lines), lines
    assert any(re.fullmatch(labelled, line) for line in lines), lines
    assert re.fullmatch(f"progress: STITCH 1 of 1{recorded}", lines[-1]), lines


def test_a_task_asks_for_what_the_plan_says_and_for_more_after_it_was_killed(stage: Stage) -> None:
    fields = stage.directory / "fields.config"
    fields.write_text("trace.fields = 'name,attempt,memory'\ntrace.raw = true\n")
    machine = psutil.virtual_memory().total
    run = stage.run(
        *(*SOURCE, "-c", str(fields)),
        plan={
            "asks": {
                "PULL_BLOCK": {"memory": 10**8, "seconds": 1},
                "LABEL_BLOCK": {"memory": 2 * machine, "seconds": 1.5},
            },
            "tasks": [job("PULL_BLOCK-00000"), job("PULL_BLOCK-00001"), job("LABEL_BLOCK-00002")],
        },
        exits={"PULL_BLOCK-00000": [137, 1, 0], "PULL_BLOCK-00001": [2, 143, 0]},
    )
    assert run.returncode == 0, said(run)
    notes = [line for line in said(run) if line.startswith("note: ")]
    assert len(notes) == 1 and "a task of LABEL_BLOCK may take" in notes[0]
    trace = (stage.launch / "results" / "reports" / "trace.txt").read_text()
    asked = {
        (number, int(attempt)): int(memory)
        for number, attempt, memory in re.findall(r"BLOCK-(\S+)\)\t(\d)\t(\d+)", trace)
    }
    assert 0.99 * machine < asked.pop(("00002", 1)) <= machine
    assert asked == {
        ("00000", 1): 10**8,
        ("00000", 2): 2 * 10**8,
        ("00000", 3): 2 * 10**8,
        ("00001", 1): 10**8,
        ("00001", 2): 10**8,
        ("00001", 3): 2 * 10**8,
    }


@pytest.mark.parametrize("program", sample(["record", "summary"], 1))
def test_a_failing_record_or_summary_fails_the_run(stage: Stage, program: str) -> None:
    run = stage.run(*SOURCE, plan={"tasks": [job("PULL_BLOCK-00000")]}, die=[program])
    assert run.returncode != 0
    assert stage.programs[-1] == "summary"
    assert stage.programs.count(program) == 3
    if program == "summary":
        *_, missing, command = said(run)
        assert missing == "the summary could not be made: `bossflow status` shows what is missing"
        assert command.startswith("To complete it: nextflow -q run ")


def test_what_was_written_counts_and_not_what_nextflow_takes_it_for(stage: Stage) -> None:
    """On the command line first, then in a parameter file, of YAML or of JSON."""
    stage.launch.mkdir(exist_ok=True)
    above = "0.30000000000000001665"
    words = (
        "--outdir",
        "20240101",
        "--archive=007",
        "--store",
        "2024",
        "--foreground_above",
        above,
    )
    yaml = stage.launch / "p.yml"
    yaml.write_text(
        "archive: 1\nx_range: 10:30\nvoxel_size: [4, 4.50, 40]\nmin_voxels: 010\nqueue: 2_4\n"
        "account: 00123\nnamespace: 2024-01-01\n"
    )
    run = stage.run(*SOURCE, *words, "-params-file", str(yaml))
    assert said(run) == [
        "queue 2_4 is the number 24 to Nextflow: set params.queue = '2_4' in a file "
        "that you give with -c"
    ]
    yaml.write_text(yaml.read_text().replace("2_4", "24"))
    run = stage.run(*SOURCE, *words, "-params-file", str(yaml))
    assert run.returncode == 0, said(run)
    asked = json.loads(stage.journal[0]["run"])["params"]
    told = {"outdir": "20240101", "archive": "007", "store": "2024", "foreground_above": above}
    told |= {"x_range": [10, 30], "voxel_size": [4, "4.5", 40], "min_voxels": 8, "queue": "24"}
    told |= {"account": "00123", "namespace": "2024-01-01"}
    assert asked | told == asked
    assert (stage.launch / "20240101" / "requests.csv").exists()
    written = stage.launch / "p.json"
    written.write_text('{\n\t"foreground_above": 18446744073709551615,\n\t"archive": 5}')
    run = stage.run(*SOURCE, "-params-file", str(written))
    assert run.returncode == 0, said(run)
    asked = json.loads(stage.journal[0]["run"])["params"]
    assert (asked["foreground_above"], asked["archive"]) == (2**64 - 1, "5")


def test_an_outdir_that_is_another_number_to_nextflow_is_refused(stage: Stage) -> None:
    run = stage.run(*SOURCE, "--outdir", "007", "--archive", "true")
    assert run.returncode != 0
    assert said(run) == [
        "archive was given without a value",
        "outdir 007 is the number 7 to Nextflow: write ./007",
    ]


CHARGED = """
include {{ toConfiguration }} from '{root}/workflows/kit/parameters'

process ONE {{
    script:
    'true'
}}

workflow {{
    toConfiguration([account: '00123'])
    ONE()
}}
"""


def test_slurm_charges_the_account_that_was_written(tmp_path: Path) -> None:
    (tmp_path / "main.nf").write_text(CHARGED.format(root=ROOT))
    executor = "process.executor = 'slurm'\nexecutor.pollInterval = '1 sec'\n"
    config = f"{executor}executor.$slurm.account = params.account\n"
    (tmp_path / "nextflow.config").write_text(config)
    for name, does in (
        ("sbatch", "bash .command.run &>/dev/null; echo Submitted batch job 1"),
        ("squeue", ""),
    ):
        (tmp_path / name).write_text(f"#!/bin/bash\n{does}\n")
        (tmp_path / name).chmod(0o755)
    path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    run = nextflow("-q", "run", "main.nf", "--account", "00123", cwd=tmp_path, env=path)
    assert run.returncode == 0, said(run)
    (script,) = (tmp_path / "work").glob("*/*/.command.run")
    assert "#SBATCH -A 00123\n" in script.read_text()


def test_a_secret_is_no_parameter_and_is_not_said_again(stage: Stage) -> None:
    names = ("token", "bossdb-token", "DJ_PASS", "password")
    run = stage.run(*SOURCE, *(word for name in names for word in (f"--{name}", "hushhush")))
    assert run.returncode != 0
    lines = said(run)
    assert len(lines) == len(names)
    assert all("secrets are no parameters" in line and "secrets set" in line for line in lines)
    assert "hushhush" not in " ".join(lines)
    assert not stage.journal_file.exists()


def test_a_sample_sheet_reaches_describe_whatever_its_name(stage: Stage) -> None:
    stage.launch.mkdir(exist_ok=True)
    sheet = stage.launch / "-my $(touch bad) `x`; 'sheet'*.csv"
    sheet.write_text("source\nbossdb://lab/brain/neurons\n")
    parameters = stage.launch / "parameters.yml"
    outdir = "results/a b $(touch bad)*"
    parameters.write_text(json.dumps({"input": sheet.name, "outdir": outdir}))
    run = stage.run("-params-file", str(parameters))
    assert run.returncode == 0, said(run)
    assert (stage.launch / outdir / "requests.csv").exists()
    assert stage.journal[0]["sheet"] == [sheet.read_text()]
    assert Path(stage.journal[0]["given"][2]).name == "_my___touch_bad___x____sheet__.csv"
    assert not list(stage.directory.rglob("bad"))


def test_wrong_parameters_are_a_sentence_each_and_nothing_starts(stage: Stage) -> None:
    run = stage.run(
        *("--threshold", "3", "--x-range", "0,5", "--colour", "red"),
        *("--x_range", "0", "512", "--y_range", "5,5", "--connectivity", "8", "--min_voxels=-3"),
        *("--blocks_per_task", "1e3", "--dry_run", "maybe", "--bossdb_host", "boss", "--z_range"),
    )
    assert run.returncode != 0
    assert said(run) == [
        "unknown parameter threshold: did you mean min_voxels or foreground_above?",
        "unknown parameter xRange: did you mean x_range?",
        "unknown parameter colour: nextflow run . --help shows them all",
        "x_range must be two whole numbers, such as 0,512 or in YAML [0, 512], not 0",
        "y_range 5,5 is empty or reversed: the first must be below the second",
        "z_range was given without a value",
        "connectivity must be 6, 18 or 26, not 8",
        "min_voxels must be at least 0, not -3",
        'bossdb_host must be written like https://api.bossdb.io, not "boss"',
        'blocks_per_task must be a whole number, not "1e3"',
        'dry_run must be true or false, not "maybe"',
    ]
    assert not stage.journal_file.exists()


WRONG = [
    (
        "source: a\nx_range: 10:30\ny_range: [0, 1.5]\nmin_voxels: 1e3\narchive: 5\n"
        "foreground_above: 18446744073709551616\nblock_shape: [0, 5, 5]\nz_range:\n",
        [
            "x_range must be two whole numbers, such as 0,512 or in YAML [0, 512], not 630",
            "y_range must be two whole numbers, such as 0,512 or in YAML [0, 512], not [0,1.5]",
            "min_voxels must be a whole number, not 1000.0",
            "foreground_above must be at most 18446744073709551615, not 18446744073709551616",
            "block_shape must be at least 1, not 0",
            "archive must be text (in quotes in a parameter file), not 5",
        ],
    ),
    (
        "source: a\noutdir: wrong.yml\n",
        ['outdir "wrong.yml" is no directory: give the path of one'],
    ),
    ("input: nix.csv", ['input "nix.csv" is not there: give the path of a sample sheet (CSV)']),
    (
        "input: nix.csv\nsource: a\n",
        [
            "give either source, a channel such as bossdb://Kasthuri/ac4/neuron, or input, a "
            "sample sheet; nextflow run . --help shows all parameters"
        ],
    ),
]


def test_a_wrong_parameter_file_is_a_sentence_each(tmp_path: Path) -> None:
    (tmp_path / "wrong.yml").touch()
    verdicts = judge(tmp_path, [text for text, _ in WRONG], YAML)
    said = [verdict["problem"].splitlines() for verdict in verdicts]
    assert said == [lines for _, lines in WRONG]


def test_help_shows_every_parameter_and_runs_nothing(stage: Stage) -> None:
    run = stage.run("--help")
    assert run.returncode == 0
    schema = json.loads((ROOT / "nextflow_schema.json").read_text("utf-8"))
    for group in schema["$defs"].values():
        assert group["title"] in run.stdout
        for name, described in group["properties"].items():
            assert f"  --{name} " in run.stdout and described["description"] in run.stdout
    assert not stage.journal_file.exists() and not (stage.launch / "results").exists()


def test_a_stub_run_goes_through_every_process(tmp_path: Path) -> None:
    run = nextflow(
        *("run", str(ROOT), "-stub-run", *SOURCE), cwd=tmp_path, env={"NXF_SYNTAX_PARSER": "v1"}
    )
    assert run.returncode == 0, said(run)
    trace = (tmp_path / "results" / "reports" / "trace.txt").read_text()
    for process in (*PROGRAMS, "record", "summary"):
        assert f"LABEL:{process.upper()}" in trace


def test_nextflow_secrets_reach_only_who_needs_them(stage: Stage, tmp_path: Path) -> None:
    store = {"NXF_SECRETS_FILE": str(tmp_path / "secrets" / "store.json")}
    plan = {"tasks": [job("PULL_BLOCK-00000"), job("LABEL_BLOCK-00000"), job("STITCH-00000")]}
    for name in ("BOSSDB_TOKEN", "DJ_PASS", OF_SOURCES):
        nextflow("secrets", "set", name, "swordfish", cwd=tmp_path, env=store)
    run = stage.run(*SOURCE, env=store, plan=plan)
    assert run.returncode == 0, said(run)
    held = {entry["program"]: entry["secrets"] for entry in stage.journal}
    archive, database = ["BOSSDB_TOKEN", OF_SOURCES], ["DJ_PASS"]
    rights = {"describe": archive, "pull_block": archive, "label_block": [OF_SOURCES]}
    assert held | rights | {"stitch": [], "plan": database, "summary": database} == held
    seen = [path for path in stage.launch.rglob("*") if path.is_file()]
    assert not [path for path in seen if b"swordfish" in path.read_bytes()]


@pytest.mark.parametrize("engine", ["docker", "apptainer"], ids=["Docker", "Apptainer"])
def test_a_container_gets_what_sources_need_in_a_file_if_it_reads_them(
    tmp_path: Path, engine: str
) -> None:
    """The engine is stood in for: it notes what it was told, and the file."""
    (tmp_path / engine).write_text(f"""#!/bin/bash
        {{ echo "$@"; export -p; }} >> {tmp_path}/told
        for word in "$@"; do case $word in *,target=/run/bossflow)
            word=${{word#*source=}}; cat "${{word%%,*}}/environment" ;; esac; done
    """)
    (tmp_path / engine).chmod(0o755)
    run = "docker run -e %s bossflow/%s:0123 true"
    if engine == "apptainer":
        run = (
            'env - PATH="$PATH" APPTAINERENV_%s=swordfish apptainer exec bossflow-%s-0123.img true'
        )
    read = {}
    for image in ("intern", "cc3d", "datajoint"):
        task = f"source {ROOT}/conf/containers.sh {tmp_path} ''\n" + run % (OF_SOURCES, image)
        done = subprocess.run(
            ["bash", "-ec", task],
            env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path)}
            | {OF_SOURCES: "swordfish", "BOSSFLOW_SOURCE_AWS_ENDPOINT_URL": "http://minio"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        read[image] = done.stdout.count("swordfish"), done.stdout.count("http://minio")
    assert read == {"intern": (1, 1), "cc3d": (1, 1), "datajoint": (0, 0)}
    assert "swordfish" not in (tmp_path / "told").read_text()


# Sources, and where they are below a directory: what they are called says nothing else.
NAMED = {
    'zarr://{}/a "volume", new': 'a "volume", new',
    "n5://file://{}/it's 50%25:\\n $(touch bad)": "it's 50%25:\\n $(touch bad)",
    "precomputed://{}/gone/../b//c/": "b/c",
    "precomputed://~/d": "launch/~/d",
    "zarr://{}/linked": "e",
}


def volumes_below(directory: Path) -> list[str]:
    """Make the volumes; return the sources."""
    for path in NAMED.values():
        (directory / path).mkdir(parents=True)
    (directory / "gone").mkdir()
    (directory / "linked").symlink_to("e")
    return [source.format(directory) for source in NAMED]


def mounted(words: list[str]) -> dict[str, str]:
    """Return what an engine was told to mount readonly: target to source."""
    found = {}
    for option, word in itertools.pairwise(words):
        if option == "--mount":
            (cells,) = csv.reader([word], strict=True)
            given = dict(cell.partition("=")[::2] for cell in cells)
            assert given["target"] not in found and given["type"] == "bind"
            found[given["target"]] = given["source"]
    return found


@pytest.mark.parametrize("engine", ["docker", "apptainer"], ids=["Docker", "Apptainer"])
def test_a_container_sees_volumes_where_describe_finds_them(tmp_path: Path, engine: str) -> None:
    sources = volumes_below(tmp_path)
    (tmp_path / "e f").mkdir()
    sources.append(f"zarr://{(tmp_path / 'e f').as_uri()}")
    launch = tmp_path / "launch"
    (tmp_path / engine).write_text("#!/bin/bash\nprintf '%s\\0' \"$@\"\n")
    (tmp_path / engine).chmod(0o755)
    home = tmp_path / "home"
    (home / ".aws").mkdir(parents=True)
    run = {
        "docker": "docker run bossflow/cc3d:0123 true",
        "apptainer": "env - PATH=/bin apptainer exec bossflow-cc3d-0123.img true",
    }[engine].replace("PATH=/bin", 'PATH="$PATH"')
    more = ["zarr://s3://bucket/x", "n5://https://host/x", "zarr:///nowhere"]
    words = [f"{ROOT}/conf/containers.sh", str(launch), "", *sources, *more]
    done = subprocess.run(
        ["bash", "-ec", f"source {shlex.join(words)}\n{run}"],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    found = mounted(done.stdout.split("\0"))
    for source in sources:
        real = archive_of(source).canonical(source, str(launch)).partition("file://")[2]
        assert found.get(real) == real or engine == "docker" and real.startswith(f"{launch}/")
    assert found[f"{tmp_path}/linked"] == f"{tmp_path}/e"
    assert found[f"{home}/.aws"] == f"{home}/.aws"
    known = {
        f"{home}/.aws",
        f"{home}/.bossflow",
        f"{tmp_path}/linked",
        f"{tmp_path}/e f",
        str(launch),
    }
    places = {target for target in found if target.startswith(f"{tmp_path}/")}
    assert places - known <= {f"{tmp_path}/{path}" for path in NAMED.values()}
    assert not list(tmp_path.rglob("bad"))


def test_volumes_of_a_sheet_are_mounted_into_every_container(stage: Stage, tmp_path: Path) -> None:
    """From an address. The engine is stood in for: it notes what it was told, and does it here."""
    sources = volumes_below(tmp_path)
    with (tmp_path / "sheet.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["x_range", "source"], *(["0,5", one] for one in sources)])
    engine, told = tmp_path / "programs" / "docker", tmp_path / "told"
    engine.parent.mkdir()
    engine.write_text(f"""#!{sys.executable}
import json, os, sys
if sys.argv[1] == "run":
    with open({str(told)!r}, "a") as stream:
        print(json.dumps(sys.argv), file=stream)
    at = next(at for at, word in enumerate(sys.argv) if word.startswith("bossflow/"))
    os.execvp(sys.argv[at + 1], sys.argv[at + 1:])
""")
    engine.chmod(0o755)
    path = os.pathsep.join([str(engine.parent), os.environ["PATH"]])
    serve = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/sheet.csv"
        run = stage.run("--input", address, "-profile", "docker", env={"PATH": path})
        server.shutdown()
    assert run.returncode == 0, said(run)
    assert stage.journal[0]["sheet"] == [(tmp_path / "sheet.csv").read_text()]
    lines = [json.loads(line) for line in told.read_text().splitlines()]
    assert len(lines) == len(stage.programs) == 2
    for words in lines:
        found = mounted(words)
        for source, place in NAMED.items():
            there = f"{tmp_path}/{place}"
            assert found.get(there, "") == ("" if source.endswith("~/d") else there)
    assert not list(tmp_path.rglob("bad"))


def test_it_runs_from_a_git_url(stage: Stage, tmp_path: Path) -> None:
    bare = tmp_path / "bossflow.git"
    git = ("git", "-c", "user.name=t", "-c", "user.email=t@localhost", "-C", str(stage.project))
    try:
        for command in (
            ("init", "-q", "-b", "main"),
            ("add", "."),
            ("commit", "-qm", "all"),
            ("tag", "v9"),
        ):
            subprocess.run([*git, *command], check=True)
        subprocess.run(["git", "clone", "-q", "--bare", str(stage.project), str(bare)], check=True)
    finally:
        shutil.rmtree(stage.project / ".git")
    assets = {"NXF_ASSETS": str(tmp_path / "assets"), "NXF_OFFLINE": "false"}
    run = stage.run(*SOURCE, "-r", "v9", pipeline=f"file:{bare}", env=assets)
    assert run.returncode == 0, said(run)
    asked = json.loads(stage.journal[0]["run"])["run"]
    assert asked["revision"] == "v9" and len(asked["commit"]) == 40
    assert asked["project_dir"].startswith(str(tmp_path / "assets"))
