"""The benchmarks start, measure and report; how fast anything is, no test asks."""

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bossflow.archive_server import app as archive
from bossflow.archive_server.served import volume_of
from bossflow.archive_server.server import serving
from bossflow.voxels.boxes import Box
from conftest import ROOT, sample

BENCHMARKS = ROOT / "benchmarks"
PROGRAMS = sorted(
    path.name for path in BENCHMARKS.glob("*.py") if "common.parser" in path.read_text()
)

sys.path.append(str(BENCHMARKS))  # last: a benchmark and a program share a name


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    import common

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(common, "CACHE", tmp_path)
    return tmp_path


def run(*command: str) -> str:
    env = os.environ | {"PYTHONPATH": str(ROOT / "schema")}
    done = subprocess.run(
        [sys.executable, *command], cwd=BENCHMARKS, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("program", sample(PROGRAMS, 2))
def test_every_benchmark_says_how_to_use_it(program: str) -> None:
    said = run(program, "--help")
    assert all(option in said for option in ("--volume", "--json", "--rounds", "--plot"))


def test_every_benchmark_is_described() -> None:
    described = (ROOT / "docs" / "benchmarks.md").read_text()
    assert {"changes.py", "label.py", "pull.py", "rerun.py"} <= set(PROGRAMS)
    assert all(f"`{program}`" in described for program in PROGRAMS)


def test_a_command_is_measured_with_what_it_starts() -> None:
    import common

    burn = "import time\nwhile time.process_time() < 0.4: pass"
    nested = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}])"
    taken = common.measure([sys.executable, "-c", nested])
    assert 0.4 <= taken.cpu_s < 5
    assert taken.peak_mib > 1
    with pytest.raises(SystemExit, match="no such luck"):
        common.measure([sys.executable, "-c", "raise SystemExit('no such luck')"])


def test_ratios_are_of_medians_and_above_one_where_ours_takes_less(tmp_path: Path) -> None:
    import reports
    from common import Measured

    ours = [Measured(1, 2), Measured(9, 9), Measured(2, 1)]
    figures = reports.medians({"ours": ours, "peer": [Measured(6, 5)]})
    ratios = reports.ratios(figures, "ours", "peer")
    assert ratios == {"wall": 3, "cpu": 2.5}
    options = argparse.Namespace(json=tmp_path / "figures.json", plot=None)
    reports.report(options, "title", figures, ratios)
    written = json.loads(options.json.read_text())
    assert written["ratios"] == ratios
    assert written["figures"]["ours"]["wall_s"] == 2


def test_a_volume_is_tiled_with_its_seams_inside_of_blocks() -> None:
    import inputs
    import label

    voxels = np.random.default_rng(0).integers(0, 99, (512, 512, 8), np.uint32)
    np.testing.assert_array_equal(label.tiled(voxels, 8, 0, 8), voxels[:8, :8, :8])
    sections = label.tiled(voxels, 1024, 200, 204)
    assert sections.shape == (4, 1024, 1024)
    np.testing.assert_array_equal(sections[:, 200:712, 200:208], voxels[:4])
    np.testing.assert_array_equal(sections[:, 712:, 208:216], voxels[:4, :312])
    assert [*inputs.slabs(600)] == [(0, 256), (256, 512), (512, 600)]


def test_affinities_of_slabs_are_those_of_the_whole() -> None:
    import affinities

    segments = np.arange(1, 5).repeat(6)[:, None, None] + np.zeros((1, 20, 20), int)
    segments[10:14, 5:9] = 0
    whole, cut = (
        np.concatenate([part for _, part in affinities.slabs(of, segments.shape, most)], 1)
        for most in (24, 7)
        for of in [lambda low, high: segments[low:high]]
    )
    np.testing.assert_array_equal(whole, cut)
    assert whole.shape == (3, 24, 20, 20) and whole.dtype == np.uint8
    assert whole[0, 6].max() < 100 < whole[0, 3].min() and whole[:, 12, 7, 5:].max() < 100


def test_labels_are_compared_as_partitions() -> None:
    from label import same_partition

    labels = np.random.default_rng(1).integers(0, 50, (140, 20, 20), np.uint64)
    renamed = np.where(labels, (labels * 7) % 101, 0)
    merged = np.where(labels == 3, 4, labels)
    seen_late = labels.copy()
    seen_late[130:][seen_late[130:] == 5] = 77
    lost = np.where(labels == 9, 0, labels)
    assert same_partition(labels, renamed)
    for other in (merged, seen_late, lost):
        assert not same_partition(labels, other)
        assert not same_partition(other, labels)


def test_most_pairs_are_no_fewer_than_the_nearest_first() -> None:
    said = run("matching.py", "--objects", "60", "--near", "90", "--rounds", "1")
    assert "90 nm: most pairs" in said and "90 nm: nearest first" in said


def test_pull_asks_both_ways_for_the_same_voxels(monkeypatch: pytest.MonkeyPatch) -> None:
    import pull

    voxels = np.arange(8 * 40 * 40, dtype=np.uint64).reshape(8, 40, 40)
    asked: list[str] = []
    uri = "bossdb://a/b/c"

    def note(request: Any) -> None:
        if "cutout" in request.url.path:
            asked.append(request.url.path.rstrip("/"))

    with (
        serving(archive.app({uri: volume_of(voxels)}, faults=note)) as near,
        pull.running("link.py", near.rpartition(":")[2], 20, 1) as (far, _),
    ):
        box = Box.of((0, 0, 0), voxels.shape)
        for host in (near, far):
            asked.clear()
            taken = pull.second(pull.through_intern, host, uri, box)
            intern = sorted(asked)
            asked.clear()
            pull.second(pull.bare, host, uri, box)
            assert intern == sorted(asked) != []
        assert taken.wall_s > 0.02, "the link is no slower than its round trip"


