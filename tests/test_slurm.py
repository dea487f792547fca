"""Compute on a real Slurm cluster of two nodes, both on this machine: what ends well, what doesn't.

Memory limits are the kernel's (cgroups). What has to be running when something happens is held by
stopping the archive that it reads from.
"""

import contextlib
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cluster import CELLS, CUT, NOISE, PASSWORD, TOKEN, Archive, Cluster, Lab, held, until
from cluster import archive as archive
from cluster import cluster as cluster
from cluster import lab as lab
from conftest import ROOT
from smoothing import check, smoothing
from wheels import pinned, settings

pytestmark = pytest.mark.slurm


def test_a_run_leaves_the_rows_that_one_without_a_cluster_leaves(
    cluster: Cluster, lab: Callable[[str], Lab]
) -> None:
    here, there = lab("here"), lab("there")
    code, said = there.run(CELLS, *CUT)
    assert code == 0, said
    code, local = here.run(CELLS, *CUT, profile="standard")
    assert code == 0, local
    assert there.components(said) == here.components(local)
    headers = [path.read_text() for path in there.launch.glob("work/*/*/.command.run")]
    assert sum("#SBATCH --array 0-3" in header for header in headers) == 4, "a stage, an array"
    assert there.bossflow("db", "stop")  # it would remove files while they are read
    written = [*there.directory.rglob("*"), *cluster.directory.rglob("*")]
    for path in filter(Path.is_file, written):
        content = path.read_bytes()
        assert PASSWORD.encode() not in content, path
        # slurmctld's copy of what sbatch was given for PULL_BLOCK stays until the job is forgotten
        assert TOKEN.encode() not in content or path.name == "environment", path


