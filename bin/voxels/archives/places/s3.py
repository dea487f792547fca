"""How sources in S3 are reached: as BOSSFLOW_SOURCE_AWS_... says, else as AWS_... says.

Destinations, to which volumes are transferred, have BOSSFLOW_DEST_AWS_... of their own. So both may
be another account's than the store's, or lie at another server. tensorstore takes no
credentials as such, only files that hold them: here a file in memory.
"""

from __future__ import annotations

import atexit
import configparser
import contextlib
import os
import re
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from .. import Refused, spelled


class Owner(NamedTuple):
    """Whose server and credentials: the start of the variables' names, and what has them."""

    prefix: str
    what: str

    def name(self, word: str) -> str:
        """Return the variable that says what one of Amazon's says."""
        return f"{self.prefix}AWS_{word}"

    @property
    def names(self) -> tuple[str, ...]:
        """All variables."""
        return tuple(map(self.name, _WORDS))


_WORDS = (
    *("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"),
    *("PROFILE", "NO_SIGN_REQUEST", "ENDPOINT_URL", "REGION"),
)
SOURCES = Owner("BOSSFLOW_SOURCE_", "sources")
DESTINATIONS = Owner("BOSSFLOW_DEST_", "destinations")
KEY, SECRET, SESSION, PROFILE, UNSIGNED, ENDPOINT, REGION = SOURCES.names

_ADDRESS = re.compile(r"https?://[^\s/@?#\\]+(/[^\s@?#\\]*)?", re.IGNORECASE)
_AMAZON = re.compile(r"https?://s3(\.[a-z0-9-]+)?\.amazonaws\.com/?", re.IGNORECASE)


def address_of(place: str) -> str:
    """Return the address of another S3 than Amazon's that a place of sources lies in, if one."""
    return address() if place.startswith("s3://") else ""


def archive_of(place: str) -> str:
    """Return what a place of sources lies in: host and port, `s3`, `gs` or `file`."""
    parts = urlsplit(place)
    named = parts.scheme if parts.scheme in ("file", "gs", "s3") else parts.netloc
    return spelled(address_of(place)) or named


@contextlib.contextmanager
def as_of_store(is_one: bool = True) -> Iterator[None]:
    """Leave out what sources have of their own while a store is opened, if it is one."""
    names = [name for name in os.environ if is_one and name.startswith(SOURCES.prefix)]
    kept = {name: os.environ.pop(name) for name in names}
    try:
        yield
    finally:
        os.environ.update(kept)