def test_a_look_at_files_is_measured_only_if_it_sees_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import changes

    options = argparse.Namespace(blocks=11, rounds=1)
    found = changes.looks(options)
    forms = [(chunks, form) for chunks in (8, 100) for form in ("Zarr 2", "Zarr 3")]
    assert set(found) == {f"11 blocks, {chunks} files each, {form}" for chunks, form in forms}
    monkeypatch.setattr(os, "utime", lambda *_, **__: None)
    with pytest.raises(SystemExit, match="not seen"):
        changes.looks(options)


@pytest.mark.nextflow
@pytest.mark.soak
def test_changes_measures_plan_where_all_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import changes
    import rerun

    monkeypatch.setattr(rerun, "LAYER", (2, 2))
    np.save(tmp_path / "volume.npy", np.arange(4096, dtype=np.uint32).reshape(16, 16, 16) // 99)
    given = {"volume": tmp_path / "volume.npy", "json": tmp_path / "changes.json"}
    given |= {"blocks": 3, "units": 8, "rounds": 1}
    words = [word for name, value in given.items() for word in (f"--{name}", str(value))]
    monkeypatch.setattr(sys, "argv", ["changes.py", *words])
    changes.main()
    figures = json.loads(given["json"].read_text())["figures"]
    assert figures.keys() >= {"PLAN, source_changes compare", "PLAN, source_changes off"}


@pytest.mark.soak
def test_lookups_measures_beside_other_channels_and_without(tmp_path: Path) -> None:
    file = tmp_path / "lookups.json"
    run("lookups.py", "--units", "32", "--others", "4", "--rounds", "1", "--json", str(file))
    found = json.loads(file.read_text())
    assert found["ways"].keys() == {"look-ups", "PLAN"}
    assert len(found["figures"]) == 4


@pytest.mark.soak
def test_tracing_asks_a_small_and_a_large_database(tmp_path: Path) -> None:
    file = tmp_path / "tracing.json"
    sizes = ["--rows", "20", "40", "--executions", "32", "108"]
    run("tracing.py", *sizes, "--rounds", "1", "--only", "lineage", "--json", str(file))
    found = json.loads(file.read_text())
    assert "lineage of a component, PostgreSQL" in found["cases"]
    assert len(found["figures"]) == 2 * len(found["cases"]) == 12


@pytest.mark.parametrize("flush", [True, False])
def test_fsyncs_are_counted_and_can_be_left_out(tmp_path: Path, flush: bool) -> None:
    code = "import os; (os.fsync(1), os.fsync(-1))"
    counts = tmp_path / "counts"
    env = {"PYTHONPATH": str(BENCHMARKS / "peers" / "flushes"), "FLUSHES": str(counts)}
    env |= {} if flush else {"NO_FLUSHES": "yes"}
    with (tmp_path / "file").open("w") as out:
        done = subprocess.run([sys.executable, "-c", code], env=env, stdout=out, stderr=out)
    assert done.returncode == flush  # there is no file -1
    assert json.loads(counts.read_text())["calls"] == 2 - flush


@pytest.mark.nextflow
@pytest.mark.soak
def test_flush_measures_whole_runs_with_and_without(tmp_path: Path) -> None:
    voxels = np.random.default_rng(2).integers(0, 3, (24, 24, 24)).astype(np.uint32)
    np.save(tmp_path / "volume.npy", voxels)
    files = ["--volume", str(tmp_path / "volume.npy"), "--json", str(tmp_path / "flush.json")]
    run("flush.py", "--size", "24", "--rounds", "1", *files)
    found = json.loads((tmp_path / "flush.json").read_text())
    assert found["figures"]["24^3"]["fsyncs"] > 30
    assert {"label_block.py", "stitch.py", "record.py"} <= set(found["programs"])


@pytest.mark.nextflow
@pytest.mark.soak
def test_label_measures_a_whole_run_and_compares_its_labels(tmp_path: Path) -> None:
    voxels = np.random.default_rng(2).integers(0, 3, (24, 24, 24)).astype(np.uint32)
    np.save(tmp_path / "volume.npy", voxels)
    files = ["--volume", str(tmp_path / "volume.npy"), "--json", str(tmp_path / "label.json")]
    said = run("label.py", "--size", "24", "--rounds", "1", "--peers", *files)
    assert "bossflow and cc3d: the same labels" in said
    found = json.loads((tmp_path / "label.json").read_text())
    assert set(found["figures"]) == {"bossflow, 24^3", "cc3d in memory, 24^3"}
    assert {"Nextflow", "PLAN", "LABEL_BLOCK", "database"} <= set(found["parts"])


@pytest.mark.nextflow
@pytest.mark.soak
def test_map_measures_whole_runs_and_peers(tmp_path: Path) -> None:
    file = tmp_path / "map.json"
    run("map.py", "--scale", "0.02", "--short", "0.01", "--peers", "joblib", "--json", str(file))
    figures = json.loads(file.read_text())["figures"]
    ways = ["bossflow", "bossflow, again", "joblib"]
    assert [name.partition(": ")[0] for name in figures] == [
        *(*ways, *ways, *ways[:2], "bossflow, changed", "joblib")
    ]


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_is_missing_is_a_sentence(program: str) -> None:
    """Without the packages of the virtual environment (`-S`)."""
    command = [sys.executable, "-S", str(BENCHMARKS / program)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert re.match(r"the Python package \w+ is not installed here: run ./set-up.sh ", line), line
