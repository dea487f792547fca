"""A bucket at a real S3-compatible server on loopback (moto's), and units that are made in it."""

import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import obstore
import pytest
import requests
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from kit import (
    buckets,
    bundles,
    digests,
    locations,
    recorded_marks,
    store_ids,
    tasks,
    units,
)
from kit.units import Bundle, Unit

SECRET = "never-to-be-seen-anywhere"
BUCKET = "lab"
THEIRS = "reader", "nor-this-one"


class Server:
    """An S3; `answer` may take a request over: it gets method and path, and returns a status.

    `sent` has method, path and bytes of each answer of its own.
    With `owner`, a key and its secret, whatever these did not sign is refused.
    """

    def __init__(self, bucket: str = BUCKET) -> None:
        from moto.server import DomainDispatcherApplication, create_backend_app
        from werkzeug.serving import make_server

        app = DomainDispatcherApplication(create_backend_app)
        self.asked: list[tuple[str, str]] = []
        self.sent: list[tuple[str, str, int]] = []
        self.ignored: set[str] = set()
        self.answer: Callable[[str, str], str | None] = lambda method, path: None
        self.owner: tuple[str, str] | None = None

        def watched(environ: dict[str, Any], start_response: Any) -> Any:
            request = environ["REQUEST_METHOD"], environ["PATH_INFO"]
            self.asked.append(request)
            for header in self.ignored:
                environ.pop(header, None)
            status = self.answer(*request)
            if self.owner and not signed_by(self.owner, environ):
                status = "403 Forbidden"
            if status:
                environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
                start_response(status, [("Content-Length", "0")])
                return [b""]

            def told(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
                length = {name.lower(): value for name, value in headers}.get("content-length", 0)
                self.sent.append((*request, int(length)))
                return start_response(status, headers, *rest)

            return app(environ, told)

        self.server = make_server("127.0.0.1", 0, watched, threaded=True)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        requests.put(f"{self.url}/{bucket}").raise_for_status()

    def put(self, path: Path, content: bytes) -> None:
        """Write an object as another program would, in one piece."""
        obstore.put(*buckets.object_of(path), content, use_multipart=False)


def signed_by(owner: tuple[str, str], environ: dict[str, Any]) -> bool:
    """Say whether a request has the signature that S3 would expect of a key and its secret."""
    auth = S3SigV4Auth(Credentials(*owner), "s3", "us-east-1")
    given = environ.get("HTTP_AUTHORIZATION", "")
    signed = re.search("Credential=([^/]+)/.*SignedHeaders=([^,]+)", given)
    if not signed or signed[1] != owner[0]:
        return False
    # WSGI names headers HTTP_..., but two
    there = {"HTTP_CONTENT_TYPE": "CONTENT_TYPE", "HTTP_CONTENT_LENGTH": "CONTENT_LENGTH"}
    names = {name: f"HTTP_{name.upper().replace('-', '_')}" for name in signed[2].split(";")}
    headers = {name: environ.get(there.get(key, key), "") for name, key in names.items()}
    url = f"http://{environ['HTTP_HOST']}{environ['REQUEST_URI']}"
    request = AWSRequest(environ["REQUEST_METHOD"], url, headers)
    request.context["timestamp"] = environ["HTTP_X_AMZ_DATE"]
    told = auth.string_to_sign(request, auth.canonical_request(request))
    return given.endswith(f"Signature={auth.signature(told, request)}")


@contextmanager
def serving() -> Iterator[Server]:
    """Start one that is this process' own S3, with its credentials."""
    server = Server()
    set_here = pytest.MonkeyPatch()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        set_here.delenv(name)
    set_here.setenv("AWS_ENDPOINT_URL", server.url)
    set_here.setenv("AWS_ACCESS_KEY_ID", "someone")
    set_here.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    set_here.setenv("AWS_REGION", "us-east-1")
    set_here.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("kit.bucket_clients", "bossflow.kit.bucket_clients"):  # tasks', and the package's
        if clients := sys.modules.get(name):
            clients.client.cache_clear()  # of another server
    try:
        yield server
    finally:
        set_here.undo()
        server.server.shutdown()


@pytest.fixture(scope="module")
def started() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture
def server(started: Server) -> Iterator[Server]:
    yield started
    started.answer = lambda method, path: None
    started.ignored.clear()
    started.owner = None


@pytest.fixture
def store(server: Server, tmp_path: Path) -> Path:
    """Return the path that stands for a store of this test alone."""
    return buckets.local(f"s3://{BUCKET}/{tmp_path.name.replace('_', '-')}/store")


# ---- the workflow, with the store in a bucket ----


def objects(store: str) -> set[str]:
    """Return the names of all objects in a store, but its id and the word that RECORD leaves."""
    path = buckets.local(store)
    names = {found.relative_to(path).as_posix() for found in buckets.below(path)}
    return {
        name
        for name in names
        if not name.startswith((store_ids.STORE_FILE, recorded_marks.DIRECTORY))
    }


# ---- a program and the bucket ----


def line(number: int = 1, **arguments: Any) -> dict[str, Any]:
    return {
        "unit_id": digests.unit_id("TEST", {"block": str(number)}),
        "process": "TEST",
        "key": {"block": str(number)},
        "arguments": arguments,
        "settings": {},
        "inputs": [],
    }


def write(unit: Unit, bundle: Bundle) -> None:
    (bundle.directory / "data").write_bytes(b"data of " + unit.key["block"].encode())
    (bundle.directory / "more").mkdir()
    (bundle.directory / "more" / "large").write_bytes(bytes(range(256)) * 2**16)
    bundle.attributes["n"] = 1


def run(store: Path, given: dict[str, Any], work: units.Work = write) -> dict[str, Any]:
    header = {"store": locations.url(store), "run_id": "0" * 16, "code": "c"}
    return tasks.run_unit(work, given, header, {})


def made(store: Path, given: dict[str, Any], work: units.Work = write) -> bundles.Finished:
    receipt = run(store, given, work)
    assert receipt["state"] == "made", receipt
    return bundles.read(locations.local(receipt["url"]))
