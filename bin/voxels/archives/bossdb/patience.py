"""How long and how often BossDB is asked."""

from __future__ import annotations

from typing import NamedTuple


class Limits(NamedTuple):
    """How long and how often to ask, and for how much: seconds, attempts, bytes of an answer."""

    connect: float
    silence: float
    answer: float
    attempts: int
    first_wait: float = 1.0
    longest_wait: float = 60.0
    longest_retry_after: float = 300.0
    patience: float = 600.0  # after which nothing is asked again
    bytes: int = 2**27


# Someone waits for metadata; a block is worth patience.
METADATA_LIMITS = Limits(
    connect=5, silence=20, answer=30, attempts=3, longest_retry_after=10, bytes=2**24
)
VOXEL_LIMITS = Limits(connect=10, silence=60, answer=300, attempts=6)
