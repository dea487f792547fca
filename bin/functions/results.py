"""What functions return, kept in a directory, and read again as it was."""

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

from .spelling import spelled, unspelled
from .texts import one_line

ARRAY, TABLE, ARROW, FILES = "result.npy", "result.parquet", "result.arrow", "files"


def write(result: Any, directory: Path) -> tuple[str, Any]:
    """Keep what a function returned.

    Parameters
    ----------
    result : any
        None, numbers, texts, lists and dicts of such with texts as names: `json`. Tuples become
        lists, scalars of numpy Python's. An array: `numpy`. A table of pyarrow's or a data frame
        of pandas': `arrow`, as Parquet, or as a file of Arrow's where Parquet has not its types.
        A `Path`, also among what is `json`: `files`, which are copied under their names.
    directory : Path
        Made if need be.

    Returns
    -------
    kind : str
        `json`, `numpy`, `arrow` or `files`.
    value : any
        JSON: the result, as `spelling` writes it; of an array `dtype` and `shape`, of a table
        `rows` and `columns` (type by name).

    Raises
    ------
    TypeError
        If it is of another type, or would not be read again as it is.
    ValueError
        If a file is not there.
    """
    numpy = sys.modules.get("numpy")  # where it was not imported, nothing is of it
    if numpy and isinstance(result, numpy.ndarray):
        return "numpy", _write_array(result, _made(directory) / ARRAY)
    if (table := _table(result)) is not None:
        return "arrow", _write_table(table, _made(directory))
    files = _Files()
    try:
        value = spelled(result, keep=files.take)
    except TypeError as error:
        raise TypeError(
            f"the result {error}: return JSON values, an array of numpy, a table of pyarrow or "
            "pandas, or the Path of a file"
        ) from None
    return "files" if files.copy(directory / FILES) else "json", value


def read(kind: str, value: Any, directory: Path) -> Any:
    """Return a result that `write` kept; a data frame as a table of pyarrow's.

    Raises
    ------
    ValueError
        If the kind is none of `write`'s.
    """
    if kind == "json":
        return unspelled(value)
    if kind == "numpy":
        import numpy as np

        return np.load(directory / ARRAY, allow_pickle=False)
    if kind == "arrow":
        return _read_table(directory)
    if kind == "files":
        return unspelled(value, lambda name: directory / FILES / Path(name).name)
    raise ValueError(f"there is no kind of results {one_line(str(kind))}")


def _made(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _write_array(array: "np.ndarray[Any, Any]", path: Path) -> dict[str, Any]:
    import numpy as np

    if type(array) not in (np.ndarray, np.memmap):
        name = f"{type(array).__module__}.{type(array).__qualname__}"
        raise TypeError(f"the result is a {name}, which has more than an array: return an array")
    if array.dtype.hasobject:
        raise TypeError("the result is an array of objects: return numbers, texts or times")
    try:
        np.save(path, array, allow_pickle=False)
        kept = np.load(path, mmap_mode="r" if array.size else None, allow_pickle=False)
        if kept.dtype != array.dtype or kept.shape != array.shape:
            raise ValueError
    except ValueError:
        path.unlink(missing_ok=True)
        raise TypeError(
            f"the result is an array of {array.dtype}, which .npy has not: return another type"
        ) from None
    return {"dtype": array.dtype.str, "shape": list(array.shape)}


def _table(result: Any) -> Any:
    """Return a result as a table of pyarrow's, if it is one of theirs or pandas'.

    Where neither was imported, it is none.
    """
    arrow, pandas = sys.modules.get("pyarrow"), sys.modules.get("pandas")
    if arrow and isinstance(result, arrow.Table):
        return result
    if not pandas or not isinstance(result, pandas.DataFrame):
        return None
    import pyarrow as pa

    try:
        return pa.Table.from_pandas(result)
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        raise TypeError(
            f"the result is a data frame that Arrow can't hold: {one_line(str(error))}"
        ) from None


def _write_table(table: Any, directory: Path) -> dict[str, Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = directory / TABLE
    try:
        pq.write_table(table, path, use_compliant_nested_type=False)  # which renames
        same = pq.read_schema(path).equals(table.schema)
    except (pa.ArrowException, ValueError):
        same = False
    if not same:
        path.unlink(missing_ok=True)
        options = pa.ipc.IpcWriteOptions(compression="zstd", unify_dictionaries=True)
        with pa.ipc.new_file(directory / ARROW, table.schema, options=options) as file:
            file.write_table(table)
    columns = {field.name: str(field.type) for field in table.schema}
    return {"rows": table.num_rows, "columns": columns}


def _read_table(directory: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if (directory / TABLE).exists():
        return pq.ParquetFile(directory / TABLE).read()
    with pa.OSFile(str(directory / ARROW)) as file:
        return pa.ipc.open_file(file).read_all()


class _Files:
    """The files that a result names: each by its own name, copied once all of it is known."""

    def __init__(self) -> None:
        self._taken: dict[str, Path] = {}

    def take(self, path: Path) -> str:
        """Return the name of a file."""
        name = path.name
        if not path.is_file():
            what = "a directory" if path.is_dir() else "no file"
            raise ValueError(f"the result names {one_line(str(path))}, which is {what}")
        if not name.isprintable():
            raise ValueError(
                f"the result names {one_line(name)}, which can't be printed: rename it"
            )
        same = self._taken.setdefault(name.casefold(), path)
        if same is not path and os.path.abspath(same) != os.path.abspath(path):
            raise ValueError(f"the result names two files {one_line(name)}: give each its own name")
        return name

    def copy(self, directory: Path) -> bool:
        """Copy them; say whether there are any."""
        for path in self._taken.values():
            shutil.copyfile(path, _made(directory) / path.name)
        return bool(self._taken)
