"""How right results are: compared with a truth, as numbers that can be queried."""

from .scoring import numbers_of, score

__all__ = ["numbers_of", "score"]
