"""What bundles were made from, and whether that is what is recorded."""

import contextlib
from collections import defaultdict
from typing import Any

from ..kit import committing, locations
from ..kit.bundles import Finished
from . import ledger
from .checks import check_columns, opened_of


def add_inputs(ready: dict[str, list[Finished]], tables: dict[str, Any]) -> None:
    """Take in what the batch was made from and is in the store but not recorded yet.

    Batches may come in any order after a retry, and a store may outlive its database.
    """
    directories = {bundle.directory for batch in ready.values() for bundle in batch}
    for process in reversed(tables):
        wanted = {
            (given["unit_id"], given["content_sha256"]): (given, bundle.store)
            for bundle in ready[process]
            for given in bundle.manifest["inputs"]
        }
        for given in unrecorded([given for given, _ in wanted.values()], tables):
            store = wanted[given["unit_id"], given["content_sha256"]][1]
            directory = locations.place(store, given["process"], given["unit_id"])
            if directory in directories:
                continue
            with contextlib.suppress(ValueError, OSError):  # then its lineage is refused
                taken = opened_of(given | {"url": locations.url(directory)})
                check_columns(taken, tables)
                committing.flush(taken)  # of no program do we know that it did
                ready[given["process"]].append(taken)
                directories.add(directory)


def unrecorded(inputs: list[dict[str, Any]], tables: dict[str, Any]) -> list[dict[str, Any]]:
    """Return those inputs that are not recorded with the content that is named."""
    by_process: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for given in inputs:
        by_process[given["process"]].append(given)
    missing = []
    for process, group in by_process.items():
        table = tables[process]
        names = table().primary_key
        by_key = ledger.recorded(table, [given["key"] for given in group])
        for given in group:
            known = by_key.get(tuple(given["key"][name] for name in names))
            if known is None or known.content_sha256 != given["content_sha256"]:
                missing.append(given)
    return missing
