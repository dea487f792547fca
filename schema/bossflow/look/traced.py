"""What results were made from, found along the foreign keys, from row to row, by whole keys."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import repeat
from typing import Any, NamedTuple

from datajoint.dependencies import extract_master

from .. import database
from ..core import installed, ledger, registry
from ..core.cascade import GROUPS, Cascade, Key, Link, Rows
from ..core.tables import Execution, ParamSet
from ..volumes.tables import Block
from ..voxels.boxes import Box

Place = tuple[str, str]
"""A channel's id, and the name of a box there."""

Row = tuple[str, Key]
"""A table's full name, and a primary key."""


class Traced(NamedTuple):
    """Rows of stage tables, and how each is connected with others.

    Attributes
    ----------
    first, rows : set
        Those that were asked about, and all.
    executions : dict
        Of a row: the execution that filled it.
    made_of, paramsets, blocks : dict
        Of a row: rows that it was made from, ids of its own parameter sets, blocks it refers to.
    """

    first: set[Row]
    rows: set[Row]
    executions: dict[Row, str]
    made_of: dict[Row, set[Row]]
    paramsets: dict[Row, set[str]]
    blocks: dict[Row, set[Place]]


class Trace(Cascade):
    """The way back along the foreign keys of the tables that are known here."""

    def __init__(self) -> None:
        workflows = installed.known_workflows()  # first: it may be what makes their tables
        super().__init__(database.connection(), {})
        stages, made = registry.stage_tables(workflows), registry.made_by_process(workflows)
        self.stages = {table.full_table_name: table for table in stages.values()}
        self._by_process = {name: table.full_table_name for name, table in stages.items()}
        self._made = {table.full_table_name: table for table in made.values()}
        self._block, self._paramset = Block.full_table_name, ParamSet.full_table_name
        self._execution = Execution.full_table_name
        self._parts: dict[str, list[str]] = defaultdict(list)
        for name in self.graph:
            self._parts[extract_master(name) or ""].append(name)
        self._key = cache(self._key)  # type: ignore[method-assign]
        self._place = cache(self._place)  # type: ignore[method-assign]

    def of_request(self, identity: str) -> Rows:
        """Return the rows that a request has of its own."""
        return {
            name: self._select(name, self._key(name), ["request_id"], {(identity,)})
            for name in self.stages
            if "request_id" in self._key(name)
        }

    def of_blocks(self, places: Iterable[Place]) -> Rows:
        """Return the rows that made blocks, or were made straight from them."""
        blocks = {(block, channel) for channel, block in places}
        rows: Rows = defaultdict(set)
        for link in self.graph.out_edges(self._block, keys=True):
            if link[1] in self.stages:
                rows[link[1]] |= self._select(
                    link[1], self._key(link[1]), self._columns(link), blocks
                )
        for made in self._made:
            for table, key in self._makers(made, blocks).values():
                rows[table].add(key)
        return rows

    def of_executions(self, names: Iterable[str]) -> Rows:
        """Return the rows that executions filled."""
        rows: Rows = defaultdict(set)
        for table, key in self._filled(names).values():
            rows[table].add(key)
        return rows

    def place(self, row: Row) -> Place | None:
        """Return the block of a row that is of one."""
        at = self._place(row[0])
        return (row[1][at[0]], row[1][at[1]]) if at else None

    def _place(self, table: str) -> tuple[int, int] | None:
        """Return where the key of a table has the channel and the block, if it has one."""
        own = self._key(table)
        return (
            (own.index("channel_id"), own.index("block"))
            if {"channel_id", "block"} <= {*own}
            else None
        )

    def key(self, row: Row) -> dict[str, Any]:
        """Return the primary key of a row, by column."""
        return dict(zip(self._key(row[0]), row[1], strict=True))

    def executions(self, rows: Iterable[Row]) -> dict[Row, str]:
        """Return which executions filled rows of stage tables."""
        keys: Rows = defaultdict(set)
        for table, key in rows:
            keys[table].add(key)
        found = {}
        for table, some in keys.items():
            own, made_by = self._key(table), ledger.execution_attribute(self.stages[table])
            for told in self._select(table, [*own, made_by], own, some):
                found[table, told[:-1]] = str(told[-1])
        return found

    def back(self, start: Rows, within: dict[str, list[Box]] | None = None) -> Traced:
        """Follow rows to what they were made from, and what that was, until there is nothing more.

        Parameters
        ----------
        start : dict
            Rows of stage tables.
        within : dict, optional
            By the id of a channel, boxes: blocks there that meet none are passed over. In other
            channels, the blocks that are met on the way tell which. By default, none is.
        """
        first = {(table, key) for table, keys in start.items() for key in keys}
        traced = Traced(first, set(), {}, defaultdict(set), defaultdict(set), defaultdict(set))
        todo = first
        while todo:
            traced.rows.update(todo)
            linked: dict[str, dict[Key, set[Row]]] = defaultdict(lambda: defaultdict(set))
            for table, other, of in self._links(todo, traced.executions):
                for key, own in of.items():
                    if other == self._paramset:
                        for one in own:
                            traced.paramsets[table, one].add(str(key[0]))
                    elif other == self._block:
                        for one in own:
                            traced.blocks[table, one].add((key[1], key[0]))
                    elif within is None or _meets(self.place((other, key)), within):
                        linked[other][key].update(zip(repeat(table), own))
            todo = self._made_from(linked, traced, within) - traced.rows
        return traced

    def _made_from(
        self,
        linked: dict[str, dict[Key, set[Row]]],
        traced: Traced,
        within: dict[str, list[Box]] | None,
    ) -> set[Row]:
        """Note what rows were made from; return it."""
        found = set()
        for other, keys in linked.items():
            makers: dict[Key, Row] = {}
            if other == self._execution:
                by = self._filled(name for (name,) in keys)
                makers = {(name,): row for name, row in by.items()}
            elif other in self._made:
                makers = self._makers(other, keys)
            for key, rows in keys.items():
                maker = makers.get(key, (other, key))
                found.add(maker)
                for row in rows:
                    traced.made_of[row].add(maker)
                if within is not None and key in makers and (place := self.place(maker)):
                    within.setdefault(place[0], []).append(Box.parse(place[1]))
        return found

    def _links(
        self, rows: Iterable[Row], executions: dict[Row, str]
    ) -> Iterator[tuple[str, str, dict[Key, list[Key]]]]:
        """Yield a table, one that it or its parts refer to, and which keys of that which rows have.

        It is one of stages, or of parameters, blocks, or of executions that a part refers to. Notes
        by the way which executions filled the rows: a table is asked once for all.
        """
        keys: Rows = defaultdict(set)
        for table, key in rows:
            keys[table].add(key)
        wanted = {*self.stages, *self._made, self._paramset, self._block, self._execution}
        for table, some in keys.items():
            for name in (table, *self._parts[table]):
                owner = self._owner(name)
                by = self._columns(owner) if owner else self._key(table)
                made_by = [] if owner else [ledger.execution_attribute(self.stages[table])]
                links = [
                    link
                    for link in self.graph.in_edges(name, keys=True)
                    if link != owner and (owner or link[0] != self._execution)
                ]
                if not links and not made_by:
                    continue
                found, of = self._ask(name, by, made_by, links, some)
                if made_by:
                    executions.update(((table, row[: len(by)]), str(row[len(by)])) for row in found)
                for link in links:
                    for other, own in self._through(link[0], of[link], wanted):
                        yield table, other, own

    def _ask(
        self, table: str, by: list[str], more: list[str], links: list[Link], keys: set[Key]
    ) -> tuple[list[Key], dict[Link, dict[Key, list[Key]]]]:
        """Return rows of a table by some of its columns, and for each of its links which has which.

        Rows begin with these columns, and what `more` is wanted.
        """
        names = [name for link in links for name in self._columns(link)]
        columns = [*dict.fromkeys([*by, *more, *names])]
        found = [*self._select(table, columns, by, keys)]
        own = [row[: len(by)] for row in found]
        of: dict[Link, dict[Key, list[Key]]] = {}
        for link in links:
            take = ledger.values_of([columns.index(name) for name in self._columns(link)])
            told = of[link] = defaultdict(list)
            for key, one in zip(map(take, found), own, strict=True):
                told[key].append(one)
        return found, of

    def _select(
        self, table: str, wanted: Sequence[str], columns: Sequence[str], keys: set[Key]
    ) -> set[Key]:
        """Ask by the first column that tells all keys apart, and look at others that do here.

        Such as a block, and not the hash of its neighbours too: groups of one key would be many.
        What is known of a key is not asked for again.
        """
        values = [{*some} for some in zip(*keys, strict=True)]
        first, *spare = [at for at, some in enumerate(values) if len(some) == len(keys)] or [-1]
        if len(keys) <= GROUPS or first < 0:
            return super()._select(table, wanted, columns, keys)
        by = [at for at in range(len(columns)) if at not in spare]
        new = [name for name in dict.fromkeys(wanted) if name not in columns]
        asked = [*(columns[at] for at in (first, *spare)), *new]
        known = [*columns, *new]
        take = ledger.values_of([known.index(name) for name in wanted])
        whole = {key[first]: key for key in keys}
        parts = {*map(ledger.values_of(by), keys)}
        found = super()._select(table, asked, [columns[at] for at in by], parts)
        told, rest = 1 + len(spare), ledger.values_of([first, *spare])
        if spare:
            found = {row for row in found if row[0] in whole and rest(whole[row[0]]) == row[:told]}
        rows = (whole[row[0]] + row[told:] for row in found if row[0] in whole)
        return {*rows} if [*wanted] == known else {*map(take, rows)}

    def _through(
        self, table: str, of: dict[Key, list[Key]], wanted: set[str]
    ) -> Iterator[tuple[str, dict[Key, list[Key]]]]:
        """Yield what keys of a table mean that is wanted, for a part what its row refers to."""
        if table in wanted:
            yield table, of
        elif extract_master(table):
            links = [link for link in self.graph.in_edges(table, keys=True) if link[0] in wanted]
            _, above = self._ask(table, self._key(table), [], links, {*of})
            for link, keys in above.items():
                yield (
                    link[0],
                    {key: [one for own in some for one in of[own]] for key, some in keys.items()},
                )

    def _makers(self, made: str, keys: Iterable[Key]) -> dict[Key, Row]:
        """Return the stage rows of the executions that filled rows of a table of what is made."""
        own, made_by = self._key(made), ledger.execution_attribute(self._made[made])
        by = {tuple(key): name for *key, name in self._select(made, [*own, made_by], own, {*keys})}
        rows = self._filled(by.values())
        return {key: rows[name] for key, name in by.items()}

    def _filled(self, names: Iterable[str]) -> dict[str, Row]:
        """Return the stage rows that executions filled, by execution."""
        keys = [{"execution_id": name} for name in {*names}]
        of: dict[str, set[Key]] = defaultdict(set)
        for name, process in ledger.look_up(Execution, keys, ["t.process"]):
            if process not in self._by_process:
                raise registry.NotInstalled(
                    f"process {process} is of a workflow that can't be used here: put its module "
                    "on PYTHONPATH"
                )
            of[self._by_process[process]].add((str(name),))
        rows = {}
        for table, some in of.items():
            made_by = ledger.execution_attribute(self.stages[table])
            for name, *key in self._select(table, [made_by, *self._key(table)], [made_by], some):
                rows[str(name)] = table, tuple(key)
        return rows


def _meets(place: Place | None, within: dict[str, list[Box]]) -> bool:
    if place is None or place[0] not in within:
        return True
    box = Box.parse(place[1])
    return any(box.meets(other) for other in within[place[0]])
