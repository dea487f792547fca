"""HTML as elements, not text: what users wrote can't become markup."""

from typing import Any
from xml.etree import ElementTree

from .style import CSS

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def element(tag: str, *inside: Any, **attributes: Any) -> ElementTree.Element:
    """Return an element of HTML or SVG.

    Parameters
    ----------
    tag : str
    *inside : Element, list, or anything else
        What it holds: elements, lists of what it holds, texts of anything else. None is nothing.
    **attributes
        A line at a name's end is left out, and others are dashes: `class_`, `stroke_width`.
        None is none.
    """
    given = {
        name.rstrip("_").replace("_", "-"): printable(str(value))
        for name, value in attributes.items()
        if value is not None
    }
    made = ElementTree.Element(tag, given)
    _fill(made, inside)
    return made


def _fill(made: ElementTree.Element, inside: Any) -> None:
    for one in inside:
        if isinstance(one, ElementTree.Element):
            made.append(one)
        elif isinstance(one, (list, tuple)):
            _fill(made, one)
        elif one is not None:
            text = printable(str(one))
            if len(made):
                made[-1].tail = (made[-1].tail or "") + text
            else:
                made.text = (made.text or "") + text


def printable(text: str) -> str:
    """Return a text with what can't be printed as Python writes it; ends of lines stay."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one == "\n" else ascii(one)[1:-1] for one in text)


def whole(title: str, skip: str, *inside: Any) -> str:
    """Return a page as text, which asks nobody and runs no script.

    Parameters
    ----------
    title : str
    skip : str
        What the link to the element `main` says.
    *inside : Element or list
        What it shows.
    """
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("title", title),
        element("link", rel="icon", href="data:,"),
        element("style", CSS),
    )
    body = element("body", element("a", skip, href="#main", class_="skip"), *inside)
    root = element("html", head, body, lang="en")
    text: str = ElementTree.tostring(root, encoding="unicode", method="html")
    return f"<!DOCTYPE html>\n{text}\n"


def table(
    caption: str, columns: list[str], rows: list[list[Any]], numbers: int | None = None
) -> ElementTree.Element:
    """Return a table whose first cell of each row is its heading.

    Parameters
    ----------
    caption : str
    columns : list of str
    rows : list of list
        Cells: texts or elements.
    numbers : int, optional
        From which column on there are numbers.
    """
    first = len(columns) if numbers is None else numbers
    kinds = [None if at < first else "number" for at in range(len(columns))]
    head = [
        element("th", name, scope="col", class_=kind)
        for name, kind in zip(columns, kinds, strict=True)
    ]
    body = [
        element(
            "tr",
            element("th", row[0], scope="row"),
            [
                element("td", cell, class_=kind)
                for cell, kind in zip(row[1:], kinds[1:], strict=True)
            ],
        )
        for row in rows
    ]
    made = element(
        "table",
        element("caption", caption),
        element("thead", element("tr", head)),
        element("tbody", body),
    )
    return scrolled("div", caption, made)


def scrolled(tag: str, label: str, *inside: Any) -> ElementTree.Element:
    """Return an element that is scrolled, by keyboard too, where it is wider than the window."""
    return element(tag, *inside, class_="wide", tabindex="0", role="group", aria_label=label)
