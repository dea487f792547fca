"""What is wrong with the rows that are asked for: a sentence for each, and all told at once."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

PAGE = 20
"""Sentences that a user is told at once."""


class Faults:
    """Sentences on rows, by where these were asked for; of each row the first.

    Parameters
    ----------
    *kinds : type of exception
        What is raised of a row that is wrong.
    """

    def __init__(self, *kinds: type[Exception]) -> None:
        self._kinds = kinds
        self._said: dict[str, str] = {}

    def __contains__(self, where: str) -> bool:
        """Say whether the row that was asked for there is wrong."""
        return where in self._said

    @contextmanager
    def of(self, where: str) -> Iterator[None]:
        """Take what is raised for that of the row which was asked for there, and go on."""
        try:
            yield
        except self._kinds as error:
            self.add(where, str(error))

    def add(self, where: str, sentence: str) -> None:
        """Take a sentence on a row, if none is known."""
        self._said.setdefault(where, sentence)

    def told(self) -> list[str]:
        """Return all sentences, in the order of the sheet's lines."""
        return [self._said[where] for where in sorted(self._said, key=_line)]


def page(sentences: Iterable[str]) -> list[str]:
    """Return sentences that fit a page, the last one saying how many more there are."""
    every = list(sentences)
    more = len(every) - PAGE
    return every[:PAGE] + ([f"and {more:,} more"] if more > 0 else [])


def _line(where: str) -> int:
    number = re.match(r"line (\d+)", where)
    return int(number[1]) if number else 0
