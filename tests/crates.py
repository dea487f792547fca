"""RO-Crates as the field's validator sees them, which gets RO-Crate's context here."""

import io
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import requests
import urllib3

_LIBRARY = find_spec("rocrate")
assert _LIBRARY and _LIBRARY.origin
CONTEXT = Path(_LIBRARY.origin).parent / "data" / "ro-crate.jsonld"
"""As rocrate 0.13 ships it, the last one with that of RO-Crate 1.1."""


class _Shipped(requests.adapters.HTTPAdapter):
    def send(self, request: Any, *_: Any, **__: Any) -> requests.Response:
        headers = {"Content-Type": "application/ld+json"}
        body = io.BytesIO(CONTEXT.read_bytes())
        answer = urllib3.HTTPResponse(body, headers, 200, preload_content=False)
        return self.build_response(request, answer)


def problems(crate: Path, cache: Path) -> list[str]:
    """Return what the REQUIRED checks of Provenance Run Crate 0.5 find."""
    from requests_cache import CachedSession
    from rocrate_validator import models, services

    with CachedSession(str(cache), expire_after=-1, backend="sqlite") as session:
        session.mount("https://", _Shipped())
        assert session.get("https://w3id.org/ro/crate/1.1/context").ok
    settings = services.ValidationSettings(
        rocrate_uri=str(crate),
        profile_identifier="provenance-run-crate",
        requirement_severity=models.Severity.REQUIRED,
        offline=True,
        cache_path=str(cache),
    )
    result = services.validate(settings)
    return [f"{one.check.identifier} {one.message}" for one in result.get_issues()]
