"""Subjects, block by block: what dipy makes of the whole volume, bit for bit."""

from pathlib import Path

import numpy as np
import pytest
from diffusion import Subject, subject
from subjects_asked import Subjects, Whole

WHITE = [2, 41, 16, 77, *range(250, 256)]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """Return a subject of 4 blocks or more, its segmentation on a finer grid."""
    directory = tmp_path_factory.mktemp("small")
    return subject(directory, (24, 26, 22), directions=60, voxel_size=5, finer=1.5)


@pytest.fixture
def run(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Subjects:
    return Subjects(tmp_path, monkeypatch)


def test_fits_of_blocks_are_those_of_the_whole(run: Subjects, small: Subject) -> None:
    from bossflow import DwiImage, FibreResponse, FodfBlock, FodfVolume, TensorBlock, WhiteMatter

    done = run.run({"sub-01": small})
    assert not done["plan"]["problem"]
    assert done["verdict"] == {"missing": None}, done["summary"]
    (volume,) = FodfVolume().to_dicts()
    fa, sh = (np.load(volume[f"{name}_volume"].removeprefix("file://")) for name in ("fa", "fodf"))
    whole = Whole(small, WHITE)
    assert (np.abs(fa - whole.fa()) < 1e-12).all() and fa.max() > 0.7
    np.testing.assert_array_equal(sh, whole.fodf())
    (response,) = FibreResponse().to_dicts()
    evals, unweighted = whole.response()
    assert [response["response_along"], response["response_across"]] == evals[:2].tolist()
    assert response["response_unweighted"] == unweighted
    (mask,) = WhiteMatter().to_dicts()
    assert mask["n_white_matter_voxels"] == whole.white_matter.sum() > 1000
    assert sum(FodfBlock().to_arrays("n_fodf_voxels")) == whole.white_matter.sum()
    assert sum(TensorBlock().to_arrays("n_tensor_voxels")) == (whole.labels != 0).sum()
    assert len(FodfVolume.Source()) == 8
    assert (DwiImage * WhiteMatter).fetch1("dwi_x", "n_unweighted", "shells") == (24, 6, [2000])
    assert run.plan({"sub-01": small})[0]["tasks"] == []
