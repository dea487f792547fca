"""Python functions mapped over rows from Python: `Knot(function).map(rows)` gives futures.

What a future tells, the database tells: it is found again by whoever has function and rows.
"""

import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .functions import asked
from .functions.arguments import call_id, checked, read_rows
from .functions.identity import Function, identify
from .functions.locks import outside
from .functions.sheets import of_table
from .kit.texts import many, one_line
from .workflows.map.calls import POLL_SECONDS, Calls


class Knot:
    """A function that is mapped over rows by runs of the pipeline.

    Parameters
    ----------
    function : callable or str
        A function of a notebook, or of a module below `project`; or `module:name`.
    project : path, optional
        Directory that modules are imported from; default: the working directory.
    store : path, optional
        Where results are kept; default: as of any run.
    options : sequence of str
        What else `nextflow run` is told, such as `["-profile", "slurm"]`.
    requirements : path, optional
        A lock file, of what is installed before it is called.
    image : str, optional
        In which it is called, by a profile that runs containers.

    Raises
    ------
    ValueError
        If it can't be called elsewhere: closures, lambdas, bound methods, names that no text gives.
    """

    def __init__(
        self,
        function: Callable[..., Any] | str,
        project: str | os.PathLike[str] | None = None,
        store: str | os.PathLike[str] | None = None,
        options: Sequence[str] = (),
        *,
        requirements: str | os.PathLike[str] | None = None,
        image: str | None = None,
    ) -> None:
        self._project = Path(project or ".").absolute()
        if isinstance(options, str):
            raise ValueError(f"options is a text: give a list of words, such as {options.split()}")
        self._options = [*(["--store", os.fspath(store)] if store else []), *options]
        self._outside = outside({"requirements": requirements, "image": image})
        self._texts: dict[str, str] = {}
        if isinstance(function, str):
            self._spec = function
            return
        from .functions.notebook import module_of

        self._spec, text = module_of(function, self._project)
        if text:
            self._texts[f"{self._spec.partition(':')[0]}.py"] = text

    def map(self, rows: Any) -> "Futures":
        """Return a future for each row, and have a run make the calls that are not recorded.

        The run goes on where this program ends. Rows that ask for the same share one call.

        Parameters
        ----------
        rows : path, DataFrame, pyarrow.Table or iterable of mapping
            Arguments by name, for each call. Relative paths begin at the working directory.

        Raises
        ------
        ValueError
            With a sentence for each row that is wrong; nothing runs then.
        """
        futures, function = self._futures(rows)
        if futures.calls.missing() and not futures.calls.goes_on():
            sources = self._project, self._texts, self._outside
            futures.calls.begin(function, sources, self._options)
        return futures

    def find(self, rows: Any) -> "Futures":
        """Return the futures of rows that were mapped before, by whatever program; nothing runs.

        Raises
        ------
        ValueError
            If they were not.
        """
        futures, _ = self._futures(rows)
        if not futures.calls.known():
            raise ValueError("this function was not mapped over these rows: have `map` do it")
        return futures

    def _futures(self, rows: Any) -> "tuple[Futures, Function]":
        from . import connect
        from .workflows.map.requests import asked as request_of

        function = identify(self._spec, self._project, self._texts, self._outside)
        given = checked(_rows(rows, function), function, Path.cwd())
        request = request_of(asked.told(function), asked.calls(function, given))
        connect()
        digest = function.digest()
        names = [call_id(digest, row) for row in given]
        return Futures(Calls(request, given), names), function


def _rows(rows: Any, function: Function) -> Iterable[Mapping[str, Any]]:
    if isinstance(rows, (str, os.PathLike)):
        return read_rows(Path(rows), function)
    given = rows
    if hasattr(rows, "to_pylist"):
        rows = rows.to_pylist()
    elif hasattr(rows, "columns") and hasattr(rows, "to_dict"):
        rows = rows.to_dict("records")
    if isinstance(rows, Mapping):
        raise ValueError("rows is a dict: give a list with a dict for each call")
    if not isinstance(rows, Iterable):
        raise ValueError(f"rows is {one_line(repr(rows))[:60]}: give a list of dicts, or a table")
    listed = list(rows)
    for number, row in enumerate(listed, 1):
        if not isinstance(row, Mapping):
            raise ValueError(
                f"row {number} is {one_line(repr(row))[:60]}: give a dict of arguments by name"
            )
    return listed if rows is given else of_table(listed, function.parameters)


