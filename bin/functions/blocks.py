"""Functions of blocks of a volume: what they are called with, and which voxels they declare."""

import ast
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from .arguments import checked
from .asked import calls, told
from .identity import Function, Parameter, identify
from .locks import outside
from .sheets import read_json
from .signature import HANDED

DTYPES = (
    *("bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"),
    *("float16", "float32", "float64"),
)
"""What voxels can be."""


class Faults(Protocol):
    """What is told of rows that are wrong."""

    def of(self, where: str) -> AbstractContextManager[None]:
        """Take what is raised of the row that was asked for there."""


def described(
    params: Mapping[str, Any], rows: Iterable[dict[str, Any]], launch_dir: str, faults: Faults
) -> None:
    """Fill rows with what they ask to be called.

    Parameters
    ----------
    params : mapping
        The run's: `requirements` (path of a lock file) and `image`.
    rows : iterable of dict
        As `kit.rows` gives them, by the parameters of workflow `apply`. Each gets `call`: the
        `function` (as `asked.told` gives it), its `arguments` (JSON values; of a file `name`,
        `sha256` and `bytes`) and the `paths` of files, by argument; and `dtype`, where nothing is
        given and the function's annotation says it; `project_dir`, where none is given; and
        `requirements`.
    launch_dir : str
        Where the run was started.
    faults : Faults
        Is told of those that are wrong.

    Raises
    ------
    ValueError
        If `requirements` is no lock file.
    """
    found_in = outside(params)

    @cache
    def called(spec: str, project: str, text: str | None) -> tuple[Function, dict[str, Any]]:
        function = identify(spec, Path(project), outside=found_in, of_block=True)
        return function, _call(function, text, Path(launch_dir))

    for row in rows:
        where = row["where"]
        with faults.of(where):
            row["project_dir"] = row["project_dir"] or launch_dir
            row["requirements"] = params.get("requirements")
            if not row["function"]:
                raise ValueError(
                    "function is missing: give one, such as analysis.cells:smooth, or a command "
                    f"(in {where})"
                )
            try:
                asked = row["function"], row["project_dir"], row["arguments"]
                function, row["call"] = called(*asked)
                row["dtype"] = row["dtype"] or declared(function)
            except ValueError as error:
                said = " ".join(map(str, error.args)).removeprefix("row 1: ")
                raise ValueError(f"{said} (in {where})") from None


def _call(function: Function, text: str | None, launch_dir: Path) -> dict[str, Any]:
    """Return a function with arguments that are given as JSON text."""
    try:
        given = read_json(text or "{}")
    except ValueError as error:
        raise ValueError(f"arguments {error}") from None
    if not isinstance(given, dict):
        raise ValueError('arguments is no object: write {"name": value, …}')
    own = [one for one in function.parameters if one.type not in ("block", *HANDED)]
    (call,) = calls(
        function, checked([given], function._replace(parameters=tuple(own)), launch_dir)
    )
    return {"function": told(function), "arguments": call["arguments"], "paths": call["paths"]}


def declared(function: Function) -> str | None:
    """Return the dtype of the voxels that a function returns, by its annotation.

    None where that names no array.

    Raises
    ------
    ValueError
        If it names an array, and not of what.
    """
    if not function.returns:
        return None
    node: ast.expr = ast.parse(function.returns, mode="eval").body
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        node = ast.parse(node.value.strip(), mode="eval").body
    names = [ast.unparse(one).rpartition(".")[2] for one in ast.walk(node) if _is_name(one)]
    if not {"ndarray", "NDArray"}.intersection(names):
        return None
    found = {name.removesuffix("_") for name in names}.intersection(DTYPES)
    if len(found) != 1:
        raise ValueError(
            f"{function.name} returns {function.returns}, which says not of what: give dtype, or "
            "annotate an array of one, such as npt.NDArray[np.uint8]"
        )
    return found.pop()


def _is_name(node: ast.AST) -> bool:
    return isinstance(node, (ast.Name, ast.Attribute))


def handed(told: Mapping[str, Any], parameters: Iterable[Parameter]) -> dict[str, Any]:
    """Return what a function is given beside its arguments, by the parameters that it has.

    Parameters
    ----------
    told : mapping
        `block` (path of a `.npy` file, of which it gets a copy of its own), `box` and `halo` (two
        numbers for each axis, ZYX), `voxel_size_nm` (ZYX).
    parameters : iterable of Parameter
    """
    import numpy as np

    values = {
        "block": np.asarray(np.load(told["block"], mmap_mode="c", allow_pickle=False)),
        "box": tuple(slice(*ends) for ends in told["box"]),
        "voxel_size_nm": tuple(told["voxel_size_nm"]),
        "halo": tuple((before, behind) for before, behind in told["halo"]),
    }
    return {one.name: values[one.type] for one in parameters if one.type in values}
