"""A team's machines and users on one database, on PostgreSQL and MySQL: stores, and what changed.

The same programs in one process, and on the embedded database, are in test_stores.py,
test_away.py and test_changes.py.
"""

import csv
import json
import os
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tensorstore as ts
from expected import check, whole
from kit import bundles, locations
from lab import Lab, make_voxels
from machines import swap
from steps import write_voxels
from team import Team, deployed, each_server
from test_older import on_disk

pytestmark = pytest.mark.faults

RUNNER = f"machines_{os.getpid()}"
BLOCKS = {"block_shape": [16, 16, 16], "connectivity": 6}
ALL = {"LABEL_BLOCK": 2, "LINK_BLOCK": 2, "STITCH": 1, "RELABEL_BLOCK": 2}


@pytest.fixture(scope="module", params=each_server())
def team(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Team]:
    yield from request.param(tmp_path_factory)


@pytest.fixture(scope="module")
def schema(team: Team) -> Iterator[str]:
    with deployed(team, RUNNER) as name:
        yield name


@pytest.fixture
def lab(team: Team, schema: str, tmp_path: Path) -> Iterator[Lab]:
    """Return a lab of the run-time user, of two blocks, from an archive or in `volume.zarr`."""
    made = Lab(tmp_path / "lab", make_voxels((32, 16, 16), 1), (0, 0, 0))
    made.own = team.settings(schema, RUNNER)
    write_voxels(volume(made), made.voxels)
    with made.serving():
        yield made


def volume(lab: Lab) -> Path:
    return lab.directory / "volume.zarr"


def in_place(lab: Lab, store: Path | None) -> dict[str, Any]:
    """Return what asks for the volume to be labelled where it lies."""
    asked = {"source": f"zarr://{volume(lab)}", "archive": None, "bossdb_host": None}
    return BLOCKS | asked | {"store": store and str(store)}


def request_of(lab: Lab) -> dict[str, Any]:
    """Return what `bossflow status` says of the request that the lab's last run was about."""
    with (lab.directory / "results" / "requests.csv").open() as stream:
        (told,) = csv.DictReader(stream)
    (found,) = (one for one in lab.status()["requests"] if one["request"] == told["request"])
    for name in ("state", "volume", "components", "source", "box"):
        assert told[name] == found[name], "both say the same"
    return found


def computes_nothing(lab: Lab, asked: dict[str, Any]) -> None:
    again = lab.run(**asked).ok()
    assert (again.computed, "nothing to compute" in again.text) == ({}, True), again.text


def gone(before: dict[str, list[str]], after: dict[str, list[str]]) -> dict[str, set[str]]:
    """Return by table the rows that are not there any more."""
    left = {table: set(rows) - set(after[table]) for table, rows in before.items()}
    return {table: rows for table, rows in left.items() if rows}


def test_a_volume_that_changed_is_found_and_made_again(lab: Lab) -> None:
    asked = in_place(lab, lab.directory / "store")
    assert lab.run(**asked).ok().computed == ALL
    old = request_of(lab)
    check(lab, old, whole(lab.voxels, 6, 0), (0, 0, 0))

    lab.voxels[20:30, 2:9, 2:9] = 9
    kvstore = {"driver": "file", "path": str(volume(lab) / "0")}
    array = ts.open({"driver": "zarr", "kvstore": kvstore}).result()
    array[20:30, 2:9, 2:9].write(9).result()
    again = lab.run(**asked).ok()
    changed = "0-16_0-16_16-32"
    assert f"1 of 2 blocks (first: {changed}) look changed" in again.text
    assert f"1 of 2 blocks (first: {changed}) changed since they were recorded" in again.text
    assert again.blocks["COMPARE_LABEL_BLOCK"] == again.blocks["LABEL_BLOCK"] == [changed]
    assert again.computed == ALL | {"LABEL_BLOCK": 1, "LINK_BLOCK": 1}
    new = request_of(lab)
    assert (new["request"], new["n_components"] != old["n_components"]) == (old["request"], True)
    check(lab, new, whole(lab.voxels, 6, 0), (0, 0, 0))
    computes_nothing(lab, asked)


