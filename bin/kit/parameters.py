"""A workflow's parameters, as nextflow_schema.json describes them: read and checked."""

import contextlib
import json
import os
import re
import shlex
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

import fastjsonschema

SHOWN = 60  # characters of a user's value that a message repeats
_WRITTEN = {"integer": r"-?[0-9]{1,30}", "number": r"-?[0-9]{1,40}(\.[0-9]{1,40})?"}
PATHS = {
    "file-path": os.path.isfile,
    "directory-path": os.path.isdir,
    "path": os.path.exists,
    "destination": os.path.isdir,  # which is written to
}
_COUNTS = {1: "one", 2: "two", 3: "three", 4: "four"}
_MANY = {"integer": "whole numbers", "number": "numbers", "string": "texts"}
_RULES = (
    *("enum", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    *("minItems", "maxItems", "minLength", "maxLength"),
)


class Wrong(ValueError):
    """Wrong parameters: a sentence for each is an argument."""


class Parameters:
    """The parameters of one workflow that are checked here: all that no launch needs.

    Parameters
    ----------
    schema : mapping
        nextflow_schema.json. A group in its `$defs` that has `groups` is the workflow's of its
        name, and names the groups that this takes besides; what no workflow takes is for all. What
        is marked `launch` is checked before any process starts (workflows/kit/parameters.nf).
        `required` must be given; within `per_row`, in each row or for all. A path that is `made`
        may also be what a request made, or in a chain a step of it.
    workflow : str, optional
        The workflow's name; else it is the one that the schema has as default.
    launch_dir : str
        Where relative paths begin.

    Attributes
    ----------
    described : dict
        What the schema says of each parameter.
    per_row : list of str
        Those that a sample sheet may give as columns.
    required : list of str
        Those that must be given.
    groups : list of str
        The workflow's groups beside its own: `tool` says that its rows are command lines.
    """

    def __init__(
        self, schema: Mapping[str, Any], workflow: str | None = None, launch_dir: str = "."
    ) -> None:
        default = schema["$defs"]["run"]["properties"]["workflow"]["default"]
        self.workflow = workflow = str(workflow or default)
        self.groups: list[str] = schema["$defs"].get(workflow, {}).get("groups", [])
        self.described: dict[str, dict[str, Any]] = {}
        self.per_row: list[str] = []
        self.required: list[str] = []
        for group in _groups(schema["$defs"], workflow):
            self.described |= group["properties"]
            row = group.get("per_row")
            self.per_row += group["properties"] if row else ()
            self.required += group.get("required", [])
            self.required += row.get("required", []) if isinstance(row, dict) else []
        rules = {name: _rules(described) for name, described in self.described.items()}
        self._check = fastjsonschema.compile({"properties": rules})
        self._launch_dir = launch_dir

    def checked(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return the value of each parameter, from the run's parameters or its default.

        Raises
        ------
        Wrong
            With a sentence for each that is wrong, or that is required and may not be a column.
        """
        values, wrong = {}, []
        for name, described in self.described.items():
            given = params.get(name)
            given = described.get("default") if given is None else given
            try:
                values[name] = self.value(name, given)
            except ValueError as error:
                wrong.append(f"{name} {error}")
            if given is None and name in self.required and name not in self.per_row:
                wrong.append(f"{name} is missing: {self.example(name)}")
        if wrong:
            raise Wrong(*wrong)
        return values

    def value(self, name: str, given: Any) -> Any:
        """Return a parameter's value, read from a text where it is none.

        Returns
        -------
        int, str, bool, list or None
            A decimal number is an int or, with a fraction, the one text of it. Paths are absolute.

        Raises
        ------
        ValueError
            With what is wrong, to stand behind the parameter's name.
        """
        described = self.described[name]
        if given is None:
            return None
        if given is True and described["type"] != "boolean":
            raise ValueError("was given without a value")
        if described.get("format") == "source" and given == "" and name not in self.required:
            raise ValueError(f"is empty: {self.example(name)}, or leave it out")
        read = _read(given, described)
        try:
            self._check({name: read})
        except fastjsonschema.JsonSchemaValueException as error:
            raise ValueError(_mistake(error, described, given)) from None
        value = [_plain(item) for item in read] if isinstance(read, list) else _plain(read)
        if described.get("format") == "range" and value[0] >= value[1]:
            raise ValueError(
                f"{value[0]},{value[1]} is empty or reversed: the first must be below the second"
            )
        items = described.get("items", {})
        if items.get("format") in PATHS:
            return [self._path(str(item), items) for item in value]
        if described.get("format") in PATHS:
            return self._path(str(value), described)
        return value

    def example(self, name: str) -> str:
        """Return how a parameter may be given."""
        examples = self.described[name].get("examples")
        return f"give it, such as {examples[0]}" if examples else "give it"

    def _path(self, value: str, described: Mapping[str, Any]) -> str:
        if "://" in value.removeprefix("file://"):
            return value
        if described.get("made") and value.startswith("step:"):  # a chain knows what that is
            return value
        if not value.removeprefix("file://"):  # it would be the directory of the launch
            raise ValueError("names no path: give one, or leave it out (no comma at the end)")
        path = value.removeprefix("file://")
        if described["format"] == "destination":
            if path.startswith("~"):
                raise ValueError(f"{shown(value)} begins with ~, which stands for no home here")
            path = unquote(path) if path != value else path  # a URL, such as bossflow gives
        path = os.path.join(self._launch_dir, path)
        if described.get("exists") and not PATHS[described["format"]](path):
            kind = described["format"].removesuffix("-path").replace("path", "file or directory")
            raise ValueError(f"{shown(value)} is not there: give the path of a {kind}")
        return os.path.abspath(path)


def shown(value: object) -> str:
    """Return a user's value on one line, and short."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    line = "".join(sign if sign.isprintable() else "?" for sign in text[:SHOWN])
    return f"{line}…" if len(text) > SHOWN else line


def _groups(groups: Mapping[str, Any], workflow: str) -> list[Any]:
    own = groups.get(workflow, {}).get("groups")
    if own is None:
        raise ValueError(f"there is no workflow {shown(workflow)}")
    taken = {name for group in groups.values() for name in group.get("groups", ())}
    return [
        group
        for name, group in groups.items()
        if not group.get("launch")
        and (name == workflow or name in own or not ("groups" in group or name in taken))
    ]


def _kind(described: Mapping[str, Any]) -> str:
    """Return the type of a parameter; that it may be written as a text is left out."""
    kinds = described["type"] if isinstance(described["type"], list) else [described["type"]]
    return str(next((kind for kind in kinds if kind != "string"), "string"))


def _rules(described: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON schema of what `_read` makes of a value."""
    kind = _kind(described)
    kept = {name: described[name] for name in _RULES if name in described}
    if kind == "array":
        kept["items"] = _rules(described["items"])
    elif kind == "string" and "pattern" in described:
        kept["pattern"] = described["pattern"]
    return kept | {"type": kind}


def _read(value: Any, described: Mapping[str, Any]) -> Any:
    """Return a value as its type where it can be read as one, otherwise as it is.

    Numbers with a fraction become Decimal: a float is what its shortest text says, as it was
    written. What `pattern` says of a number is how it is written.
    """
    kind = _kind(described)
    if kind == "array":
        items = described["items"]
        value = _parts(value, described) if isinstance(value, str) else value
        return [_read(item, items) for item in value] if isinstance(value, list) else value
    if kind == "boolean":
        return value == "true" if value in ("true", "false") else value
    if kind == "string":
        return value
    known = kind == "number" and isinstance(value, float)
    text = f"{Decimal(repr(value)):f}" if known else value
    if isinstance(text, str) and re.fullmatch(
        described.get("pattern", _WRITTEN[kind]), text, re.ASCII
    ):
        return Decimal(text) if kind == "number" else int(text)
    return shown(value) if isinstance(value, float) else value


def _parts(text: str, described: Mapping[str, Any]) -> Any:
    """Return the items of a list that is written as JSON, a command line, or with signs between."""
    if _kind(described["items"]) != "string":
        text = text.strip(" ").removeprefix("[").removesuffix("]")
        parts = re.split(r",|:|\.\.", text, maxsplit=described.get("maxItems", 0))
        return [part.strip(" ") for part in parts]
    with contextlib.suppress(ValueError, RecursionError):
        if text.startswith("["):
            return json.loads(text)
    if described.get("format") != "command":
        return [part.strip(" ") for part in text.split(",")]
    with contextlib.suppress(ValueError):  # a quote that is not closed
        return shlex.split(text)
    return text


def _plain(value: Any) -> Any:
    """Return a Decimal as an int or, with a fraction, as its one text; all else as it is."""
    if not isinstance(value, Decimal):
        return value
    whole, _, fraction = f"{value:f}".partition(".")
    fraction = fraction.rstrip("0")
    return f"{whole}.{fraction}" if fraction else int(whole)


def _mistake(
    error: fastjsonschema.JsonSchemaValueException, described: Mapping[str, Any], given: Any
) -> str:
    """Return what is wrong with a value that was given, by the rule that it breaks."""
    rule, bound, kind = str(error.rule), error.rule_definition, _kind(described)
    if kind == "array":
        if rule in ("type", "minItems", "maxItems"):
            return f"must be {_form(described)}, not {shown(given)}"
        described = described["items"]
    value = shown(_plain(error.value))
    if rule == "type":
        words = {
            "integer": "a whole number",
            "number": f"a decimal number, such as {_example(described)}",
            "boolean": "true or false",
        }
        like = f", such as '{_example(described)}'" if isinstance(given, dict) else ""
        return f"must be {words.get(str(bound), 'text')}{like}, not {shown(given)}"
    if rule == "enum":
        *others, last = map(str, bound)
        return f"must be {', '.join(others)}{' or ' * bool(others)}{last}, not {value}"
    words = {
        "minimum": f"at least {bound}",
        "maximum": f"at most {bound}",
        "exclusiveMinimum": f"above {bound}",
        "exclusiveMaximum": f"below {bound}",
        "minLength": f"at least {bound} characters long",
        "maxLength": f"at most {bound} characters long",
    }
    return f"must be {words.get(rule, f'written like {_example(described)}')}, not {value}"


def _example(described: Mapping[str, Any]) -> Any:
    return (described.get("examples") or [described.get("default")])[0]


def _form(described: Mapping[str, Any]) -> str:
    least, most = described.get("minItems"), described.get("maxItems")
    many = _MANY[_kind(described["items"])]
    if least == most and least is not None:
        many = f"{_COUNTS.get(least, least)} {many}"
    else:
        bounds = [f"at least {least}"] * bool(least) + [f"at most {most}"] * bool(most)
        many = f"a list of {many}" + f" ({', '.join(bounds)})" * bool(bounds)
    return f"{many}, such as {_example(described)}" if "examples" in described else many
