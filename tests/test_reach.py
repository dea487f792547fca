"""What tasks of clouds and Kubernetes could not reach is told before any runs."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from clouds import GIVEN
from conftest import ROOT
from describe import described
from hostile import SCHEMA
from kit.reach import out_of_reach
from stage import OF_SOURCES, nextflow, said
from voxels.archives import archive_of

SOURCES = [
    *("bossdb://a/b/c", "zarr://s3://bucket/x", "precomputed://https://host/x"),
    *('zarr:///data/a "b", c', "precomputed://file:///data/x", "zarr://../x"),
    *("zarr://{}/a link", "n5://{}/here", "precomputed://here"),
]
REACHED = {"awsbatch": 3, "google_batch": 3, "k8s": 5}


def run_of(directory: Path, profile: str) -> dict[str, Any]:
    places = dict.fromkeys(("launch_dir", "work_dir", "project_dir"), str(directory))
    return places | {"profile": profile}


@pytest.fixture
def sources(tmp_path: Path) -> list[str]:
    (tmp_path / "here").mkdir()
    (tmp_path / "a link").symlink_to("/usr")
    return [source.format(tmp_path) for source in SOURCES]


@pytest.mark.parametrize("profile", GIVEN)
def test_a_source_is_refused_where_tasks_do_not_see_it(
    tmp_path: Path, sources: list[str], profile: str
) -> None:
    launch = str(tmp_path)
    params = GIVEN[profile] | {"volume_mount": launch}
    spelled = [archive_of(one).canonical(one, launch) for one in sources]
    places = [("source", one, "the parameters") for one in spelled]
    refused = [
        source
        for source, place in zip(sources, places, strict=True)
        if out_of_reach(run_of(tmp_path, profile), params, [place])
    ]
    assert len(sources) - len(refused) == REACHED[profile]
    assert refused[:4] == sources[3:7]
    assert not out_of_reach(run_of(tmp_path, "standard"), params, places)


@pytest.mark.parametrize("profile", GIVEN)
def test_each_source_of_a_sheet_is_told_with_its_line(
    tmp_path: Path, sources: list[str], profile: str
) -> None:
    """From a sheet as spreadsheets write it."""
    sheet = tmp_path / "sheet.csv"
    with sheet.open("w", newline="", encoding="utf-8-sig") as stream:
        image = "zarr:///no/task/reads/it"
        rows = [["0:5", f"\u00a0{source} ", " 18 ", image] for source in sources]
        names = ["x_range", " source", "connectivity", "image_source"]
        csv.writer(stream).writerows([names, *rows])
    params = GIVEN[profile] | {"volume_mount": str(tmp_path)}
    run = run_of(tmp_path, profile)
    found = described(params, SCHEMA, sheet, "public", str(tmp_path), run)
    told = found["problem"].splitlines()
    assert len(told) == len(sources) - REACHED[profile] and not found["channels"]
    words = "is a file or volume here, which tasks of -profile"
    words = "must be on the volume that -profile" if profile == "k8s" else words
    assert all(f"{words} {profile}" in line for line in told)
    assert [f"in line {line} of sheet.csv" in told[line - 5] for line in range(5, 9)] == [True] * 4


def test_pods_reach_only_their_volume(tmp_path: Path) -> None:
    params = GIVEN["k8s"] | {"volume_mount": "/nix", "store": "products"}
    told = out_of_reach(run_of(tmp_path, "k8s"), params, [("source", "zarr://file:///d", "x")])
    assert [line.split(" must be on the volume that -profile k8s")[0] for line in told] == [
        "the work directory (-work-dir)",
        "the clone of bossflow",
        "store",
        "source (in x)",
    ]
    params |= {"volume_mount": str(tmp_path)}
    assert not out_of_reach(run_of(tmp_path, "k8s"), params, [])


@pytest.mark.parametrize("profile", ["awsbatch", "k8s", "google_batch"])
def test_what_sources_need_is_not_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, profile: str
) -> None:
    monkeypatch.setenv(OF_SOURCES, "swordfish")
    params = GIVEN[profile] | {"volume_mount": str(tmp_path)}
    places = [("source", "bossdb://a/b/c", "the parameters")]
    start = f"{OF_SOURCES} is set here, and tasks of -profile {profile} would not have it: give"
    told = out_of_reach(run_of(tmp_path, profile), params, places)
    assert [line.startswith(start) for line in told] == [True] * (profile != "google_batch")
    assert "swordfish" not in "".join(told)
    assert not out_of_reach(run_of(tmp_path, profile), params | {"source_secret": "s"}, places)


@pytest.mark.parametrize("profile", ["awsbatch", "k8s", "google_batch"])
def test_what_a_destination_needs_is_not_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, profile: str
) -> None:
    monkeypatch.setenv("BOSSFLOW_DEST_AWS_SECRET_ACCESS_KEY", "swordfish")
    params = GIVEN[profile] | {"volume_mount": str(tmp_path)}
    source, dest = ("source", "bossdb://a/b/c", "x"), ("dest", "s3://lab/copy", "line 2")
    assert not out_of_reach(run_of(tmp_path, profile), params, [source])
    (told,) = out_of_reach(run_of(tmp_path, profile), params, [source, dest])
    assert told.startswith("BOSSFLOW_DEST_AWS_SECRET_ACCESS_KEY is set here, and tasks of -profile")
    assert told.endswith("role write to dest (in line 2)") and "swordfish" not in told


@pytest.mark.parametrize("profile", ["awsbatch", "google_batch"])
def test_a_cloud_writes_to_no_directory_here(tmp_path: Path, profile: str) -> None:
    places = [("dest", "/data/copy", "line 2")]
    (told,) = out_of_reach(run_of(tmp_path, profile), GIVEN[profile], places)
    assert told.startswith('dest "/data/copy" is a directory here, which tasks of -profile')
    assert told.endswith("can't reach: give a path in a bucket (in line 2)")


@pytest.mark.nextflow
def test_a_run_says_what_its_tasks_could_not_reach(tmp_path: Path) -> None:
    config = tmp_path / "here.config"
    config.write_text("bucketDir = null\nprocess.executor = 'local'\n")
    given = GIVEN["k8s"] | {"source": "zarr:///data/x", "volume_mount": "/nix"}
    (tmp_path / "params.json").write_text(json.dumps(given))
    run = nextflow(
        *("-q", "run", str(ROOT), "-profile", "k8s", "-c", str(config)),
        *("-params-file", "params.json"),
        cwd=tmp_path,
        env={"BOSSFLOW_HOME": str(tmp_path / "home")},
    )
    assert run.returncode != 0
    assert len(said(run)) == 3
    assert all("must be on the volume that -profile k8s mounts at /nix" in one for one in said(run))
    assert not (tmp_path / "home").exists()
