"""Subjects, block by block: what dipy makes of the whole volume, bit for bit."""

from pathlib import Path
from typing import Any

import dipy.data
import nibabel
import numpy as np
import pytest
from diffusion import Subject, subject
from kit.units import Bundle, Unit
from subjects_asked import Subjects, Whole
from track_group import track_group
from trx import trx_file_memmap as trx

WHITE = [2, 41, 16, 77, *range(250, 256)]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """Return a subject of 4 blocks, its segmentation on a finer grid."""
    directory = tmp_path_factory.mktemp("small")
    return subject(directory, (21, 24, 16), directions=60, voxel_size=5, finer=1.5)


@pytest.fixture
def run(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Subjects:
    return Subjects(tmp_path, monkeypatch)


def tracts_of(row: dict[str, Any]) -> Any:
    return trx.load(row["tract_lines"].removeprefix("file://") + "/tractogram.trx")


def read(url: str) -> np.ndarray:
    return np.load(url.removeprefix("file://"))


def test_a_subject_is_as_dipy_makes_the_whole(run: Subjects, small: Subject) -> None:
    """Fits and streamlines; more seeds compute the new ones only, and leave the others."""
    from bossflow import (
        DwiImage,
        FibreResponse,
        FodfBlock,
        FodfVolume,
        TensorBlock,
        Tractogram,
        TractogramPart,
        WhiteMatter,
    )

    done = run.run({"sub-01": small}, seed_groups=3)
    assert not done["plan"]["problem"]
    assert done["verdict"] == {"missing": None}, done["summary"]
    (image,) = (DwiImage & {"dwi_x": 21}).to_dicts()
    key = {"dwi_id": image["dwi_id"]}
    (volume,) = (FodfVolume & key).to_dicts()
    fa, sh = read(volume["fa_volume"]), read(volume["fodf_volume"])
    whole = Whole(small, WHITE)
    assert (np.abs(fa - whole.fa()) < 1e-12).all() and fa.max() > 0.7
    np.testing.assert_array_equal(sh, whole.fodf)
    (response,) = (FibreResponse & key).to_dicts()
    evals, unweighted = whole.response()
    assert [response["response_along"], response["response_across"]] == evals[:2].tolist()
    assert response["response_unweighted"] == unweighted
    (mask,) = (WhiteMatter & key).to_dicts()
    assert mask["n_white_matter_voxels"] == whole.white_matter.sum() > 800
    assert sum((FodfBlock & key).to_arrays("n_fodf_voxels")) == whole.white_matter.sum()
    assert sum((TensorBlock & key).to_arrays("n_tensor_voxels")) == (whole.labels != 0).sum()
    assert len(FodfVolume.Source & key) == 4
    assert image["n_unweighted"] == 6 and image["shells"] == [2000]
    (request,) = done["plan"]["requests"]
    made = (Tractogram & {"request_id": request}).fetch1()
    tracts = tracts_of(made)
    expected = whole.streamlines(fa, 1)
    assert made["tract_n_seeds"] == whole.white_matter.sum()
    assert made["tract_n_streamlines"] == len(expected) == len(tracts.streamlines) > 500
    for one, other in zip(tracts.streamlines, expected, strict=True):
        np.testing.assert_array_equal(one, other)
    assert sum((Tractogram.Connection & {"request_id": request}).to_arrays("n_connecting")) == len(
        expected
    )
    assert run.plan({"sub-01": small}, seed_groups=3)[0]["tasks"] == []

    chosen = {"through_labels": "2,41", "avoid_labels": "16"}
    merged = run.run({"sub-01": small}, seed_groups=3, **chosen)
    assert merged["states"] == ["made"], "the merge"
    (bundle,) = (Tractogram & "tract_n_bundle is not null").to_dicts()
    assert 0 < bundle["tract_n_bundle"] < len(expected) and made["tract_n_bundle"] is None
    path = Path(bundle["tract_lines"].removeprefix("file://")) / "bundle.trx"
    kept = [one.tobytes() for one in trx.load(str(path)).streamlines]
    met = [{*whole.labels[tuple(whole.voxels(one).T)].tolist()} for one in expected]
    pairs = zip(expected, met, strict=True)
    assert kept == [one.tobytes() for one, own in pairs if {2, 41} <= own and 16 not in own]

    again = run.run({"sub-01": small}, seed_groups=3, seeds_per_voxel=2)
    assert again["states"] == ["made"] * 4, "three groups and the merge"
    assert len(TractogramPart & key) == 6 and len(Tractogram.Source & key) == 12
    (request,) = again["plan"]["requests"]
    new = (Tractogram & {"request_id": request}).fetch1()
    tracts = tracts_of(new)
    for one, other in zip(tracts.streamlines, whole.streamlines(fa, 2), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_real_scan_is_as_dipy_makes_it(run: Subjects, tmp_path: Path) -> None:
    """dipy's smallest: oblique, with b-values of any kind and no direction at b0.

    A group that is lost costs itself and the merge.
    """
    from bossflow import FodfVolume, Tractogram

    files = Path(dipy.data.__file__).parent / "files"
    ends = {"dwi": "nii", "bvals": "bval", "bvecs": "bvec"}
    paths = {name: files / f"small_64D.{end}" for name, end in ends.items()}
    image = nibabel.load(paths["dwi"])
    labels = nibabel.Nifti1Image(np.full(image.shape[:3], 41, np.int16), image.affine)
    nibabel.save(labels, tmp_path / "labels.nii")
    one = Subject(**paths, segmentation=tmp_path / "labels.nii")

    def lost(unit: Unit, bundle: Bundle) -> None:
        if unit.key["seed_group"] == 1:
            raise OSError("its machine was lost")
        track_group(unit, bundle)

    run.programs = Subjects.programs | {"TRACK_GROUP": lost}
    done = run.run({"small": one}, seed_groups=2, min_length_mm=2)
    assert [state for state in done["states"] if state != "made"] == ["blocked", "failed"]
    run.programs = Subjects.programs
    done = run.run({"small": one}, seed_groups=2, min_length_mm=2)
    assert done["states"] == ["made"] * 2, "the lost group and the merge"
    assert done["verdict"] == {"missing": None}, done["summary"]
    (request,) = done["plan"]["requests"]
    (made,) = (Tractogram & {"request_id": request}).to_dicts()
    key = (Tractogram.Source * FodfVolume & {"request_id": request}).to_dicts()[0]
    fa, sh = read(key["fa_volume"]), read(key["fodf_volume"])
    whole = Whole(one, [41])
    assert (np.abs(fa - whole.fa()) < 1e-12).all()
    np.testing.assert_array_equal(sh, whole.fodf)
    tracts = tracts_of(made)
    expected = whole.streamlines(fa, 1, min_len=2)
    assert len(expected) == len(tracts.streamlines) > 200
    for line, other in zip(tracts.streamlines, expected, strict=True):
        np.testing.assert_array_equal(line, other)
