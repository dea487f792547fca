"""A piece of work as a workflow plans it: what it makes, of what, and what its program takes."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from ..kit.digests import unit_id
from ..kit.texts import key_name
from ..voxels.boxes import Box

MIB, GIB = 2**20, 2**30


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
    unknown : bool
        Whether nothing tells how long it takes: the seconds only cut tasks, and no user is told.
    accelerators : int
        GPUs.
    disk : int
        Bytes of scratch in the task's work directory.
    """

    cores: int = 1
    memory: int = 2 * GIB
    seconds: float | None = None
    unknown: bool = False
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
    together : bool
        Whether it is to be in one task with the unit planned before it, as they share what is
        made ready once a task: a file that is unpacked.
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
    makes : tuple of dict
        What it makes beside its own row: keys of rows of `Makes.table`, such as blocks of volumes.
    sources : tuple of dict
        Rows of its table's part `Source`, without the master's key: what it was made from, where
        that is known before and is no row of another stage table.
    """

    process: str
    key: dict[str, Any]
    arguments: dict[str, Any]
    inputs: "tuple[UnitPlan, ...]" = field(default=(), repr=False)
    settings: dict[str, Any] = field(default_factory=dict)
    asks: Asks = Asks()
    reads: Reads | None = None
    together: bool = False
    within: "UnitPlan | None" = field(default=None, repr=False)
    add_rows: dict[str, int] = field(default_factory=dict)
    settings_again: dict[str, Any] = field(default_factory=dict)
    name: str | None = None
    amount: float = 0
    amount_unit: str = ""
    exact: bool = True
    through: bool = False
    makes: tuple[dict[str, Any], ...] = field(default=(), repr=False)
    sources: tuple[dict[str, Any], ...] = field(default=(), repr=False)

    @cached_property
    def unit_id(self) -> str:
        """Hash of process and key (32 hex digits)."""
        return unit_id(self.process, self.key)

    @property
    def shown(self) -> str:
        """What users are told of it, beside its process."""
        return self.name or key_name(self.key)


class Ids(NamedTuple):
    """A table that a request made, which says what ids become.

    Attributes
    ----------
    process : str
        Whose one unit has it in its bundle.
    file : str
        Parquet.
    columns : list of 2 str
        Those of ids (whole numbers from 0 on), and of what these become.
    only : list of 2 str
        A column, and its text in the rows that are meant.
    threshold : str
        Which of its tables it is.
    n_rows : int
    """

    process: str
    file: str
    columns: list[str]
    only: list[str]
    threshold: str
    n_rows: int
