"""What passes is tried again."""

import sys
from collections.abc import Callable
from typing import TypeVar

from . import limits, session
from .chosen import server
from .errors import DatabaseError, Unreachable

T = TypeVar("T")


def again(function: Callable[[], T], reached: bool = False) -> T:
    """Call a function, and call it again after what passes, for two minutes at most.

    That is a lost connection, a deadlock, a lock that someone else holds, a server that restarts
    or has no connection left.

    Parameters
    ----------
    function : callable
        What it writes must be one transaction, and it must see what is written already: a
        connection may be lost when the commit was done but not confirmed.
    reached : bool
        The server was reached with these settings before, in another program of this run. Else one
        that can't be reached is a user's mistake, unless this program has reached it.

    Raises
    ------
    DatabaseError
        If it did not pass, or the database's disk is full.
    """
    import tenacity  # with asyncio

    from . import refusals

    def passes(error: BaseException) -> bool:
        if isinstance(error, Unreachable) and not (reached or session.is_reached()):
            return False
        return refusals.passes(error)

    def say(state: tenacity.RetryCallState) -> None:
        error = state.outcome and state.outcome.exception()
        said = refusals.said(error or Exception())
        print(f"note: trying again: {said}", file=sys.stderr, flush=True)

    attempts = tenacity.Retrying(
        retry=tenacity.retry_if_exception(passes),
        wait=tenacity.wait_random_exponential(multiplier=0.2, max=10),
        stop=tenacity.stop_after_delay(limits.AGAIN_SECONDS),
        before_sleep=say,
        reraise=True,
    )
    where = server().told
    try:
        return attempts(function)
    except Exception as error:
        said = refusals.said(error)
        if refusals.is_full(error):
            raise DatabaseError(
                f"the disk of database {where} is full ({said}): make room there, and run "
                "the same command again"
            ) from error
        if not passes(error):
            raise
        raise DatabaseError(
            f"database {where} did not do it in {limits.AGAIN_SECONDS} s ({said}): what was "
            "recorded is safe; run the same command again when it works"
        ) from error
