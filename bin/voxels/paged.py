"""The page of a run with its pictures: a place for each becomes what was painted."""

from __future__ import annotations

import contextlib
import re
import signal
from collections.abc import Callable, Iterator
from html import escape
from typing import Any

PLACE = re.compile(r'<img src="picture:(\d+)" alt="([^"]*)"([^>]*)>')

SIGNS = 2_200_000
"""How much of a page pictures may be; the others are left out."""


def filled(html: str, pictures: list[dict[str, Any]], seconds: float = 0) -> str:
    """Return a page with its pictures; where one can't be painted, with a sentence that says why.

    Parameters
    ----------
    html : str
        With `picture:N` as the address of picture N.
    pictures : list of dict
        As `voxels.pictures.draw` takes them.
    seconds : float
        After these, what is not painted yet is given up, such as where an archive does not answer;
        0 for no limit.

    Raises
    ------
    ImportError
        If the package that paints is not installed.
    """
    from .pictures import draw

    elements, left = [], SIGNS
    with _no_longer_than(seconds) as limited:
        for asked in pictures:
            made, size = _element(limited(draw), asked, left)
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


@contextlib.contextmanager
def _no_longer_than(seconds: float) -> Iterator[Callable[[Any], Any]]:
    """Yield what makes a function one that fails once the time is over, whatever it waits for."""
    inside = False

    def over(*_: Any) -> None:
        if inside:
            raise TimeoutError(f"its volume was not read within {seconds:g} s")

    def limited(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def called(given: Any) -> Any:
            nonlocal inside
            inside = True
            try:
                return function(given)
            finally:
                inside = False

        return called

    if not seconds:
        yield lambda function: function
        return
    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds, 0.1)  # again and again: what comes later, too
    try:
        yield limited
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
