"""What the pipeline takes from a user: parameters, sheets and secrets, and who gets them."""

import json
import os
import re
from pathlib import Path

import jsonschema
import pytest
from conftest import ROOT, WORKFLOWS
from hostile import DESCRIBED, SCHEMA
from kit.parameters import Parameters
from stage import (
    NO_REPORTS,
    OF_DESTINATIONS,
    OF_SOURCES,
    PROGRAMS,
    SOURCE,
    YAML,
    Stage,
    job,
    judge,
    nextflow,
    said,
)
from stage import stage as stage

pytestmark = pytest.mark.nextflow


def test_the_schema_is_json_schema_and_the_configuration_has_its_defaults(stage: Stage) -> None:
    schema = SCHEMA
    jsonschema.Draft202012Validator.check_schema(schema)
    run = stage.run(*SOURCE, "--x_range=-5,3", "--store", "$(touch bad)'\"")
    assert run.returncode == 0, said(run)
    asked = json.loads(stage.journal[0]["run"])
    given = {
        "source": SOURCE[1],
        "x_range": [-5, 3],
        "store": "$(touch bad)'\"",
        "page": False,  # by NO_REPORTS
    }
    default = {name: one.get("default") for name, one in DESCRIBED.items()}
    found = asked["params"] | Parameters(schema, asked["workflow"]).checked(asked["params"])
    assert found == default | given
    jsonschema.validate({k: v for k, v in found.items() if v is not None}, schema)
    assert asked["run"]["name"] and asked["run"]["launch_dir"] == str(stage.launch)
    assert not list(stage.directory.rglob("bad"))


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
    asked |= Parameters(SCHEMA).checked(asked)
    told = {"outdir": "20240101", "archive": "007", "store": "2024", "foreground_above": above}
    told |= {"x_range": [10, 30], "voxel_size": [4, "4.5", 40], "min_voxels": 8, "queue": "24"}
    told |= {"account": "00123", "namespace": "2024-01-01"}
    assert asked | told == asked
    assert (stage.launch / "20240101" / "requests.csv").exists()
    written = stage.launch / "p.json"
    written.write_text('{\n\t"foreground_above": 18446744073709551615,\n\t"archive": 5}')
    run = stage.run(*SOURCE, "-params-file", str(written))
    assert run.returncode == 0, said(run)
    asked = Parameters(SCHEMA).checked(json.loads(stage.journal[0]["run"])["params"])
    assert (asked["foreground_above"], asked["archive"]) == (2**64 - 1, "5")


def test_an_outdir_that_is_another_number_to_nextflow_is_refused(stage: Stage) -> None:
    run = stage.run(*SOURCE, "--outdir", "007", "--store", "true")
    assert run.returncode != 0
    assert said(run) == [
        "store was given without a value",
        "outdir 007 is the number 7 to Nextflow: write ./007",
    ]


def test_a_parameter_that_is_given_twice_is_refused(stage: Stage) -> None:
    run = stage.run(*SOURCE, "--outdir", "a", "--outdir=b")
    assert run.returncode != 0
    assert said(run) == ["outdir is given more than once: give it once, several values as a list"]


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
        *("--dry_run", "maybe", "--bucket", "/data", "--account", "a b", "--region"),
    )
    assert run.returncode != 0
    assert said(run) == [
        "unknown parameter threshold: did you mean min_voxels or foreground_above?",
        "unknown parameter xRange: did you mean x_range?",
        "unknown parameter colour: nextflow run . --workflow label --help shows them all",
        'dry_run must be true or false, not "maybe"',
        'account must be written like my-lab, not "a b"',
        "region was given without a value",
        'bucket must be written like s3://my-bucket/bossflow, not "/data"',
    ]
    assert not stage.journal_file.exists()


KNOWN = ", ".join(name for name in SCHEMA["$defs"] if name in WORKFLOWS)

WRONG = [
    ("source: a\noutdir: wrong.yml\n", 'outdir "wrong.yml" is no directory: give the path of one'),
    ("input: nix.csv", 'input "nix.csv" is not there: give the path of a sample sheet (CSV)'),
    ("input: [1, 2]", 'input must be text, not ["1","2"]'),
    ("workflow: lable", 'workflow "lable" is not known: did you mean label?'),
    (
        "workflow: 5",
        f'workflow "5" is not known: there are {KNOWN}',
    ),
    (
        "workflow: archive",
        f'workflow "archive" is not known: there are {KNOWN}',
    ),
    (
        "workflow: command\nconnectivity: 6\nmin_voxels: 0\nx_range: null\nentrypoint: sh\n",
        "connectivity is a parameter of workflow label, and not of command: leave it out, or give "
        "--workflow label",
    ),
    (
        "source: a\nimage: alpine\n",
        "image is a parameter of workflow command, map, apply, bids, and not of label: leave it "
        "out, or give --workflow command",
    ),
    (
        "workflow: command\nengine: podman\n",
        'engine must be docker, apptainer, singularity or none, not "podman"',
    ),
    ("workflow: command\nmemry: 3\n", "unknown parameter memry: did you mean memory?"),
]


