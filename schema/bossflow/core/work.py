"""What a workflow tells the core: its requests, and the units that each is made of."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..kit.digests import digest, unit_id
from ..kit.texts import key_name
from ..voxels.boxes import Box

MIB, GIB = 2**20, 2**30


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
        Rows that register it, parents first; the table that refers to `Request` last. Where there
        are several for a table, those that are there already stay as they are.
    name, where : str, optional
        What the user calls it, and where it is asked for (line 2 of …); no part of its identity.
    settings : dict
        What only says how its units are made, found anew for each run, such as an archive's
        address, or what else is recorded: empty where a recorded request is recalled.
    """

    workflow: str
    paramset: ParamSet
    subject: list[Any]
    given: dict[str, Any]
    stage_paramsets: tuple[ParamSet, ...] = ()
    rows: tuple[tuple[Any, list[dict[str, Any]]], ...] = ()
    name: str | None = None
    where: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def every_paramset(self) -> tuple[ParamSet, ...]:
        """The one of the whole, and those of its stages."""
        return (self.paramset, *self.stage_paramsets)

    @cached_property
    def request_id(self) -> str:
        """Hash of workflow, parameter set and subject (16 hex digits)."""
        return digest([self.workflow, self.paramset.paramset_id, self.subject])[:16]


@dataclass(frozen=True)
class Reads:
    """What a unit reads outside of the stores.

    Attributes
    ----------
    version : str
        Of the way it is read: another one reads other voxels.
    box : Box
        What is read.
    files : dict, optional
        How to look at the files that hold it (`voxels.files.seen`); None where nothing tells.
    in_place : bool
        Whether the unit works on it where it lies, and leaves no copy in the store.
    """

    version: str
    box: Box
    files: dict[str, Any] | None = field(default=None, compare=False)
    in_place: bool = False


@dataclass(frozen=True)
class Asks:
    """What the program of a unit takes at most.

    Attributes
    ----------
    cores : int
        Of the CPU.
    memory : int
        Bytes.
    seconds : float, optional
        Wall time; by default what `Workflow.seconds` estimates.
    accelerators : int
        GPUs.
    disk : int
        Bytes of scratch in the task's work directory.
    """

    cores: int = 1
    memory: int = 2 * GIB
    seconds: float | None = None
    accelerators: int = 0
    disk: int = 0


@dataclass(frozen=True)
class UnitPlan:
    """One piece of work as a workflow plans it.

    Attributes
    ----------
    process : str
        Whose program makes it, and whose table it fills a row of.
    key : dict
        Primary key of that row.
    arguments : dict
        What decides, with key and inputs, what is made: a bundle made with others is never reused.
    inputs : tuple of UnitPlan
        What it is made from: units of this request, or of another workflow's.
    through : bool
        Whether its program also opens what its inputs were made from (`Unit.opened`): a bucket has
        its index for its one input, and of all blocks opens those that the index names.
    settings : dict
        What only says how, such as an archive's address.
    asks : Asks
        What its program takes at most.
    reads : Reads, optional
        What it reads of a volume outside of the stores.
    within : UnitPlan, optional
        The input in whose bundle some of its files lie.
    add_rows : dict
        How many first rows of a part (by its name) are to be in the database, if that may be more
        than now.
    settings_again : dict
        The settings that it was recorded with, where these decide what it holds: it is made with
        them in another store.
    name : str, optional
        What users are shown; default: its block, else its key.
    amount : float
        How much there is to do, in `amount_unit`: voxels, streamlines, subjects.
    exact : bool
        Whether the same is made of the same, whenever and wherever. If not (a tool that writes
        dates, a GPU), what was recorded first holds, and is not made again beside it.
    """

    process: str
    key: dict[str, Any]
    arguments: dict[str, Any]
    inputs: "tuple[UnitPlan, ...]" = field(default=(), repr=False)
    settings: dict[str, Any] = field(default_factory=dict)
    asks: Asks = Asks()
    reads: Reads | None = None
    within: "UnitPlan | None" = field(default=None, repr=False)
    add_rows: dict[str, int] = field(default_factory=dict)
    settings_again: dict[str, Any] = field(default_factory=dict)
    name: str | None = None
    amount: float = 0
    amount_unit: str = ""
    exact: bool = True
    through: bool = False

    @cached_property
    def unit_id(self) -> str:
        """Hash of process and key (32 hex digits)."""
        return unit_id(self.process, self.key)

    @property
    def shown(self) -> str:
        """What users are told of it, beside its process."""
        return self.name or key_name(self.key)


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
    layers, pictures, lineage : callable
        Take what is described of complete requests; return of each, by name or process, URLs of
        volumes for a viewer, of pictures, labels in a graph of lineage. Nothing calls them yet.
    uses : tuple of Workflow
        Those whose units its own are made from. `expand` may return requests of theirs too, which
        are registered with its own.
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
    layers: Callable[[list[dict[str, Any]]], list[dict[str, str]]] = _nothing_of_each
    pictures: Callable[[list[dict[str, Any]]], list[dict[str, str]]] = _nothing_of_each
    lineage: Callable[[list[dict[str, Any]]], list[dict[str, str]]] = _nothing_of_each
    uses: "tuple[Workflow, ...]" = ()
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
