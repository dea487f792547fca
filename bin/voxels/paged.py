"""The page of a run with its pictures: a place for each becomes what was painted."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from html import escape
from typing import Any

PLACE = re.compile(r'<img src="picture:(\d+)" alt="([^"]*)"([^>]*)>')

SECONDS = 20.0
SIGNS, BYTES = 2_200_000, 2_900_000
"""How much of a page pictures may be, the others are left out; and with all else that it says."""


def filled(html: str, pictures: list[dict[str, Any]], seconds: float = SECONDS) -> str:
    """Return a page with its pictures; where one can't be painted, with a sentence that says why.

    Parameters
    ----------
    html : str
        With `picture:N` as the address of picture N.
    pictures : list of dict
        As `voxels.pictures.draw` takes them.
    seconds : float
        After these a picture is given up: an archive that does not answer may not hold up the end
        of a run.

    Raises
    ------
    ImportError
        If the package that paints is not installed.
    """
    from .pictures import draw

    elements, left = [], min(SIGNS, BYTES - len(html.encode()))
    for asked in pictures:
        made, size = _element(lambda one: _in_time(draw, one, seconds), asked, left)
        elements.append(made)
        left -= size
    return PLACE.sub(lambda found: elements[int(found[1])](found), html)


def _element(
    draw: Callable[[dict[str, Any]], Any], asked: dict[str, Any], left: int
) -> tuple[Callable[[re.Match[str]], str], int]:
    """Return what makes an element of the place of a picture, and how much of the page it is."""
    try:
        picture = draw(asked)
        if len(picture.uri) > left:
            raise ValueError("the page would be too large")
    except Exception as error:  # of any library: the rest of the page holds
        why = escape(f"it could not be painted: {error}")
        return lambda found: f'<p class="soft">{found[2]} ({why})</p>', 0
    note = f'<p class="soft">{escape(picture.note)}</p>' if picture.note else ""
    element = lambda found: f'<img src="{picture.uri}" alt="{found[2]}"{found[3]}>{note}'  # noqa: E731
    return element, len(picture.uri)


def _in_time(draw: Callable[[dict[str, Any]], Any], asked: dict[str, Any], seconds: float) -> Any:
    """Return a picture, or fail when the time is over, whatever is waited for."""

    def over(*_: Any) -> None:
        raise TimeoutError(f"its volume was not read within {seconds:g} s")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1)  # again, where it is taken for another's
    try:
        return draw(asked)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
