"""What bundles were made from, and whether that is what is recorded."""

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from ..kit import committing, locations
from ..kit.bundles import Finished
from . import ledger
from .checks import check_columns, opened_of


def add_inputs(ready: dict[str, list[Finished]], tables: dict[str, Any]) -> None:
    """Take in what the batch was made from and is in the store but not recorded yet.

    Batches may come in any order after a retry, and a store may outlive its database.
    """
    new = [bundle for batch in ready.values() for bundle in batch]
    directories = {bundle.directory for bundle in new}
    while new:
        wanted = {
            (given["unit_id"], given["content_sha256"]): (given, bundle.store)
            for bundle in new
            for given in bundle.manifest["inputs"]
        }
        new = []
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
                new.append(taken)
                directories.add(directory)


def inputs_first(
    ready: dict[str, list[Finished]], tables: Iterable[str]
) -> Iterator[tuple[str, list[Finished]]]:
    """Yield the bundles of a batch by process, each after all those that it was made from.

    A process may come more than once: volumes are made of volumes of the same workflow.
    """
    left = {process: ready[process] for process in tables if ready[process]}
    waiting = {bundle.manifest["unit_id"] for some in left.values() for bundle in some}
    while left:
        before = len(waiting)
        for process, some in list(left.items()):
            now: list[Finished] = []
            later: list[Finished] = []
            for bundle in some:
                inputs = (given["unit_id"] for given in bundle.manifest["inputs"])
                (now if waiting.isdisjoint(inputs) else later).append(bundle)
            if now:
                yield process, now
            waiting.difference_update(bundle.manifest["unit_id"] for bundle in now)
            left[process] = later
        left = {process: some for process, some in left.items() if some}
        if len(waiting) == before:  # of each other, as no unit is: their lineage is refused
            yield from left.items()
            return


def unrecorded(inputs: list[dict[str, Any]], tables: dict[str, Any]) -> list[dict[str, Any]]:
    """Return those inputs that are not recorded with the content that is named."""
    by_process: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for given in inputs:
        by_process[given["process"]].append(given)
    missing = []
    for process, group in by_process.items():
        if process not in tables:  # of a workflow that is not installed
            missing += group
            continue
        table = tables[process]
        names = table().primary_key
        by_key = ledger.recorded(table, [given["key"] for given in group])
        for given in group:
            known = by_key.get(tuple(given["key"][name] for name in names))
            if known is None or known.content_sha256 != given["content_sha256"]:
                missing.append(given)
    return missing
