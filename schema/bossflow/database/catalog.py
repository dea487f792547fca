"""What a database tells of all tables of a schema at once, where DataJoint asks for each.

DataJoint asks whether a table is there, and when its heading is wanted for its columns, keys and
indexes, and each time whether lineage is noted: eight statements a table, each with a plan and a
round trip of its own.
"""

from collections import defaultdict
from typing import Any, NamedTuple

_POSTGRESQL = {
    "tables": "SELECT t.table_name AS of_table, t.*, obj_description("
    "format('%%I.%%I', t.table_schema, t.table_name)::regclass, 'pg_class') AS table_comment "
    "FROM information_schema.tables t WHERE t.table_schema = %s",
    "columns": "SELECT c.table_name AS of_table, c.column_name, c.data_type, c.udt_name, "
    "c.is_nullable, c.column_default, c.character_maximum_length, c.numeric_precision, "
    "c.numeric_scale, col_description(format('%%I.%%I', c.table_schema, c.table_name)::regclass, "
    "c.ordinal_position) AS column_comment FROM information_schema.columns c "
    "WHERE c.table_schema = %s ORDER BY c.ordinal_position",
    "primary keys": "SELECT c.relname AS of_table, a.attname AS column_name FROM pg_index i "
    "JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
    "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY(i.indkey) "
    "WHERE i.indisprimary AND n.nspname = %s",
    "indexes": "SELECT tablename AS of_table, indexname, indexdef FROM pg_indexes "
    "WHERE schemaname = %s",
}

_MYSQL = {
    "tables": "SELECT t.table_name AS of_table, t.* FROM information_schema.tables t "
    "WHERE t.table_schema = %s",
    "columns": "SELECT table_name AS of_table, column_name AS `Field`, column_type AS `Type`, "
    "is_nullable AS `Null`, column_default AS `Default`, column_comment AS `Comment`, "
    "column_key AS `Key`, extra AS `Extra` FROM information_schema.columns "
    "WHERE table_schema = %s ORDER BY ordinal_position",
    "primary keys": "SELECT table_name AS of_table, column_name AS column_name "
    "FROM information_schema.key_column_usage "
    "WHERE table_schema = %s AND constraint_name = 'PRIMARY' ORDER BY ordinal_position",
    "indexes": "SELECT table_name AS of_table, index_name AS index_name, "
    "column_name AS column_name, non_unique AS non_unique, seq_in_index AS seq_in_index "
    "FROM information_schema.statistics WHERE table_schema = %s AND index_name != 'PRIMARY' "
    "ORDER BY index_name, seq_in_index",
}


class _Question(NamedTuple):
    """What DataJoint asks of a table, in place of SQL."""

    about: str
    table: str
    sql: str


class _Answer(list[dict[str, Any]]):
    """Rows, as a cursor gives them."""

    @property
    def rowcount(self) -> int:
        return len(self)

    def fetchone(self) -> dict[str, Any] | None:
        return self[0] if self else None

    def fetchall(self) -> list[dict[str, Any]]:
        return self


class _Adapter:
    """DataJoint's adapter, with questions for SQL."""

    def __init__(self, adapter: Any) -> None:
        self._own = adapter

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own, name)

    def get_table_info_sql(self, schema: str, table: str) -> _Question:
        return _Question("tables", table, self._own.get_table_info_sql(schema, table))

    def get_columns_sql(self, schema: str, table: str) -> _Question:
        return _Question("columns", table, self._own.get_columns_sql(schema, table))

    def get_primary_key_sql(self, schema: str, table: str) -> _Question:
        return _Question("primary keys", table, self._own.get_primary_key_sql(schema, table))

    def get_indexes_sql(self, schema: str, table: str) -> _Question:
        return _Question("indexes", table, self._own.get_indexes_sql(schema, table))


class Catalog:
    """A connection for binding tables that are there, and for their headings.

    Of a table that was made since the first question, and for a heading that is read again, the
    database is asked.

    Parameters
    ----------
    conn : DataJoint connection
    schema : str
        Its tables are known, and no other's.
    """

    def __init__(self, conn: Any, schema: str) -> None:
        self._conn, self._schema = conn, schema
        self._known: dict[str, dict[str, _Answer]] = {}
        self._told: dict[str, set[str]] = defaultdict(set)
        self.adapter = _Adapter(conn.adapter)

    def __getattr__(self, name: str) -> Any:
        """Give what else the connection has."""
        return getattr(self._conn, name)

    def query(self, query: Any, *args: Any, **options: Any) -> Any:
        """Answer what is known, and ask the database anything else."""
        if not isinstance(query, _Question):
            return self._conn.query(query, *args, **options)
        known = self._of(query.about)
        if query.table not in self._of("tables") or query.table in self._told[query.about]:
            return self._conn.query(query.sql, *args, **options)
        if query.about != "tables":
            self._told[query.about].add(query.table)
        return known[query.table]

    def _of(self, about: str) -> dict[str, _Answer]:
        """Return what is known of tables, by name."""
        if about not in self._known:
            asked = _MYSQL if self._conn.adapter.backend == "mysql" else _POSTGRESQL
            told: dict[str, _Answer] = defaultdict(_Answer)
            for row in self._conn.query(asked[about], (self._schema,), as_dict=True).fetchall():
                told[row.pop("of_table")].append(row)
            self._known[about] = told
        return self._known[about]
