"""What profiles of clouds and Kubernetes are given, and set."""

import os
from pathlib import Path

import pytest
from stage import Stage, nextflow, said
from stage import stage as stage

GIVEN = {
    "awsbatch": {
        "registry": "ghcr.io/my-lab",
        "queue": "normal",
        "region": "us-east-1",
        "bucket": "s3://my-bucket/bossflow/",
    },
    "google_batch": {
        "registry": "ghcr.io/my-lab",
        "region": "us-east1",
        "project": "my-project",
        "bucket": "gs://my-bucket/bossflow",
    },
    "k8s": {"registry": "ghcr.io/my-lab", "volume_claim": "bossflow"},
}
SET = {
    "awsbatch": {
        "bucketDir": "s3://my-bucket/bossflow/work",
        "process.executor": "awsbatch",
        "process.queue": "normal",
        "aws.region": "us-east-1",
        "aws.batch.jobRole": "arn:aws:iam::123456789012:role/task",
        "aws.batch.maxSpotAttempts": 5,
    },
    "google_batch": {
        "bucketDir": "gs://my-bucket/bossflow/work",
        "process.executor": "google-batch",
        "google.project": "my-project",
        "google.location": "us-east1",
        "google.batch.serviceAccountEmail": "task@my-project",
        "google.batch.spot": True,
        "google.batch.maxSpotAttempts": 5,
    },
    "k8s": {
        "process.executor": "k8s",
        "k8s.namespace": "my-lab",
        "k8s.serviceAccount": "task@my-project",
        "k8s.storageClaimName": "bossflow",
        "k8s.storageMountPath": "/workspace",
        "k8s.securityContext.runAsUser": os.getuid(),
        "k8s.securityContext.runAsGroup": os.getgid(),
    },
}
MORE = {
    "job_role": "arn:aws:iam::123456789012:role/task",
    "service_account": "task@my-project",
    "namespace": "my-lab",
}


def options(profile: str, **changed: str) -> list[str]:
    """Return what a command line says to run with a profile."""
    given = (GIVEN[profile] | changed).items()
    return ["-profile", profile, *(f"--{name}={value}" for name, value in given)]


def settings(project: Path, profile: str, parser: str) -> dict[str, object]:
    """Return the configuration as Nextflow reads it, by dotted name."""
    shown = nextflow(
        *("config", "-profile", profile, "-flat", str(project)),
        cwd=project.parent,
        env={"NXF_SYNTAX_PARSER": parser},
    )
    assert shown.returncode == 0, said(shown)
    pairs = (line.split(" = ", 1) for line in shown.stdout.splitlines() if " = " in line)
    return {name.replace("'", ""): value.strip("'") for name, value in pairs}


@pytest.fixture
def here(stage: Stage) -> tuple[str, str]:
    """Return Nextflow's option that runs a cloud's tasks on this machine."""
    config = stage.directory / "here.config"
    config.write_text("bucketDir = null\nprocess.executor = 'local'\n")
    return "-c", str(config)
