"""What a workflow tells the core: its requests, and the units that each is made of."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from ..kit.digests import digest
from .units import GIB, MIB, Asks, Ids, Reads, UnitPlan

__all__ = [
    "GIB",
    "MIB",
    "Asks",
    "Ids",
    "Makes",
    "ParamSet",
    "Points",
    "Reads",
    "Request",
    "Rows",
    "UnitPlan",
    "Workflow",
    "numbers",
]

Rows = tuple[tuple[Any, list[dict[str, Any]]], ...]
"""Table classes, parents first, with rows for each."""

Points = tuple[Any, Any]
"""Numbers of objects (int64, shape (n,)), and where these are (float64, shape (n, 3), ZYX, nm)."""


@dataclass(frozen=True)
class ParamSet:
    """A method, its version and canonical parameters, named by their hash."""

    method: str
    version: str
    parameters: dict[str, Any]

    @cached_property
    def paramset_id(self) -> str:
        """Hash of method, version and parameters (16 hex digits)."""
        return digest([self.method, self.version, self.parameters])[:16]

    @property
    def row(self) -> dict[str, Any]:
        """The `ParamSet` row."""
        return {
            "paramset_id": self.paramset_id,
            "method": self.method,
            "method_version": self.version,
            "parameters": self.parameters,
        }


@dataclass(frozen=True)
class Request:
    """One result that is asked for.

    Attributes
    ----------
    paramset : ParamSet
        Method and parameters of the whole result.
    subject : list
        What they are applied to; JSON values that, with the parameter set, are its identity.
    given : dict
        What decides, beside these, which units it has and what is made: JSON values without
        secrets, which are recorded with it. Recalled, they are the same, their keys sorted.
    stage_paramsets : tuple of ParamSet
        Parameter sets of its stages.
    rows : tuple of (table class, list of dict)
        Rows that register it, parents first; what refers to `Request` last. Where there are several
        for a table, those that are there already stay as they are; a single one may change.
    name, where : str, optional
        What the user calls it, and where it is asked for (line 2 of …); no part of its identity.
    settings : dict
        What only says how its units are made, found anew for each run, such as an archive's
        address, or what else is recorded: empty where a recorded request is recalled.
    sources : tuple of str
        Names of the workflows whose recorded units are inputs of its own, beside those of `uses`:
        of volumes that were made here. They are not made with it.
    notes : tuple of str
        What the user is told of it.
    """

    workflow: str
    paramset: ParamSet
    subject: list[Any]
    given: dict[str, Any]
    stage_paramsets: tuple[ParamSet, ...] = ()
    rows: Rows = ()
    name: str | None = None
    where: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def every_paramset(self) -> tuple[ParamSet, ...]:
        """The one of the whole, and those of its stages."""
        return (self.paramset, *self.stage_paramsets)

    @cached_property
    def request_id(self) -> str:
        """Hash of workflow, parameter set and subject (16 hex digits)."""
        return digest([self.workflow, self.paramset.paramset_id, self.subject])[:16]


class Makes(Protocol):
    """What a workflow's units make beside their own rows, such as `volumes.made.Volumes`.

    Attributes
    ----------
    table : table class
        Has a row for each of `UnitPlan.makes`, with the execution that made it, and in
        `made_sha256` a digest that is equal only where the same was made.
    """

    @property
    def table(self) -> Any:
        """Return the table class."""

    def registered(self, request_ids: list[str]) -> set[str]:
        """Return the requests of which what they make is registered: all of it, or nothing is."""

    def rows(self, request: Request, units: list[UnitPlan]) -> Rows:
        """Return rows that register what a request makes; pure."""


def numbers(counts: Mapping[str, int]) -> str:
    """Return how many units of each process: `64 COUNT_WORDS, 1 ADD_WORDS`."""
    words = (f"{number:,} {process}" for process, number in counts.items() if number)
    return ", ".join(words) or "nothing"


def _seconds(unit: UnitPlan) -> float:
    return 1.0 if unit.asks.seconds is None else unit.asks.seconds


def _nothing_of_each(requests: list[Any], *_: Any) -> list[dict[str, Any]]:
    return [{} for _ in requests]


@dataclass(frozen=True, eq=False)
class Workflow:
    """What a workflow tells the core: four things, and what it says better than the defaults do.

    Its module, or the `__init__.py` of its folder, has one by the name `workflow`. What takes a
    list of requests is asked for up to a thousand at once, which should take it no more statements
    than one.

    Attributes
    ----------
    name : str
        What it is recorded by, and hashed into ids: constant, whatever happens to its module.
        That is its module's name, or where it is installed as an entry point, that one's.
    tables : tuple of table classes
        Its stage tables, each with the `process` that fills it, parents first.
    expand : callable
        Takes parameters and what DESCRIBE found; returns the requests that these ask for, and
        notes. A ValueError is what the user is told if they can't.
    units : callable
        Takes a request; returns its units, inputs before what is made of them. Pure.
    seconds : callable
        Takes a unit; returns roughly how long it takes on one core, by which tasks are cut.
        Default: what it asks for, else a second.
    pulled_bytes : callable
        Takes a unit; returns how many bytes it asks of an archive, or reads where they lie.
        Default: none.
    in_words : callable
        Takes numbers of units by process; returns them as a user would say them. Default: all.
    describe : callable
        Takes requests, and for each how many units of each process are recorded, and how many
        there are; returns what `bossflow status` says of each, as JSON values by name. `source`
        and `box`, or `about`, say of what it is, `note` what to know, and `results` name URLs.
    outcome : callable
        Takes what is described of a complete request; returns what came of it, in words.
    results : tuple of str
        What is described that is the URL of a result: columns of `requests.csv`, and links.
    layers : callable
        Takes a request; returns by name what a viewer shows beside what `makes` tells of, as JSON
        values: `source` (URI), `kind`, `dtype`, `box`, `voxel_size_nm_zyx`. Or, by the name of a
        volume that it makes, `table`: where in its bundle, or in that of the one unit of a
        `process`, Parquet files have a row for each value of its voxels, with the columns of these
        values (`segment`), of `numbers`, by what they are called, and of a `label`; `one` is what
        a row is, if no component, and `columns` what those of components are called. Or, of the
        segments that it reads, such a `table`, or the
        directory of precomputed `meshes`, in the bundle of the one unit of a `process`. Or, of the
        image that it reads, `points`: where in such a bundle Parquet files have a row for each,
        the best first, with the columns of `name`, `score`, `radius` and `place` (XYZ, nm). Or,
        as `image`, what it is to be looked at with: `given`, as a request's. Pure. Default:
        nothing.
    tables_of : callable
        Takes the id of a complete request; returns tables for its page, of a few rows each: dicts
        of `caption`, `columns`, `rows` of values. Default: none.
    points : callable, optional
        Takes a complete request, recalled; returns the objects that it found, as `Points`: by what
        numbers its table has them, in that order, and where they are in the frame of its source, in
        which the middle of voxel 0 of the finest level is at 0. These can be scored.
    ids : callable, optional
        Takes a request, recalled, and the text of a threshold, or None for the only one; returns
        the table of ids that it made, as `Ids`. By it, segmentations can be rewritten.
    traced : callable
        Takes a process, and keys of recorded units of it; returns of each what its lineage tells
        beside its key, as JSON values by name, such as the arguments of a call. Default: nothing.
    uses : tuple of Workflow
        Those whose units its own are made from. `expand` may return requests of theirs too, which
        are registered with its own.
    makes : Makes, optional
        What its units make beside their own rows.
    again : callable, optional
        Takes a recorded request, and the parameters of a run that made some of it; returns the
        parameters that ask for it alone, without a sheet. Default: those of the run that first
        asked for it, if that had no sheet.
    unpack : callable, optional
        Takes a recorded request and a new directory; writes there what it was asked
        for with and is recorded, such as sources of a function; returns the parameters that name
        it, and by the ids of units that can't be made of it, why. Default: parameters are all.
    recall : callable, optional
        Takes ids of requests that were recorded without what they were `given`; returns those that
        it knows as `expand` made them, by id.
    module : str
        Where its tables are: there, or below. Default: where it is made.
    """

    name: str
    tables: tuple[Any, ...]
    expand: Callable[[dict[str, Any], dict[str, Any]], tuple[list[Request], list[str]]]
    units: Callable[[Request], list[UnitPlan]]
    seconds: Callable[[UnitPlan], float] = _seconds
    pulled_bytes: Callable[[UnitPlan], int] = lambda unit: 0
    in_words: Callable[[Mapping[str, int]], str] = numbers
    describe: Callable[[list[Request], list[dict[str, tuple[int, int]]]], list[dict[str, Any]]] = (
        _nothing_of_each
    )
    outcome: Callable[[dict[str, Any]], str] = lambda described: "complete"
    results: tuple[str, ...] = ()
    layers: Callable[[Request], dict[str, dict[str, Any]]] = lambda request: {}
    tables_of: Callable[[str], list[dict[str, Any]]] = lambda request: []
    points: Callable[[Request], Points] | None = None
    ids: Callable[[Request, str | None], Ids] | None = None
    traced: Callable[[str, list[dict[str, Any]]], list[dict[str, Any]]] = lambda process, keys: (
        _nothing_of_each(keys)
    )
    uses: "tuple[Workflow, ...]" = ()
    makes: Makes | None = None
    again: Callable[[Request, dict[str, Any]], dict[str, Any]] | None = None
    unpack: Callable[[Request, Path], tuple[dict[str, Any], dict[str, str]]] | None = None
    recall: Callable[[list[str]], dict[str, Request]] | None = None
    module: str = ""

    def __post_init__(self) -> None:
        """Note where it is made."""
        if not self.module:  # as namedtuple does
            module = sys._getframe(2).f_globals["__name__"]
            object.__setattr__(self, "module", module)

    @cached_property
    def by_process(self) -> "dict[str, Workflow]":
        """Whose table each process fills: those of what it uses first, then its own."""
        used = {name: owner for other in self.uses for name, owner in other.by_process.items()}
        return used | {table.process: self for table in self.tables}

    def seconds_of(self, unit: UnitPlan) -> float:
        """Return `seconds` of a unit of its own, or of a workflow that it uses."""
        return self.by_process[unit.process].seconds(unit)

    def pulled_bytes_of(self, unit: UnitPlan) -> int:
        """Return `pulled_bytes` of a unit of its own, or of a workflow that it uses."""
        return self.by_process[unit.process].pulled_bytes(unit)
