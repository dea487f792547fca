"""What the user says of BossDB: channel, host and token, in the one form that each has."""

from __future__ import annotations

import re

from .. import Refused, brief

_NAME = r"[A-Za-z0-9_-]+"
_URI = re.compile(rf"bossdb://({_NAME})/({_NAME})/({_NAME})")
_HOST = re.compile(r"(https?)://([^\s/@?#]+[^\s@?#]*?)/*")


def names_of(uri: str) -> tuple[str, str, str]:
    """Return collection, experiment and channel."""
    match = _URI.fullmatch(uri)
    if not match:
        raise Refused(
            f"source {brief(uri)} is malformed: write bossdb://collection/experiment/channel"
        )
    collection, experiment, channel = match.groups()
    return collection, experiment, channel


def host_of(host: str) -> tuple[str, str]:
    """Return protocol and address."""
    match = _HOST.fullmatch(host)
    if not match:
        raise malformed_host(host)
    protocol, address = match.groups()
    return protocol, address


def malformed_host(host: str) -> Refused:
    """Return what to say of a host that can't be one."""
    return Refused(
        f"bossdb_host {brief(host)} is malformed: write http:// or https://, a name and, where "
        "needed, a port"
    )


def checked_token(token: str) -> str:
    """Return the token if a header can hold it; the error must not show it."""
    if not re.fullmatch(r"[!-~]+", token):
        raise Refused("BOSSDB_TOKEN is malformed: a token is one word of ASCII characters")
    return token
