"""Tags of images, by the word of a registry here that asks as the public ones do."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tools.asked import described
from tools.registries import by_digest, parsed, resolved

DIGEST = f"sha256:{'1a' * 32}"


class Registry(BaseHTTPRequestHandler):
    """Tells a digest of `lab/tool:2` to whoever fetched a token for it."""

    def do_HEAD(self) -> None:
        if self.headers.get("Authorization") != "Bearer open":
            realm = (
                f'Bearer realm="http://127.0.0.1:{self.server.server_port}/token",service="here"'
            )
            self.answer(401, {"WWW-Authenticate": realm})
        elif self.path == "/v2/lab/tool/manifests/2" and "index" in self.headers["Accept"]:
            self.answer(200, {"Docker-Content-Digest": DIGEST})
        else:
            self.answer(404, {})

    def do_GET(self) -> None:
        assert (
            self.path.startswith("/token?scope=repository%3Alab%2F") and "service=here" in self.path
        )
        self.answer(200, {}, json.dumps({"token": "open"}).encode())

    def answer(self, status: int, headers: dict[str, str], text: bytes = b"") -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def registry() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with server:
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_tag_is_what_its_registry_says_now(registry: str) -> None:
    assert resolved(f"{registry}/lab/tool:2") == DIGEST
    with pytest.raises(ValueError, match="its registry answers 404, as to what is not there"):
        resolved(f"{registry}/lab/tool:3")


def test_a_registry_that_does_not_answer_is_told_in_a_sentence() -> None:
    tool = {"engine": "apptainer", "image": "", "digest": "", "tag": "127.0.0.1:1/lab/tool:2"}
    with pytest.raises(ValueError, match=r"lab/tool:2: its registry can't be reached \(.*refused"):
        described([], tool, "/")


@pytest.mark.parametrize(
    ("name", "parts", "exact"),
    [
        ("alpine", ("registry-1.docker.io", "library/alpine", "latest"), "alpine@"),
        ("nipreps/fmriprep:25.0.0", ("registry-1.docker.io", "nipreps/fmriprep", "25.0.0"), None),
        ("ghcr.io/owner/a/tool:1", ("ghcr.io", "owner/a/tool", "1"), "ghcr.io/owner/a/tool@"),
        (
            "docker.io/nipreps/fmriprep:25.0.0",
            ("registry-1.docker.io", "nipreps/fmriprep", "25.0.0"),
            "docker.io/nipreps/fmriprep@",
        ),
        ("127.0.0.1:5000/tool", ("127.0.0.1:5000", "tool", "latest"), "127.0.0.1:5000/tool@"),
    ],
)
def test_names_are_read_as_docker_reads_them(
    name: str, parts: tuple[str, str, str], exact: str | None
) -> None:
    assert parsed(name) == parts
    assert by_digest(name, DIGEST) == f"{exact or 'nipreps/fmriprep@'}{DIGEST}"


@pytest.mark.parametrize("name", ["", "-v", "a b", "http://x/y", "a:b:c"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no name of an image"):
        parsed(name)
