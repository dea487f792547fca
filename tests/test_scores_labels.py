"""`bossflow score` of segmentations: as scikit-image has it, by volumes and by requests."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bossflow
import cc3d
import numpy as np
import pytest
from measuring import Measuring
from pipeline import bossflow_says
from skimage import metrics
from steps import Cutouts, write_voxels
from test_made_chain import Chain

LABEL: dict[str, Any] = {"component_of": "foreground", "block_shape": [16, 16, 16], "stage": False}
BOX: dict[str, Any] = {"x_range": [2, 20], "y_range": [0, 16], "z_range": [4, 20]}
OWN = np.s_[4:20, 0:16, 2:20]
SIZE_NM = np.array([30.0, 8.0, 8.0])


class Made:
    """A mask, components of a box of it, and truths: volumes of labels."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        dense = np.linspace(0.02, 0.3, 24)
        mask = (np.random.default_rng(5).random((22, 20, 24)) < dense).astype(np.uint8)
        self.directory, self.cutouts = directory, Cutouts(directory, monkeypatch)
        self.cutouts.volume = write_voxels(directory / "mask", mask)
        self.six, self.all = (self.label(connectivity=number) for number in (6, 26))
        self.whole = {
            number: np.asarray(cc3d.connected_components(mask[OWN], connectivity=number))
            for number in (6, 26)
        }
        self.truth = np.asarray(cc3d.connected_components(mask, connectivity=26)).astype(np.uint32)
        self.volume = f"zarr://{write_voxels(directory / 'truth', self.truth)}"

    def label(self, **asked: Any) -> str:
        done = self.cutouts.label(**LABEL | BOX | asked)
        assert done["verdict"] == {"missing": None}
        return str(done["plan"]["requests"][0])


