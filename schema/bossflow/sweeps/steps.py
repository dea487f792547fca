"""A step of a sweep: a workflow, the settings of its runs, and the rows that it is asked for."""

import copy
import csv
import difflib
import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..kit import rows
from ..kit.parameters import Parameters, Wrong, shown
from ..voxels.archives import Refused, archive_of
from ..voxels.archives.made import is_made
from .space import Value

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")
NAME_LONGEST = 32
STEP = "step:"
ASIDE = ("running", "telling")
"""Groups of parameters that say nothing of what is made."""

ON_COMMAND_LINE = ("dry_run", "help")
OF_FILE = ("outdir",)
OF_STEP = ("workflow", "input")
Row = dict[str, Value]
"""Parameters of a row of a sample sheet, those that are given."""


class Step(NamedTuple):
    """A step.

    Attributes
    ----------
    name : str
        The workflow's, where a sweep has one step.
    workflow : str
    settings : dict
        What its runs are given that is not a row's.
    rows : list of dict
        What it is asked for, but for what a point says.
    columns : list of str
        What its sheet has, if there is one.
    parameters : Parameters
    aside : frozenset of str
        Settings that say nothing of what is made.
    """

    name: str
    workflow: str
    settings: dict[str, Any]
    rows: list[Row]
    columns: list[str]
    parameters: Parameters
    aside: frozenset[str]

    @property
    def told(self) -> dict[str, Any]:
        """What decides what it makes, as JSON has it."""
        usual = self.parameters.described
        settings = {
            name: value
            for name, value in self.settings.items()
            if name not in self.aside and value != usual[name].get("default")
        }
        own = {"name": self.name, "workflow": self.workflow}
        return own | {"settings": settings, "rows": self.rows}

    def knows(self, name: str) -> bool:
        """Say whether it has a parameter of this name."""
        return name in self.parameters.described or name in self.aside

    def value(self, name: str, given: Any) -> Value:
        """Return the one value of a row's parameter.

        Raises
        ------
        ValueError
            With what is wrong, to stand behind its name.
        """
        return value_of(self.parameters, name, given)

    def refuse_unswept(self, name: str) -> None:
        """Refuse what can't be varied.

        Raises
        ------
        ValueError
            If it is no parameter of a row, or its sheet has it as a column.
        """
        known = ", ".join(one for one in self.parameters.per_row if one != "name")
        if name == "name":
            raise ValueError("sweep varies name, which makes no other result: leave it out")
        if name in self.columns:
            raise ValueError(f"sweep varies {name}, which is a column of input as well: remove one")
        if name in self.parameters.per_row:
            return
        if self.knows(name):
            raise ValueError(
                f"sweep varies {name}, which is a setting of the run and not of its rows: {known} "
                "may be varied"
            )
        raise ValueError(f"sweep names {unknown(name, self.parameters, self.aside)}")

    def check(self, values: Mapping[str, Value]) -> None:
        """Refuse rows that lack something, even with what a point says.

        Raises
        ------
        ValueError
            If they do.
        """
        for row in self.rows:
            asked = {**row, **values}
            for name in self.parameters.required:
                if name in self.parameters.per_row and asked.get(name) in (None, ""):
                    raise ValueError(
                        f"{name} is missing in {self.name}: {self.parameters.example(name)}"
                    )


def step_of(
    name: str,
    given: Mapping[str, Any],
    shared: Mapping[str, Any],
    schema: Mapping[str, Any],
    where: str,
) -> Step:
    """Return a step as a file has it.

    Parameters
    ----------
    name : str
        Empty: the workflow's.
    given, shared : mapping
        Parameters of it; and those of the file, of which it takes what it knows.
    schema : mapping
        nextflow_schema.json.
    where : str
        What messages call it.

    Raises
    ------
    ValueError
        With one sentence on what is wrong.
    """
    if name and not NAME.fullmatch(name):
        raise ValueError(
            f"step {shown(name)} must be called by letters, digits, - and _, a letter first, 32 at "
            "most"
        )
    parameters = Parameters(schema, given.get("workflow"))
    if "name" not in parameters.per_row:
        raise ValueError(
            f"workflow {parameters.workflow} is not for {where}: it reads no sample sheet whose "
            "rows have a name, by which a point's result is found"
        )
    launch, aside = _launch(schema, parameters)
    known = parameters.described.keys() | launch
    own = {one: value for one, value in given.items() if one != "workflow"}
    for one in OF_STEP:
        if one in shared:
            raise ValueError(f"{one} is a step's: write it there")
    for one in own:
        if one in ON_COMMAND_LINE:
            raise ValueError(f"{one} is not for {where}: give it on the command line")
        if name and one in OF_FILE:
            raise ValueError(f"{one} is not for {where}: write it beside steps, for all of them")
        if one == "name":
            raise ValueError(f"name is not for {where}: it is what the file calls all of it")
        if one not in known:
            raise ValueError(f"{where} has {unknown(one, parameters, launch)}")
    own = {one: value for one, value in shared.items() if one in known} | own
    sheet = own.pop("input", None)
    row, settings = {}, {}
    for one, value in own.items():
        if one in parameters.per_row:
            row[one] = _checked(parameters, one, value)
        elif one in parameters.described:
            settings[one] = _checked(parameters, one, value)
        else:
            settings[one] = _of_launch(one, value, schema)
    settings = {one: value for one, value in settings.items() if value is not None}
    row = {one: value for one, value in row.items() if value is not None}
    asked, columns = ([row], []) if sheet is None else _of_sheet(sheet, row, parameters)
    called = name or parameters.workflow[:NAME_LONGEST]
    return Step(called, parameters.workflow, settings, asked, columns, parameters, aside | launch)


