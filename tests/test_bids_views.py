"""What an app is shown of a dataset: its own participant's files, and no one's else."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from kit.parameters import Wrong
from participants import GIVEN, dataset
from tools import datasets
from tools.apps import described
from tools.datasets import lay_out, views
from tools.derivatives import merged


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOSSFLOW_HOME", str(tmp_path / "own home"))


def ids(root: Path, level: str = "participant") -> dict[str, str]:
    found, _ = views(root, level)
    return {f"{view['participant']} {view['session']}".strip(): view["view_id"] for view in found}


def test_a_change_is_of_whom_it_is(tmp_path: Path) -> None:
    root = dataset(tmp_path / "ds", 3)
    before = ids(root)
    (root / "sub-02" / "func" / "new.tsv").write_text("x")
    assert {name for name, view in ids(root).items() if before[name] != view} == {"02"}
    before = ids(root)
    with (root / "participants.tsv").open("a") as stream:
        stream.write("sub-04\t50\n")
    (root / "sub-04").mkdir()
    (root / "sub-04" / "x.json").write_text("{}")
    after = ids(root)
    assert {name: after[name] for name in before} == before, "a new one is of itself alone"
    for name in ("README", "CHANGES", "LICENSE"):
        (root / name).write_text("other words")
    assert ids(root) == after
    (root / "task-rest_bold.json").write_text('{"RepetitionTime": 3}')
    assert not {*ids(root).values()} & {*after.values()}, "and what is for all, of all"


def test_what_is_laid_out_is_what_was_looked_at(tmp_path: Path) -> None:
    root = dataset(tmp_path / "ds", 3)
    (_, view, _), _ = views(root, "participant")
    lay_out(root, view["files"], tmp_path / "view", "")
    names = [
        path.relative_to(tmp_path / "view").as_posix() for path in (tmp_path / "view").rglob("*")
    ]
    assert sorted(name for name in names if "." in name) == [file for file, *_ in view["files"]]
    told = (tmp_path / "view" / "participants.tsv").read_text()
    assert told == "participant_id\tage\nsub-02\t22\n"
    (root / "sub-02" / "func" / "sub-02_task-rest_bold.json").write_text("{ }")
    with pytest.raises(ValueError, match="changed since the run began: run again"):
        lay_out(root, view["files"], tmp_path / "other", "")


def test_a_table_of_sessions_has_the_own_row(tmp_path: Path) -> None:
    root = dataset(tmp_path / "ds", 1, sessions=2)
    table = root / "sub-01" / "sub-01_sessions.tsv"
    table.write_text("session_id\tage\r\nses-1\t20\r\nses-2\t21\r\n")
    before = ids(root, "session")
    table.write_text("session_id\tage\r\nses-1\t20\r\nses-2\t22\r\n")
    after = ids(root, "session")
    assert (after["01 1"] == before["01 1"], after["01 2"] == before["01 2"]) == (True, False)


def test_what_looks_as_it_did_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = dataset(tmp_path / "ds", 4)
    (tmp_path / "own home").mkdir()
    monkeypatch.setattr(datasets, "SETTLED_SECONDS", -60)  # as if all were older
    first = ids(root)
    read: list[Path] = []
    whole = datasets.sha256
    monkeypatch.setattr(datasets, "sha256", lambda path: read.append(path) or whole(path))
    assert ids(root) == first and read == []
    changed = root / "sub-03" / "func" / "sub-03_task-rest_bold.json"
    about = changed.stat()
    changed.write_text("[]")  # as long, and said to be as old
    os.utime(changed, ns=(about.st_atime_ns, about.st_mtime_ns))
    second = ids(root)
    assert read == [changed]
    assert [name for name in first if first[name] != second[name]] == ["03"]


def test_what_just_changed_is_read_again(tmp_path: Path) -> None:
    """Its clock may be too coarse to tell the next change by."""
    root = dataset(tmp_path / "ds", 1)
    ids(root)
    assert not [*(tmp_path / "own home").glob("digests/*")]
    time.sleep(datasets.SETTLED_SECONDS + 0.1)
    ids(root)
    (kept,) = (tmp_path / "own home").glob("digests/*.json")
    assert len(json.loads(kept.read_text())) == 5


def test_each_participant_that_is_wrong_is_told(tmp_path: Path) -> None:
    root = dataset(tmp_path / "ds", 4)
    (root / "sub-01" / "func" / "gone.nii.gz").symlink_to("nowhere")
    (root / "sub-05").mkdir()
    (root / "sub-03" / "a\nb").touch()
    with pytest.raises(Wrong) as told:
        views(root, "participant", ["01", "sub-02", "03", "05", "99"])
    assert [*told.value.args] == [
        "participant 99 has no directory sub-99",
        f"{root}/sub-01/func/gone.nii.gz is a link to nothing",
        "sub-03/a b has more than 512 characters, or some that can't be printed: rename it",
        "sub-05 has no files: remove the directory, or leave it out",
    ]
    with pytest.raises(Wrong, match="sub-02 has no sessions"):
        views(root, "session", ["02"])


def test_participants_and_their_table_are_compared(tmp_path: Path) -> None:
    root = dataset(tmp_path / "ds", 2)
    (root / "participants.tsv").write_text("participant_id\nsub-02\nsub-03\n")
    _, notes = views(root, "participant")
    assert notes == [
        "participants 01 are not in participants.tsv",
        "participants 03 are in participants.tsv, but have no directory",
    ]
    (root / "participants.tsv").write_text("age\tparticipant_id\n20\t02\n")
    with pytest.raises(ValueError, match="names a participant 02: begin it with sub-"):
        views(root, "participant")
    (root / "participants.tsv").write_text("name\nsub-02\n")
    with pytest.raises(ValueError, match=r"participants.tsv has no column participant_id"):
        views(root, "participant")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"app": None}, "give app, a program on PATH, or image"),
        ({"arguments": ["{out}"]}, "arguments must name the dataset: write {bids}"),
        ({"arguments": ["{bids}", "{session}"]}, "arguments has {session}, which no unit"),
        ({"group_arguments": ["{bids}", "{participant}"]}, "group_arguments has {participant}"),
        ({"level": "group"}, "group_arguments is for level participant or session"),
        ({"group_arguments": None, "min_participants": 2}, "min_participants is for the group"),
        ({"expected": ["../x"]}, "output outputs/../x must be a path in the directory"),
        ({"inputs": ["bids"]}, "an input is called bids, as the dataset is"),
        ({"licence_file": "/etc/hostname"}, "{licence} in arguments is the path of licence_file"),
        ({"app": ["no-such-app"]}, "there is no program no-such-app on PATH"),
    ],
)
def test_a_mistake_is_one_sentence(tmp_path: Path, changed: dict[str, Any], words: str) -> None:
    root = dataset(tmp_path / "ds", 2)
    with pytest.raises(ValueError) as told:
        described(GIVEN | {"bids_dir": str(root)} | changed, None, None, str(tmp_path))
    assert words in str(told.value)


def test_trees_become_one(tmp_path: Path) -> None:
    for name in ("a/sub-1/x", "a/logs/m", "b/sub-2/x", "b/logs/n", "b/logs/m", "b/top"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    found = {
        name: path.relative_to(tmp_path).as_posix()
        for name, path in merged([tmp_path / "a", tmp_path / "b"])
    }
    assert found == {
        "logs/m": "a/logs/m",
        "logs/n": "b/logs/n",
        "sub-1": "a/sub-1",
        "sub-2": "b/sub-2",
        "top": "b/top",
    }
