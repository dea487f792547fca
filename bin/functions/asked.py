"""Calls as they are asked for: the function is identified and its rows are typed; nothing runs."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .arguments import call_id, checked, read_rows
from .identity import Function, identify
from .locks import outside
from .sheets import Wrong


def described(params: Mapping[str, Any], launch_dir: str) -> list[dict[str, Any]]:
    """Return the one row that the parameters of workflow `map` ask for.

    Parameters
    ----------
    params : mapping
        `function` (`module:name`), `rows` (path of a CSV, JSON Lines or Parquet file),
        `project_dir` (that the module is imported from), `requirements` (path of a lock file) and
        `image`.
    launch_dir : str
        Where the run was started: relative paths of files in rows begin there.

    Returns
    -------
    list of dict
        One, with `function` (as of `told`), `calls` (as of `calls`), `n_rows`, `project`,
        `requirements` and `where`.

    Raises
    ------
    ValueError
        With a sentence, or one for each row that is wrong as its arguments.
    """
    project = Path(params["project_dir"])
    function = identify(params["function"], project, outside=outside(params))
    given = read_rows(Path(params["rows"]), function)
    try:
        rows = checked(given, function, Path(launch_dir))
    except Wrong as error:
        if os.environ.get("BOSSFLOW_CONTAINER") and params["rows"].lower().endswith(".parquet"):
            unseen = "in containers, files that Parquet names are not seen: give rows as CSV"
            raise Wrong(*error.args, unseen) from None
        raise
    return [
        {
            "function": told(function),
            "calls": calls(function, rows),
            "n_rows": len(rows),
            "project": str(project),
            "requirements": params.get("requirements"),
            "where": "the parameters",
        }
    ]


def told(function: Function) -> dict[str, Any]:
    """Return what is recorded of a function, as JSON values: its fields, and its digest."""
    fields = function._asdict()
    fields["parameters"] = [[one.name, one.type, one.required] for one in function.parameters]
    return fields | {"digest": function.digest()}


def calls(function: Function, rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the distinct calls of checked rows, in their order.

    Returns
    -------
    list of dict
        `call_id`, `arguments` (JSON values; of a file `name`, `sha256` and `bytes`) and `paths`:
        where the files are, by the argument's name.
    """
    digest = function.digest()
    found: dict[str, dict[str, Any]] = {}
    of_files = [one.name for one in function.parameters if one.type.removesuffix("?") == "Path"]
    for row in rows:
        name = call_id(digest, row)
        paths = {one: row[one]["path"] for one in of_files if row.get(one) is not None}
        files = {
            one: {
                "name": Path(path).name,
                "sha256": row[one]["sha256"],
                "bytes": row[one]["bytes"],
            }
            for one, path in paths.items()
        }
        found.setdefault(name, {"call_id": name, "arguments": row | files, "paths": paths})
    return [*found.values()]