def called(one: Lab, asked: list[str], *arguments: str) -> str:
    """Return what a run on the cluster says, of a function that imports what a lock file pins."""
    done = subprocess.run(
        ["nextflow", "-c", "hurry.config", "run", str(ROOT), "-profile", "slurm"]
        + [*asked, *arguments],
        cwd=one.launch,
        env=one.environment | settings(one.launch / "wheels"),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_functions_are_called_on_the_cluster_with_what_their_lock_file_pins(
    lab: Callable[[str], Lab],
) -> None:
    """Two nodes begin at once, and install it once."""
    one = lab("one")
    (one.launch / "a.txt").write_text("eleven")
    said = called(one, pinned(one.launch, [Path("a.txt")] * 4), "--blocks_per_task", "1")
    assert "recorded    1 STAGE_FUNCTION, 4 CALL_FUNCTION" in said
    bundles = (one.directory / "home" / "store" / "CALL_FUNCTION").rglob("bundle.json")
    results = [json.loads(path.read_text())["attributes"]["result_json"] for path in bundles]
    assert {*results} == {f'[{7 * x},"eleven"]' for x in range(4)}
    logs = [path.read_text() for path in one.launch.glob("work/*/*/.command.log")]
    assert sum(re.search(r"called by job \d", text) is not None for text in logs) == 4
    made = (one.directory / "home" / "environments").iterdir()
    assert len([place for place in made if place.is_dir()]) == 1


def test_a_function_of_blocks_makes_on_the_cluster_what_it_does_of_the_whole(
    lab: Callable[[str], Lab],
) -> None:
    one = lab("one")
    assert "4 APPLY_BLOCK" in called(one, smoothing(one.launch), "--blocks_per_task", "2")
    check(one.launch / "results")
    headers = [path.read_text() for path in one.launch.glob("work/*/*/.command.run")]
    assert sum("#SBATCH --array 0-1" in header for header in headers) == 1


def environments_of(program: str) -> list[bytes]:
    """Return what the interpreters that run a program have as environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if b"python" in words[0] and any(w.endswith(program.encode()) for w in words[1:3]):
                found.append((folder / "environ").read_bytes())
    return [text for text in found if b"SLURM_JOB_ID" in text]


@pytest.mark.soak
def test_jobs_have_the_secrets_that_they_need_and_no_others(
    cluster: Cluster, archive: Archive, lab: Callable[[str], Lab]
) -> None:
    """What slurmctld keeps of a job, and what its processes have, while it runs."""
    one = lab("one")
    with held(cluster, archive, one) as run:
        arrays = {job.partition("_")[0] for job in cluster.jobs("R")}
        files = cluster.directory.rglob("environment")  # also those of jobs that have ended
        kept = [path.read_bytes() for path in files if path.parent.name[4:] in arrays]
        assert kept and all(TOKEN.encode() in text for text in kept)
        assert not any(PASSWORD.encode() in text for text in kept)
        processes = until(lambda: environments_of("pull_block.py"), "the program runs")
        assert not any(PASSWORD.encode() in text for text in processes)
        assert any(f"BOSSDB_TOKEN={TOKEN}".encode() in text for text in processes)
        shown = [
            path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()
        ]
        assert not any(secret.encode() in text for secret in (TOKEN, PASSWORD) for text in shown)
    code, said = one.end(run)
    assert code == 0, said
    for path in one.launch.glob("work/*/*/.command.run"):
        header = path.read_text()
        if "#SBATCH" in header and "LABEL_PULL_BLOCK_" not in header:
            assert "BOSSDB_TOKEN=\n" in header
            reads = "LABEL_LABEL_BLOCK_" in header
            assert ("BOSSFLOW_SOURCE_AWS_SECRET_ACCESS_KEY=," in header) != reads


@pytest.mark.soak
def test_what_runs_on_a_node_that_is_lost_runs_again_on_another(
    cluster: Cluster, archive: Archive, lab: Callable[[str], Lab]
) -> None:
    one = lab("one")
    try:
        with held(cluster, archive, one) as run:
            lost = [job for job in cluster.jobs("R") if job.endswith(" n2")]
            assert lost
            cluster.ask("scontrol", "update", "nodename=n2", "state=down", "reason=test")
            until(lambda: not cluster.jobs("R", "-w", "n2"), "the jobs of n2 are gone")
        code, said = one.end(run)
    finally:
        cluster.ask("scontrol", "update", "nodename=n2", "state=resume")
    assert code == 0, said
    pulls = [row for row in one.trace() if "PULL_BLOCK" in row["name"]]
    assert sum(row["attempt"] == "2" for row in pulls) == len(lost)
    assert "recorded    4 PULL_BLOCK, 4 LABEL_BLOCK" in said
    code, said = one.run(CELLS, *CUT)
    assert code == 0 and "nothing to compute" in said


def test_a_job_that_is_cancelled_is_run_again_and_if_always_cancelled_is_what_a_rerun_makes(
    cluster: Cluster, archive: Archive, lab: Callable[[str], Lab]
) -> None:
    one = lab("one")
    with held(cluster, archive, one) as run:
        for _ in range(3):
            # the first of the array, then the one that is tried again: it has the task's name
            (job,) = until(
                lambda: [
                    job
                    for job in cluster.jobs("R")
                    if job.split()[0].endswith("_0") or "(PULL_BLOCK-" in job
                ],
                "the job runs",
            )
            number = job.split()[0]
            cluster.ask("scancel", number)
            until(lambda n=number: not any(n == j.split()[0] for j in cluster.jobs("R")), "it ends")
        until(lambda: not cluster.jobs("CG"), "nothing is left of it")
    code, said = one.end(run)
    assert code != 0
    assert "1 of 1 requests not complete" in said and "1 PULL_BLOCK" in said
    assert "recorded    3 PULL_BLOCK, 3 LABEL_BLOCK" in said
    code, said = one.run(CELLS, *CUT)
    assert code == 0, said
    assert "found       3 PULL_BLOCK, 3 LABEL_BLOCK" in said
    assert "recorded    1 PULL_BLOCK, 1 LABEL_BLOCK" in said


def test_a_job_that_takes_more_memory_than_expected_gets_more(lab: Callable[[str], Lab]) -> None:
    """Each voxel of noise is a component of its own: no block of tissue takes as much memory."""
    one = lab("one")
    code, said = one.run(NOISE, "--block_shape", "128,128,96", "--max_component_rows", "10")
    assert code == 0, said
    assert f"{128 * 128 * 96:,} components" in said
    labels = [row for row in one.trace() if "LABEL:LABEL_BLOCK" in row["name"]]
    assert [row["exit"] for row in labels] == ["137", "0"]
    first, second = (int(row["memory"]) for row in labels)
    assert second == 2 * first


@pytest.mark.soak
def test_a_job_that_never_gets_enough_memory_is_what_a_rerun_with_more_makes(
    lab: Callable[[str], Lab],
) -> None:
    one = lab("one")
    few = one.launch / "few.config"
    few.write_text("process { withName: '.*:STITCH:.*' { memory = 50.MB } }")
    code, said = one.run(CELLS, *CUT, "-c", str(few))
    assert code != 0
    assert [row["exit"] for row in one.trace() if "STITCH" in row["name"]] == ["137"] * 3
    assert "(137)" in said and "not complete" in said and "1 STITCH, 4 RELABEL_BLOCK" in said
    code, said = one.run(CELLS, *CUT)
    assert code == 0, said
    assert "recorded    1 STITCH, 4 RELABEL_BLOCK" in said
    bundles = (one.directory / "home" / "store" / "LABEL_BLOCK").rglob("bundle.json")
    n_labels = sum(json.loads(path.read_text())["attributes"]["n_labels"] for path in bundles)
    (asked,) = [int(row["memory"]) for row in one.trace() if "STITCH" in row["name"]]
    assert asked == 2**29 + 4 * 4096 + 100 * n_labels, "by what is recorded"
