"""The profiles of clouds and Kubernetes, as far as a machine without an account can tell.

Nextflow's plugins for them can't be had here, so what would be a cloud's task is a local one.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest
from clouds import GIVEN, MORE, SET, options, settings
from clouds import here as here
from conftest import sample
from stage import OF_SOURCES, SOURCE, Stage, job, nextflow, said
from stage import stage as stage

pytestmark = pytest.mark.clouds


@pytest.mark.parametrize("parser", [pytest.param("v1", marks=pytest.mark.soak), "v2"])
@pytest.mark.parametrize("profile", sample(list(GIVEN), 1))
def test_a_profile_sets_what_was_given(tmp_path: Path, profile: str, parser: str) -> None:
    project = Stage(tmp_path).project
    config = project / "nextflow.config"
    text = config.read_text()
    for name, value in (GIVEN[profile] | MORE).items():
        assert f" {name} = null\n" in text
        text = text.replace(f" {name} = null\n", f" {name} = '{value}'\n")
    config.write_text(text)
    found = settings(project, profile, parser)
    context = str(found.pop("k8s.securityContext", ""))  # one value, or one by name
    for pair in context.strip("[]").split(", ") if context else []:
        key, value = pair.split(":")
        found[f"k8s.securityContext.{key}"] = value
    asked = {name: str(value).replace("True", "true") for name, value in SET[profile].items()}
    assert {name: found.get(name) for name in asked} == asked
    assert found["process.withLabel:head.executor"] == "local"
    plain = settings(project, "standard", parser)
    kept = {name: value for name, value in plain.items() if name.startswith("process.with")}
    assert kept and kept.items() <= found.items(), "a profile takes nothing away"


@pytest.mark.parametrize("profile", sample(list(GIVEN), 1))
def test_what_a_profile_needs_is_said_before_anything_starts(stage: Stage, profile: str) -> None:
    run = stage.run(*SOURCE, "-profile", profile)
    assert run.returncode != 0
    starts = [
        f"{name} is needed by -profile {profile}, such as --{name} " for name in GIVEN[profile]
    ]
    assert len(said(run)) == len(starts), said(run)
    for line in said(run):
        assert line.startswith(tuple(starts)), line
        example = line.split(" such as --")[1].split()[1]
        assert (
            example
            in (GIVEN[profile] | {"bucket": SET[profile].get("bucketDir", "")[:-5]}).values()
        )
    assert not stage.journal_file.exists()


@pytest.mark.parametrize(
    ("profile", "given", "sentences"),
    sample(
        [
            (
                "awsbatch",
                {"bucket": "gs://my-bucket"},
                ['bucket must begin with s3:// with -profile awsbatch, not "gs://my-bucket"'],
            ),
            (
                "google_batch",
                {"store": "s3://my-bucket/store", "token_secret": "token", "source_secret": "one"},
                [
                    'store must begin with gs:// with -profile google_batch, not "s3://my-bucket/store"',
                    "token_secret is not for -profile google_batch",
                    "source_secret is not for -profile google_batch",
                ],
            ),
            (
                "awsbatch",
                {"store": "products", "bucket": "s3://my-bucket"},
                ['store must begin with s3:// with -profile awsbatch, not "products"'],
            ),
        ],
        2,
    ),
)
def test_what_tasks_could_not_reach_is_refused(
    stage: Stage, here: tuple[str, str], profile: str, given: dict[str, str], sentences: list[str]
) -> None:
    run = stage.run(*here, *SOURCE, *options(profile, **given))
    assert run.returncode != 0
    assert len(said(run)) == len(sentences), said(run)
    for line, start in zip(said(run), sentences, strict=True):
        assert line.startswith(start)
    assert not stage.journal_file.exists()


def test_slurm_takes_nothing_away_either(stage: Stage) -> None:
    plain, found = (settings(stage.project, name, "v1") for name in ("standard", "slurm"))
    kept = {name: value for name, value in plain.items() if name.startswith("process.with")}
    assert kept and kept.items() <= found.items()


def test_a_profile_without_a_cloud_needs_nothing_of_one(stage: Stage) -> None:
    run = stage.run(*SOURCE, "-profile", "slurm,apptainer", "--account=a b")
    assert said(run) == ['account must be written like my-lab, not "a b"']


@pytest.mark.parametrize(
    ("profile", "store"),
    [
        ("awsbatch", "s3://my-bucket/bossflow/store"),
        ("google_batch", "gs://my-bucket/bossflow/store"),
        ("k8s", "{stage}/store"),
    ],
)
def test_heads_stay_here_and_secrets_with_them(
    stage: Stage, here: tuple[str, str], tmp_path: Path, profile: str, store: str
) -> None:
    secrets = {"NXF_SECRETS_FILE": str(tmp_path / "secrets" / "store.json")}
    for name in ("BOSSDB_TOKEN", "DJ_PASS", OF_SOURCES):
        nextflow("secrets", "set", name, "swordfish", cwd=tmp_path, env=secrets)
    mount = ["--volume_mount", str(stage.directory)] if profile == "k8s" else []
    plan = {"tasks": [job("PULL_BLOCK-00000"), job("LABEL_BLOCK-00000"), job("STITCH-00000")]}
    run = stage.run(*here, *SOURCE, *options(profile), *mount, env=secrets, plan=plan)
    assert run.returncode == 0, said(run)
    asked = json.loads(stage.journal[0]["run"])["params"]
    assert asked["store"] == store.format(stage=stage.directory)
    held = {entry["program"]: entry["secrets"] for entry in stage.journal}
    assert held["describe"] == ["BOSSDB_TOKEN", OF_SOURCES] and held["plan"] == ["DJ_PASS"]
    assert held["stitch"] == held["label_block"] == held["pull_block"] == []


def test_a_task_of_aws_batch_asks_for_what_sources_need_itself(
    stage: Stage, here: tuple[str, str], tmp_path: Path
) -> None:
    (tmp_path / "given").write_text(f"# of a lab\n{OF_SOURCES}=$(touch canary) `x` =\nPATH=/none\n")
    cli = tmp_path / "aws"
    cli.write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/asked\ncat {tmp_path}/given\n')
    cli.chmod(0o755)
    run = stage.run(
        *(*here, *SOURCE, *options("awsbatch", source_secret="bossflow/source")),
        env={"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
        plan={"tasks": [job(f"{name}_BLOCK-00000") for name in ("PULL", "LABEL", "LINK")]},
    )
    assert run.returncode == 0, said(run)
    held = {entry["program"]: entry["secrets"] for entry in stage.journal}
    assert held["pull_block"] == held["label_block"] == [OF_SOURCES]
    assert held["link_block"] == []
    words = "secretsmanager get-secret-value --region us-east-1 --secret-id bossflow/source"
    lines = (tmp_path / "asked").read_text().splitlines()
    assert lines == [f"{words} --query SecretString --output text"] * 2
    found = subprocess.run(["grep", "-rl", "canary", stage.launch], capture_output=True)
    assert found.stdout == b"" and not list(stage.directory.rglob("canary"))


def test_a_pod_refers_to_what_sources_need(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OF_SOURCES, "swordfish")
    project = Stage(tmp_path).project
    config = project / "nextflow.config"
    config.write_text(config.read_text().replace("_secret = null", "_secret = 'one/two'"))
    found = settings(project, "k8s", "v2")
    of_sources = f"[env:'{OF_SOURCES}', secret:'one/two/{OF_SOURCES}']"
    pods = {name: value for name, value in found.items() if name.endswith("pod")}
    assert set(pods.values()) == {
        f"[{of_sources}]",
        f"[[env:'BOSSDB_TOKEN', secret:'one/two'], {of_sources}]",
    }
    assert "swordfish" not in str(found)


@pytest.mark.parametrize("there", sample([True, False], 1))
def test_a_task_of_aws_batch_asks_for_the_token_itself(
    stage: Stage, here: tuple[str, str], tmp_path: Path, there: bool
) -> None:
    """The AWS CLI is stood in for; its words are those that the real one took from moto."""
    asked = tmp_path / "asked"
    cli = tmp_path / "aws"
    answer = "echo swordfish" if there else "echo no such secret >&2; exit 254"
    cli.write_text(f'#!/bin/sh\necho "$*" >> {asked}\n{answer}\n')
    cli.chmod(0o755)
    run = stage.run(
        *(*here, *SOURCE, *options("awsbatch", token_secret="bossflow/token")),
        env={"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
        plan={"tasks": [job("PULL_BLOCK-00000"), job("STITCH-00000")]},
    )
    words = "secretsmanager get-secret-value --region us-east-1 --secret-id bossflow/token"
    lines = asked.read_text().splitlines()
    assert set(lines) == {f"{words} --query SecretString --output text"}
    held = {entry["program"]: entry["secrets"] for entry in stage.journal}
    if there:
        assert run.returncode == 0, said(run)
        assert held["pull_block"] == ["BOSSDB_TOKEN"] and held["stitch"] == []
    else:
        assert run.returncode != 0 and "pull_block" not in held, "no token is not the public one"
    found = subprocess.run(["grep", "-rl", "swordfish", stage.launch], capture_output=True)
    assert found.stdout == b"", found.stdout
