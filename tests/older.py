"""What an older version recorded, with its stores: loaded by tests, and made anew by this program.

`python tests/older.py` writes `data/schema_<version>.tar.xz` with the code of its checkout. In it
are a volume, a store on disk, one in a bucket, and a dump of the rows of each on either server. It
takes Docker for MySQL, and the tests' packages.
"""

import fcntl
import logging
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bossflow.core import migrations
from bucket import BUCKET, serving
from conftest import ROOT
from kit import buckets, bundles, digests, locations
from lab import CHANNEL, Lab
from steps import write_voxels
from team import Team, own_mysql, postgresql

DATA = ROOT / "tests" / "data"

PLACE = Path("/tmp/bossflow-older")
VOLUME = PLACE / "volume.zarr"
"""Where the volume is: its path is part of its channel's id, and so of all that was made of it."""

ON_DISK = "/lab/store"  # in a dump; a test has its own
IN_BUCKET = f"s3://{BUCKET}/older"

REQUESTS: tuple[dict[str, Any], ...] = (
    {"source": CHANNEL, "archive": "older-lab", "min_voxels": 2},
    {"source": f"zarr://{VOLUME}", "archive": None, "max_component_rows": 3},
    {
        "source": f"zarr://{VOLUME}",
        "archive": None,
        "stage": True,
        "component_of": "foreground",
        "connectivity": 6,
    },
)
"""From an archive, in place, and of copies in the store."""


def voxels() -> np.ndarray:
    """Return a few segments, of which one crosses the seam between two blocks."""
    made = np.zeros((8, 12, 12), np.uint64)
    made[1:4, 2:11, 3:6] = 7
    made[2:6, 9:11, 8:11] = 2**64 - 1
    made[5:7, 1:3, 7:9] = 2**63 + 5
    made[7, 3:5, 9:11] = 7
    made[0, 0, 0] = 7
    return made


def lab(directory: Path, team: Team, schema: str) -> Lab:
    """Return a lab that uses a schema of a team's server."""
    made = Lab(directory, voxels(), (5, 10, 100))
    settings = team.settings(schema)
    made.own = {name: settings[name] for name in settings if name.startswith(("DJ_", "BOSSFLOW_"))}
    return made


def run(lab: Lab, store: str) -> list[str]:
    """Ask for all requests; return what each run said."""
    return [lab.run(block_shape=[8, 8, 16], store=store, **one).ok().text for one in REQUESTS]


# ---- loaded ----


def unpack(version: int, directory: Path) -> None:
    """Put what a version left into a directory: `disk`, `s3`, `volume.zarr` and dumps."""
    with tarfile.open(DATA / f"schema_{version}.tar.xz") as archive:
        for entry in archive:  # by Python 3.11.2 as well, which has no filter
            assert entry.isreg() or entry.isdir()
            assert (directory / entry.name).resolve().is_relative_to(directory.resolve())
        archive.extractall(directory)


def upload(directory: Path) -> None:
    """Put a store into the bucket: every object becomes what it was, its ETag too."""
    store = buckets.local(IN_BUCKET)
    buckets.delete(buckets.below(store))  # of another test
    for path in digests.files_below(directory):
        buckets.store(path, store / path.relative_to(directory))
    for bundle in map(bundles.read, locations.every(store, "*")):
        for name, etag in bundle.manifest["etags"].items():
            assert buckets.head(store / bundle.actual(name))[1] == etag


@contextmanager
def place() -> Iterator[None]:
    """Have the volume's place to ourselves: one test at a time, and removed in the end."""
    held = _hold()
    try:
        yield
    finally:
        shutil.rmtree(PLACE)
        os.close(held)


def _hold() -> int:
    refuse = pytest.fail if os.environ.get("CI") else pytest.skip
    while True:
        try:
            PLACE.mkdir(0o700, exist_ok=True)
            held = os.open(PLACE, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except FileNotFoundError:  # removed since
            continue
        except OSError as error:
            refuse(f"{PLACE} can't be used for a volume, remove it: {error.strerror}")
        if os.fstat(held).st_uid != os.geteuid():
            os.close(held)
            refuse(f"{PLACE} is another user's: ask for its removal")
        if PLACE.resolve() != PLACE:  # on macOS
            os.close(held)
            refuse(f"{PLACE} is {PLACE.resolve()} here, where channels have other ids")
        fcntl.flock(held, fcntl.LOCK_EX)
        if PLACE.exists() and os.path.samestat(PLACE.lstat(), os.fstat(held)):
            for left in PLACE.iterdir():  # by a test that was killed
                shutil.rmtree(left)
            return held
        os.close(held)  # whoever held it has removed it


# ---- made ----


def make(file: Path) -> None:
    """Fill both servers and both stores, and pack it all."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with (
        tempfile.TemporaryDirectory() as scratch,
        own_mysql(Path(scratch)) as (mysql, container),
        postgresql(Path(scratch, "home"), Path(scratch)) as embedded,
        place(),
        serving(),
    ):
        directory, content = Path(scratch), Path(scratch, "content")
        write_voxels(VOLUME, voxels())
        content.mkdir()
        fill(embedded, directory, content, dumped_by_bossflow)
        fill(mysql, directory, content, lambda team: dumped_by_mysqldump(container))
        store = buckets.local(IN_BUCKET)
        for path in buckets.below(store):
            copy = content / "s3" / path.relative_to(store)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(buckets.read(path))
        shutil.copytree(VOLUME, content / "volume.zarr")
        with tarfile.open(file, "w:xz", preset=9) as archive:
            archive.add(content, ".", filter=nobodys)
    print(f"{file}: {file.stat().st_size:,} bytes")


def nobodys(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Take from an entry who made it."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


def fill(team: Team, directory: Path, content: Path, dumped: Callable[[Team], str]) -> None:
    """Have the rows of both stores dumped; what is in them from the other server is taken over."""
    backend = team.environment["DJ_BACKEND"]
    for kind, store in (("disk", str(content / "disk")), ("s3", IN_BUCKET)):
        code, text = team.bossflow("db", "deploy", schema="bossflow")
        assert code == 0, text
        made = lab(directory / f"{backend}-{kind}", team, "bossflow")
        made.own["LOGNAME"] = "someone"
        with made.serving():
            run(made, store)
        dump = dumped(team).replace(str(content / "disk"), ON_DISK)
        (content / f"{backend}.{kind}.sql").write_text(dump)
        team.drop("bossflow")


def dumped_by_bossflow(team: Team) -> str:
    file = team.directory / "backup.sql"
    code, text = team.bossflow("db", "backup", str(file), schema="bossflow")
    assert code == 0, text
    return "".join(file.read_text().splitlines(keepends=True)[1:-1])


def dumped_by_mysqldump(container: str) -> str:
    """Use the server's own, which few machines have."""
    dump = "mysqldump --single-transaction --no-tablespaces --set-gtid-purged=OFF --skip-comments"
    with_password = f"MYSQL_PWD=$(cat /run/secrets/mysql_root_password) {dump} bossflow"
    command = ["docker", "exec", container, "sh", "-c", with_password]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    make(DATA / f"schema_{migrations.VERSION}.tar.xz")
