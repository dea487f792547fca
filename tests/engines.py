"""What of MySQL, Docker, Slurm and Chromium this machine has, and why a test can't use the rest."""

import functools
import os
import shutil
import subprocess

import pytest

SLURM = ("munged", "slurmctld", "slurmd", "scontrol", "sbatch", "squeue", "scancel")


def need(engine: str) -> None:
    """Skip the running test if an engine can't be used here; in CI, fail it.

    But for apptainer, which not every machine of root's can run.
    """
    if reason := missing(engine):
        fails = os.environ.get("CI") and engine != "apptainer"
        (pytest.fail if fails else pytest.skip)(reason)


@functools.cache
def missing(engine: str) -> str:
    """Return why an engine (`mysql`, `docker`, `slurm` …) can't be used here; "" if it can."""
    engines = {"mysql": _mysql, "docker": _docker, "slurm": _slurm}
    return (engines | {"apptainer": _apptainer, "chromium": _chromium})[engine]()


def _mysql() -> str:
    if "BOSSFLOW_TEST_MYSQL" in os.environ:
        return ""
    return "BOSSFLOW_TEST_MYSQL names no MySQL server: ./set-up.sh --docker --test starts one"


def _docker() -> str:
    if not shutil.which("docker"):
        return "docker is not on PATH"
    if not _says("docker", "info"):
        return "no Docker engine answers: see docker info"
    if not _says("docker", "compose", "version"):
        return "Docker has no Compose plugin"
    names = {"MYSQL_IMAGE": "mysql:8.4", "BASE_IMAGE": "python:3.11-slim-bookworm"}
    for variable, usual in names.items():
        image = os.environ.get(variable) or usual
        if not (_says("docker", "image", "inspect", image) or _says("docker", "pull", image)):
            return f"image {image} is not here and can't be pulled ({variable} names another)"
    return ""


def _slurm() -> str:
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    if absent := [name for name in SLURM if not shutil.which(name, path=path)]:
        return f"not on PATH: {', '.join(absent)}"
    return "" if os.geteuid() == 0 else "Slurm's nodes are started by root"


def _apptainer() -> str:
    if not shutil.which("apptainer"):
        return "apptainer is not on PATH"
    return "" if _says("apptainer", "--version") else "apptainer does not start"


def _chromium() -> str:
    absent = [name for name in ("chromium", "chromedriver") if not shutil.which(name)]
    return f"not on PATH: {', '.join(absent)}" if absent else ""


def _says(*command: str) -> bool:
    """Tell whether a command succeeds."""
    try:
        return subprocess.run(command, capture_output=True, timeout=300).returncode == 0
    except subprocess.TimeoutExpired:
        return False
