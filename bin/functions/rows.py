"""Rows that functions of blocks return, as tables of Arrow, and all of a cutout as one."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from .results import read
from .spelling import unspelled
from .texts import one_line

BLOCK = "block"
"""The column that tells whose rows they are, which `collected` adds."""

UNNAMED = "__index_level_"
"""Begins what Arrow calls an index of a data frame that has no name."""


def table_of(told: dict[str, Any], directory: Path) -> pa.Table:
    """Return the rows that a function returned.

    Parameters
    ----------
    told : dict
        `kind` and `value`, as `results.write` has them: None is no row, a dict one row, a list of
        dicts so many, a table its rows.
    directory : Path
        Where the table is.

    Raises
    ------
    ValueError
        If it returned something else, values of a column are of different types, or of one that
        Parquet lacks, rows have no column, or a name can't be printed. Categories are what they
        stand for: other blocks have others. Row numbers of a data frame are left out.
    """
    if told["value"] in (None, []):
        return pa.table({})
    if told["kind"] == "arrow":
        table = kept(read("arrow", None, directory))
    elif told["kind"] == "json":
        table = of_json(unspelled(told["value"]))
    else:
        what = {"numpy": "an array, and no dtype is declared: give dtype for a new volume"}
        raise ValueError(f"the function returned {what.get(told['kind'], 'files: return rows')}")
    if not table.num_columns and (told["kind"] == "json" or told["value"]["rows"]):
        raise ValueError("the rows have no column: return None where there are no rows")
    return table


def _refuse(names: list[str]) -> None:
    if BLOCK in names:
        raise ValueError(f"the rows have a column {BLOCK}, which every table gets: rename it")
    if again := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(f"the rows have two columns {one_line(again)}: rename one")
    if unseen := next((name for name in names if not name.isprintable()), None):
        raise ValueError(
            f"the rows have a column {one_line(unseen)}, a name that can't be printed: rename it"
        )


def kept(table: pa.Table) -> pa.Table:
    """Return rows of a block as they are kept: of types that Parquet has, without row numbers.

    Raises
    ------
    ValueError
        If it lacks one, or a column has the name of another, or of one that every table gets.
    """
    about = table.schema.pandas_metadata or {}
    indexes = [name for name in about.get("index_columns", ()) if isinstance(name, str)]
    numbers = [
        name
        for name in indexes
        if name.startswith(UNNAMED) and pa.types.is_integer(table.schema.field(name).type)
    ]
    table = table.drop_columns(numbers)
    _refuse(table.column_names)
    for at, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            table = table.set_column(at, field.name, table[at].cast(field.type.value_type))
    for field in table.schema.remove_metadata():
        empty, file = pa.schema([field]).empty_table(), pa.BufferOutputStream()
        try:
            pq.write_table(empty, file, use_compliant_nested_type=False)
            same = pq.read_schema(pa.BufferReader(file.getvalue())).equals(empty.schema)
        except pa.ArrowException:
            same = False
        if not same:
            raise ValueError(
                f"column {one_line(field.name)} is of {field.type}, which Parquet has not: return "
                "another type"
            )
    return table


def of_json(value: Any) -> pa.Table:
    """Return rows that are JSON values: None, a dict, or a list of dicts.

    Raises
    ------
    ValueError
        If it is something else, or values of a column are of different types.
    """
    rows = [] if value is None else [value] if isinstance(value, dict) else value
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError(
            "the function returned neither rows nor voxels: return a dict for a row, a list of "
            "dicts or a table for several, None for none; or an array, and give its dtype"
        )
    names = [*dict.fromkeys(name for row in rows for name in row)]
    _refuse(names)
    columns = {}
    for name in names:
        values = [row.get(name) for row in rows]
        if any(isinstance(one, (dict, list)) for one in values):
            raise ValueError(f"column {one_line(name)} has a list or dict: give numbers or texts")
        try:
            columns[name] = pa.array(values)
        except (pa.ArrowException, OverflowError, UnicodeError) as error:
            raise ValueError(
                f"column {one_line(name)} has values that are of no one type: "
                f"{one_line(str(error))}"
            ) from None
    return pa.table(columns)


def united(blocks: Iterable[tuple[str, int, pa.Schema]]) -> pa.Schema:
    """Return the schema of the rows of all blocks.

    Parameters
    ----------
    blocks : iterable of (str, int, Schema)
        Of each block its name, and the number and the schema of its rows. Where there are none,
        their types count for columns of which no other block has any.

    Raises
    ------
    ValueError
        If a column is of different types, other than numbers.
    """
    whole = pa.schema([])
    types: dict[str, pa.DataType] = {}
    for block, number, schema in blocks:
        if not number:
            types = {field.name: field.type for field in schema} | types
            schema = pa.schema([pa.field(name, pa.null()) for name in schema.names])
        try:
            schemas_now = [whole, schema.remove_metadata()]
            whole = pa.unify_schemas(schemas_now, promote_options="permissive")
        except pa.ArrowException as error:
            raise ValueError(
                f"rows of block {block} have other types than those before: "
                f"{one_line(str(error))}; have the function return one type for each column"
            ) from None
    fields = [
        field.with_type(types.get(field.name, field.type))
        if pa.types.is_null(field.type)
        else field
        for field in whole
    ]
    return pa.schema([pa.field(BLOCK, pa.string()), *fields])


def collected(block: str, rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return the rows of a block as `united` has them.

    Raises
    ------
    ValueError
        If a number is none of its column's type.
    """
    columns = {BLOCK: pa.array([block] * rows.num_rows, pa.string())}
    for field in [*schema][1:]:
        if field.name not in rows.column_names:
            columns[field.name] = pa.nulls(rows.num_rows, field.type)
            continue
        try:
            columns[field.name] = rows[field.name].cast(field.type)
        except pa.ArrowException as error:
            raise ValueError(
                f"column {one_line(field.name)} of block {block} is no {field.type}, as elsewhere: "
                f"{one_line(str(error))}"
            ) from None
    return pa.table(columns, schema=schema)
