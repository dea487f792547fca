"""Files of points, whose columns say what they are: axes, and their unit."""

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from ..kit.texts import one_line
from .sides import Floats

NM, VOXELS = ("z_nm", "y_nm", "x_nm"), ("z", "y", "x")
"""Columns of points, in nm or in voxels of the channel."""

_WAYS = "columns x_nm,y_nm,z_nm, or x,y,z of voxels of the request's channel"
_SHOWN = 10


class Points(NamedTuple):
    """The points of a file.

    Attributes
    ----------
    zyx : float64 array, shape (n, 3)
    in_voxels : bool
        Else they are in nm.
    sha256 : str
        Of the file.
    """

    zyx: Floats
    in_voxels: bool
    sha256: str


def read(path: str) -> Points:
    """Read a file of points.

    Raises
    ------
    ValueError
        If it can't be read, its columns do not say what they are, or a value is no number.
    """
    try:
        content = Path(path).read_bytes()
        table = _table(path, content)
    except (OSError, pa.ArrowException) as error:
        raise ValueError(f"truth {path} can't be read: {one_line(str(error))}") from None
    except UnicodeDecodeError:
        raise ValueError(f"truth {path} is not text in UTF-8: save it as CSV UTF-8") from None
    found = [names for names in (NM, VOXELS) if {*names} <= {*table.column_names}]
    if len(found) != 1 or any(table.column_names.count(name) > 1 for name in found[0]):
        has = ", ".join(one_line(name) for name in table.column_names[:_SHOWN]) or "none"
        which = "one of both" if len(found) > 1 else "each of them once"
        raise ValueError(f"truth {path} has columns {has}: points have {_WAYS}; give {which}")
    (names,) = found
    zyx = np.stack([_column(table, name, path) for name in names], axis=1)
    return Points(zyx.reshape(-1, 3), names == VOXELS, hashlib.sha256(content).hexdigest())


def _table(path: str, content: bytes) -> pa.Table:
    if path.lower().endswith(".parquet"):
        return pq.ParquetFile(pa.BufferReader(content)).read()
    if not content.strip():
        raise pa.ArrowInvalid("it is empty")
    table = pyarrow.csv.read_csv(pa.BufferReader(content))
    return table.rename_columns([name.strip() for name in table.column_names])


def _column(table: pa.Table, name: str, path: str) -> Floats:
    """Return a column as numbers, all of which are finite."""
    column = table.column(name)
    kind = column.type
    if not len(column):
        return np.empty(0, np.float64)
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        raise ValueError(f"truth {path}: column {name} is not of numbers")
    values = pc.cast(column, pa.float64(), safe=False).to_numpy()
    wrong = np.flatnonzero(~np.isfinite(values))
    if len(wrong):
        raise ValueError(f"truth {path}: {name} of row {wrong[0] + 1} is no finite number")
    return np.asarray(values, np.float64)
