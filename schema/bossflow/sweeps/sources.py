"""What steps read of steps before them: `source: step:NAME`, and what else is a step's result."""

import re
from collections.abc import Mapping

from ..kit.parameters import shown
from .space import Value
from .steps import STEP, Row, Step

_REFERENCE = re.compile(rf"{STEP}([^/@]+)(.*)")


def references(step: Step, row: Mapping[str, Value]) -> dict[str, tuple[str, str]]:
    """Return by parameter the step that a row reads, and what follows it (`/OUTPUT@LEVEL`)."""
    found = {}
    for name, value in row.items():
        about = step.parameters.described[name]
        of_source = about.get("format") == "source" or about.get("made")
        if of_source and isinstance(value, str) and value.startswith(STEP):
            match = _REFERENCE.fullmatch(value)
            if not match:
                raise ValueError(f"{name} {shown(value)} names no step: write {STEP}NAME")
            found[name] = match[1], match[2]
    return found


def check(step: Step, values: Mapping[str, Value], steps: list[Step]) -> None:
    """Refuse rows that read what is no step before theirs.

    Raises
    ------
    ValueError
        If they do.
    """
    names = [one.name for one in steps]
    before = names[: names.index(step.name)]
    for row in [values] if values else step.rows:
        for name, (other, _) in references(step, row).items():
            if other not in before:
                are = f"there are {', '.join(before)}" if before else "there is none"
                raise ValueError(
                    f"{name} of {step.name} reads step {shown(other)}, which is none before it: "
                    f"{are}"
                )


def with_rows(steps: list[Step], swept: list[tuple[Step, str, Value]]) -> list[Step]:
    """Return steps, of which those without a sheet have as many rows as what they read.

    Parameters
    ----------
    steps : list of Step
    swept : list of tuple
        Of each step, parameter and value that a point may say.

    Raises
    ------
    ValueError
        If their numbers don't go together.
    """
    found: dict[str, Step] = {}
    for step in steps:
        said = [{name: value} for of, name, value in swept if of.name == step.name]
        every = [*step.rows, *said]
        read = {other for row in every for other, _ in references(step, row).values()}
        numbers = {len(found[other].rows) for other in read} - {1}
        if len(numbers | {len(step.rows)} - {1}) > 1:
            raise ValueError(
                f"{step.name} has {len(step.rows)} rows, and reads steps with "
                f"{', '.join(map(str, sorted(numbers)))}: row by row, as many are needed"
            )
        (number,) = numbers or {len(step.rows)}
        rows: list[Row] = step.rows if len(step.rows) == number else step.rows * number
        found[step.name] = step._replace(rows=rows)
    return [*found.values()]
