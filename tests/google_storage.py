"""Google's storage on loopback: its XML interface is S3's own (moto's server), JSON is put before.

obstore speaks the one, tensorstore the other. What both need more than S3 has are generations of
objects, which stand for conditional writes.
"""

import json
import re
import threading
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs, quote, unquote

import requests
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

_OBJECTS = re.compile(r"/storage/v1/b/([^/]+)/o(?:/([^?]+))?")
_SOMEONE = (
    "AWS4-HMAC-SHA256 Credential=someone/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, "
    "Signature=0"
)
"""Who wrote an object may write it again."""


class Google:
    """A server with one bucket; `environment` has clients ask it."""

    def __init__(self, bucket: str) -> None:
        app = DomainDispatcherApplication(create_backend_app)
        self.bucket = bucket
        self.denied = False
        self.asked: list[tuple[str, str]] = []

        def answered(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            self.asked.append((environ["REQUEST_METHOD"], environ["REQUEST_URI"]))
            if self.denied:
                start_response("403 Forbidden", [("Content-Length", "0")])
                return [b""]
            if environ.get("HTTP_X_GOOG_IF_GENERATION_MATCH") == "0":
                environ["HTTP_IF_NONE_MATCH"] = "*"
            found = _OBJECTS.match(environ["REQUEST_URI"])
            if found:
                return self._as_json(found, environ, start_response)
            environ["HTTP_AUTHORIZATION"] = _SOMEONE
            for name in ("REQUEST_URI", "RAW_URI"):  # S3 has each `/` of a name as it is
                environ[name] = environ[name].replace("%2F", "/")
            return app(environ, start_response)  # type: ignore[no-any-return]

        self.server = make_server("127.0.0.1", 0, answered, threaded=True)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        requests.put(f"{self.url}/{bucket}").raise_for_status()
        account = dict.fromkeys(("private_key", "private_key_id", "client_email"), "")
        account |= {"gcs_base_url": self.url, "disable_oauth": True}  # as emulators have it
        self.environment = {
            "GOOGLE_BASE_URL": self.url,
            "GOOGLE_SERVICE_ACCOUNT_KEY": json.dumps(account),
            "TENSORSTORE_GCS_HTTP_URL": self.url,
        }

    def _as_json(
        self, found: "re.Match[str]", environ: dict[str, Any], start_response: Any
    ) -> Iterable[bytes]:
        """Answer what tensorstore asks: an object's bytes, or the names below a prefix."""
        bucket, name = found.groups()
        if name:
            headers = {"Range": environ["HTTP_RANGE"]} if "HTTP_RANGE" in environ else {}
            there = requests.get(f"{self.url}/{bucket}/{quote(unquote(name))}", headers=headers)
            told = [("x-goog-generation", "1"), ("Content-Length", str(len(there.content)))]
            told += [
                (key, there.headers[key]) for key in ("Content-Range",) if key in there.headers
            ]
            start_response(f"{there.status_code} {there.reason}", told)
            return [there.content]
        asked = parse_qs(environ["QUERY_STRING"])
        prefix = asked.get("prefix", [""])[0]
        listed = requests.get(f"{self.url}/{bucket}", params={"list-type": 2, "prefix": prefix})
        names = re.findall("<Key>(.*?)</Key>", listed.text)
        content = json.dumps({"items": [{"name": one, "size": "0"} for one in names]}).encode()
        start_response("200 OK", [("Content-Length", str(len(content)))])
        return [content]
