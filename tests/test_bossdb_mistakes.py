"""Mistakes about an archive, and archives that are not there: one sentence each."""

import asyncio
from typing import Any

import numpy as np
import pytest
from bossdb_server import (
    SMALL,
    TOKEN,
    URI,
    Serve,
    answering,
    archive,
    broken_off,
    part_of,
    pull,
    telling,
)
from bossdb_server import host as host
from bossdb_server import quick as quick
from bossdb_server import serve as serve
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send
from voxels.archives import Refused, Unreachable, archive_of, bossdb
from voxels.archives.bossdb import patience


@pytest.mark.parametrize(
    "uri",
    [
        "bossdb://lab/brain",
        "bossdb://lab/brain/neurons/0",
        "bossdb://lab//neurons",
        "bossdb://lab/brain/neurons/",
        "bossdb://lab/../neurons",
        "bossdb://lab/brain/neu rons",
        "bossdb://lab/brain/neurons.v2",
        "bossdb://lab/brain/neurons?x=1",
        "s3://lab/brain/neurons",
        "neurons",
    ],
)
def test_a_malformed_uri_is_one_sentence(uri: str) -> None:
    with pytest.raises(Refused, match="write bossdb://collection/experiment/channel") as caught:
        archive_of(uri).describe(uri, 0, "http://127.0.0.1:1", "public")
    assert repr(uri) in str(caught.value)


@pytest.mark.parametrize("host", ["localhost:8000", "", "ftp://a", "http://me:secret@a", "http://"])
def test_a_malformed_host_is_one_sentence(host: str) -> None:
    with pytest.raises(Refused, match="^bossdb_host .* is malformed: write http"):
        bossdb.describe(URI, 0, host, "public")


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("https://api.bossdb.io", "api.bossdb.io"),
        ("https://API.bossdb.io:0443//", "api.bossdb.io"),
        ("http://api.bossdb.io.:80", "api.bossdb.io"),  # at its own port each scheme has the same
        ("https://api.bossdb.io:80", "api.bossdb.io:80"),
        ("http://Lab:8000/Mouse/", "lab:8000/Mouse"),
        ("http://lab/%7eme/./x/../a%2fb", "lab/~me/a%2Fb"),
        ("http://lab//a", "lab//a"),
        ("http://lab/a/..", "lab"),
        ("http://lab\\a", "lab/%5Ca"),
        ("https://[::A]:443/a", "[::a]/a"),
        ("http://[0:0::1]:8000", "[::1]:8000"),
        ("http://xn--bcher-kva.example", "xn--bcher-kva.example"),
    ],
)
def test_an_archive_has_one_spelling(host: str, name: str) -> None:
    assert bossdb.archive_name(URI, host) == name


@pytest.mark.parametrize("host", ["http://lab:99999", "http://[::1", "http://[lab]", "http://."])
def test_an_address_that_leads_nowhere_has_none(host: str) -> None:
    with pytest.raises(Refused, match="^bossdb_host .* is malformed: write http"):
        bossdb.archive_name(URI, host)


@given(
    st.sampled_from(["http", "https"]),
    st.from_regex(
        r"([A-Za-z0-9-]{1,9}\.){0,2}[A-Za-z0-9]{1,9}\.?|\[[0-9A-F]{1,4}::\]", fullmatch=True
    ),
    st.sampled_from(["", ":", ":80", ":443", ":0443", ":8000"]),
    st.text(st.sampled_from("aZ~%2f7e/.:;\\[]"), max_size=12).map(lambda path: f"/{path}"),
)
def test_a_spelling_is_its_own(scheme: str, name: str, port: str, path: str) -> None:
    once = bossdb.archive_name(URI, f"{scheme}://{name}{port}{path}")
    assert bossdb.archive_name(URI, f"{scheme}://{once}") == once
    assert once == bossdb.archive_name(URI, f"{scheme}://{name.upper()}{port}{path}//")
    assert once.lower() == once or path.strip("/")


