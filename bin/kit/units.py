"""Units of work: what is to be made, of which inputs, and what a program fills for it."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from . import bundles, locations
from .bundles import Finished
from .texts import unit_name


@dataclass(frozen=True)
class Unit:
    """One piece of work: a process, the primary key of the row it fills, and how to make it.

    `arguments` decide what is made, and are kept in the bundle; `settings` only how. One that is
    not `exact` is made otherwise each time.
    `makes` and `sources` are keys of what it makes and is made from, as the database has them.
    `stores` are where what its inputs were made from may be.
    """

    unit_id: str
    process: str
    key: dict[str, Any]
    arguments: dict[str, Any]
    settings: dict[str, Any]
    inputs: list[Finished]
    exact: bool = True
    stores: list[Path] = field(default_factory=list)
    makes: list[dict[str, Any]] = field(default_factory=list)
    sources: list[dict[str, Any]] = field(default_factory=list)

    def opened(self, given: Finished, numbers: Iterable[int]) -> Iterator[Finished]:
        """Yield bundles that an input was made from, by their numbers among its inputs.

        For units that PLAN knows to look `through` their inputs. They have the content that the
        input was made of.

        Raises
        ------
        Blocked
            If one is in none of the stores.
        """
        made_from = given.manifest["inputs"]
        chosen = (made_from[number] for number in numbers)
        yield from locations.each(self._opened, chosen, given.directory)

    def _opened(self, given: dict[str, Any]) -> Finished:
        for store in self.stores:
            with suppress(FileNotFoundError):
                directory = locations.place(store, given["process"], given["unit_id"])
                bundle = _read(directory, bundles.stamp(directory))
                if bundle.content_sha256 == given["content_sha256"]:
                    return bundle
        where = ", ".join(map(locations.shown, self.stores))
        raise Blocked(f"{unit_name(given['process'], given['key'])} is not in {where} any more")


@dataclass
class Bundle:
    """What a program fills for a unit.

    Attributes
    ----------
    directory : Path
        Files written here become the bundle's.
    final : Path
        Where the directory will be once the bundle is whole; in a bucket, what stands for it.
    attributes : dict
        The row's columns that are not in its key.
    measured : set of str
        Those of the attributes that are otherwise each time, such as seconds: no part of the
        content.
    metrics : dict
        Numbers that tell of what was made, such as how good it is, by name: no part of the content,
        recorded as `Metric`.
    urls : dict
        Column name to a path in the directory; recorded as a URL.
    parts : dict
        Part table's name to a Parquet file in the directory, or to a directory of such files.
    part_rows : dict
        Part table's name to how many first rows of it become database rows, where not all do.
    outside : list of Path
        Files elsewhere in the store that this unit alone writes, on disk before they get there.
    kept : bool
        Whether it is made for good: if not, it is compared, and nothing goes elsewhere.
    beside : dict
        Where in the directory those files are that would go elsewhere, if it is not kept.
    container : str, optional
        Image in which it was made, if that is not this program's.
    attempts : list of dict
        Attempts at running somebody else's tool (`Run.Attempt`), recorded also if all failed.
    taken_from : str, optional
        URL of the bundle from which the result was taken, where it was not computed.
    made_sha256 : str, optional
        Digest of what it `makes`, equal only where the same is made, in whatever request; default:
        the bundle's content digest, which no two units share.
    elsewhere : dict, optional
        What it wrote outside of the stores: `place`, a URL, and `files`, each with `path`, `bytes`
        and `sha256`. The program has looked that it is there.
    following : callable
        Gives the task's next unit that must be made, or None: a program may read for it while it
        writes this one.
    """

    directory: Path
    final: Path
    attributes: dict[str, Any] = field(default_factory=dict)
    measured: set[str] = field(default_factory=set)
    metrics: dict[str, float] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)
    part_rows: dict[str, int] = field(default_factory=dict)
    outside: list[Path] = field(default_factory=list)
    kept: bool = True
    beside: dict[Path, Path] = field(default_factory=dict)
    container: str | None = None
    attempts: list[dict[str, Any]] = field(default_factory=list)
    taken_from: str | None = None
    made_sha256: str | None = None
    elsewhere: dict[str, Any] | None = None
    following: Callable[[], Unit | None] = lambda: None

    @property
    def made_meanwhile(self) -> bool:
        """Whether another run has put the unit's bundle into place: what that wrote is to stay."""
        return bundles.there(self.final)


class Blocked(Exception):
    """A unit whose input is not there."""


Work = Callable[[Unit, Bundle], None]


def open_unit(line: dict[str, Any], store: Path) -> Unit:
    """Open a unit of a task file with its inputs.

    Raises
    ------
    Blocked
        If an input is not there.
    """
    fields = ("unit_id", "process", "key", "arguments", "settings")
    inputs = list(locations.each(partial(open_input, store=store), line["inputs"], store))
    stores = [store, *map(locations.local, line.get("stores", ()))]
    told = {name: line[name] for name in ("exact", "makes", "sources") if name in line}
    return Unit(**{name: line[name] for name in fields}, inputs=inputs, stores=stores, **told)


def open_input(given: dict[str, Any], store: Path) -> Finished:
    """Open the bundle that a unit is made from: where it is recorded, else in this store."""
    if given["url"]:
        directory = locations.local(given["url"])
    else:
        directory = locations.place(store, given["process"], given["unit_id"])
    try:
        return _read(directory, bundles.stamp(directory))
    except FileNotFoundError:
        name, where = unit_name(given["process"], given["key"]), locations.shown(directory)
        raise Blocked(f"its input {name} is not in {where}") from None


@lru_cache(maxsize=64)
def _read(directory: Path, stamp: tuple[Any, ...]) -> Finished:
    """Read a bundle once for all units of a task that are made from it."""
    return bundles.read(directory)
