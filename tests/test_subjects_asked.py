"""Subjects as they are asked for: what can't be used is a sentence, before anything runs."""

import gzip
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nibabel
import numpy as np
import pytest
from conftest import ROOT
from describe import described
from diffusion import Subject, subject
from file_server import Server
from file_server import server as server
from subjects.asked import FILES
from subjects_asked import Subjects

Change = Callable[[Subject], Any]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return subject(tmp_path_factory.mktemp("tiny"), (8, 9, 7), 48, voxel_size=15)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Subjects:
    return Subjects(tmp_path, monkeypatch)


@pytest.fixture
def own(tiny: Subject, tmp_path: Path) -> Subject:
    """Return a copy of the subject, to be changed."""
    copies = {name: tmp_path / path.name for name, path in vars(tiny).items()}
    for name, path in vars(tiny).items():
        shutil.copy(path, copies[name])
    return Subject(**copies)


def words(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Change:
    def changed(one: Subject) -> None:
        path = getattr(one, name)
        np.savetxt(path, change(np.loadtxt(path, ndmin=2)), "%.6f")

    return changed


def image(name: str, change: Callable[[Any], Any]) -> Change:
    def changed(one: Subject) -> None:
        path = getattr(one, name)
        found = nibabel.load(path)
        nibabel.save(change(nibabel.Nifti1Image(found.get_fdata(), found.affine)), path)

    return changed


def moved(found: Any) -> Any:
    affine = found.affine.copy()
    affine[0, 3] += 500
    return nibabel.Nifti1Image(found.get_fdata(), affine)


def placeless(one: Subject) -> None:
    content = bytearray(gzip.decompress(one.dwi.read_bytes()))
    content[252:256] = bytes(4)  # qform_code, sform_code
    one.dwi.write_bytes(gzip.compress(content))


def doubled(bvecs: np.ndarray) -> np.ndarray:
    bvecs[:, 10] *= 2
    return bvecs


WRONG: list[tuple[Change, str]] = [
    (words("bvals", lambda found: found[:, 1:]), "has 53 b-values, and the image 54 volumes: "),
    (words("bvecs", lambda found: found[:, 1:]), "has 3 x 53 numbers, and 54 volumes need 3 rows"),
    (words("bvals", lambda found: found + 2000), "has no b-value of 50 or less: at least one "),
    (words("bvals", lambda found: found * 0), "has no b-value above 50: nothing weighted"),
    (words("bvals", lambda found: -found), "has b-values that are negative or no numbers"),
    (words("bvecs", doubled), "has a direction of length 2 for volume 10 (from 0; b 2000): "),
    (words("bvals", lambda found: found * (1 + (np.arange(54) % 2))), "has shells of 2000, 4000"),
    (words("bvecs", lambda found: found[:, [6] * 54]), "has directions that no tensor can be "),
    (lambda one: one.bvals.write_text("0 2000 b\n"), "has words that are no numbers"),
    (lambda one: one.bvals.write_bytes(b"\xff\xfe"), "is no text: give one as FSL writes it"),
    (lambda one: one.bvecs.write_text(""), "has no numbers, or rows of different lengths"),
    (lambda one: one.dwi.write_bytes(b"none"), "is no NIfTI: give a .nii or .nii.gz"),
    (lambda one: one.dwi.write_bytes(one.dwi.read_bytes()[:200]), "its gzip stream breaks off"),
    (placeless, "does not say where it lies (sform and qform are 0)"),
    (image("segmentation", moved), "lies elsewhere in space: 0% of the image is within it"),
    (
        image(
            "segmentation", lambda one: nibabel.Nifti1Image(one.get_fdata() * 0 + 1003, one.affine)
        ),
        "has none of white_matter_labels where the image is: it has 1003 there",
    ),
    (
        image("segmentation", lambda one: nibabel.Nifti1Image(one.get_fdata() + 0.5, one.affine)),
        "has values that are no labels: give whole numbers",
    ),
    (lambda one: shutil.copy(one.dwi, one.segmentation), "has 54 volumes: a segmentation has one"),
]


@pytest.mark.parametrize(("change", "sentence"), WRONG, ids=[one[1][:40] for one in WRONG])
def test_what_can_not_be_used_is_one_sentence(
    run: Subjects, own: Subject, change: Change, sentence: str
) -> None:
    change(own)
    problem = run.described({"sub-01": own})["problem"]
    assert problem.startswith("line 2 of subjects.csv: ") and sentence in problem, problem
    assert "\n" not in problem and not run.store.exists()


def test_each_row_has_its_sentence(run: Subjects, tiny: Subject, own: Subject) -> None:
    words("bvecs", doubled)(own)
    rows = {"sub-01": tiny, "sub-02": own, "sub-03": replace(own, bvals=own.bvecs)}
    first, second = run.described(rows)["problem"].splitlines()
    assert first.startswith("line 3 of subjects.csv: bvecs") and "length 2" in first
    assert second.startswith("line 4 of subjects.csv: bvals") and "162 b-values" in second


def test_what_does_not_fit_the_image_is_told(run: Subjects, tiny: Subject) -> None:
    def told(**params: Any) -> Any:
        return run.described({"sub-01": tiny}, **params)["problem"]

    assert "sh_order 10 needs 66: give a smaller one" in told(sh_order=10)
    assert "b_value 1000 is no shell of" in told(b_value=1000)
    assert told(b_value=2000) is None


def test_a_file_is_known_by_its_content_wherever_it_lies(
    run: Subjects, tiny: Subject, own: Subject
) -> None:
    (one,), (other,) = (run.described({"a": found})["rows"] for found in (tiny, own))
    assert one["shape_xyz"] == [8, 9, 7] and one["shell"] == 2000 and one["n_volumes"] == 54
    for name, about in one["files"].items():
        assert about["sha256"] == other["files"][name]["sha256"]
        assert about["path"] != other["files"][name]["path"]


def test_a_recorded_subject_is_asked_for_without_its_sheet(
    home: Path, run: Subjects, tiny: Subject
) -> None:
    from bossflow.workflows.tractography.requests import again, expand

    found = run.described({"sub-01": tiny}, step_mm="0.25", random_seed=5, trk=True)
    ((request,), _) = expand(found["params"], found)
    schema = json.loads((ROOT / "nextflow_schema.json").read_text())
    asked = again(request, {}) | {"workflow": "tractography"}
    told = described(asked, schema, None, "public", str(tiny.dwi.parent))
    assert told["problem"] is None
    ((other,), _) = expand(told["params"], told)
    assert other.request_id == request.request_id and request.name == "sub-01"


def test_an_image_is_cut_as_nibabel_reads_it(tmp_path: Path) -> None:
    """Scaled, of the other byte order, and with bvecs in columns."""
    from subjects import dwi, nifti

    random = np.random.default_rng(3)
    voxels = random.integers(-5, 3000, (23, 11, 21, 7)).astype(">i2")
    found = nibabel.Nifti1Image(voxels, np.diag([-2, 2, 2, 1]))
    found.header.set_slope_inter(0.37, -11.5)
    nibabel.save(found, tmp_path / "dwi.nii")
    packed = tmp_path / "dwi.nii.gz"
    packed.write_bytes(gzip.compress((tmp_path / "dwi.nii").read_bytes()))
    vectors = np.eye(3)[[0, 1, 2, 0, 1, 2, 0]]
    texts = "0 1 " + "9e2 " * 5, "\n".join(" ".join(map(str, one)) for one in vectors)
    expected = nibabel.load(packed).get_fdata()
    with packed.open("rb") as stream:
        about = dwi.cut(stream, texts, [20, 20, 20], tmp_path, ["dwi", "bvals", "bvecs"])
    assert len(about.blocks) == 4 and about.gradients.shells == [900]
    for box in about.blocks:
        stored = np.load(tmp_path / "blocks" / f"{box.name}.npy")
        own = nifti.scaled(stored, about.slope, about.inter).T
        np.testing.assert_array_equal(own, expected[box.slices((0, 0, 0))[::-1]])


@pytest.mark.parametrize("cut", [-5, -3000])
def test_a_file_that_breaks_off_is_told(tiny: Subject, tmp_path: Path, cut: int) -> None:
    from subjects import dwi

    broken = tmp_path / "dwi.nii.gz"
    broken.write_bytes(tiny.dwi.read_bytes()[:cut])
    texts = tiny.bvals.read_text(), tiny.bvecs.read_text()
    with broken.open("rb") as stream, pytest.raises(ValueError, match="dwi is damaged: its gzip"):
        dwi.cut(stream, texts, [20, 20, 20], tmp_path, ["dwi", "bvals", "bvecs"])


def test_files_behind_http_are_read_there(run: Subjects, own: Subject, server: Server) -> None:
    """The image is known by its ETag, all others by their content; one that changed is refused."""
    from subjects import places

    away = {name: f"http://{server.host}/{path.name}" for name, path in vars(own).items()}
    told = run.described({"away": SimpleNamespace(row=away)})  # type: ignore[dict-item]
    assert told["problem"] is None
    files = told["rows"][0]["files"]
    (here,) = run.described({"here": own})["rows"]
    assert files["dwi"].keys() == {"path", "bytes", "tag"}
    assert all(files[name]["sha256"] == here["files"][name]["sha256"] for name in FILES[1:])
    with places.opened(away["dwi"]) as file:
        places.check(file, files["dwi"])
        assert file.stream.read() == own.dwi.read_bytes()
    own.dwi.write_bytes(own.dwi.read_bytes() + b"0")
    with places.opened(away["dwi"]) as file, pytest.raises(ValueError, match="changed since the"):
        places.check(file, files["dwi"])
    missing = SimpleNamespace(row=away | {"bvals": f"http://{server.host}/none"})
    problem = run.described({"away": missing})["problem"]  # type: ignore[dict-item]
    assert problem.endswith("/none can't be read: there is no such file")
