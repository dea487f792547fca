"""What commands share: options, and words for numbers."""

import functools
import math
import os
from pathlib import Path
from typing import Any

import click

from ..kit.system import full
from ..kit.texts import many


def _not_empty(_: click.Context, option: click.Parameter, given: Any) -> Any:
    """Refuse what is left of a variable that is not set: it would name all there is."""
    if "" in ((given,) if isinstance(given, str) else given or ()):
        raise click.BadParameter("is empty")
    return given


def console(**more: Any) -> Any:
    """Return a console of rich that shows texts as they are: `[a-z]` in one is no style."""
    from rich.console import Console

    return Console(markup=False, emoji=False, **more)


def terminal() -> Any:
    """Return where progress is shown: on a terminal, or not at all."""
    screen = console(stderr=True)
    return screen if screen.is_terminal else console(quiet=True)


named = functools.partial(click.option, callback=_not_empty)
"""An option that names something by its id, or the start of it."""


class Amount(click.FloatRange):
    """A range of numbers that can be counted with: FloatRange has `nan` in any."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return a number of the range."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is no number to count with.", param, ctx)
        return number


def write_page(file: Path, text: str) -> None:
    """Write a file whole, or leave what is there: a disk may be full.

    Raises
    ------
    click.ClickException
        If it can't be written.
    """
    aside = file  # a pipe, say
    if file.is_file() or not file.exists():
        file = file.resolve()
        aside = file.with_name(f".{file.name}.part")
    try:
        aside.write_text(text, encoding="utf-8")
        if aside != file:
            os.replace(aside, file)
    except OSError as error:
        if aside != file:
            aside.unlink(missing_ok=True)
        raise click.ClickException(full(error, file.parent) or str(error)) from None


def say_kept(number: int, elsewhere: list[str]) -> None:
    """Say of how many bundles the rows stay, and which stores have others of them."""
    if number:
        where = ", ".join(elsewhere)
        those = many(number, "bundle", 8)
        click.echo(f"{those} that other stores have as well: these rows stay ({where})")
