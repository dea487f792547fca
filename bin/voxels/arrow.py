"""Arrow's columns from numpy and back.

`pyarrow.array` and `to_numpy` import pandas first, which takes a fifth of a second of every task.
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def column(array: NDArray[Any], valid: NDArray[np.bool_] | None = None) -> Any:
    """Return numbers as a column, not copied; null where they are not valid."""
    bits = None if valid is None else pa.py_buffer(np.packbits(valid, bitorder="little"))
    buffers = [bits, pa.py_buffer(np.ascontiguousarray(array))]
    return pa.Array.from_buffers(pa.from_numpy_dtype(array.dtype), len(array), buffers)


def strings(texts: Sequence[str]) -> Any:
    """Return texts as a column."""
    encoded = [text.encode() for text in texts]
    ends = np.fromiter(accumulate(map(len, encoded), initial=0), np.int32, len(encoded) + 1)
    return pa.StringArray.from_buffers(
        len(encoded), pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))
    )


def numbers(column: Any) -> NDArray[Any]:
    """Return a whole column of numbers, none of them null, as an array: a view."""
    _, values = column.buffers()
    array: NDArray[Any] = np.frombuffer(values, str(column.type), len(column))
    return array


def repeated(text: str, n: int) -> Any:
    """Return a column of `n` times the same text."""
    encoded = text.encode()
    ends = np.arange(n + 1, dtype=np.int32) * np.int32(len(encoded))
    return pa.StringArray.from_buffers(n, pa.py_buffer(ends), pa.py_buffer(encoded * n))
