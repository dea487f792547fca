"""BIDS Apps under real Nextflow: here, in an image, and on a cluster."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cluster import HURRY, Cluster, cluster  # noqa: F401
from participants import APP, dataset, sidecar
from stage import NO_REPORTS
from test_command_runs import Lab
from tool_images import BUSYBOX, imported, said

pytestmark = pytest.mark.nextflow

ASKED = {
    "bids_dir": "ds",
    "app": str(APP),
    "arguments": "{bids} {out} participant {participant} {work}",
    "expected": ["sub-{participant}/func/*_trials.json"],
    "group_arguments": "{bids} {out} group",
    "group_expected": ["group_trials.tsv"],
    "name": "trials",
}


class Apps(Lab):
    """A launch directory whose runs are of apps."""

    workflow = "bids"

    def derivatives(self) -> Path:
        """Return where the derivative dataset of the last run is."""
        with (self.directory / "results" / "requests.csv").open() as stream:
            (row,) = csv.DictReader(stream)
        assert (row["state"], row["name"], row["directory"]) == ("complete", "trials", "trials")
        (tree,) = (self.directory / "results" / "trials" / "derivatives").iterdir()
        return tree


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Apps]:
    one = Apps(tmp_path)
    yield one
    one.close()


def test_participants_and_their_group(lab: Apps) -> None:
    """One is killed, and goes on where it was; the group waits for it."""
    root = dataset(lab.directory / "ds", 2)
    sidecar(root, "02").write_text('{"Fails": "memory once"}')
    text = lab.run(*NO_REPORTS, **ASKED)
    assert text.endswith("exit code 0"), text
    assert "recorded    2 RUN_APP, 1 RUN_GROUP, 1 GATHER_RUNS" in text, text
    codes = [(row["attempt"], row["exit_code"]) for row in lab.recorded()["Attempt"]]
    assert sorted(codes) == [(1, 0), (1, 0), (1, 137), (2, 0)]
    table = lab.derivatives() / "group_trials.tsv"
    assert table.read_text() == "participant_id\ttrials\nsub-01\t1\nsub-02\t2\n"
    assert [*lab.directory.glob("work/bossflow-scratch/*/*")] == []


@pytest.mark.docker
def test_an_app_in_an_image(lab: Apps) -> None:
    """Its view is read-only, and all paths are those that it sees."""
    root = dataset(lab.directory / "ds", 2)
    image = imported(BUSYBOX, '["/bin/busybox", "sh", "-ec"]')
    script = (
        '! touch "$1/x" 2>/dev/null; touch "$3/x"; mkdir -p "$2/sub-$4"; '
        'cat "$1"/sub-*/func/*.tsv >"$2/sub-$4/events.tsv"'
    )
    words = [script, "app", "{bids}", "{out}", "{work}", "{participant}"]
    asked = {"bids_dir": "ds", "image": image, "arguments": words, "name": "trials"}
    try:
        text = lab.run(*NO_REPORTS, **asked, app_name="events")
    finally:
        said("docker", "rmi", "--force", image)
    assert text.endswith("exit code 0"), text
    for name in ("01", "02"):
        own = root / f"sub-{name}" / "func" / f"sub-{name}_task-rest_events.tsv"
        left = lab.derivatives() / f"sub-{name}" / "events.tsv"
        assert left.read_text() == own.read_text()


@pytest.mark.slurm
def test_on_a_cluster(tmp_path: Path, cluster: Cluster) -> None:  # noqa: F811
    """A job for each participant; one that is killed finds its scratch on the other node."""
    lab = Apps(tmp_path, cluster.environment)
    root = dataset(tmp_path / "ds", 2)
    sidecar(root, "02").write_text('{"Fails": "memory once"}')
    (tmp_path / "hurry.config").write_text(HURRY)
    asked: dict[str, Any] = ASKED | {"memory": "200 MB"}
    try:
        text = lab.run("-profile", "slurm", "-c", "hurry.config", **asked)
        assert text.endswith("exit code 0"), text
        codes = [(row["attempt"], row["exit_code"]) for row in lab.recorded()["Attempt"]]
        assert sorted(codes) == [(1, 0), (1, 0), (1, 137), (2, 0)]
        about = json.loads((lab.derivatives() / "dataset_description.json").read_text())
        assert about["DatasetType"] == "derivative"
    finally:
        lab.close()
