"""A sweep or a chain as a file defines it: steps, what is varied, and how it is scored."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..kit.digests import canonical, digest
from ..kit.parameters import shown
from ..upkeep.pipeline import Pipeline
from . import files, reading, sources, truths
from .space import Search, Space, Value
from .steps import Step, step_of

OWN = ("steps", "sweep", "search", "truth", "score", "name")
NOT_OPTIONS = ("params-file", "workflow", "input", "outdir", "help")
NAME_MAX = 64


@dataclass(frozen=True)
class Definition:
    """What a file asks for.

    Attributes
    ----------
    name : str
        What it is called: the file's name, if it says nothing.
    steps : list of Step
        In the order in which they are run; a sweep has one.
    space : Space
        Its axes are called `parameter`, or in a chain `step.parameter`.
    search : Search
        How points are chosen.
    truth : dict, optional
        As `scores.score` takes it.
    scored : str
        The step whose results are compared with the truth.
    how : dict
        What else `scores.score` takes.
    outdir : Path
        Where runs leave what they leave.
    chain : bool
        Whether steps are named.
    """

    name: str
    steps: list[Step]
    space: Space
    search: Search
    truth: dict[str, Any] | None
    scored: str
    how: dict[str, Any]
    outdir: Path
    chain: bool

    @property
    def canonical(self) -> str:
        """The one JSON text of it; how many points are asked for is left out, as it may grow."""
        how = {name: getattr(self.search, name) for name in ("by", "seed", "best", "goal")}
        told = {
            "steps": [step.told for step in self.steps],
            "sweep": [[name, values] for name, values in self.space.axes.items()],  # in order
            "except": self.space.left_out,
            "search": how,
            "truth": self.truth,
            "score": self.how | {"step": self.scored},
        }
        return canonical(told)

    @property
    def sweep_id(self) -> str:
        """The hash of it (16 hex digits)."""
        return digest(self.canonical)[:16]

    @property
    def directory(self) -> Path:
        """Where its rounds leave what they leave."""
        return self.outdir / f"sweep-{self.sweep_id}"

    def check_options(self, options: Iterable[str]) -> None:
        """Refuse options of `nextflow run` that would have other things made than the file says.

        Raises
        ------
        ValueError
            If one would.
        """
        rows = {name for step in self.steps for name in step.parameters.per_row}
        for word in options:
            name = word.lstrip("-").partition("=")[0]
            if word.partition("=")[0] == "-name":
                raise ValueError("-name is what a sweep calls its runs by itself: leave it out")
            if word.startswith("-") and name in NOT_OPTIONS:
                raise ValueError(f"{word} is what the file says: write it there")
            if word.startswith("--") and name in rows:
                raise ValueError(f"{name} is a parameter of rows: write it into the file")

    def values(self, point: Mapping[str, Value], step: Step) -> dict[str, Value]:
        """Return what a point says of a step, by its parameters' names."""
        if not self.chain:
            return dict(point)
        named = {name: name.partition(".") for name in point}
        return {
            parameter: point[name] for name, (of, _, parameter) in named.items() if of == step.name
        }


def read(path: Path) -> Definition:
    """Return what a file defines; nothing is written, and no database is asked.

    Raises
    ------
    ValueError
        With one sentence on what is wrong.
    OSError
        If it can't be read.
    """
    said = files.read(path)
    schema = Pipeline().schema
    if "steps" in said:
        steps = _steps(said, schema)
    else:
        given = {name: value for name, value in said.items() if name not in OWN}
        steps = [step_of("", given, {}, schema, "the file")]
    by_name = {step.name: step for step in steps}
    chain = "steps" in said

    def named(axis: str) -> tuple[Step, str]:
        of, dot, parameter = axis.partition(".")
        if not chain:
            return steps[0], axis
        if not dot or of not in by_name:
            raise ValueError(
                f"sweep names {shown(axis)}, which is no parameter of a step: write it as "
                f"{steps[0].name}.PARAMETER; there are steps {', '.join(by_name)}"
            )
        return by_name[of], parameter

    def check(axis: str, value: Any) -> Value:
        step, parameter = named(axis)
        found = step.value(parameter, value)
        sources.check(step, {parameter: found}, steps)
        return found

    swept = said.get("sweep", None if chain else {})
    if isinstance(swept, dict):
        for axis in map(str, swept):
            if axis != "except":
                step, parameter = named(axis)
                step.refuse_unswept(parameter)
    space = Space({}) if swept is None else reading.read(swept, check)
    search = reading.searched(said.get("search"), space)
    for step in steps:
        sources.check(step, {}, steps)
    steps = sources.with_rows(steps, [(*named(axis), one) for axis, one in space.values()])
    truth, scored, how = truths.read(said, [step.name for step in steps])
    if truth is not None:
        truths.refuse_best(search.best, how)
    outdir = _outdir(steps[0].settings.get("outdir") or "results")
    name = _name(said.get("name", path.stem[:NAME_MAX]))
    found = Definition(name, steps, space, search, truth, scored, how, outdir, chain)
    for step in steps:
        step.check(found.values(space.point(0), step))
    return found


def _outdir(given: str) -> Path:
    if "://" in given:
        raise ValueError(f"outdir {shown(given)} is no directory of this machine: give one")
    place = Path(given).absolute()
    if any(one.exists() and not one.is_dir() for one in (place, *place.parents)):
        raise ValueError(f"outdir {shown(given)} is no directory: give the path of one")
    return place


def _name(name: object) -> str:
    if not isinstance(name, str | int) or not 0 < len(str(name)) <= NAME_MAX:
        raise ValueError(f"name must be a text of {NAME_MAX} characters at most, not {shown(name)}")
    if not str(name).isprintable():
        raise ValueError(f"name must be one printable line, not {shown(name)}")
    return str(name)


def _steps(said: Mapping[str, Any], schema: Mapping[str, Any]) -> list[Step]:
    steps = said["steps"]
    if not isinstance(steps, dict) or not steps:
        raise ValueError(
            "steps must name them, each with its workflow and parameters, such as "
            f"{{found: {{workflow: label}}}}, not {shown(steps)}"
        )
    shared = {name: value for name, value in said.items() if name not in OWN}
    found = []
    for name, given in steps.items():
        if not isinstance(given, dict):
            raise ValueError(f"step {name} must have a workflow and parameters, not {shown(given)}")
        found.append(step_of(str(name), given, shared, schema, f"step {name}"))
    for name in shared:
        if not any(step.knows(name) for step in found):
            raise ValueError(f"no step knows {shown(name)}: leave it out, or see `--help` of each")
    return found
