"""`bossflow bids --every`: runs of a dataset to which participants come."""

from collections.abc import Callable
from pathlib import Path

import pytest
from bossflow.upkeep import launching
from participants import dataset
from pipeline import bossflow_says


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rest.yml"
    path.write_text(f"bids_dir: {dataset(tmp_path / 'ds', 1)}\n")
    return path


class Enough(BaseException):
    """Ends what goes on for good."""


def test_who_is_new_is_run_once_copied(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = tmp_path / "ds" / "sub-02"
    happens: list[Callable[[], object]] = [
        lambda: None,
        new.mkdir,  # nothing that an app would see
        (new / "half.nii").touch,
        lambda: (new / "half.nii").write_text("whole"),
        lambda: None,
        lambda: None,
        lambda: (tmp_path / "ds" / "derivatives").mkdir(),
    ]
    runs: list[int] = []
    asked: list[list[str]] = []
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) > len(happens):
            raise Enough
        happens[len(slept) - 1]()

    def run(words: list[str]) -> int:
        runs.append(len(slept))
        asked.append(words)
        return 1

    monkeypatch.setattr("time.sleep", sleep)
    monkeypatch.setattr(launching, "run", run)
    with pytest.raises(Enough):
        bossflow_says("bids", str(file), "--every", "10m", "-profile", "slurm")
    assert runs == [0, 5], "the first, and one when all had been there for a while"
    assert asked[1] == [
        *("-params-file", str(file), "--workflow", "bids", "-profile", "slurm"),
    ]
    assert {*slept} == {600}


def test_without_it_there_is_one_run(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launching, "run", lambda words: 3)
    assert bossflow_says("bids", str(file)) == (3, "")


def test_a_mistake_is_a_sentence(file: Path) -> None:
    code, said = bossflow_says("bids", str(file), "--every", "soon")
    assert (code, said) == (1, "Error: --every soon must be a time, such as 10m, 2h or 1d\n")
    file.write_text("bids_dir: nowhere\n")
    code, said = bossflow_says("bids", str(file), "--every", "1h")
    assert "bids_dir nowhere of" in said and "is no directory" in said
