"""Names of archives: spellings of one address are one archive, others are others.

The same file runs on MySQL from test_mysql.py.
"""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import bossflow
import numpy as np
import pytest
from bossflow import database
from bossflow.archive_server.app import app
from bossflow.archive_server.served import volume_of
from bossflow.archive_server.server import serving
from bossflow.volumes import archive_names, channels
from bossflow.workflows.label import requests
from starlette.applications import Starlette
from starlette.routing import Mount
from steps import Cutouts
from test_channels import described
from voxels.archives import bossdb

NUMBERS = count()


@pytest.fixture
def cutouts(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cutouts:
    made = Cutouts(tmp_path, monkeypatch)
    made.volume = tmp_path
    bossflow.connect()
    return made


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Serve an archive, and two others under paths of the same host; return its port."""
    served = {}
    for place, depth in (("/a", 4), ("/b", 5), ("", 6)):
        volume = volume_of(np.ones((depth, 8, 8), "uint8"), (0, 0, 0), (30.0, 8.0, 8.0))
        served[place] = app({f"bossdb://lab/brain/c{number}": volume for number in range(20)})
    with serving(Starlette(routes=[Mount(*one) for one in served.items()])) as address:
        yield urlsplit(address).port or 0


@pytest.fixture
def source() -> str:
    """Return a channel that no other test has."""
    return f"bossdb://lab/brain/c{next(NUMBERS)}"


def before(cutouts: Cutouts, source: str, host: str, **params: Any) -> dict[str, Any]:
    """Run as when host and port were an archive's whole identity; return its `Channel` row."""
    names = {row["channel_id"] for row in bossflow.Channel().to_dicts()}
    with cutouts.monkeypatch.context() as then:
        then.setattr(bossdb, "archive_name", lambda uri, host: urlsplit(host).netloc)
        then.setattr(requests, "as_recorded", lambda described, requests: described)
        assert run(cutouts, source, host, **params)["verdict"] == {"missing": None}
    rows = (bossflow.Channel() & {"uri": source}).to_dicts()
    (made,) = (row for row in rows if row["channel_id"] not in names)
    return made


def run(cutouts: Cutouts, source: str, host: str, **params: Any) -> dict[str, Any]:
    ran = cutouts.label(source=source, bossdb_host=host, stage=None, **params)
    assert not ran["plan"]["problem"], ran["plan"]["problem"]
    return ran


def recorded() -> list[Any]:
    tables = bossflow.Request(), bossflow.PulledBlock(), bossflow.Segmentation()
    every = bossflow.Channel() - bossflow.MadeChannel(), *tables
    return [sorted(rows.to_dicts(), key=str) for rows in every]


def is_all_there(ran: dict[str, Any]) -> bool:
    return ran["plan"]["tasks"] == [] and ran["summary"].startswith("nothing to compute: ")


def test_what_is_recorded_under_another_spelling_is_found(
    cutouts: Cutouts, port: int, source: str
) -> None:
    typed = f"http://LocalHost:{port}"
    made = before(cutouts, source, typed)
    assert made["archive"] == f"LocalHost:{port}"
    there = recorded()
    for host in (typed, f"http://localhost:{port}/", f"http://LOCALHOST:0{port}"):
        assert is_all_there(run(cutouts, source, host)), host
    assert recorded() == there
    more = run(cutouts, source, f"http://localhost:{port}", connectivity=6)
    assert set(more["plan"]["planned"]) == {"LABEL_BLOCK", "LINK_BLOCK", "STITCH", "RELABEL_BLOCK"}
    assert recorded()[0] == there[0]


def test_a_new_channel_has_the_one_spelling(cutouts: Cutouts, port: int, source: str) -> None:
    made = run(cutouts, source, f"http://LOCALHOST:{port}//")
    assert made["verdict"] == {"missing": None}
    there = recorded()
    assert (bossflow.Channel() & {"uri": source}).to_arrays("archive") == [f"localhost:{port}"]
    assert is_all_there(run(cutouts, source, f"http://LocalHost:{port}"))
    assert recorded() == there


def test_of_two_spellings_the_one_that_is_typed_comes_first(
    cutouts: Cutouts, port: int, source: str
) -> None:
    small = {"z_range": "0,3"}
    upper = before(cutouts, source, f"http://LOCALHOST:{port}", **small)
    mixed = before(cutouts, source, f"http://LocalHost:{port}")
    there = recorded()
    assert is_all_there(run(cutouts, source, f"http://LOCALHOST:{port}", **small))
    assert is_all_there(run(cutouts, source, f"http://LocalHost:{port}"))
    assert recorded() == there

    def found(host: str) -> str:
        return identity(bossdb.archive_name(source, host), source, host)

    other = f"http://localHOST:{port}"
    assert found(other) in (upper["channel_id"], mixed["channel_id"])
    one = before(cutouts, source, f"http://localhost:{port}")
    assert found(other) == one["channel_id"]
    assert found(f"http://LOCALHOST:{port}/") == upper["channel_id"]


def identity(archive: str, source: str, host: str) -> str:
    """Return the id of the channel that PLAN takes."""
    requests = bossflow.LabelRequest() * bossflow.Request()
    found = archive_names.as_recorded(described(source, archive=archive, host=host), requests)
    return channels.channel_id(found["channels"][0]["archive"], source, 0)


def test_archives_under_paths_of_one_host_are_two(cutouts: Cutouts, port: int, source: str) -> None:
    hosts = [f"http://localhost:{port}{path}" for path in ("/a", "/b", "")]
    for host in hosts:
        assert run(cutouts, source, host)["verdict"] == {"missing": None}
    made = (bossflow.Channel() & {"uri": source}).to_dicts(order_by="channel_z1")
    assert [row["archive"] for row in made] == [host.removeprefix("http://") for host in hosts]
    assert [row["channel_z1"] for row in made] == [4, 5, 6]
    there = recorded()
    assert all(is_all_there(run(cutouts, source, host)) for host in hosts)
    assert recorded() == there


def test_what_is_recorded_of_a_path_is_of_the_one_that_was_asked(
    cutouts: Cutouts, port: int, source: str
) -> None:
    typed = f"http://LOCALHOST:{port}/a"
    made = before(cutouts, source, typed)
    assert made["archive"] == f"LOCALHOST:{port}"
    there = recorded()
    assert is_all_there(run(cutouts, source, typed))
    assert is_all_there(run(cutouts, source, f"http://localhost:{port}/a/"))
    assert recorded() == there
    other = run(cutouts, source, f"http://LOCALHOST:{port}/b")
    assert other["plan"]["planned"]["PULL_BLOCK"] == 1
    assert [row["archive"] for row in recorded()[0] if row not in there[0]] == [
        f"localhost:{port}/b"
    ]


def test_a_name_that_is_given_is_no_spelling_of_an_address(
    cutouts: Cutouts, port: int, source: str
) -> None:
    name, host = f"LOCALHOST:{port}", f"http://localhost:{port}"
    run(cutouts, source, host, archive=name)
    there = recorded()
    assert is_all_there(run(cutouts, source, f"{host}/b/..", archive=name))
    assert recorded() == there
    assert "PULL_BLOCK" in run(cutouts, source, host)["plan"]["planned"]
    assert "PULL_BLOCK" in run(cutouts, source, host, archive=name.lower() + ".")["plan"]["planned"]


@pytest.mark.parametrize(
    ("older", "host", "archive", "same"),
    [
        ("API.bossdb.io", "https://api.bossdb.io", "api.bossdb.io", True),
        ("api.bossdb.io:443", "http://api.bossdb.io", "api.bossdb.io", True),
        ("api.bossdb.io.", "https://api.bossdb.io:443/", "api.bossdb.io", True),
        ("api.bossdb.io:80", "https://api.bossdb.io:8080", "api.bossdb.io:8080", False),
        ("lab\\a", "https://lab\\a", "lab/%5Ca", False),  # no run says that it was asked for
        ("[0::1", "https://[::1]", "[::1]", False),
        ("[0::1]", "https://[::1]", "[::1]", True),
        ("MinIO.lab:9000", "http://minio.lab:9000/", "minio.lab:9000", True),
    ],
)
@pytest.mark.parametrize("source", ["bossdb://a/b/name", "zarr://s3://bucket/a\\b's %s"])
def test_an_older_name_is_known_by_what_it_spells(
    home: Path, source: str, older: str, host: str, archive: str, same: bool
) -> None:
    bossflow.connect()
    with database.connection().transaction:
        made = channels.channel_row(described(source, archive=older)["channels"][0])
        bossflow.Channel.insert1(made)
        found = identity(archive, source, host)
        (bossflow.Channel() & {"channel_id": made["channel_id"]}).delete_quick()
    assert (found == made["channel_id"]) == same
    assert found == made["channel_id"] or found == channels.channel_id(archive, source, 0)


def test_names_are_looked_up_at_once_and_only_where_the_id_is_not_recorded(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bossflow.connect()
    conn = database.connection()
    sources = [f"bossdb://many/channels/c{number}" for number in range(150)]
    for source in sources[:100]:
        bossflow.Channel.insert1(channels.channel_row(described(source)["channels"][0]))
    asked: list[str] = []
    query = conn.query
    monkeypatch.setattr(
        conn, "query", lambda *given, **kw: asked.append(given) or query(*given, **kw)
    )

    def queries(some: list[str]) -> int:
        asked.clear()
        many = {"channels": [described(source)["channels"][0] for source in some]}
        assert archive_names.as_recorded(many, None) == many
        return len(asked)

    assert [queries(sources[:1]), queries(sources[:100]), queries(sources)] == [1, 1, 2]
    assert queries([]) == 0
