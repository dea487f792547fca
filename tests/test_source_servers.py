"""Volumes that servers give: what is not given, comes late or is refused."""

import gzip
import re
import threading
from pathlib import Path

import numpy as np
import pytest
from file_server import Answer, Server
from file_server import server as server
from formats import SHAPE, describe, ome, pattern, plain_zarr, precomputed, read, whole, written
from voxels.archives import Refused, Unreachable, volumes
from voxels.archives.places import kvstores, s3
from voxels.archives.volumes import opening
from voxels.boxes import Box


@pytest.mark.parametrize("scheme", ["precomputed", "zarr", "n5"])
def test_a_volume_that_is_not_there_is_refused(server: Server, scheme: str) -> None:
    for uri in (f"{scheme}://http://{server.host}/no", f"{scheme}://file:///no/such/volume"):
        with pytest.raises(Refused, match=f"there is no .* at {uri}"):
            describe(uri)


def test_a_volume_of_another_format_is_named(tmp_path: Path, server: Server) -> None:
    for form, other in (("raw", "zarr"), ("zarr 2", "n5"), ("n5", "precomputed")):
        uri, _ = written(form, tmp_path / form, pattern())
        scheme, _, place = uri.partition("://")
        with pytest.raises(Refused, match=f"it has a file .*: write {re.escape(uri)}$"):
            describe(f"{other}://{place}")
    for file, says in (
        ("image.tif", f"write tiff://file://{tmp_path}/image.tif"),
        ("image", "of a format that is read, write ckl://, hdf5"),
    ):
        (tmp_path / file).write_bytes(b"II*")
        with pytest.raises(Refused, match=f"it is a file: {says}"):
            describe(f"zarr://file://{tmp_path}/{file}")
    with pytest.raises(Refused, match="there is no such directory"):
        describe(f"n5://file://{tmp_path}/none")


@pytest.mark.parametrize(
    ("status", "error", "says"),
    [
        (403, Refused, "may not be read with the"),
        (401, Refused, "may not be read with the"),
        (500, Unreachable, "can't be reached: .*Internal Server Error"),
        (503, Unreachable, "can't be reached: .*Service Unavailable"),
        (429, Unreachable, "can't be reached: .*Too Many Requests"),
    ],
)
@pytest.mark.parametrize("form", ["raw", "sharded", "zarr 3", "ome 0.4", "n5"])
def test_a_chunk_that_is_not_given_is_an_error(
    tmp_path: Path, server: Server, form: str, status: int, error: type[Exception], says: str
) -> None:
    uri, _ = written(form, tmp_path / "volume", pattern())
    uri = server.over_http(uri)
    told = describe(uri)
    metadata = ("info", ".json", ".zarray", ".zattrs", ".zgroup")
    server.answer = lambda path: None if path.endswith(metadata) else (status, {}, b"secret")
    with pytest.raises(error, match=says) as caught:
        read(uri, told["dtype"], Box.of(told["offset_zyx"], told["shape_zyx"]))
    assert "secret" not in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["precomputed", "n5", "zarr"])
def test_metadata_that_are_not_given_are_an_error(server: Server, scheme: str) -> None:
    uri = f"{scheme}://http://{server.host}/volume"
    server.answer = lambda path: (503, {}, b"")
    with pytest.raises(Unreachable, match=f"{uri} can't be reached: .*Service Unavailable"):
        describe(uri)
    server.answer = lambda path: (403, {}, b"")
    with pytest.raises(Refused, match="may (not )?be read"):
        describe(uri)
    server.answer = lambda path: (200, {}, b"<html>not here</html>")
    with pytest.raises(Refused, match=f"of {uri} is not a JSON object"):
        describe(uri)


def test_a_bucket_whose_keys_may_not_be_listed_is_read(tmp_path: Path, server: Server) -> None:
    voxels = pattern()
    uri = ome(tmp_path / "volume", voxels, "0.4")
    server.answer = lambda path: None if (tmp_path / path[1:]).exists() else (403, {}, b"")
    np.testing.assert_array_equal(whole(server.over_http(uri)), voxels)


def test_a_busy_server_is_asked_again(tmp_path: Path, server: Server) -> None:
    voxels = pattern()
    uri = precomputed(tmp_path / "volume", voxels)
    server.answer = lambda path: (503, {}, b"") if server.asked.count(path) < 2 else None
    np.testing.assert_array_equal(whole(server.over_http(uri)), voxels)


def test_nobody_there_is_one_sentence(server: Server) -> None:
    for host in ("127.0.0.1:1", "no.such.invalid"):
        with pytest.raises(Unreachable, match=f"http://{host}/v can't be reached: ") as caught:
            describe(f"precomputed://http://{host}/v")
        assert "\n" not in str(caught.value)


