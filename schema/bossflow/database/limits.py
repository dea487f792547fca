"""How much a statement holds, and how long is waited."""

from collections.abc import Iterable, Iterator
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
    size = size or PIECE
    piece: list[T] = []
    length = 0
    for value in values:
        more = 2 * len(ascii(value))  # bytes: SQL escapes at most what this leaves
        if piece and (len(piece) == size or length + more > PACKET_BYTES // 2):
            yield piece
            piece, length = [], 0
        piece.append(value)
        length += more
    if piece:
        yield piece
