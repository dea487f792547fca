"""Examples of docs under real Nextflow: run as they stand, they give what a plain call gives."""

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ROOT
from scipy import ndimage

pytestmark = pytest.mark.nextflow


class Newcomer:
    """Who pastes the code of a page into an empty directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        own = {name: os.environ[name] for name in os.environ if not name.startswith("DJ_")}
        self._environment = own | {
            "BOSSFLOW_HOME": str(directory / "home"),
            "NXF_ANSI_LOG": "false",
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), own["PATH"]]),
            "PYTHONPATH": str(ROOT / "schema"),
            "PYTHONWARNINGS": "ignore",
        }

    def paste(self, page: str) -> list[str]:
        """Return what each block of a page says, one after the other."""
        text = (ROOT / "docs" / page).read_text("utf-8")
        blocks = re.findall(r"```(sh|python)\n(.*?)```", text, re.DOTALL)
        return [self.run(language, block) for language, block in blocks]

    def run(self, language: str, text: str) -> str:
        """Return what one says; it has to go well."""
        command = {"sh": ["bash", "-euc", text], "python": [sys.executable, "-c", text]}[language]
        done = subprocess.run(
            command,
            cwd=self.directory,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def function(self, module: str, name: str) -> Any:
        """Return a function that the page has in a file."""
        spec = importlib.util.spec_from_file_location(module, self.directory / f"{module}.py")
        assert spec and spec.loader
        made = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(made)
        return getattr(made, name)


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[Newcomer]:
    one = Newcomer(tmp_path)
    yield one
    one.run("python", "from bossflow import database; database.stop_embedded()")


def test_tensors_of_subjects_are_those_of_plain_calls(
    newcomer: Newcomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By dipy, which bossflow does not need: numbers in rows, maps in files."""
    dipy = pytest.importorskip("dipy.data", reason="pip install dipy")
    import nibabel

    ran, read = newcomer.paste("subjects.md")
    assert "recorded    1 STAGE_FUNCTION, 2 CALL_FUNCTION" in ran, ran
    kept = newcomer.run(
        "python",
        "import bossflow\n"
        "for one in bossflow.Knot('subjects:fit').find('subjects.csv'):\n"
        "    print(one.result()['fa'])\n",
    )
    fit = newcomer.function("subjects", "fit")
    monkeypatch.chdir(newcomer.directory)
    data = Path(dipy.__file__).parent / "files"
    images = ("small_64D.nii", "small_101D.nii.gz")
    for image, row, path in zip(images, read.splitlines()[1:], kept.splitlines(), strict=True):
        name = image.partition(".")[0]
        made = fit("", data / image, data / f"{name}.bval", data / f"{name}.bvec")
        assert 0 < made["mean_fa"] < 1 and 0 < made["voxels"] <= 1000
        assert row.split()[1:] == [str(made["voxels"]), f"{made['mean_fa']:.3f}"]
        own, other = (np.asarray(nibabel.load(one).dataobj) for one in (made["fa"], path))
        np.testing.assert_allclose(other, own, atol=1e-6)


def test_distances_of_blocks_are_those_of_the_whole(newcomer: Newcomer) -> None:
    """Where they are no larger than the halo is wide, and else that wide."""
    ran, compared = newcomer.paste("distance.md")
    assert "12 APPLY_BLOCK" in ran and compared == "True\n", ran + compared
    distance = np.load(newcomer.directory / "distance" / "volume.npy")
    cells = np.load(newcomer.directory / "cells.npy")
    whole = ndimage.distance_transform_edt(cells, sampling=(40, 8, 8))
    np.testing.assert_array_equal(distance, np.where(whole < 200, whole, 200).astype("f4"))
    assert (distance == 200).sum() > 1000 and (distance == 0).sum() > 1000