def test_a_silent_server_does_not_keep_us_for_ever(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    going = threading.Event()
    uri = server.over_http(precomputed(tmp_path / "volume", pattern()))
    describe(uri)
    server.answer = lambda path: going.wait(30) and None
    monkeypatch.setattr(kvstores, "METADATA_LIMITS", kvstores.Limits(0.3, 2, "20ms", "10ms"))
    with pytest.raises(Unreachable, match="there is no answer for .* within 0.3 s"):
        describe(uri)
    going.set()


def test_shards_are_not_asked_for_their_index_again_and_again(
    tmp_path: Path, server: Server
) -> None:
    uri = server.over_http(precomputed(tmp_path / "volume", pattern(), sharded=True))
    told = describe(uri)
    read(uri, "uint32", Box.of(told["offset_zyx"], told["shape_zyx"]))
    assert sum("4_8_40" in path for path in server.asked) < 2 * 27  # chunks


@pytest.mark.parametrize("form", ["raw", "packed", "sharded", "zarr 3", "ome 0.4", "n5"])
def test_a_bucket_of_an_s3_is_read(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{server.host}")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    voxels = pattern()
    path = f"bucket/{form.replace(' ', '-')}/volume"  # its own: what was opened is kept
    written_uri, _ = written(form, tmp_path / path, voxels)

    def pack(path: str) -> Answer | None:
        """Have chunks compressed, as CloudVolume uploads them."""
        content = server.file(path, None)[2]
        packed = form == "packed" and "4_8_40/" in path and content
        return (200, {"Content-Encoding": "gzip"}, gzip.compress(content)) if packed else None

    server.answer = pack
    uri = f"{written_uri.partition('://')[0]}://s3://{path}"
    assert volumes.archive_name(uri, "") == server.host
    np.testing.assert_array_equal(whole(uri), voxels)
    server.answer = lambda path: (403, {}, b"")
    with pytest.raises(Refused, match="may (not )?be read"):
        describe(uri)


@pytest.mark.parametrize(
    ("given", "said", "unsaid"),
    [
        ({}, "Credential=store/[^/]+/eu-7/", "never"),
        ({"KEY": "reader", "SECRET": "#hush;"}, "Credential=reader/[^/]+/eu-7/", "token"),
        (
            {"KEY": "reader", "SECRET": "hush", "SESSION": "a/b+c=", "REGION": "eu-9"},
            "(?s)(?=.*Credential=reader/[^/]+/eu-9/).*-token: a/b\\+c=",
            "of-the-store",
        ),
        ({"PROFILE": "another"}, "Credential=profiled/", "token"),
        ({"UNSIGNED": "true"}, "(?i:host): ", "(?i:authorization|token)"),
        ({"UNSIGNED": "no"}, "Credential=store/", "never"),
        ({"AWS_PROFILE": "another", "AWS_ACCESS_KEY_ID": ""}, "Credential=profiled/", "token"),
    ],
)
def test_what_is_said_of_sources_goes_before_what_is_said_of_the_store(
    tmp_path: Path,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    given: dict[str, str],
    said: str,
    unsaid: str,
) -> None:
    (tmp_path / "profiles").write_text(
        "[default]\naws_access_key_id=no\naws_secret_access_key=no\naws_session_token=no\n"
        "[another]\naws_access_key_id=profiled\naws_secret_access_key=hush\n"
    )
    plain_zarr(tmp_path / "bucket/volume", pattern())
    store = {"AWS_ACCESS_KEY_ID": "store", "AWS_SECRET_ACCESS_KEY": "hush", "AWS_REGION": "eu-7"}
    store |= {"AWS_SESSION_TOKEN": "of-the-store", "AWS_EC2_METADATA_DISABLED": "true"}
    store |= {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", s3.ENDPOINT: f"http://{server.host}/"}
    files = dict.fromkeys(("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"), "profiles")
    monkeypatch.chdir(tmp_path)
    for name, value in (store | files | given).items():
        monkeypatch.setenv(getattr(s3, name, name), value)
    kvstores.shared_context.cache_clear()  # the store's credentials are kept there
    uri = "zarr://s3://bucket/volume"
    assert volumes.archive_name(uri, "") == server.host
    assert describe(uri)["shape_zyx"] == list(SHAPE)
    read = len(server.headers)
    volumes.files(uri, 0, "", "", [Box.of((0, 0, 0), SHAPE)])
    kvstores.shared_context.cache_clear()
    opening.opened_level.cache_clear()
    assert 0 < read < len(server.headers)
    for headers in server.headers:
        assert re.search(said, headers) and not re.search(f"hush|{unsaid}", headers), headers


def test_a_bucket_is_listed_with_nothing_of_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At Amazon's S3 although the store is elsewhere, and unsigned where a profile has no keys."""
    store = {"AWS_ACCESS_KEY_ID": "store", "AWS_SECRET_ACCESS_KEY": "hush"}
    store |= {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_SHARED_CREDENTIALS_FILE": "profiles"}
    source = {s3.ENDPOINT: "https://s3.amazonaws.com", s3.REGION: "eu-9", s3.PROFILE: "of-sso"}
    (tmp_path / "profiles").write_text("[of-sso]\nsso_account_id=1\n")
    monkeypatch.chdir(tmp_path)
    for name, value in (store | source).items():
        monkeypatch.setenv(name, value)
    config = {"endpoint": "https://s3.eu-9.amazonaws.com", "region": "eu-9"}
    assert s3.client("bucket") == {"config": config | {"skip_signature": True}}


def test_a_profile_that_is_not_there_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv(s3.ENDPOINT, "http://127.0.0.1:1")
    monkeypatch.setenv(s3.PROFILE, "nobody")
    with pytest.raises(Refused, match="there are no credentials in the profile that BOSSFLOW_SOU"):
        describe("n5://s3://bucket/volume")
