"""What a failed request to BossDB means: whether to ask again, and what to say."""

from __future__ import annotations

import time
from email.utils import mktime_tz, parsedate_tz

import requests

from .. import Refused, Unreachable
from .patience import Limits

# The Boss's own codes of errors: some of them pass, whatever the status says.
PASSING = (5000, 9001)
MARKED_FOR_DELETION = 4005
PUBLIC = "public"
"""Sent where there is no token."""

spent: set[tuple[str, str]] = set()
"""Hosts, and what they know the user by, that send no voxels before a day or a month has passed."""


def judged(
    error: requests.RequestException, what: str, host: str, limits: Limits
) -> Refused | Unreachable:
    """Return what a failed request means, in words that hold neither headers nor bodies."""
    if error.response is None:
        return Unreachable(f"{host} can't be reached for {what}: {_reason(error, limits)}")
    status = error.response.status_code
    code, message = _told(error.response)
    sent = str(error.response.request.headers.get("Authorization"))
    if status in (401, 403):
        if sent == f"Token {PUBLIC}":
            return Refused(
                f"{host} refuses {what} to those without a token: set BOSSDB_TOKEN to one that may "
                "read it, and run again"
            )
        return Refused(
            f"{host} refuses the token for {what}: set BOSSDB_TOKEN to one that may read it (this "
            "one may have expired), and run again; if the data are public, try without (unset "
            "BOSSDB_TOKEN)"
        )
    if code == MARKED_FOR_DELETION:
        return Refused(f"{host} has no {what} any more: it is marked for deletion")
    seconds = _retry_after(error.response.headers.get("Retry-After", ""))
    if status == 429 and not seconds and "Expected available" in message:
        spent.add((host, sent))
        return over_limit(what, host)
    if status == 404 and code not in PASSING:
        return Refused(f"{host} has no {what}")
    if status not in (408, 429) and status < 500 and code not in PASSING:
        return Refused(f"{host} refuses {what}: it answers with status {status}")
    later = f" and asks to come back in {seconds:.0f} s" if seconds else ""
    return Unreachable(f"{host} answers {what} with status {status}{later}", seconds)


def _told(response: requests.Response) -> tuple[int, str]:
    """Return code and message of an error, as the Boss words them."""
    try:
        told = response.json() if len(response.content) < 2**16 else {}
        return int(told.get("code", 0)), str(told.get("message") or told.get("detail"))
    except (ValueError, ArithmeticError, TypeError, AttributeError, RecursionError):
        return 0, ""


def over_limit(what: str, host: str) -> Refused:
    """Return what to say where nothing more is sent for a while."""
    return Refused(
        f"{host} does not send {what}: the monthly limit of what it sends is reached, by this user "
        "or by all, so asking again does not help; run again when it sends again, what is recorded "
        "is kept"
    )


def _reason(error: BaseException, limits: Limits) -> str:
    """Return why there was no answer, in a few words."""
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not accepted"
    if isinstance(error, requests.ConnectTimeout):
        return f"no connection within {limits.connect:g} s"
    links: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in links:
        links.append(link)
        link = link.__cause__ or link.__context__
    if isinstance(error, requests.Timeout) or any(isinstance(link, TimeoutError) for link in links):
        return f"no answer within {limits.silence:g} s"
    for link in links:
        if isinstance(link, OSError) and link.strerror:
            return link.strerror.lower()
    return "the connection broke"


def _retry_after(header: str) -> float:
    """Return the seconds that a Retry-After header asks for; 0 if it asks for nothing."""
    try:
        if header.strip().isdecimal():
            return float(header)
        date = parsedate_tz(header)
        return max(0.0, mktime_tz(date) - time.time()) if date else 0.0
    except (ValueError, OverflowError):
        return 0.0
