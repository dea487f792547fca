"""A function applied to blocks under real Nextflow, and what it made labelled."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from expected import read_volume, whole
from making import noise, read_level, write_precomputed
from scipy import ndimage
from stage import NO_REPORTS

pytestmark = pytest.mark.nextflow

SPOTS = """
import numpy as np
import numpy.typing as npt
from scipy import ndimage

def spots(block, sigma: float, above: float = 0.0) -> npt.NDArray[np.uint8]:
    return (ndimage.gaussian_filter(block.astype("f4"), sigma) > above).astype("u1")
"""

TOOL = """
import os, sys
import numpy as np
from scipy import ndimage

assert not [name for name in os.environ if name.startswith(("BOSSFLOW_", "DJ_", "BOSSDB_"))]
np.save(sys.argv[2], ndimage.gaussian_filter(np.load(sys.argv[1]).astype("f4"), 1.5))
"""


def test_a_mask_that_a_function_makes_is_labelled_and_a_command_filters_blocks_too(
    tmp_path: Path,
) -> None:
    voxels = noise((24, 40, 40), "uint8")
    volume = write_precomputed(tmp_path / "image", voxels, (0, 3, 5))
    (tmp_path / "ours.py").write_text(SPOTS)
    (tmp_path / "tool.py").write_text(TOOL)
    environment = {name: os.environ[name] for name in os.environ if not name.startswith("DJ_")} | {
        "BOSSFLOW_HOME": str(tmp_path / "home"),
        "BOSSFLOW_SOURCE_AWS_SECRET_ACCESS_KEY": "swordfish",
        "NXF_ANSI_LOG": "false",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(ROOT / "schema"),
        "PYTHONWARNINGS": "ignore",
    }

    def said(*command: str) -> str:
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=500
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    try:
        asked = ["--source", f"precomputed://{volume}", "--name", "mask", "--halo", "6,6,6"]
        asked += ["--arguments", '{"sigma": 1.5, "above": 101.5}', "--block_shape", "16,16,16"]
        asked += ["--chunk_shape", "8,8,8", "--store", "store", *NO_REPORTS]
        text = said("bossflow", "apply", "ours:spots", *asked)
        assert "ours:spots: uint8" in text, text
        label = ["--workflow", "label", "--source", "bossflow://mask", "--block_shape", "16,16,32"]
        label += [
            "--component_of",
            "foreground",
            "--store",
            "store",
            "--outdir",
            "labelled",
            "--name",
            "labels",
        ]
        text = said("nextflow", "run", str(ROOT), *label, *NO_REPORTS)
        assert "labels" in text and (tmp_path / "labelled" / "labels" / "volume").exists(), text
        words = [sys.executable, str(tmp_path / "tool.py"), "{block}", "{result}"]
        asked = ["--command", json.dumps(words), "--source", f"precomputed://{volume}"]
        asked += ["--dtype", "float32", "--halo", "6,6,6", "--block_shape", "24,40,8"]
        asked += ["--chunk_shape", "8,8,8", "--name", "smooth", "--outdir", "smoothed"]
        text = said("bossflow", "apply", *asked, "--store", "store", *NO_REPORTS)
        assert "5 APPLY_BLOCK" in text and "{result}': float32" in text, text
    finally:
        said("bossflow", "db", "stop")
    smooth, _ = read_level(str(tmp_path / "smoothed" / "smooth" / "volume"), 0)
    np.testing.assert_array_equal(smooth, ndimage.gaussian_filter(voxels.astype("f4"), 1.5))
    mask = ndimage.gaussian_filter(voxels.astype("f4"), 1.5) > 101.5
    found, start, _ = read_volume(str(tmp_path / "labelled" / "labels" / "volume"))
    inside = tuple(
        slice(a - b, a - b + n) for a, b, n in zip((0, 3, 5), start, mask.shape, strict=True)
    )
    np.testing.assert_array_equal(found[inside], whole(mask.astype("u1"), 26, 0))
    assert found.max() > 3
