"""Addresses of volumes: one spelling each, and malformed ones."""

from pathlib import Path

import pytest
from formats import SHAPE, describe, pattern, precomputed
from kit.locations import url
from voxels.archives import Refused, archive_of, volumes
from voxels.archives.places import s3


@pytest.mark.parametrize(
    ("uri", "canonical", "archive"),
    [
        ("precomputed:///a/b/", "precomputed://file:///a/b", "file"),
        ("precomputed://file:///a//b/../c", "precomputed://file:///a/c", "file"),
        ("precomputed:////a", "precomputed://file:///a", "file"),
        ("zarr://data/c.zarr/", "zarr://file:///here/data/c.zarr", "file"),
        ("n5://./a.n5/s0", "n5://file:///here/a.n5/s0", "file"),
        ("zarr://../a b", "zarr://file:///a b", "file"),
        ("precomputed://https://Host.org/a/b//", "precomputed://https://host.org/a/b", "host.org"),
        ("zarr://https://host.org:443/a", "zarr://https://host.org/a", "host.org"),
        ("zarr://http://host:80", "zarr://http://host", "host"),
        ("zarr://http://host:443/a", "zarr://http://host:443/a", "host:443"),
        ("n5://s3://bucket/Key/s0/", "n5://s3://bucket/Key/s0", "s3"),
        ("precomputed://gs://bucket", "precomputed://gs://bucket", "gs"),
    ],
)
def test_a_volume_has_one_spelling(uri: str, canonical: str, archive: str) -> None:
    module = archive_of(uri)
    assert module.canonical(uri, "/here") == canonical
    assert module.canonical(canonical, "/elsewhere") == canonical
    assert module.archive_name(canonical, "https://api.bossdb.io") == archive


def test_a_link_is_the_volume_that_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "volume").mkdir()
    (tmp_path / "link").symlink_to("volume")
    found = volumes.canonical("zarr://link", str(tmp_path))
    assert found == f"zarr://file://{tmp_path.resolve()}/volume"


@pytest.mark.parametrize("name", ["a b", "a%20b", "\u00fc+;#?%", "100 %"])
def test_the_url_of_a_result_may_be_a_source(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    precomputed(path, pattern())
    given = f"precomputed://{url(path)}"
    assert volumes.canonical(given, "/here") == f"precomputed://file://{path}"
    assert describe(given)["shape_zyx"] == list(SHAPE)
    there = path.rename(tmp_path / path.as_uri().rpartition("/")[2])  # what is called so goes first
    assert volumes.canonical(given, "/here") == f"precomputed://file://{there}"


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({}, "s3"),
        ({"AWS_ENDPOINT_URL": "http://minio.lab:9000"}, "minio.lab:9000"),
        ({"AWS_ENDPOINT_URL": "http://minio.lab", "AWS_ENDPOINT_URL_S3": "http://a"}, "a"),
        ({"AWS_ENDPOINT_URL": "https://s3.amazonaws.com"}, "s3.amazonaws.com"),
        ({"AWS_ENDPOINT_URL": "http://minio.lab", s3.ENDPOINT: "https://Other:90/"}, "other:90"),
        ({"AWS_ENDPOINT_URL": "http://minio.lab", s3.ENDPOINT: ""}, "minio.lab"),
        ({"AWS_ENDPOINT_URL": "http://minio.lab", s3.ENDPOINT: "https://s3.amazonaws.com"}, "s3"),
        ({s3.ENDPOINT: "https://s3.us-east-1.amazonaws.com/"}, "s3"),
        ({"AWS_ENDPOINT_URL": "http://MinIO.lab:9000/"}, "minio.lab:9000"),
        ({"AWS_ENDPOINT_URL": "https://MinIO.lab:443/a/"}, "minio.lab/a"),
        ({s3.KEY: "reader", s3.SECRET: "hush"}, "s3"),
    ],
)
def test_another_s3_is_another_archive(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], name: str
) -> None:
    for variable, value in given.items():
        monkeypatch.setenv(variable, value)
    assert volumes.archive_name("zarr://s3://bucket/a", "") == name
    assert volumes.address("zarr://gs://bucket/a", "https://api.bossdb.io") == ""


@pytest.mark.parametrize(
    "uri",
    [
        "precomputed://", "zarr://file://", "n5://ftp://host/a", "zarr://https://", "zarr://s3://",
        "zarr://https://me:secret@host/a", "zarr://https://host/a?b=c", "zarr://s3://bucket/a#b",
        "zarr://https://host/a//b", "zarr://s3://bucket/../b", "zarr://https://host/a b",
        "precomputed:///a\nb", "zarr://precomputed://https://host/a",
    ],
)  # fmt: skip
def test_a_malformed_uri_is_one_sentence(uri: str) -> None:
    with pytest.raises(Refused, match="is malformed: write .*:// and then https://host/path, "):
        volumes.canonical(uri, "/here")


def test_a_relative_path_needs_somewhere_to_start() -> None:
    with pytest.raises(Refused, match="is a relative path"):
        describe("zarr://data")


def test_all_schemes_are_named_where_one_is_unknown() -> None:
    with pytest.raises(Refused, match="write bossdb://.*, or precomputed://, zarr:// or n5://"):
        archive_of("s3://bucket/a")
