"""The page of a run with its pictures: a place for each becomes what was painted."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from typing import Any

PLACE = re.compile(r'<img src="picture:(\d+)" alt="([^"]*)"([^>]*)>')


def filled(html: str, pictures: list[dict[str, Any]]) -> str:
    """Return a page with its pictures; where one can't be painted, with a sentence that says why.

    Parameters
    ----------
    html : str
        With `picture:N` as the address of picture N.
    pictures : list of dict
        As `voxels.pictures.draw` takes them.

    Raises
    ------
    ImportError
        If the package that paints is not installed.
    """
    from .pictures import draw

    elements = [_element(draw, asked) for asked in pictures]
    return PLACE.sub(lambda found: elements[int(found[1])](found), html)


def _element(
    draw: Callable[[dict[str, Any]], Any], asked: dict[str, Any]
) -> Callable[[re.Match[str]], str]:
    """Return what makes an element of the place of a picture."""
    try:
        picture = draw(asked)
    except Exception as error:  # of any library: the rest of the page holds
        why = escape(f"it could not be painted: {error}")
        return lambda found: f'<p class="soft">{found[2]} ({why})</p>'
    note = f'<p class="soft">{escape(picture.note)}</p>' if picture.note else ""
    return lambda found: f'<img src="{picture.uri}" alt="{found[2]}"{found[3]}>{note}'
