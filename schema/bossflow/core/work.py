"""What a workflow tells the core: its requests, and the units that each is made of."""

import importlib
import pkgutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol, cast

from ..kit.digests import digest, unit_id
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
        What `units` needs beside these.
    stage_paramsets : tuple of ParamSet
        Parameter sets of its stages.
    rows : tuple of (table class, list of dict)
        Rows that register it, parents first; the table that refers to `Request` last. Where there
        are several for a table, those that are there already stay as they are.
    name : str, optional
        What the user calls it; no part of its identity.
    """

    workflow: str
    paramset: ParamSet
    subject: list[Any]
    given: dict[str, Any]
    stage_paramsets: tuple[ParamSet, ...] = ()
    rows: tuple[tuple[Any, list[dict[str, Any]]], ...] = ()
    name: str | None = None

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
    """One piece of work as a workflow plans it; its inputs are other units of the request.

    Arguments decide what is made: a bundle made with others is never reused. Settings, such as
    an archive's address, only say how. `asks` is what its program takes at most, `reads` what it
    reads of an archive, `within` the input in whose bundle some of its files lie, and
    `add_rows` how many first rows of a part (by its name) are to be in the database, if that may
    be more than now. `settings_again` are the settings that it was recorded with, which decide
    what it holds: it is made with these in another store.
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

    @cached_property
    def unit_id(self) -> str:
        """Hash of process and key (32 hex digits)."""
        return unit_id(self.process, self.key)

    @property
    def voxels(self) -> int:
        """Voxels of the block that its key names; 0 if it names none."""
        return Box.parse(self.key["block"]).voxel_count if "block" in self.key else 0


class NotInstalled(ValueError):
    """A workflow that can't be imported here."""

    why = "not installed"


class Workflow(Protocol):
    """What a module in `bossflow.workflows` defines.

    `TABLES` are its stage tables, each with the `process` that fills it, parents first. `recall`
    and `describe` are asked for up to a thousand requests at once, which should take them no more
    statements than one.
    """

    __name__: str
    TABLES: tuple[Any, ...]

    def expand(
        self, params: dict[str, Any], described: dict[str, Any]
    ) -> tuple[list[Request], list[str]]:
        """Return the requests that the parameters ask for, and notes; ValueError if they can't."""

    def units(self, request: Request) -> list[UnitPlan]:
        """Return a request's units, inputs before what is made of them. Pure."""

    def recall(self, request_ids: list[str]) -> dict[str, Request]:
        """Return recorded requests by id, as `expand` made them, with the same ids."""

    def describe(
        self, requests: list[Request], counts: list[dict[str, tuple[int, int]]]
    ) -> list[dict[str, Any]]:
        """Return what `bossflow status` says of each request; counts: process to recorded, all."""

    def in_words(self, counts: dict[str, int]) -> str:
        """Return numbers of units (process to number) as a user would say them."""

    def pulled_bytes(self, unit: UnitPlan) -> int:
        """Return how many bytes a unit asks of an archive, or reads where they lie."""

    def seconds(self, unit: UnitPlan) -> float:
        """Return roughly how long a unit takes on one core: cuts tasks, and tells the time."""


def load(name: str) -> Workflow:
    """Import a workflow's module.

    Raises
    ------
    NotInstalled
        If it is not installed here, or something that it needs, or is no workflow.
    """
    try:
        found = importlib.import_module(name) if name[:1].isidentifier() else None
    except Exception as error:  # whatever that module does
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if not f"{name}.".startswith(f"{missing}."):
            raise NotInstalled(f"workflow {name} can't be imported here: {error}") from None
        found = None
    if not hasattr(found, "TABLES"):
        raise NotInstalled(f"workflow {name} is not installed here: put its module on PYTHONPATH")
    return cast(Workflow, found)


def names() -> list[str]:
    """Return the modules of the workflows that come with the package."""
    from .. import workflows

    modules = pkgutil.iter_modules(workflows.__path__)
    return [f"{workflows.__name__}.{module.name}" for module in modules]


def load_all() -> list[Workflow]:
    """Import every workflow that comes with the package."""
    return [load(name) for name in names()]


def stage_tables(workflows: Iterable[Workflow]) -> dict[str, Any]:
    """Return process to stage table, parents first."""
    return {table.process: table for workflow in workflows for table in workflow.TABLES}
