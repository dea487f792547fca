"""How much a statement holds, and how long is waited."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

LOCK_SECONDS = 600  # for the schema's lock
ROW_LOCK_SECONDS = 50  # for a row that someone else holds: MySQL's default
AGAIN_SECONDS = 120  # a server that is restarted is back before
PACKET_BYTES = 2**20  # no statement is longer
PIECE = 1000  # values in a statement

T = TypeVar("T")


def pieces(values: Iterable[T], size: int | None = None) -> Iterator[list[T]]:
    """Yield values a few at a time: what a statement names of them keeps it below `PACKET_BYTES`.

    Parameters
    ----------
    values : iterable
        Keys, rows, or texts.
    size : int, optional
        How many, at most; fewer where they are long. `PIECE` by default.
    """
    rest = iter(values)
    while some := list(islice(rest, size or PIECE)):
        yield from _short_enough(some)


def _short_enough(values: list[T]) -> Iterator[list[T]]:
    """Yield values whole, or halves of them."""
    half = len(values) // 2
    if not half or 2 * len(ascii(values)) <= PACKET_BYTES // 2:  # SQL escapes no more of it
        yield values
    else:
        yield from _short_enough(values[:half])
        yield from _short_enough(values[half:])