class Future:
    """One call, whoever makes it."""

    def __init__(self, calls: Calls, name: str, arguments: dict[str, Any]) -> None:
        self._calls, self.call_id = calls, name
        self.arguments = calls.shown(arguments)

    def __repr__(self) -> str:
        """Return its arguments, and how far it is."""
        state = "failed" if self.call_id in self._calls.failed else "pending"
        state = "returned" if self.call_id in self._calls.returned else state
        return f"<Future of {self.arguments}: {state}>"

    def done(self) -> bool:
        """Say whether it returned or failed."""
        self._calls.look()
        return self.call_id in self._calls.returned or self.call_id in self._calls.failed

    def exception(self, timeout: float | None = None) -> Exception | None:
        """Return how it failed: `CallFailed` or `RunFailed`; None of one that returned.

        Raises
        ------
        TimeoutError
            If it is not done within so many seconds.
        """
        for _ in as_completed([self], timeout):
            pass
        return None if self.call_id in self._calls.returned else self._calls.failed[self.call_id]

    def result(self, timeout: float | None = None) -> Any:
        """Return what it returned, or raise what `exception` returns."""
        error = self.exception(timeout)
        if error is not None:
            raise error
        return self._calls.value(self.call_id)


class Futures(list[Future]):
    """The futures of a map: one for each row, in their order."""

    def __init__(self, calls: Calls, names: Iterable[str]) -> None:
        arguments = dict(calls.request.given["calls"])
        super().__init__(Future(calls, name, arguments[name]) for name in names)
        self.calls = calls

    def rows(self) -> Any:
        """Return a DataFrame of the calls that returned: their arguments, and `result`.

        Results that are all dicts are columns by their names instead, unless an argument has one.
        An argument named `result` makes it `result_`.
        """
        pandas = _pandas()
        self.calls.look()
        done = [one for one in self if one.call_id in self.calls.returned]
        arguments = [one.arguments for one in done]
        results = [self.calls.value(one.call_id) for one in done]
        names = {name for one in results if isinstance(one, dict) for name in one}
        taken = {name for one in arguments for name in one}
        if not all(isinstance(one, dict) for one in results) or names & taken:
            results = [{_free("result", taken): one} for one in results]
        pairs = zip(arguments, results, strict=True)
        return pandas.DataFrame([given | result for given, result in pairs])

    def failures(self) -> Any:
        """Return a DataFrame of the calls that failed: their arguments, and the `exception`."""
        pandas = _pandas()
        self.calls.look()
        failed = [one for one in self if one.call_id in self.calls.failed]
        name = _free("exception", {name for one in failed for name in one.arguments})
        errors = [{name: self.calls.failed[one.call_id]} for one in failed]
        pairs = zip(failed, errors, strict=True)
        return pandas.DataFrame([one.arguments | error for one, error in pairs])


def _free(name: str, taken: Collection[str]) -> str:
    """Return the name of a column that no argument has."""
    while name in taken:
        name += "_"
    return name


def _pandas() -> Any:
    try:
        import pandas
    except ImportError:
        raise ValueError("a DataFrame is of pandas: pip install pandas") from None
    return pandas


def as_completed(futures: Iterable[Future], timeout: float | None = None) -> Iterator[Future]:
    """Yield futures as they are done: each once.

    Raises
    ------
    TimeoutError
        If one is not within so many seconds.
    """
    left = list(futures)
    until = None if timeout is None else time.monotonic() + timeout
    while left:
        for one in [one for one in left if one.done()]:
            left.remove(one)
            yield one
        if left and until is not None and time.monotonic() >= until:
            raise TimeoutError(f"not done after {timeout:g} s: {many(len(left), 'call')}")
        if left:
            time.sleep(POLL_SECONDS)
