"""What the tag of an image stands for now, by the word of its registry."""

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

SECONDS = 30
ACCEPTED = ", ".join(
    f"application/vnd.{kind}+json"
    for kind in (
        "oci.image.index.v1",
        "docker.distribution.manifest.list.v2",
        "oci.image.manifest.v1",
        "docker.distribution.manifest.v2",
    )
)
_NAME = re.compile(r"\w[\w.-]*(:\d+)?(/[\w.-]+)*(:[\w.-]+)?", re.ASCII)


def resolved(name: str) -> str:
    """Return the digest that an image's tag stands for, such as `sha256:…`.

    Parameters
    ----------
    name : str
        As docker takes it: `alpine:3.20`, `ghcr.io/owner/tool`, `127.0.0.1:5000/tool:1`.

    Raises
    ------
    ValueError
        If the registry does not know it, or can't be asked without credentials.
    OSError
        If it can't be reached.
    """
    host, path, tag = parsed(name)
    scheme = "http" if re.match(r"(localhost|127\.0\.0\.1)(:|$)", host) else "https"
    address = f"{scheme}://{host}/v2/{path}/manifests/{tag}"
    try:
        digest = _digest(address, None)
    except urllib.error.HTTPError as error:
        asked = error.headers.get("WWW-Authenticate", "")
        if error.code != 401 or not asked.lower().startswith("bearer "):
            raise ValueError(f"image {name}: its registry answers {error.code}") from None
        try:
            digest = _digest(address, _token(asked, path))
        except urllib.error.HTTPError as again:
            raise ValueError(
                f"image {name}: its registry answers {again.code}, as to what is not there, or not "
                "public: give it with its digest, NAME@sha256:…, or as a .sif file"
            ) from None
    if not digest or not re.fullmatch("sha256:[0-9a-f]{64}", digest):
        raise ValueError(f"image {name}: its registry tells no digest")
    return digest


def parsed(name: str) -> tuple[str, str, str]:
    """Return host, path and tag of an image's name, with what docker fills in.

    Raises
    ------
    ValueError
        If it is no name of an image.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"image {name} is no name of an image, such as alpine:3.20")
    first, _, rest = name.partition("/")
    if rest and ("." in first or ":" in first or first == "localhost"):
        path, host = rest, first
        if host in ("docker.io", "index.docker.io"):  # which are names of the same
            host = "registry-1.docker.io"
    else:
        path, host = name, "registry-1.docker.io"
    path, _, tag = path.partition(":")
    if host == "registry-1.docker.io" and "/" not in path:
        path = f"library/{path}"
    return host, path, tag or "latest"


def by_digest(name: str, digest: str) -> str:
    """Return an image's name with a digest in place of its tag."""
    host_and_path, colon, tag = name.rpartition(":")
    return f"{host_and_path if colon and '/' not in tag else name}@{digest}"


def _digest(address: str, token: str | None) -> str | None:
    headers = {"Accept": ACCEPTED} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(address, headers=headers, method="HEAD")
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        digest: str | None = answer.headers.get("Docker-Content-Digest")
    return digest


def _token(asked: str, path: str) -> str:
    """Return what a registry takes for who asks nobody, as it asks for it."""
    told = dict(re.findall(r'(\w+)="([^"]*)"', asked))
    query = {"scope": f"repository:{path}:pull"}
    query |= {"service": told["service"]} if "service" in told else {}
    address = f"{told['realm']}?{urllib.parse.urlencode(query)}"
    if not address.startswith(("https://", "http://127.0.0.1")):
        raise ValueError(f"a registry names {told['realm']}, which is no address of https")
    with urllib.request.urlopen(address, timeout=SECONDS) as answer:
        given: dict[str, Any] = json.load(answer)
    return str(given.get("token") or given["access_token"])