@pytest.fixture(scope="module")
def made(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield Made(tmp_path_factory.mktemp("scores"), monkeypatch)


def scored(request: str, uri: str, within_nm: float | None = None, **asked: Any) -> Any:
    from bossflow import scores

    return scores.score(request, {"uri": uri}, within_nm, **asked)


def pairs_of(a: np.ndarray, b: np.ndarray, least: float) -> int:
    """Count the pairs of segments whose overlap is above a half or more: no two share one."""
    return sum(
        np.count_nonzero((a == i) & (b == j)) >= least * np.count_nonzero((a == i) | (b == j))
        for i in np.unique(a[a > 0])
        for j in np.unique(b[(a == i) & (b > 0)])
    )


@pytest.mark.parametrize("background", ["ignore", "keep"])
def test_labels_are_scored_as_scikit_image_does(made: Made, background: str) -> None:
    told = scored(made.six, made.volume, background=background, overlap=0.6)
    a, b = made.truth[OWN].astype(np.int64), made.whole[6].astype(np.int64)
    ignored = (0,) if background == "ignore" else ()
    vi = metrics.variation_of_information(a, b, ignore_labels=ignored)
    assert [told["vi_split_bits"], told["vi_merge_bits"]] == pytest.approx(vi, abs=1e-12)
    error, recall, precision = metrics.adapted_rand_error(a, b, ignore_labels=ignored)
    names = "adapted_rand_error", "rand_precision", "rand_recall"
    assert [told[name] for name in names] == pytest.approx([error, precision, recall], abs=1e-12)
    assert told["n_truth"] == len(np.unique(a[a > 0])) and told["n_found"] == b.max()
    assert told["true_positives"] == pairs_of(a, b, 0.6) > 5
    f1 = 2 * told["true_positives"] / (told["n_truth"] + told["n_found"])
    assert told["f1"] == pytest.approx(f1)
    assert told["n_scored_voxels"] == (np.count_nonzero(a) if ignored else a.size)
    assert "n_truth_outside" not in told


def test_a_volume_is_another_truth_when_its_voxels_are(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bossflow.look import counted

    first = scored(made.six, made.volume)
    number = len(bossflow.Score & {"request_id": made.six})
    copy = f"zarr://{write_voxels(tmp_path / 'copy', made.truth)}"
    assert scored(made.six, copy) == first
    assert len(bossflow.Score & {"request_id": made.six}) == number
    with monkeypatch.context() as patched:
        patched.setattr(counted, "overlap", None)  # its files look as they did
        assert scored(made.six, copy) == scored(made.six, made.volume) == first
        next((tmp_path / "copy" / "0").glob("0.0.0")).touch()
        with pytest.raises(TypeError):
            scored(made.six, copy)
    assert scored(made.six, copy) == first
    assert len(bossflow.Score & {"request_id": made.six}) == number
    other = made.truth.copy()
    other[10, 5, 5:9] = 7777
    changed = scored(made.six, f"zarr://{write_voxels(tmp_path / 'other', other)}")
    assert changed != first and len(bossflow.Score & {"request_id": made.six}) == number + 1


def test_another_request_is_the_truth_and_takes_its_scores_along(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bossflow.look import counted

    true = made.label(connectivity=18)
    told = scored(made.six, true)
    with monkeypatch.context() as patched:
        patched.setattr(counted, "overlap", None)  # found as it is recorded
        assert scored(made.six, f"bossflow://{true}/volume") == told
    a = cc3d.connected_components(made.truth[OWN] > 0, connectivity=18).astype(np.int64)
    vi = metrics.variation_of_information(a, made.whole[6].astype(np.int64), ignore_labels=(0,))
    assert [told["vi_split_bits"], told["vi_merge_bits"]] == pytest.approx(vi, abs=1e-12)
    perfect = scored(true, true)
    assert perfect["f1"] == 1.0 and perfect["vi_bits"] == perfect["adapted_rand_error"] == 0.0
    both = len(bossflow.Score & {"request_id": made.six})
    code, text = bossflow_says("invalidate", "--request", true, "--yes")
    assert code == 0, text
    assert len(bossflow.Score & {"request_id": made.six}) == both - 1
    assert not len(bossflow.Score & {"request_id": true})


def test_centroids_of_components_are_points_in_the_frame_of_the_channel(
    made: Made, tmp_path: Path
) -> None:
    """Of a file in voxels as in nm; what lies outside of the box does not count."""
    whole = made.whole[26]
    centres = [np.argwhere(whole == one).mean(axis=0) for one in range(1, whole.max() + 1)]
    zyx = np.array(centres) + [4, 0, 2]
    outside = np.array([[3, 1, 3], [4, 16, 3], [3.4, 1, 3]])
    told = []
    for name, places in (("z{},y{},x{}", zyx), ("z{}_nm,y{}_nm,x{}_nm", zyx * SIZE_NM)):
        rows = [*places.tolist(), *(outside * (SIZE_NM if "nm" in name else 1)).tolist()]
        lines = [name.format("", "", ""), *(",".join(map(repr, row)) for row in rows)]
        path = tmp_path / "truth.csv"
        path.write_text("\n".join(lines))
        told.append(scored(made.all, str(path), 1e-3))
    assert told[0]["f1"] == told[1]["f1"] == 1.0
    assert told[0]["n_truth"] == len(zyx) and told[0]["n_truth_outside"] == 3
    pairs = (bossflow.Score.Match & {"request_id": made.all}).to_dicts()
    assert {(one["found_number"], one["truth_number"]) for one in pairs} == {
        (number, number) for number in range(1, len(zyx) + 1)
    }
    code, text = bossflow_says("score", made.all, "--truth", str(path), "--within_nm", "0.001")
    assert code == 0 and "note: 3 points of the truth lie where" in text, text
    assert scored(made.six, made.six, 1.0)["f1"] == 1.0


def test_points_of_coarser_levels_lie_where_those_of_the_finest_do(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Centroids, numbered by decimals, on a level of which voxel 0 has its middle elsewhere."""
    mask = np.zeros((16, 16, 16), np.uint8)
    for z, y, x in ((2, 2, 4), (2, 10, 10), (10, 4, 2)):
        mask[z : z + 4, y : y + 4, x : x + 2] = 1
    chain = Chain(tmp_path, monkeypatch)
    write_voxels(tmp_path / "mask", mask)
    label = chain.request(chain.of["label"].label(**LABEL))
    asked = {"levels": 1, "factor": "2,2,2", "block_shape": "16,16,16"}
    levels = chain.of["levels"].make(source=f"bossflow://{label}", **asked)
    measuring = Measuring(tmp_path, monkeypatch)
    done = measuring.make(source=f"bossflow://{chain.request(levels)}", block_shape="8,8,8")
    told = scored(chain.request(done), label, 1e-6)
    assert told["true_positives"] == told["n_truth"] == told["n_found"] == 3
    part = {"x_range": [0, 3], "y_range": [0, 3], "z_range": [0, 3]}
    far = {"x_range": [12, 16], "y_range": [12, 16], "z_range": [0, 3]}
    near, away = (chain.request(chain.of["label"].label(**LABEL | box)) for box in (part, far))
    assert scored(near, label, 5)["n_truth_outside"] == 3
    with pytest.raises(ValueError, match="no place in common"):
        scored(near, away, 5)


def test_what_can_not_be_compared_is_refused_and_nothing_is_written(
    made: Made, tmp_path: Path
) -> None:
    before = len(bossflow.Score()), len(bossflow.Truth())
    floats = write_voxels(tmp_path / "floats", made.truth.astype(np.float32))
    far = write_voxels(tmp_path / "far", made.truth[:3])
    for arguments, status, said in (
        ((f"zarr://{floats}",), 1, "holds float32, which are no labels"),
        ((f"zarr://{far}",), 1, "no voxels in common"),
        ((f"zarr://{tmp_path}/none",), 1, "none"),
        (("ftp://place/volume",), 1, "ftp://place/volume"),
        ((made.volume, "--overlap", "0"), 2, "--overlap"),
        ((made.volume, "--overlap", "1.5"), 2, "--overlap"),
        ((made.volume, "--within_nm", "5"), 1, "leave within_nm out"),
        ((f"bossflow://{made.all}/meshes",), 1, "no segmentation that is called meshes"),
    ):
        code, text = bossflow_says("score", made.six, "--truth", *arguments)
        assert (code, said in text) == (status, True), text
        assert "Traceback" not in text
    assert (len(bossflow.Score()), len(bossflow.Truth())) == before