def test_a_wrong_parameter_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "wrong.yml").touch()
    verdicts = judge(tmp_path, [text for text, _ in WRONG], YAML)
    assert [verdict["problem"] for verdict in verdicts] == [sentence for _, sentence in WRONG]


def test_what_describe_finds_wrong_is_a_sentence_each_and_leaves_nothing(tmp_path: Path) -> None:
    """By the real programs: no database, no store, and no list of results."""
    run = nextflow(
        *("-q", "run", str(ROOT), *NO_REPORTS, "--source", "zarr://nix"),
        *("--x_range", "0", "512", "--y_range", "5,5", "--connectivity", "8", "--min_voxels=-3"),
        *("--blocks_per_task", "1e3", "--bossdb_host", "boss", "--z_range"),
        cwd=tmp_path,
        env={"BOSSFLOW_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT / "schema")},
    )
    assert run.returncode != 0
    assert said(run) == [
        'x_range must be two whole numbers, such as 0,512, not "0"',
        "y_range 5,5 is empty or reversed: the first must be below the second",
        "z_range was given without a value",
        "connectivity must be 6, 18 or 26, not 8",
        "min_voxels must be at least 0, not -3",
        'bossdb_host must be written like https://api.bossdb.io, not "boss"',
        'blocks_per_task must be a whole number, not "1e3"',
    ]
    assert not (tmp_path / "home").exists()
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["reports"]


def test_help_lists_workflows_and_shows_every_parameter_of_one(stage: Stage) -> None:
    run, own = stage.run("--help"), stage.run("--help", "--workflow", "label")
    assert run.returncode == own.returncode == 0
    groups = SCHEMA["$defs"]
    taken = {key: {key, *group["groups"]} for key, group in groups.items() if "groups" in group}
    others = set().union(*taken.values()) - taken["label"]
    assert f"\n  label  {groups['label']['description']}\n" in re.sub("  +", "  ", run.stdout)
    for name, group in groups.items():
        if name in others:
            assert group["title"] not in own.stdout + run.stdout
            continue
        is_own = name in ("label", *groups["label"]["groups"])
        assert (group["title"] in run.stdout) != is_own
        for option, described in group["properties"].items():
            for page in [own.stdout] + [run.stdout] * (not is_own):
                assert f"  --{option} " in page and described["description"] in page
    assert not stage.journal_file.exists() and not (stage.launch / "results").exists()


def test_a_stub_run_goes_through_every_process(tmp_path: Path) -> None:
    run = nextflow(
        *("run", str(ROOT), "-stub-run", *SOURCE), cwd=tmp_path, env={"NXF_SYNTAX_PARSER": "v1"}
    )
    assert run.returncode == 0, said(run)
    trace = (tmp_path / "results" / "reports" / "trace.txt").read_text()
    for process in (*PROGRAMS, "record", "summary"):
        assert f"{process.upper()}" in trace


def test_nextflow_secrets_reach_only_who_needs_them(stage: Stage, tmp_path: Path) -> None:
    store = {"NXF_SECRETS_FILE": str(tmp_path / "secrets" / "store.json")}
    plan = {"tasks": [job("PULL_BLOCK-00000"), job("LABEL_BLOCK-00000"), job("STITCH-00000")]}
    for name in ("BOSSDB_TOKEN", "DJ_PASS", OF_SOURCES, OF_DESTINATIONS):
        nextflow("secrets", "set", name, "swordfish", cwd=tmp_path, env=store)
    run = stage.run(*SOURCE, env=store, plan=plan)
    assert run.returncode == 0, said(run)
    held = {entry["program"]: entry["secrets"] for entry in stage.journal}
    archive, database = ["BOSSDB_TOKEN", OF_SOURCES], ["DJ_PASS"]
    describing = [*archive, OF_DESTINATIONS]
    rights = {"describe": describing, "pull_block": archive, "label_block": [OF_SOURCES]}
    assert held | rights | {"stitch": [], "plan": database, "summary": database} == held
    plan = {"tasks": [job("CREATE_VOLUME-00000"), job("TRANSFER_BLOCK-00000")]}
    run = stage.run(*SOURCE, "--workflow", "transfer", env=store, plan=plan)
    assert run.returncode == 0, said(run)
    held = {entry["program"]: entry["secrets"] for entry in stage.journal}
    assert held["create_volume"] == [OF_DESTINATIONS]
    assert held["transfer_block"] == [OF_SOURCES, OF_DESTINATIONS]
    assert held["describe"] == describing and held["plan"] == database
    seen = [path for path in stage.launch.rglob("*") if path.is_file()]
    assert not [path for path in seen if b"swordfish" in path.read_bytes()]
