"""What RECORD looks at before it takes a bundle: its files, its form, and whether tables fit."""

import json
import math
import re
import sys
from collections.abc import Iterable
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import fastjsonschema
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..kit import bundles, digests, locations, verification
from ..kit.bundles import Finished
from . import ledger


class BundleError(ValueError):
    """One sentence about a bundle that can't be recorded."""


@cache
def _validator() -> Any:
    text = resources.files("bossflow").joinpath("bundle.schema.json").read_text("utf-8")
    return fastjsonschema.compile(json.loads(text))


def opened_each(receipts: list[dict[str, Any]]) -> Iterable[Finished | Exception]:
    """Open the receipts' bundles and check their files; an error stands for one that failed."""
    if not receipts:
        return []

    def opened(receipt: dict[str, Any]) -> Finished | Exception:
        try:
            return opened_of(receipt)
        except (ValueError, OSError) as error:
            return error

    return locations.each(opened, receipts, locations.local(receipts[0]["url"]))


def opened_of(receipt: dict[str, Any]) -> Finished:
    """Open a receipt's bundle and check it as far as it goes without tables."""
    directory = locations.local(receipt["url"])
    where = locations.shown(directory)
    bundle = bundles.read(directory)
    try:
        _validator()(bundle.manifest)
    except fastjsonschema.JsonSchemaValueException as error:
        entry = "/".join(error.path[1:]) or "its top level"
        problem = error.message.removeprefix(f"{error.name} ")
        raise BundleError(f"{where}/bundle.json is not valid: {entry} {problem}") from None
    manifest = bundle.manifest
    if (manifest["process"], manifest["key"]) != (receipt["process"], receipt["key"]):
        raise BundleError(f"{where} is the bundle of another unit than its receipt says")
    verification.verify(bundle, bundle.store)
    bundles.fetch([bundle], *manifest["parts"].values())
    return bundle


def where_is(bundle: Finished) -> str:
    """Return where a bundle is, as users are told."""
    return locations.shown(bundle.directory)


def check_columns(
    bundle: Finished, tables: dict[str, Any], add_rows: dict[str, int] | None = None
) -> None:
    """Check that a bundle fits its table, and its parts theirs; rows up to those to be added.

    Raises
    ------
    BundleError
        If it does not.
    """
    manifest, where = bundle.manifest, where_is(bundle)
    if manifest["process"] not in tables:
        raise BundleError(f"{where}: no table is filled by process {manifest['process']}")
    table = tables[manifest["process"]]
    heading = table().heading
    given = {*manifest["key"], *manifest["attributes"], *manifest["urls"]}
    wanted = set(heading.names) - {ledger.execution_attribute(table)}
    _same_columns(given, wanted, where, table.__name__)
    if set(manifest["key"]) != set(heading.primary_key):
        raise BundleError(
            f"{where}: its key has {sorted(manifest['key'])}, table {table.__name__} "
            f"has {sorted(heading.primary_key)}"
        )
    for name, value in manifest["attributes"].items():
        _check_value(name, value, heading[name], where)
        if table().connection.adapter.backend == "postgresql" and _holds_nul(value):
            raise BundleError(
                f"{where}: {name} holds a NUL character, which PostgreSQL takes in no text"
            )
    for name, value in manifest.get("metrics", {}).items():
        if not abs(value) <= sys.float_info.max:  # nor NaN, nor a whole number of 400 digits
            raise BundleError(f"{where}: metric {name} is no finite number")
    for part_name in manifest["parts"]:
        part = getattr(table, part_name, None)
        if part is None:
            raise BundleError(f"{where}: {table.__name__} has no part {part_name}")
        wanted = set(part().heading.names) - set(manifest["key"])
        limit = part_rows(bundle).get(part_name, math.inf)
        _check_part(bundle, part_name, wanted, max(limit, (add_rows or {}).get(part_name, 0)))
    for part_name in set(part_rows(bundle)) - set(manifest["parts"]):
        raise BundleError(f"{where}: part_rows names {part_name}, which is no part")


def _check_part(bundle: Finished, name: str, wanted: set[str], left: float) -> None:
    """Check the columns of a part's files, and that the rows to be recorded are finite numbers.

    NaN and infinity: one backend takes them for defaults, the other stores them.
    """
    files = part_files(bundle, name)
    if not files:
        raise BundleError(
            f"{where_is(bundle)}/{bundle.manifest['parts'][name]} of part {name} is neither a "
            "file nor a directory of .parquet files that the bundle lists"
        )
    first = pq.read_schema(files[0])
    _same_columns(set(first.names), wanted, locations.shown(files[0]), name)
    floats = [field.name for field in first if pa.types.is_floating(field.type)]
    for file in files:
        source = pq.ParquetFile(file)
        if not source.schema_arrow.equals(first):
            raise BundleError(
                f"{locations.shown(file)} has other columns or types than "
                f"{locations.shown(files[0])}"
            )
        if left > 0 and floats:
            for batch in source.iter_batches(columns=floats):
                for column_name, column in zip(floats, batch.columns, strict=True):
                    if not pc.all(pc.is_finite(column), min_count=0).as_py():
                        where = locations.shown(file)
                        raise BundleError(
                            f"{where}: {column_name} holds a value that is not finite"
                        )
        left -= source.metadata.num_rows


def part_files(bundle: Finished, name: str) -> list[Path]:
    """Return the Parquet files of a part, in order: only those that are listed were verified."""
    target = bundle.at(bundle.manifest["parts"][name])
    listed = [bundle.store / bundle.actual(entry["path"]) for entry in bundle.manifest["files"]]
    inside = [path for path in listed if path.parent == target and path.suffix == ".parquet"]
    return [path for path in listed if path == target] or sorted(inside)


def part_rows(bundle: Finished) -> dict[str, int]:
    """Return how many first rows of its parts a bundle was made with, where not all."""
    rows: dict[str, int] = bundle.manifest.get("part_rows", {})
    return rows


def _same_columns(given: set[str], wanted: set[str], where: str, table: str) -> None:
    if given != wanted:
        problem = [f"lacks {name}" for name in sorted(wanted - given)]
        problem += [f"has {name}, which the table has not" for name in sorted(given - wanted)]
        raise BundleError(f"{where} does not fit table {table}: it {', '.join(problem)}")


def _holds_nul(value: Any) -> bool:
    # as JSON writes it, and not a backslash that is followed by the same
    return bool(re.search(r"(?<!\\)(\\\\)*\\u0000", digests.canonical(value)))


def _check_value(name: str, value: Any, attribute: Any, where: str) -> None:
    kind = attribute.original_type or attribute.type
    if kind.startswith("int"):
        fits = isinstance(value, int) and not isinstance(value, bool)
    elif kind.startswith("float"):
        fits = isinstance(value, (int, float)) and math.isfinite(value)
    elif kind.startswith(("char", "varchar")):
        size = int(kind[kind.index("(") + 1 : kind.index(")")])
        fits = isinstance(value, str) and len(value) <= size
    else:
        fits = True
    if not (fits or (value is None and attribute.nullable)):
        raise BundleError(f"{where}: {name} is {value!r}, but its column is {kind}")
