"""`bossflow reproduce`: a chain made anew under Nextflow, by a clone elsewhere, and compared."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import test_whole_chain
from bossflow.upkeep import reproduce as reproducing
from bossflow.upkeep import reproduced
from bossflow.upkeep.pipeline import Pipeline
from conftest import ROOT
from lab import Lab
from making import Transferring, noise, write_precomputed
from test_toy import PIPELINE
from test_whole_chain import CORNER, Chain
from voxels.boxes import Box

FAR = Box(221, 250, 11, 75, 6, 38)
ALTERED = Box(222, 224, 12, 14, 7, 9)


def clone(directory: Path) -> Path:
    """Copy what a run takes."""
    directory.mkdir()
    for name in (*PIPELINE, "schema"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, directory / name, symlinks=True)
        else:
            shutil.copy(source, directory / name)
    return directory


def reproduce(lab: Lab, root: Path, *arguments: str) -> tuple[int, dict[str, Any], str]:
    code = "from bossflow.command.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "reproduce", "--json", *arguments],
        cwd=lab.directory,
        env=lab.environment | {"PYTHONPATH": str(root / "schema"), "BOSSDB_TOKEN": "hidden"},
        capture_output=True,
        text=True,
    )
    return done.returncode, json.loads(done.stdout or "{}"), done.stderr


@pytest.mark.nextflow
@pytest.mark.shared
def test_a_chain_is_made_anew_and_is_equal_until_the_archive_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(test_whole_chain, "CUTOUTS", {"far": FAR})
    lab, files = Chain(tmp_path / "lab", None), tmp_path / "files"
    elsewhere = clone(tmp_path / "else where")
    with lab.serving():
        lab.all_of_them(lab.run)
        before = lab.executions()
        code, told, said = reproduce(lab, elsewhere, "transfer of far", "--to", str(files))
        assert (code, told["differ"], told["follow"], told["inexact"]) == (0, [], 0, 0), said
        assert told["same"] == len(before) > 10
        written = {path.name: path.read_text() for path in files.iterdir()}
        names = ["1-label.json", "2-downsample.json", "3-transfer.json", "reproduce.json"]
        assert sorted(written) == names
        assert "hidden" not in "".join(written.values()) and "BOSSDB_TOKEN" in said
        contents = [one["contents"] for one in json.loads(written["reproduce.json"])["requests"]]
        assert [len(one) > 1 for one in contents] == [True] * 3

        code, _, said = reproduce(lab, ROOT, "label of far", "--write-only", "--to", str(files))
        assert code == 1 and "is not empty" in said
        new = tmp_path / "new"
        code, _, said = reproduce(lab, ROOT, "label of far", "--write-only", "--to", str(new))
        assert code == 0 and sorted(os.listdir(new)) == [names[0], names[3]], said
        assert (new / names[0]).read_text() == written[names[0]]

        lab.voxels[ALTERED.slices(CORNER)] = lab.voxels.max() + 1
        code, told, said = reproduce(lab, ROOT, "label of far", "--to", str(tmp_path / "again"))
        assert code == 1 and told["follow"] > 3 and "Error: not equal: " in said
        (differs,) = told["differ"]
        assert differs["process"] == "PULL_BLOCK" and "archive" in differs["problem"]
        assert Box.parse(differs["key"]["block"]).meets(ALTERED)
        assert f"not equal: PULL_BLOCK {differs['key']['block']}" in said
        assert lab.executions() == before


def test_other_programs_are_named_and_how_to_have_them() -> None:
    pipeline = Pipeline()
    revision = f"0.1.0 {'a' * 40} main"
    told = {"requests": [{"made_by": [{"code": "b" * 16}], "revisions": [revision, "0.1.0"]}]}
    said = reproducing.revisions(told, pipeline)
    assert "programs " + "b" * 16 in said[0] and pipeline.code in said[0]
    assert said[1].startswith(f"git -C {ROOT} worktree add ../bossflow-aaaaaaaa {'a' * 40}")
    told["requests"][0]["made_by"][0]["code"] = pipeline.code
    assert reproducing.revisions(told, pipeline) == []


def test_what_was_written_to_a_place_is_made_and_compared_at_another(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the parameters that Nextflow would be given."""
    making, dest = Transferring(tmp_path, monkeypatch), tmp_path / "dest"
    making.store = tmp_path / "store"
    volume = write_precomputed(tmp_path / "volume", noise((16, 16, 32), "uint8"))
    asked = {
        "source": f"precomputed://{volume}",
        "chunk_shape": "16,16,16",
        "block_shape": "16,16,16",
    }
    (request,) = making.make(**asked, dest=str(dest))["plan"]["requests"]
    before = {path: path.stat().st_mtime_ns for path in dest.rglob("*")}
    steps = reproducing.chain(request, Pipeline())
    reproduced.check(steps)
    for number, (same, differ) in enumerate([(3, []), (2, ["TRANSFER_BLOCK"])]):
        if differ:
            altered = noise((16, 16, 32), "uint8")
            altered[0, 0, 0] += 1
            shutil.rmtree(volume)
            write_precomputed(volume, altered)
        directory = tmp_path / f"anew {number}"
        making.store = directory / "scratch" / "store"
        making.store.mkdir(parents=True)
        params = json.loads(reproduced.params_file(steps[0], directory).read_text())
        assert params["source"].endswith(str(volume)) and params.pop("workflow") == "transfer"
        making.make(**asked, dest=params["dest"])
        verdict = reproduced.compare(steps, Pipeline(), directory)
        assert (verdict.same, [one["process"] for one in verdict.differ]) == (same, differ)
        assert len(list((directory / "scratch" / "dest").iterdir())) == 1
    assert {path: path.stat().st_mtime_ns for path in dest.rglob("*")} == before
