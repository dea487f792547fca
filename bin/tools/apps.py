"""BIDS Apps as they are asked for: the command line of a unit, and what it is shown."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import asked
from .datasets import description, views
from .validators import version

LEVELS = {"participant": {"participant"}, "session": {"participant", "session"}, "group": set()}
"""What of a unit its arguments may name, by the level."""

HERE = "\x01"
"""What `run_command.sh` replaces by where a view, outputs and scratch are; no argument has it."""

PLACES = {
    "inputs": f"{HERE}inputs",
    "bids": f"{HERE}inputs/bids",
    "out": f"{HERE}out",
    "work": f"{HERE}work",
    "licence": f"{HERE}licence",
}

_FIELD = re.compile(r"\{(participant|session)\}")


def described(
    params: Mapping[str, Any], image: str | None, tool: Mapping[str, Any] | None, launch_dir: str
) -> list[dict[str, Any]]:
    """Return the one row that the parameters of workflow `bids` ask for.

    Parameters
    ----------
    params : mapping
        Of workflow `bids`.
    image : str, optional
        As it was given.
    tool : mapping, optional
        As `asked.described` takes it.
    launch_dir : str
        Where paths start that are relative.

    Returns
    -------
    list of dict
        One: `dataset` (`path`, `name`, `version`), `level`, `views` (as `datasets.views` has
        them), `app` and `group` (as `asked.described` has command lines; `group` may be None),
        `expected`, `group_expected` (globs in the outputs), `min_participants`, `success_codes`,
        `validate`, `licence_file`, `disk` (bytes), `app_name`, `name`, `where`, `notes`.

    Raises
    ------
    ValueError
        With a sentence, or one for each participant, if something can't be used.
    """
    level, root = params["level"], Path(params["bids_dir"])
    if bool(params["app"]) == bool(image):
        raise ValueError(
            "give app, a program on PATH, or image, whose entry point is the app: one of the two"
        )
    if params["min_participants"] and not params["group_arguments"]:
        raise ValueError("min_participants is for the group: give group_arguments, too")
    used = [*params["arguments"], *(params["group_arguments"] or ())]
    if any("{licence}" in word for word in used) != bool(params["licence_file"]):
        raise ValueError("{licence} in arguments is the path of licence_file: give both, or none")
    if level == "group" and params["group_arguments"]:
        raise ValueError(
            "group_arguments is for level participant or session, and comes after them: leave it "
            "out, or give that level"
        )
    expected = list(params["expected"] or ())
    _check_fields("arguments", params["arguments"], LEVELS[level])
    _check_fields("expected", expected, LEVELS[level])
    app, *group = (
        _line(params, words, patterns, tool, launch_dir)
        for words, patterns in (
            (params["arguments"], expected),
            (params["group_arguments"], list(params["group_expected"] or ())),
        )
        if words
    )
    if group:
        _check_fields("group_arguments", params["group_arguments"], set())
    if params["validate"]:
        version()
    about = description(root) if (root / "dataset_description.json").is_file() else {}
    shown, notes = views(root, level, params["participants"])
    return [
        {
            "dataset": {
                "path": str(root),
                "name": str(about.get("Name") or root.name),
                "version": str(about.get("BIDSVersion") or ""),
            },
            "level": level,
            "views": shown,
            "app": app,
            "group": group[0] if group else None,
            "expected": expected,
            "group_expected": list(params["group_expected"] or ()),
            "validate": params["validate"],
            "licence_file": params["licence_file"] or "",
            "disk": asked.size(params["disk"]) if params["disk"] else 0,
            "min_participants": params["min_participants"],
            "success_codes": params["success_codes"] or [0],
            "app_name": params["app_name"] or _called(params["app"], image),
            "name": params["name"],
            "where": "the parameters",
            "notes": notes,
        }
    ]


def filled_fields(patterns: list[str], participant: str, session: str) -> list[str]:
    """Return globs with `{participant}` and `{session}` as what they stand for."""
    known = {"participant": participant, "session": session}
    return [_FIELD.sub(lambda found: known[found[1]], one) for one in patterns]


def _line(
    params: Mapping[str, Any],
    words: list[str],
    expected: list[str],
    tool: Mapping[str, Any] | None,
    launch_dir: str,
) -> dict[str, Any]:
    if not any("{bids}" in word for word in words):
        raise ValueError("arguments must name the dataset: write {bids} where the app takes it")
    line = {name: params[name] for name in ("inputs", "entrypoint", "tool_version", "time_limit")}
    line |= {name: params[name] for name in ("cores", "memory", "name")}
    line |= {"command": [*(params["app"] or ()), *words], "exact": False}
    line |= {"outputs": ["outputs", *(f"outputs/{one}" for one in expected)]}
    if any(Path(path).name == "bids" for path in params["inputs"] or ()):
        raise ValueError("an input is called bids, as the dataset is: give it by another name")
    (found,) = asked.described([line | {"where": "the parameters"}], tool, launch_dir)
    return found


def _check_fields(name: str, words: list[str], may: set[str]) -> None:
    for field in _FIELD.findall(" ".join(words)):
        if field not in may:
            raise ValueError(
                f"{name} has {{{field}}}, which no unit of that level has: take it out"
            )


def _called(app: list[str] | None, image: str | None) -> str:
    """Return what an app is called: its program or image, without place and tag."""
    place = app[0] if app else str(image).partition("@")[0]
    name = Path(place).name.partition(":")[0]
    return re.sub(r"[^0-9A-Za-z_.-]+", "_", name.removesuffix(".sif").removesuffix(".py"))
