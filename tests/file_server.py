"""A server of files, that can be told to misbehave."""

import functools
import hashlib
import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from voxels.archives.places import kvstores

Answer = tuple[int, dict[str, str], bytes]


class Server:
    """Serves a directory; `answer` may take over: it gets a path and returns status and body."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()
        self.asked: list[str] = []
        self.headers: list[str] = []
        self.answer: Callable[[str], Answer | None] = lambda path: None
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # else each answer's body waits 40 ms for its headers

            def do_GET(self) -> None:
                outer.asked.append(self.path)
                outer.headers.append(str(self.headers))
                told = outer.answer(self.path) or outer.file(self.path, self.headers["Range"])
                self.send_response(told[0])
                for name, value in told[1].items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(told[2])))
                if "ETag" not in told[1]:  # S3 needs one
                    self.send_header("ETag", _tag(told[2]))
                self.end_headers()
                self.wfile.write(told[2])

            def log_message(self, *_: Any) -> None:
                pass

        class Listener(http.server.ThreadingHTTPServer):
            request_queue_size = 128

        self.server = Listener(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        serve = functools.partial(self.server.serve_forever, poll_interval=0.01)
        threading.Thread(target=serve, daemon=True).start()

    def file(self, path: str, wanted: str | None) -> Answer:
        """Answer with a file, or a range of it."""
        file = self.directory / path.lstrip("/")
        if not file.is_file():
            return 404, {}, b""
        content = file.read_bytes()
        tag = {"ETag": _tag(content)}  # of the file, whatever is asked of it
        if not wanted:
            return 200, tag, content
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        start = int(first) if first else len(content) - int(last)
        end = min(int(last) + 1, len(content)) if first and last else len(content)
        where = {"Content-Range": f"bytes {start}-{end - 1}/{len(content)}"}
        return 206, tag | where, content[start:end]

    def over_http(self, uri: str) -> str:
        path = uri.partition("file://")[2]
        inside = Path(path).relative_to(self.directory)
        return f"{uri.partition('://')[0]}://http://{self.host}/{inside}"


def _tag(content: bytes) -> str:
    return f'"{hashlib.md5(content).hexdigest()}"'


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("METADATA_LIMITS", "VOXEL_LIMITS"):
        monkeypatch.setattr(kvstores, name, kvstores.Limits(20, 2, "20ms", "10ms"))
    started = Server(tmp_path)
    yield started
    started.server.shutdown()
    started.server.server_close()
