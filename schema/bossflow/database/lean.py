"""DataJoint without pandas, until a table is asked for as a DataFrame.

DataJoint imports pandas to ask of what it is given whether it is a DataFrame, and to make one if a
user wants it. That takes a third of a second, and each command and each task that speaks to the
database would wait for it.
"""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any


class _OfPandas(type):
    """Ask nothing of pandas that is not imported: nobody can have made a DataFrame then."""

    def __instancecheck__(cls, value: object) -> bool:
        pandas = sys.modules.get("pandas")
        return pandas is not None and isinstance(value, pandas.DataFrame)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return importlib.import_module("pandas").DataFrame(*args, **kwargs)


class _DataFrame(metaclass=_OfPandas):
    """Stands for `pandas.DataFrame`."""


class _Pandas(ModuleType):
    """Stands for pandas; all but `DataFrame` is taken from there."""

    DataFrame = _DataFrame

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module("pandas"), name)


@contextmanager
def without_pandas() -> Iterator[None]:
    """Let modules that are imported here have a stand-in, which everybody else never meets."""
    if "pandas" in sys.modules:
        yield
        return
    stand_in = sys.modules["pandas"] = _Pandas("pandas")
    try:
        yield
    finally:
        if sys.modules.get("pandas") is stand_in:
            del sys.modules["pandas"]
