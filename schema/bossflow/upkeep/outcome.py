"""What became of units that were made again, and compared."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Outcome:
    """What became of the units that were looked at.

    Attributes
    ----------
    same : int
        How many are made again as they are recorded.
    differ, failed : list of dict
        `process`, `key`, `request`, `problem`; of those that differ also `archive` (whether it is
        the archive's data that changed), `environment` (list of str: what is other here than where
        it was recorded) and `then` (the command that has it made again).
    otherwise : list of dict
        The same of those that differ and are not exact, which is no fault.
    passed_over : Counter
        Why units are not looked at, and how many.
    """

    same: int = 0
    differ: list[dict[str, Any]] = field(default_factory=list)
    failed: list[dict[str, Any]] = field(default_factory=list)
    otherwise: list[dict[str, Any]] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)

    @property
    def looked_at(self) -> int:
        """How many units were made again, or could not be."""
        return self.same + len(self.differ) + len(self.failed) + len(self.otherwise)