def test_two_machines_with_a_store_each_at_one_path(team: Team, schema: str, lab: Lab) -> None:
    """The second one loses and damages bundles of its own; the first one keeps all it has."""
    store, others = lab.directory / "store", lab.directory / "other"
    asked, here = BLOCKS | {"store": str(store)}, ["--store", str(store)]
    lab.own["BOSSFLOW_MACHINE"] = "one"
    assert lab.run(**asked).ok().computed == ALL | {"PULL_BLOCK": 2}
    request = request_of(lab)
    rows, files = team.rows(schema), on_disk(store)

    swap(store, others)
    lab.own["BOSSFLOW_MACHINE"] = "two"
    lost = ["invalidate", "--lost", "--yes"]
    assert "nothing to invalidate" in lab.bossflow(*lost, "--request", request["request"])
    second = lab.run(**asked).ok()
    assert f"9 units of this are recorded in store {store} of one, which is away" in second.text
    assert second.computed == ALL | {"PULL_BLOCK": 2}
    assert request_of(lab) == request

    shutil.rmtree(next(locations.every(store, "PULL_BLOCK")))
    refused = lab.run(**asked)
    command = f"bossflow invalidate --lost --store {shlex.quote(str(store))}"
    assert (refused.code, command in refused.text) == (1, True), refused.text
    said = lab.bossflow(*lost, *here)
    assert "1 bundle that other stores have as well: these rows stay" in said
    assert "forgot 0 rows of stages; 0 bundles are in .retired" in said
    bundle = bundles.read(next(locations.every(store, "LABEL_BLOCK")))
    damaged = store / bundle.manifest["files"][0]["path"]
    damaged.write_bytes(damaged.read_bytes()[:-1])
    said = lab.bossflow("verify", "--retire", *here)
    assert "1 of 8 bundles damaged or missing: forgot 0 rows of stages" in said
    assert lab.run(**asked).ok().computed == {"PULL_BLOCK": 1, "LABEL_BLOCK": 1}
    computes_nothing(lab, asked)

    swap(store, others)
    lab.own["BOSSFLOW_MACHINE"] = "one"
    computes_nothing(lab, asked)
    assert "9 bundles as recorded" in lab.bossflow("verify", *here)
    after = team.rows(schema)
    assert not gone(rows, after) and after["execution"] == rows["execution"]
    assert on_disk(store) == files


def test_a_second_user_whom_a_colleagues_store_is_closed_to(
    team: Team, schema: str, lab: Lab
) -> None:
    theirs, closed, own = (lab.directory / name for name in ("theirs", "closed", "own"))
    lab.run(**in_place(lab, theirs)).ok()
    request, rows = request_of(lab), team.rows(schema)
    theirs.rename(closed)
    user = f"second_{os.getpid()}"
    team.grant(user, schema)
    try:
        lab.own = team.settings(schema, user)
        made = lab.run(**in_place(lab, own)).ok()
        assert f"7 units of this are recorded in store {theirs}" in made.text
        assert made.computed == ALL
        computes_nothing(lab, in_place(lab, own))
        found = request_of(lab)
        assert found["request"] == request["request"]
        assert Path(found["volume"].removeprefix("file://")).is_relative_to(own)
        check(lab, found, whole(lab.voxels, 6, 0), (0, 0, 0))
        closed.rename(theirs)  # the colleague opens it
        computes_nothing(lab, in_place(lab, own))
        assert own.as_uri() in (lab.directory / "results" / "requests.csv").read_text()
        (seen,) = (one for one in lab.status()["requests"] if one["request"] == found["request"])
        assert seen["volume"] == request["volume"], "where it was recorded first"
        assert team.rows(schema)["execution"] == rows["execution"]
    finally:
        team.drop_user(user, schema)


def test_a_store_in_a_home_directory_is_not_taken_by_itself(
    team: Team, schema: str, lab: Lab
) -> None:
    default, named = lab.home / "store", lab.directory / "named"
    before = team.rows(schema)
    refused = lab.run(**in_place(lab, None))
    assert (refused.code, refused.computed) == (1, {})
    assert f"no store is given, and {default} is in a home directory" in refused.text
    assert "give `store` a directory or bucket" in refused.text and "datajoint.json" in refused.text
    assert team.rows(schema) == before and not default.exists()

    settings = lab.directory / "datajoint.json"
    store = {"protocol": "file", "location": str(named)}
    settings.write_text(json.dumps({"stores": {"bossflow": store}}))
    made = lab.run(**in_place(lab, None)).ok()
    assert (made.computed, "home directory" in made.text) == (ALL, False), made.text
    assert request_of(lab)["volume"].startswith(locations.url(named))
    settings.unlink()

    lab.home.mkdir(exist_ok=True)
    named.rename(default)
    used = lab.run(**in_place(lab, None)).ok()
    assert f"note: store {default} is in a home directory of this machine" in used.text
    assert (used.computed, "nothing to compute" in used.text) == ({}, True), used.text