@pytest.mark.parametrize("name", ["lab/brain/glia", "lab/liver/neurons", "shop/brain/neurons"])
def test_a_channel_that_does_not_exist_is_one_sentence(host: str, name: str) -> None:
    with pytest.raises(Refused, match=f"^{host} has no bossdb://{name}$"):
        bossdb.describe(f"bossdb://{name}", 0, host, "public")
    with pytest.raises(Refused, match=f"^{host} has no bossdb://{name}$"):
        bossdb.read(f"bossdb://{name}", 0, host, "public", "uint64", SMALL)


@pytest.mark.parametrize(
    "change",
    [
        {"voxel_unit": "inches"},
        {"hierarchy_method": "octree"},
        {"hierarchy_method": "near_iso"},  # the pyramid under ?iso=true, which nobody asks for
        {"x_start": None},
        {"x_voxel_size": 0},
        {"z_stop": "deep"},
        {"type": "table"},
        {"datatype": "float32"},
        {"y_stop": 500},
        {"num_hierarchy_levels": None},
    ],
)
def test_metadata_that_make_no_sense_are_one_sentence(serve: Serve, change: dict[str, Any]) -> None:
    host = serve(telling(archive(), **change))
    with pytest.raises(Refused, match=URI):
        bossdb.describe(URI, 0, host, "public")


@pytest.mark.parametrize("token", [None, "wrong", "public"])
def test_a_refused_token_is_one_sentence_that_does_not_show_it(
    serve: Serve, token: str | None
) -> None:
    host = serve(archive(token=TOKEN))
    for call in (
        lambda: bossdb.describe(URI, 0, host, token or "public"),
        lambda: bossdb.read(URI, 0, host, token or "public", "uint64", SMALL),
    ):
        with pytest.raises(Refused, match="set BOSSDB_TOKEN to one that may read") as caught:
            call()
        assert "wrong" not in str(caught.value) and TOKEN not in str(caught.value)


def test_the_right_token_opens_the_archive(serve: Serve) -> None:
    host = serve(archive(token=TOKEN))
    assert bossdb.describe(URI, 0, host, TOKEN)["dtype"] == "uint64"
    found = bossdb.read(URI, 0, host, TOKEN, "uint64", SMALL)
    np.testing.assert_array_equal(found, part_of(SMALL))


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "schlüssel"])
def test_a_malformed_token_is_not_shown(host: str, token: str) -> None:
    for call in (
        lambda: bossdb.describe(URI, 0, host, token),
        lambda: bossdb.read(URI, 0, host, token, "uint64", SMALL),
    ):
        with pytest.raises(Refused, match="BOSSDB_TOKEN is malformed") as caught:
            call()
        assert not token or token not in str(caught.value)


def test_an_archive_that_is_not_there_is_one_sentence() -> None:
    nowhere = "http://127.0.0.1:1"
    with pytest.raises(Unreachable, match=f"^{nowhere} can't be reached for {URI}: conn.*refused$"):
        bossdb.describe(URI, 0, nowhere, "public")
    with pytest.raises(Unreachable, match=f"^{nowhere} can't be reached for {URI}"):
        pull(nowhere)
    with pytest.raises(Unreachable, match="^http://no.such.invalid can't be reached"):
        bossdb.describe(URI, 0, "http://no.such.invalid", "public")


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (Response(status_code=503), "status 503"),
        (HTMLResponse("<html>Welcome</html>"), "not the JSON"),
        (JSONResponse([1]), "not the JSON"),
        (broken_off(Request({"type": "http"})), "connection broke"),
    ],
)
def test_a_server_that_is_no_archive_is_one_sentence(
    serve: Serve, response: Response, reason: str
) -> None:
    host = serve(answering(response))
    with pytest.raises(Unreachable, match=reason) as caught:
        bossdb.describe(URI, 0, host, "public")
    assert URI in str(caught.value) and "Welcome" not in str(caught.value)


def test_a_silent_archive_is_given_up(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = patience.Limits(connect=5, silence=0.3, answer=1, attempts=2, first_wait=0.01)
    monkeypatch.setattr(patience, "METADATA_LIMITS", limits)

    async def silence(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(1)

    host = serve(silence)
    with pytest.raises(Unreachable, match="no answer within 0.3 s"):
        bossdb.describe(URI, 0, host, "public")