def address(own: Owner = SOURCES) -> str:
    """Return the address of the S3 that sources are in; empty for Amazon's.

    Raises
    ------
    Refused
        If it is malformed.
    """
    endpoint = own.name("ENDPOINT_URL")
    names = (endpoint, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
    name = next(filter(_first, names), "")
    url = _first(name)
    if url and not (_ADDRESS.fullmatch(url) and spelled(url)):
        # Not shown: a password may be in it.
        raise Refused(
            f"{name} is no address of an S3 server: set it to one like https://minio.my-lab.org, "
            "without user and password"
        )
    # Where the store's address is another one, Amazon's has to be named.
    return "" if name == endpoint and _AMAZON.fullmatch(url) else url


def access() -> dict[str, Any]:
    """Return tensorstore's words for server and credentials; no secret is among them.

    Raises
    ------
    Refused
        If the environment's are malformed, or only half of them is there.
    """
    _refuse_malformed()
    spec: dict[str, Any] = {}
    if endpoint := address():
        region = _first(REGION, "AWS_REGION", "AWS_DEFAULT_REGION") or "us-east-1"
        spec |= {"endpoint": endpoint, "aws_region": region}
    if _first(KEY):
        file = _held(
            f"[default]\naws_access_key_id={_first(KEY)}\naws_secret_access_key={_first(SECRET)}\n"
            + (f"aws_session_token={_first(SESSION)}\n" if _first(SESSION) else "")
        )
        # The user's configuration may say more of a profile of that name.
        spec["aws_credentials"] = _profile("default", file, file)
    elif _first(PROFILE):
        spec["aws_credentials"] = _profile(
            _first(PROFILE),
            _first("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials",
            _first("AWS_CONFIG_FILE") or "~/.aws/config",
        )
    elif _is_unsigned():
        spec["aws_credentials"] = {"type": "anonymous"}
    elif _first("AWS_PROFILE"):
        # tensorstore does not look for it
        spec["aws_credentials"] = {"type": "default", "profile": _first("AWS_PROFILE")}
    return spec


def client(bucket: str, own: Owner = SOURCES) -> dict[str, Any]:
    """Return what obstore's `S3Store` takes to list a bucket: server and credentials.

    Nothing is left to it: of itself, it takes the store's server, keys and session token.

    Raises
    ------
    Refused
        As `access`.
    """
    _refuse_malformed(own)
    key, secret, session, of_profile, _, _, of_region = own.names
    region = _first(of_region, "AWS_REGION", "AWS_DEFAULT_REGION")
    endpoint = address(own)
    if endpoint:
        region = region or "us-east-1"
    else:
        region = _first(of_region) or _region(bucket)
        endpoint = f"https://s3.{region}.amazonaws.com"
    config: dict[str, Any] = {"endpoint": endpoint, "region": region}
    names = {"access_key_id": key, "secret_access_key": secret, "token": session}
    if not _first(key):
        names = {word: name.removeprefix(own.prefix) for word, name in names.items()}
    profile = _first(of_profile) or (not _first(key) and _first("AWS_PROFILE"))
    if profile:
        keys = _keys_of_profile(profile)
    elif _is_unsigned(own):
        keys = {}
    else:
        keys = {word: _first(name) for word, name in names.items()}
    if keys.get("access_key_id"):
        keys = {"token": None, "expires_at": None} | {
            word: value for word, value in keys.items() if value
        }
        return {"config": config, "credential_provider": lambda: keys}
    writes = own is DESTINATIONS and not _is_unsigned(own)  # which nobody may without a name
    if writes and _first(of_profile):
        raise Refused(f"{of_profile} names a profile that has no keys in Amazon's credentials file")
    if not writes and (_first(of_profile) or _is_unsigned(own) or not (profile or _has_role())):
        config["skip_signature"] = True
    return {"config": config}


@cache
def _region(bucket: str) -> str:
    """Return where one of Amazon's buckets is, which anyone is told."""
    asked = urllib.request.Request(f"https://{bucket}.s3.amazonaws.com", method="HEAD")
    try:
        with urllib.request.urlopen(asked, timeout=10) as answer:
            headers = answer.headers
    except urllib.error.HTTPError as error:  # of a bucket that is not for anyone
        headers = error.headers
    except OSError:
        return "us-east-1"
    return str(headers.get("x-amz-bucket-region", "us-east-1"))


def _has_role() -> bool:
    names = ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
    return bool(_first(*names, "AWS_CONTAINER_CREDENTIALS_FULL_URI"))


def _keys_of_profile(name: str) -> dict[str, Any]:
    file = _first("AWS_SHARED_CREDENTIALS_FILE") or os.path.expanduser("~/.aws/credentials")
    profiles = configparser.RawConfigParser()
    with contextlib.suppress(configparser.Error, OSError):
        profiles.read(file)
    keys = dict(profiles[name]) if profiles.has_section(name) else {}
    names = {"access_key_id": "access_key_id", "secret_access_key": "secret_access_key"}
    names |= {"token": "session_token"}
    return {word: keys[f"aws_{name}"] for word, name in names.items() if f"aws_{name}" in keys}


def _profile(name: str, credentials: str, config: str) -> dict[str, str]:
    # tensorstore finds neither file by itself
    files = {"credentials_file": credentials, "config_file": config}
    paths = {kind: os.path.expanduser(path) for kind, path in files.items()}
    return {"type": "profile", "profile": name} | paths


def _first(*names: str) -> str:
    """Return the first of some variables that is set and not empty."""
    return next(filter(None, (os.environ.get(name, "").strip() for name in names)), "")


def _is_unsigned(own: Owner = SOURCES) -> bool:
    name = own.name("NO_SIGN_REQUEST")
    value = _first(name).lower()
    if value not in ("", "0", "1", "false", "true", "no", "yes"):
        raise Refused(f"{name} must be true or false")
    return value in ("1", "true", "yes")


def _refuse_malformed(own: Owner = SOURCES) -> None:
    key, secret, session, profile, unsigned, *_ = own.names
    for name in sorted(name for name in os.environ if name.startswith(own.prefix)):
        if name not in own.names:
            raise Refused(f"{name} is not known: {own.what} have {', '.join(own.names)}")
        if not re.fullmatch("[!-~]*", _first(name)):
            raise Refused(f"{name} must be one word, of printable ASCII")
    for name, other in ((key, secret), (secret, key), (session, key)):
        if _first(name) and not _first(other):
            raise Refused(f"{name} is set, but {other} is not: set both or neither")
    ways = [key] * bool(_first(key)) + [profile] * bool(_first(profile))
    ways += [unsigned] * _is_unsigned(own)
    if len(ways) > 1:
        raise Refused(f"{' and '.join(ways)} are set: set one of them")


@cache
def _held(text: str) -> str:
    """Return the path of a file that holds a text as long as this process lives."""
    if sys.platform == "linux":
        file, path = os.memfd_create("credentials"), ""
    else:
        file, path = tempfile.mkstemp()
        atexit.register(os.unlink, path)
    with open(file, "w", encoding="ascii", closefd=bool(path)) as stream:
        stream.write(text)
    return path or f"/proc/self/fd/{file}"
