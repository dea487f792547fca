"""What older versions recorded, migrated: asked for again, none of it is made or changed."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import obstore
import older
import pytest
from bossflow.core import migrations
from bucket import serving
from kit import buckets, digests, store_ids
from lab import Lab
from team import Team, a_schema, each_server, environment

VERSIONS = (2, 3)


@pytest.fixture(scope="module", params=each_server())
def team(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Team]:
    yield from request.param(tmp_path_factory)


@pytest.fixture(scope="module")
def bucket() -> Iterator[None]:
    with serving():
        yield


@dataclass
class Left:
    """A schema that an older version filled; its store, and what tells whether that was written."""

    schema: str
    store: str
    files: Callable[[], list[tuple[Any, ...]]]


@pytest.fixture(params=["disk", pytest.param("s3", marks=pytest.mark.s3)])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=VERSIONS)
def left(request: pytest.FixtureRequest, kind: str, team: Team, tmp_path: Path) -> Iterator[Left]:
    older.unpack(request.param, tmp_path)
    dump = tmp_path / f"{team.environment['DJ_BACKEND']}.{kind}.sql"
    store, files = tmp_path / "disk", lambda: on_disk(tmp_path / "disk")
    if kind == "s3":
        request.getfixturevalue("bucket")
        older.upload(tmp_path / "s3")
        store, files = older.IN_BUCKET, in_bucket
    with older.place(), a_schema(team) as name:
        shutil.move(tmp_path / "volume.zarr", older.VOLUME)
        team.load_older(dump.read_text(), name, tmp_path / "disk")
        yield Left(name, str(store), files)


def on_disk(store: Path) -> list[tuple[Any, ...]]:
    paths = [path for path in digests.files_below(store) if path.name != store_ids.STORE_FILE]
    return [(str(path), path.stat().st_mtime_ns, path.read_bytes()) for path in paths]


def in_bucket() -> list[tuple[Any, ...]]:
    store = buckets.local(older.IN_BUCKET)
    found = [
        one
        for some in obstore.list(*buckets.object_of(store))
        for one in some
        if not one["path"].endswith(store_ids.STORE_FILE)
    ]
    paths = [path for path in buckets.below(store) if path.name != store_ids.STORE_FILE]
    content = buckets.at_once(buckets.read, sorted(paths))
    written = [(one["path"], one["last_modified"], one["e_tag"]) for one in found]
    return list(zip(sorted(written), content, strict=True))


def changed(before: dict[str, list[str]], after: dict[str, list[str]]) -> dict[str, set[str]]:
    """Return by table the rows that are no more what they were; columns may have been added.

    One that never held anything was dropped. What a volume's files look like may be another:
    unpacked, they are as new, and are compared.
    """
    found = {}
    for table, rows in before.items():
        if rows and not table.startswith("~"):  # DataJoint's own
            names = json.loads(rows[0]).keys() - {"files_seen", "written_by"}
            there = (json.loads(row) for row in after[table])
            kept = {json.dumps({name: row[name] for name in names}) for row in there}
            known = (json.loads(row) for row in rows)
            told = {json.dumps({name: row[name] for name in names}) for row in known}
            found[table] = told - kept
    return {table: rows for table, rows in found.items() if rows}


def test_nothing_is_computed_again_and_all_stays_as_it_was(
    team: Team, left: Left, tmp_path: Path
) -> None:
    rows, files = team.rows(left.schema), left.files()
    assert len(rows["execution"]) == 25 and len(files) > 80
    code, text = team.bossflow("db", "migrate", schema=left.schema)
    assert (code, f"of version {migrations.VERSION}" in text) == (0, True), text
    assert not changed(rows, team.rows(left.schema))
    lab = older.lab(tmp_path / "lab", team, left.schema)
    with lab.serving():
        for said in older.run(lab, left.store):
            assert "nothing to compute" in said
    verified = json.loads(lab.bossflow("verify", "--read", "--json"))
    assert (verified["bundles"], verified["damaged"]) == (25, [])
    states = {one["request"]: one["state"] for one in lab.status()["requests"]}
    asked = [json.loads(row)["request_id"] for row in rows["request"]]
    assert states == dict.fromkeys(asked, "complete") and len(asked) == len(older.REQUESTS)
    assert not changed(rows, team.rows(left.schema))
    assert left.files() == files
    with lab.serving():
        made_is_a_source(lab, left)
    assert not changed(rows, team.rows(left.schema))


def made_is_a_source(lab: Lab, left: Left) -> None:
    """Label a volume that was recorded before anything told which: segments are whole in it."""
    asked = next(
        one for one in lab.status()["requests"] if one["parameters"]["component_of"] == "segment"
    )
    source = f"bossflow://{asked['request']}/volume"
    lab.run(source=source, archive=None, store=left.store, block_shape=[5, 8, 7]).ok()
    (one,) = (one for one in lab.status()["requests"] if one["source"] == source)
    told = (one["state"], one["n_components"], one["box"])
    assert told == ("complete", asked["n_components"], asked["box"]) and told[1] > 2


@pytest.mark.parametrize("version", VERSIONS)
def test_the_embedded_database_is_migrated_by_itself(version: int, tmp_path: Path) -> None:
    older.unpack(version, tmp_path)
    team = Team(environment(BOSSFLOW_HOME=str(tmp_path / "home")), tmp_path)
    try:
        assert team.bossflow("db", "start", schema="bossflow")[0] == 0
        team.load((tmp_path / "postgresql.disk.sql").read_text(), "bossflow")
        code, text = team.bossflow("status", schema="bossflow")
        assert (code, "3 requests" in text) == (0, True), text
        now = f"note: the embedded database is now of version {migrations.VERSION}"
        assert (now in text) == (version < migrations.VERSION)
        assert "note" not in team.bossflow("status", schema="bossflow")[1]
    finally:
        team.bossflow("db", "stop", schema="bossflow")