def value_of(parameters: Parameters, name: str, given: Any) -> Value:
    """Return the one value of a row's parameter; of a source its one spelling."""
    described = parameters.described[name]
    given = _as_written(given, described)
    value: Value = parameters.value(name, given)
    if described.get("format") != "source" or not isinstance(value, str):
        return value
    if value.startswith(STEP) or is_made(value):
        return value
    try:
        return archive_of(value).canonical(value, str(Path.cwd()))
    except Refused as error:
        raise ValueError(f"{shown(value)} is refused: {error}") from None


def _as_written(given: Any, described: Mapping[str, Any]) -> Any:
    """Return a number as its text, where a text is wanted."""
    if isinstance(given, list):
        return [_as_written(one, described.get("items", {})) for one in given]
    return str(given) if type(given) is int and described.get("type") == "string" else given


def _checked(parameters: Parameters, name: str, value: Any) -> Any:
    try:
        return value_of(parameters, name, value)
    except ValueError as error:
        raise ValueError(f"{name} {error}") from None


def _of_launch(name: str, given: Any, schema: Mapping[str, Any]) -> Any:
    """Return a parameter that is looked at before any process starts."""
    (described,) = (
        group["properties"][name]
        for group in schema["$defs"].values()
        if group.get("launch") and name in group["properties"]
    )
    value = _as_written(given, described)
    if value is None:
        return None
    if not isinstance(value, str) or not re.search(described.get("pattern", ""), value):
        raise ValueError(f"{name} must be text that names one, not {shown(given)}")
    return value


def _of_sheet(sheet: object, row: Row, parameters: Parameters) -> tuple[list[Row], list[str]]:
    """Return the rows of a sample sheet, with what they have of a file; and its columns."""
    if not isinstance(sheet, str) or not Path(sheet).is_file():
        raise ValueError(
            f"input {shown(sheet)} is not there: give the path of a sample sheet (CSV)"
        )
    try:
        text = Path(sheet).read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{sheet} is not text in UTF-8: save it as CSV UTF-8") from None
    lenient = copy.copy(parameters)
    lenient.required = []  # a point may say the rest
    given = {name: row.get(name) for name in parameters.per_row}
    try:
        asked = rows.rows(given, lenient, text, sheet)
    except Wrong as error:
        raise ValueError("\n".join(map(str, error.args))) from None
    header = next(csv.reader(io.StringIO(text)))
    columns = [cell.strip().lower() for cell in header if cell.strip()]
    return [
        {
            name: _checked(parameters, name, value)
            for name, value in one.items()
            if name != "where" and value is not None
        }
        for one in asked
    ], columns


def unknown(name: str, parameters: Parameters, launch: frozenset[str]) -> str:
    """Return what to say of a name that is no parameter."""
    words = dict.fromkeys(launch, "") | {
        word: one
        for one, about in parameters.described.items()
        for word in (*about.get("synonyms", ()), one)
    }
    near = difflib.get_close_matches(name.lower(), words, n=1)
    meant = words[near[0]] or near[0] if near else ""
    hint = f"did you mean {meant}?" if meant else "`nextflow run . --help` shows them all"
    return f"{shown(name)}, which is no parameter of workflow {parameters.workflow}: {hint}"


def _launch(
    schema: Mapping[str, Any], parameters: Parameters
) -> tuple[frozenset[str], frozenset[str]]:
    """Return parameters that are looked at before any process starts, and those set aside."""
    groups = schema["$defs"]
    taken = {name for group in groups.values() for name in group.get("groups", ())}
    launch = {
        one
        for name, group in groups.items()
        if group.get("launch") and (name in parameters.groups or name not in taken)
        for one in group["properties"]
    }
    aside = {one for name in ASIDE if name in groups for one in groups[name]["properties"]}
    return frozenset(launch), frozenset(aside)
