"""Values and bytes that metadata should not have, and what puts them there."""

import json
import random
import struct
from pathlib import Path
from typing import Any

from hostile import TEXTS

NUMBERS: list[Any] = [
    *(0, 1, -1, 2, 3, 7, 255, 2**15, 2**31 - 1, 2**31, 2**32, 2**53 + 1, 2**63 - 1, 2**63, 2**64),
    *(-(2**31), -(2**63), 10**30, 0.5, -0.5, 1e-320, 1e-9, 1e12, 1e300, -1e300),
    *(float("nan"), float("inf"), float("-inf")),
]
FIELDS = [(kind, value) for kind in "bBhHiIqQ" for value in (0, 1, 2, 3, 127, -1, "low", "high")]
FIELDS += [(kind, value) for kind in "fd" for value in (0.0, -1.0, 1e-30, 1e30, "nan", "inf")]


class Case:
    """One volume that is written well, and then made wrong.

    Parameters
    ----------
    directory : Path
        Of this case alone.
    rng : random.Random
    """

    def __init__(self, directory: Path, rng: random.Random) -> None:
        self.directory, self.rng = directory, rng

    def value(self) -> Any:
        """Return something that JSON can hold, or Python's reader of it takes."""
        simple = [*NUMBERS, *TEXTS, None, True, False, "nm", "um", "uint8", "zyx", "z"]
        made = self.rng.choice(simple)
        kind = self.rng.randrange(8)
        if kind == 0:
            return [self.rng.choice(simple) for _ in range(self.rng.randrange(6))]
        if kind == 1:
            return {str(self.rng.choice(simple)): made, "path": made, "type": "scale"}
        if kind == 2:
            return [made] * 3
        return made

    def json(self, path: Path) -> None:
        """Change some values of a JSON file, or its text."""
        told = json.loads(path.read_text())
        for _ in range(self.rng.choice((1, 1, 1, 2, 4))):
            places = list(_places(told))
            holder, key = self.rng.choice(places) if places else (None, None)
            if holder is None:
                break
            kind = self.rng.randrange(9)
            if kind == 0:
                del holder[key]
            elif kind == 1 and isinstance(holder, list):
                holder.insert(key, self.rng.choice([holder[key], self.value()]))
            elif kind == 2 and isinstance(holder[key], list):
                holder[key] = holder[key][: self.rng.randrange(len(holder[key]) + 1)] * 2
            elif kind == 3:
                other, name = self.rng.choice(places)
                holder[key] = json.loads(json.dumps(other[name]))
            elif kind == 4 and isinstance(holder[key], (int, float)):
                holder[key] = -holder[key] * self.rng.choice((1, 1e-9, 2**40))
            elif kind == 5:
                deep: Any = holder[key]
                for _ in range(self.rng.choice((1, 2, 50))):
                    deep = [deep]
                holder[key] = deep
            else:
                holder[key] = self.value()
            told = json.loads(json.dumps(told))  # what was there twice is two now
        text = json.dumps(told).encode("utf-8", "surrogatepass")
        path.write_bytes(self.bytes(text, 0, len(text)) if self.rng.random() < 0.1 else text)

    def bytes(self, content: bytes, low: int, high: int) -> bytes:
        """Return a content with some of its bytes from `low` to `high` changed, or cut off."""
        held = bytearray(content)
        for _ in range(self.rng.choice((1, 1, 2, 3, 8))):
            kind, value = self.rng.choice(FIELDS)
            size = struct.calcsize(f"<{kind}")
            at = self.rng.randrange(low, max(low + 1, high - size))
            at -= (at - low) % size if self.rng.random() < 0.8 else 0
            how = self.rng.randrange(8)
            if how == 0:
                held[at : at + 1] = bytes([held[at] ^ 1 << self.rng.randrange(8)])
            elif how == 1:
                held[at : at + size] = self.rng.randbytes(size)
            else:
                made = struct.pack(f"{self.rng.choice('<<<>')}{kind}", _extreme(kind, value, size))
                held[at : at + size] = made[: len(held) - at]
        if self.rng.random() < 0.05:
            del held[self.rng.randrange(len(held)) :]
        return bytes(held)

    def binary(self, path: Path, low: int, high: int) -> None:
        """Change bytes of a file."""
        content = path.read_bytes()
        path.write_bytes(self.bytes(content, low, min(high, len(content))))


def _extreme(kind: str, value: Any, size: int) -> Any:
    if kind in "fd":
        return float(value)
    low, high = (0, 256**size - 1) if kind.isupper() else (-(256**size) // 2, 256**size // 2 - 1)
    made = {"low": low, "high": high}.get(value, value)
    return max(low, min(high, made))


def _places(node: Any) -> Any:
    """Yield each holder and key in a tree of JSON."""
    keys = (
        list(node) if isinstance(node, dict) else range(len(node) if isinstance(node, list) else 0)
    )
    for key in keys:
        yield node, key
        yield from _places(node[key])
