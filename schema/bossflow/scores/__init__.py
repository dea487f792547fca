"""How right results are: compared with a truth, as numbers that can be queried."""

from .recording import numbers_of
from .scoring import check, score

__all__ = ["check", "numbers_of", "score"]
