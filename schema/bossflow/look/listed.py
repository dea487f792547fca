"""Objects that a result lists: from rows of the database, or from the files that list all."""

from pathlib import Path
from typing import Any, NamedTuple

import datajoint as dj

from ..core import ledger, stores, work
from ..kit import buckets, bundles, digests, fetched
from ..voxels.boxes import Box


class Listed(NamedTuple):
    """What a workflow's results list.

    Attributes
    ----------
    table, part : table class
        Of a result, and of the objects in it, which have a box.
    number : str
        The column of an object's number.
    total, rows : str
        Columns of the table: how many objects there are, and how many are rows.
    """

    table: Any
    part: Any
    number: str
    total: str
    rows: str


def of_workflow(workflow: work.Workflow) -> Listed | None:
    """Return what a workflow's results list, if they do: such as components."""
    for table in workflow.tables:
        for part in with_boxes(table):
            rows = getattr(table, "first_rows", {}).get(part.__name__)
            if rows and table().primary_key == ["request_id"]:
                (own,) = {*part().primary_key} - {"request_id"}
                return Listed(table, part, own, f"{rows.removesuffix('_rows')}s", rows)
    return None


def with_boxes(table: Any) -> dict[Any, str]:
    """Return the parts of a table whose rows are objects with a box, and how its columns begin."""
    members = vars(table).values()
    parts = [one for one in members if isinstance(one, type) and issubclass(one, dj.Part)]
    found = {}
    for part in parts:
        names = part().heading.names
        for name in names:
            start = name.removesuffix("x0")
            if {f"{start}{axis}{end}" for axis in "xyz" for end in "01"} <= {*names}:
                found[part] = start
    return found


def box_of(row: dict[str, Any], start: str) -> Box:
    """Return the box of an object, whose columns begin so."""
    return Box(*(int(row[f"{start}{axis}{end}"]) for axis in "xyz" for end in "01"))


def row(table: Any, part: Any, request: str, number: int) -> dict[str, Any]:
    """Return an object of a request by its number; JSON values.

    Raises
    ------
    ValueError
        If it is neither a row of the part nor in the files of the result, or these are away or
        damaged.
    """
    (own,) = set(part().primary_key) - set(table().primary_key)
    key = {"request_id": request}
    found, why = (part() & (key | {own: number})).to_dicts(), ""
    if not found:
        found, why = _of_files(table, part.__name__, key, own, number)
    if not found:
        highest = dj.U().aggr(part() & key, n=f"max({own})").fetch1("n")
        lists = "lists none" if highest is None else f"lists 1 to {highest}"
        raise ValueError(
            f"request {request} has no component {number} in the database: it {lists}{why}"
        )
    return {name: _plain(value) for name, value in found[0].items() if name != "request_id"}


def _of_files(
    table: Any, part: str, key: dict[str, Any], own: str, number: int
) -> tuple[list[dict[str, Any]], str]:
    """Return an object from the files of a result, or why there is none."""
    from ..core import checks  # with pyarrow, which a row of the database needs not

    (recorded,) = ledger.recorded(table, [key]).values()
    why = "; the files that list all of them are away"
    for directory in map(Path, stores.Here().candidates(recorded)):
        try:
            bundle = bundles.read(directory)
        except (ValueError, OSError):
            continue
        inside = bundle.manifest["parts"].get(part)
        if inside is None or bundle.content_sha256 != recorded.content_sha256:
            continue
        why = ""
        for path in checks.part_files(bundle, part):
            whole = path == bundle.at(inside)
            file = bundle.file(inside if whole else f"{inside}/{path.name}")
            try:
                if found := _in_file(bundle, file, own, number):
                    return found, ""
            finally:
                if buckets.holds(file):
                    fetched.drop(file)
    return [], why


def _in_file(bundle: bundles.Finished, file: Path, own: str, number: int) -> list[dict[str, Any]]:
    """Return an object from a file, which must be what its bundle says; in a bucket it is."""
    import pyarrow.parquet as pq

    try:
        rows = pq.read_table(file, filters=[(own, "=", number)])
        found: list[dict[str, Any]] | None = rows.to_pylist()
    except (ValueError, OSError):
        found = None
    if found == []:
        return []
    listed = bundle.manifest["files"]
    is_whole = buckets.holds(file) or digests.file_record(file, bundle.store) in listed
    if found is None or not is_whole:
        raise ValueError(f"{file} is not what its bundle says: `bossflow verify` tells more")
    return found


def _plain(value: Any) -> Any:
    """Return a value of a row as JSON has it: decimals are whole numbers here."""
    return value if value is None or isinstance(value, int | float | str) else int(value)
