#!/usr/bin/env python3
"""CALL_FUNCTION: a user's function, called with the arguments of a row."""

import importlib.metadata
import json
import os
import platform
from collections.abc import Iterable
from functools import cache, partial
from pathlib import Path
from typing import Any

from functions.caller import Caller
from functions.locks import IMAGE, REQUIREMENTS
from kit.bundles import Finished
from kit.digests import canonical, file_record
from kit.tasks import main
from kit.units import Bundle, Unit

JSON_MAX = 4000
"""Characters of a result that its row holds: those of its column."""

ARGUMENTS_SHOWN = 200


class Failed(Exception):
    """A call that failed, in the function's own words; it has blanks, so its type is not told."""


def call(caller: Caller, unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of a call: what it returned, as JSON or in files."""
    (staged,) = unit.inputs
    bundle.container, arguments = image_of(staged), unit.arguments["arguments"]
    told = returned(caller, staged, arguments, unit.settings["paths"], bundle.directory)
    text = canonical(told["value"])
    files = sorted(os.listdir(bundle.directory))
    if len(text) > JSON_MAX:
        (bundle.directory / "result.json").write_text(text, "utf-8")
        files = files or ["result.json"]
    bundle.attributes |= {
        "call_arguments": arguments,
        "result_kind": told["kind"],
        "result_json": text if len(text) <= JSON_MAX else None,
        "call_seconds": told["seconds"],
    }
    bundle.measured.add("call_seconds")
    if files:
        bundle.urls["result_url"] = files[0]
    else:
        bundle.attributes["result_url"] = None


def returned(
    caller: Caller,
    staged: Finished,
    arguments: dict[str, Any],
    paths: dict[str, str],
    directory: Path,
    **more: Any,
) -> dict[str, Any]:
    """Call a function, and return what `functions.worker.called` tells of it.

    Parameters
    ----------
    caller : Caller
    staged : Finished
        The bundle of its sources.
    arguments : dict
        JSON values; of a file `name`, `sha256` and `bytes`.
    paths : dict
        Where these files are, by argument.
    directory : Path
        Where what it returns is written.
    **more
        What else it is called with.

    Raises
    ------
    Failed
        If it raises.
    ValueError
        If software or files are not those that it was asked for with.
    """
    function = staged.manifest["arguments"]
    versions = tuple(distributions(function).items())
    check_versions(function["python"], versions)
    check_edited(staged.file("sources"), function["module"], versions)
    environment = None
    if REQUIREMENTS in function["versions"]:
        environment = environment_of(staged.file("requirements.txt"), image_of(staged) or "")
    shown, given = _shown(arguments), dict(arguments)
    for name, path in paths.items():
        given[name] = {"path": path} | {part: arguments[name][part] for part in ("sha256", "bytes")}
        _check_same(path, arguments[name]["sha256"], "changed since the run began: run again")
    asked = {name: function[name] for name in ("module", "name", "parameters")}
    asked |= {"sources": str(staged.file("sources").absolute()), "arguments": given}
    told = caller.call(asked | {"directory": str(directory.absolute())} | more, environment)
    if "error" in told:
        raise Failed(f"{told['error']} (called with {shown})")
    for name, path in paths.items():
        _check_same(path, arguments[name]["sha256"], "changed while the function was called")
    return told


def image_of(staged: Finished) -> str | None:
    """Return the image that a user named for a function."""
    image: str | None = staged.manifest["arguments"]["versions"].get(IMAGE)
    return image


@cache
def check_versions(python: str, versions: tuple[tuple[str, str], ...]) -> None:
    """Refuse to call a function with other software than it was identified with.

    Raises
    ------
    ValueError
        With what is other.
    """
    here = ".".join(platform.python_version_tuple()[:2])
    if here != python and python:
        raise ValueError(f"the function was asked for with Python {python}, and this is {here}")
    for name, known in versions:
        version = known.partition(" ")[0]  # behind it, of an editable one, is what its sources were
        try:
            found = f"{importlib.metadata.version(name)} is"
        except importlib.metadata.PackageNotFoundError:
            found = "none is"
        if found != f"{version} is":
            raise ValueError(
                f"the function was asked for with {name} {version}, and {found} where it is called"
            )


@cache
def check_edited(sources: Path, module: str, versions: tuple[tuple[str, str], ...]) -> None:
    """Refuse to call a function with other files of what was installed from a folder.

    Raises
    ------
    ValueError
        With what is other.
    """
    digests = {name: known for name, known in versions if " " in known}
    if not digests:
        return
    from functions.following import followed
    from functions.sources import Project

    _, found = followed(Project(sources), tuple(module.split(".")))
    for name, known in digests.items():
        if found.get(name) != known:
            raise ValueError(
                f"the function was asked for with other files of {name} than are where it is "
                "called: run again, or install there what was here"
            )


_failed: dict[Path, str] = {}


def environment_of(file: Path, image: str) -> Path:
    """Return the environment of a lock file, as `environments.ready`; what failed fails at once."""
    from functions.environments import ready  # few functions have one

    if file in _failed:
        raise ValueError(_failed[file])
    try:
        return ready(file, image)
    except ValueError as error:
        _failed[file] = str(error)
        raise


def _check_same(path: str, sha256: str, else_said: str) -> None:
    if not os.path.exists(path) or _sha256(path, os.stat(path).st_mtime_ns) != sha256:
        raise ValueError(f"{path} {else_said}")


@cache
def _sha256(path: str, _changed: int) -> str:
    return str(file_record(Path(path), Path("/"))["sha256"])


def _shown(arguments: dict[str, Any]) -> str:
    words = (f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in arguments.items())
    text = ", ".join(words)
    short = text if len(text) <= ARGUMENTS_SHOWN else f"{text[: ARGUMENTS_SHOWN - 1]}…"
    return short or "nothing"


def _versions(unit: Unit) -> Iterable[str]:
    own = filter(_is_here, ("numpy", "pyarrow"))  # an image may have none
    return {*own, *distributions(unit.inputs[0].manifest["arguments"])}


@cache
def _is_here(distribution: str) -> bool:
    return any(True for _ in importlib.metadata.distributions(name=distribution))


def distributions(function: dict[str, Any]) -> dict[str, str]:
    """Return the versions of what a function imports of this Python; of an image none is known."""
    return {
        name: version
        for name, version in function["versions"].items()
        if version and not name.startswith("-")
    }


if __name__ == "__main__":
    caller = Caller()
    try:
        main("CALL_FUNCTION", partial(call, caller), of_unit=_versions)
    finally:
        caller.close()
