"""Rows that go with others: found along the foreign keys, then deleted, children first.

DataJoint's own cascade names all of them in one statement, which grows with their number.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from graphlib import TopologicalSorter
from typing import Any

from datajoint.dependencies import extract_master

from .. import database

GROUPS = 100
"""Keys that share no column with others, in a statement."""

Key = tuple[Any, ...]

Rows = dict[str, set[Key]]
"""Primary keys by the full name of a table, each in the order of its columns' names."""

Link = tuple[str, str, tuple[str, ...]]
"""A foreign key: to which table, from which table, and the columns of that one."""


class Cascade:
    """The foreign keys of the bound schemas, and of those that refer to them.

    Parameters
    ----------
    conn : DataJoint connection
        To the database.
    along : dict
        Full name of a table to a column of it: the row that this refers to goes with the table's
        row, as a master does with its part.
    """

    def __init__(self, conn: Any, along: dict[str, str]) -> None:
        conn.dependencies.clear()  # another process may have made tables meanwhile
        conn.dependencies.load_all_downstream()
        self.conn, self.graph, self.along = conn, conn.dependencies, along

    def reached(self, table: str, keys: Iterable[Key]) -> Rows:
        """Return the rows that go with some of a table, these included.

        Those of parts to which nothing refers are not named: they go with their masters.
        """
        rows: Rows = {}
        todo: Rows = {table: set(keys)}
        while todo:
            table, some = todo.popitem()
            rows[table] = rows.get(table, set()) | some
            for other, more in self._next(table, some):
                if new := more - rows.get(other, set()):
                    todo[other] = todo.get(other, set()) | new
        return rows

    def delete(self, rows: Rows) -> None:
        """Delete rows that were `reached`; to be called in a transaction."""
        parents = {table: set(self.graph.predecessors(table)) for table in self.graph}
        for table in reversed([*TopologicalSorter(parents).static_order()]):
            owner = self._owner(table)
            if owner and self._is_unnamed(table):
                chosen = self._among(self._columns(owner), rows.get(owner[0], ()))
            else:
                chosen = self._among(self._key(table), rows.get(table, ()))
            for condition, values in chosen:
                self.conn.query(f"DELETE FROM {table} WHERE {condition}", values)

    def _next(self, table: str, keys: set[Key]) -> Iterator[tuple[str, set[Key]]]:
        """Yield table and keys of the rows that go with some of a table, by one link each."""
        owner = self._owner(table)
        if owner:
            yield owner[0], self._select(table, self._columns(owner), self._key(table), keys)
        for link in self.graph.out_edges(table, keys=True):
            other, columns = link[1], self._columns(link)
            owner = self._owner(other)
            if not (owner and self._is_unnamed(other)):
                yield other, self._select(other, self._key(other), columns, keys)
            elif owner != link:
                yield owner[0], self._select(other, self._columns(owner), columns, keys)

    def _select(
        self, table: str, wanted: Sequence[str], columns: Sequence[str], keys: set[Key]
    ) -> set[Key]:
        """Return what some columns are in the rows of a table of which others are among keys."""
        names = ", ".join(map(self.conn.adapter.quote_identifier, wanted))
        selected: set[Key] = set()
        for condition, values in self._among(columns, keys):
            query = f"SELECT DISTINCT {names} FROM {table} WHERE {condition}"
            selected.update(self.conn.query(query, values).fetchall())
        return selected

    def _owner(self, table: str) -> Link | None:
        """Return the link to the row that goes with one of a table, if there is any."""
        links: list[Link] = [*self.graph.in_edges(table, keys=True)]
        if table in self.along:
            return next(link for link in links if link[2] == (self.along[table],))
        master = extract_master(table)
        # a part may refer to its master by way of another part, and to those of other masters
        within = [link for link in links if master and master in (link[0], extract_master(link[0]))]
        renamed = self.graph.edges
        return min(
            within, key=lambda link: (link[0] != master, renamed[link]["aliased"]), default=None
        )

    def _is_unnamed(self, table: str) -> bool:
        """Say whether a table's rows go by their master alone: a part's to which nothing refers."""
        return extract_master(table) is not None and not self.graph.out_degree(table)

    def _key(self, table: str) -> list[str]:
        return sorted(self.graph.nodes[table]["primary_key"])

    def _columns(self, link: Link) -> list[str]:
        """Return a link's columns, in the order of the key that they refer to."""
        return sorted(link[2], key=self.graph.edges[link]["attr_map"].__getitem__)

    def _among(
        self, columns: Sequence[str], keys: Collection[Key]
    ) -> Iterator[tuple[str, list[Any]]]:
        """Yield conditions, with their values, that columns are among keys, a piece of them each.

        The column that tells most keys apart is named first, which finds the index. What is left,
        in groups that share all others, PostgreSQL compares one by one: these are few.
        """
        if not keys:
            return
        quoted = [self.conn.adapter.quote_identifier(name) for name in columns]
        at = max(range(len(columns)), key=lambda at: len({key[at] for key in keys}))
        telling, others = quoted[at], quoted[:at] + quoted[at + 1 :]
        group = " AND ".join([*(f"{name} = %s" for name in others), f"{telling} IN %s"])
        groups: dict[Key, list[Key]] = defaultdict(list)
        for key in keys:
            groups[key[:at] + key[at + 1 :]].append(key)
        size = min(database.limits.PIECE, GROUPS * (len(keys) // len(groups)))
        for piece in database.pieces((key for some in groups.values() for key in some), size):
            named: dict[Key, list[Any]] = defaultdict(list)
            for key in piece:
                named[key[:at] + key[at + 1 :]].append(key[at])
            condition = " OR ".join([f"({group})"] * len(named))
            values = [value for rest, some in named.items() for value in (*rest, tuple(some))]
            if len(named) > 1:
                condition = f"{telling} IN %s AND ({condition})"
                values.insert(0, tuple(key[at] for key in piece))
            yield condition, values
