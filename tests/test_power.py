"""What is recorded is on disk before, and what is forgotten is gone from the disk before."""

import errno
import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import watched
from kit import bundles, locations, recorded_marks, store_ids, tasks
from kit.units import Bundle, Unit
from steps import Cutouts, write_voxels
from voxels import pyramid
from watched import Event

SHAPE = {"block_shape": [32, 32, 32]}


@pytest.fixture
def cutouts(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cutouts:
    """Return a volume of two layers of four blocks, that share no component."""
    from bossflow import database

    database.connection()
    made = Cutouts(tmp_path, monkeypatch)
    voxels = np.random.default_rng(1).integers(0, 4, (64, 64, 64), np.uint8)
    voxels[31] = 0
    made.volume = write_voxels(tmp_path / "volume.zarr", voxels)
    return made


def found(store: Path) -> dict[Path, bundles.Finished]:
    """Return all bundles in a store, by directory."""
    return {path: bundles.read(path) for path in locations.every(store, "[A-Z]*")}


def files(*made: bundles.Finished) -> list[Path]:
    """Return all files of bundles, also those that lie in another one."""
    listed = [one.store / entry["path"] for one in made for entry in one.manifest["files"]]
    return listed + [one.directory / locations.MANIFEST for one in made]


def before(word: str, noted: list[Event]) -> list[Event]:
    """Return what came before the last statement that begins with a word."""
    sent = [number for number, event in enumerate(noted) if event.get("sql") == word]
    return noted[: sent[-1]]


def lost(paths: Iterable[Path], top: Path, noted: list[Event]) -> set[str]:
    """Return what a power cut could take of files, or of the names that lead to them from a top."""
    flushed = {event["fsync"] for event in noted if "fsync" in event}
    names = names_flushed(noted)
    missing = set()
    for file in paths:
        if watched.file(file) not in flushed:
            missing.add(f"what {file} holds")
        for path in (file, *file.parents):
            if path == top:
                break
            if path.name not in names[watched.file(path.parent)[:2]]:
                missing.add(f"the name of {path}")
    return missing


def names_flushed(noted: list[Event]) -> dict[tuple[int, ...], set[str]]:
    """Return the names that each directory had when it was flushed last, by device and inode."""
    names: dict[tuple[int, ...], set[str]] = defaultdict(set)
    for event in noted:
        if event.get("names") is not None:
            names[event["fsync"][:2]] = set(event["names"])
    return names


def moved_early(store: Path, noted: list[Event]) -> list[str]:
    """Return what was moved to its place in a store before it was on disk."""
    flushed: set[watched.File] = set()
    early = []
    for event in noted:
        if "fsync" in event:
            flushed.add(event["fsync"])
        elif "rename" in event and event["rename"][0].startswith(f"{store}/"):
            early += [event["rename"][1]] * (not flushed.issuperset(event["files"]))
    return early


@pytest.mark.parametrize("sharded", [False, True])
def test_what_is_recorded_is_on_disk_before(
    cutouts: Cutouts, monkeypatch: pytest.MonkeyPatch, sharded: bool
) -> None:
    """The larger cutout takes blocks of the first: their files are linked."""
    if sharded:
        monkeypatch.setattr(pyramid, "_UNSHARDED_CHUNKS_MAX", 0)
    cutouts.store = store = cutouts.directory / "new" / "store"
    earlier: dict[Path, bundles.Finished] = {}
    for z_range, number, taken in (([0, 32], 4 * 4 + 1, 0), ([0, 64], 3 * 4 + 1 + 8, 4)):
        with watched.noting() as noted:
            assert cutouts.label(z_range=z_range, **SHAPE)["verdict"] == {"missing": None}
        made = [one for path, one in found(store).items() if path not in earlier]
        assert len(made) == number
        assert sum("taken_from" in one.manifest for one in made) == taken
        noted = before("COMMIT", noted)
        assert not lost(files(*made), store, noted)
        assert not moved_early(store, noted)
        if not earlier:
            own = [store / store_ids.STORE_FILE, *(store / recorded_marks.DIRECTORY).iterdir()]
            assert len(own) == 2 and not lost(own, cutouts.directory, noted)
        earlier = found(store)


def test_what_is_taken_over_is_on_disk_before_it_is_recorded(cutouts: Cutouts) -> None:
    """Who made it may have been killed before it was: in another run, or in this one."""
    from bossflow.core.record import record

    plan, work_dir = cutouts.plan(**SHAPE)
    cutouts.compute(plan, work_dir)
    plan, work_dir = cutouts.plan(**SHAPE)
    made = found(cutouts.store)
    with watched.noting() as noted:
        receipts = cutouts.compute(plan, work_dir)
    assert not lost(files(*made.values()), cutouts.store, noted)
    last = [path for path in receipts if path.parent.name.startswith("RELABEL_BLOCK")]
    with watched.noting() as noted:
        assert record(plan, last)["recorded"]["LABEL_BLOCK"] == 8
    inputs = [one for one in made.values() if one.manifest["process"] != "RELABEL_BLOCK"]
    assert not lost(files(*inputs), cutouts.store, before("COMMIT", noted))


LINE: dict[str, Any] = {
    "unit_id": "0123456789abcdef" * 2,
    "process": "TEST",
    "key": {"block": "1"},
    "arguments": {},
    "settings": {},
    "inputs": [],
}


def header(store: Path) -> dict[str, str]:
    return {"store": locations.url(store), "run_id": "0" * 16, "code": "c"}


def write(unit: Unit, bundle: Bundle) -> None:
    (bundle.directory / "data").write_bytes(b"data")


def test_what_another_run_made_meanwhile_is_on_disk_before_it_is_told(tmp_path: Path) -> None:

    def second(unit: Unit, bundle: Bundle) -> None:
        write(unit, bundle)
        tasks.run_unit(write, LINE, header(tmp_path), {})
        noted.clear()

    with watched.noting() as noted:
        receipt = tasks.run_unit(second, LINE, header(tmp_path), {})
    assert receipt["state"] == "made"
    assert not lost(files(bundles.read(locations.local(receipt["url"]))), tmp_path, noted)


def test_what_is_forgotten_is_gone_from_the_disk_before(cutouts: Cutouts) -> None:
    """Of a bundle that came back without its row, the next run would make one."""
    import bossflow
    from bossflow.core import removal
    from bossflow.upkeep import invalidate

    bossflow.connect()  # all tables: to make one deletes a row, too
    (request,) = cutouts.label(**SHAPE)["plan"]["requests"]
    gone = {path for path in found(cutouts.store) if path.parts[-3] == "STITCH"}
    above = {path: watched.file(path.parent)[:2] for path in gone}
    with watched.noting() as noted:
        assert removal.forget(invalidate.select(request=request))[1] == 9
    noted = noted[: [event.get("sql") for event in noted].index("DELETE")]
    names = names_flushed(noted)
    for path in gone:
        assert path.name not in names[above[path]] and above[path] in names
        retired = cutouts.store / ".retired" / path.relative_to(cutouts.store)
        assert not lost([retired], cutouts.store, noted) - {f"what {retired} holds"}


def test_a_backup_is_on_disk_when_it_is_told(home: Path, tmp_path: Path) -> None:
    import bossflow
    from bossflow.core import migrations
    from bossflow.database import backup

    bossflow.connect()
    with watched.noting() as noted:
        backup.backup(tmp_path / "backup.sql", migrations.VERSION)
    assert not lost([tmp_path / "backup.sql"], tmp_path, noted)


def test_the_embedded_server_has_on_disk_what_it_commits(home: Path) -> None:
    from bossflow import database

    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        assert database.connection().query(f"SHOW {setting}").fetchone()[0] == "on"


@pytest.mark.parametrize(
    ("number", "state", "error"),
    [
        (errno.EINVAL, "made", ""),
        (errno.EIO, "failed", "Input/output error: '{}/.tmp-"),
        (errno.ENOSPC, "failed", "the disk of {} is full"),
    ],
)
def test_a_disk_that_fails_is_a_failure_but_one_without_fsync_of_directories_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, state: str, error: str
) -> None:
    def fails(descriptor: int) -> None:
        if number != errno.EINVAL or os.path.isdir(descriptor):
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fails)
    receipt = tasks.run_unit(write, LINE, header(tmp_path), {})
    assert receipt["state"] == state
    assert error.format(tmp_path) in receipt.get("error", "")
    there = [tmp_path / "TEST"] if state == "made" else []
    assert list(tmp_path.iterdir()) == there
