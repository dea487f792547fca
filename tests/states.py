"""What a database and a store hold: compared, and kept to come back to."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from killable import Server
from kit import bundles, digests, locations, recorded_marks, store_ids
from lab import COMPUTE

MEASURED = ("run_id", "task", "started", "seconds", "peak_memory_bytes")
"""What `bundle.json` tells of one making."""

NOT_COMPARED = {
    "execution": (
        "execution_id",
        "run_id",
        "task",
        "executed",
        "execution_seconds",
        "peak_memory_bytes",
        "manifest_sha256",
    ),
    "execution__copy": ("store_id", "copy_sha256"),
    "store": ("store_id",),
    "store__place": ("store_id",),
    "request": ("first_run_id",),
    "schema_version": ("deployed",),
}
"""Times, runs, measured values and what is drawn; by table."""


class States:
    """A store, a schema on a server, and states of both to come back to."""

    directory: Path
    server: Server
    schema: str
    store: Path
    states: list[str]
    environment: dict[str, str]

    # ---- states ----

    def save(self, state: str) -> None:
        """Remember database and store."""
        schema, copy = self.schema, f"{self.schema}_{state}"
        tables = self._tables()
        same = (f'CREATE TABLE "{copy}"."{t}" AS SELECT * FROM "{schema}"."{t}"' for t in tables)
        self.server.query(f'CREATE SCHEMA "{copy}"', *same)
        self.store.mkdir(exist_ok=True)
        shutil.copytree(self.store, self.directory / "states" / state)
        self.states.append(state)

    def restore(self, state: str) -> None:
        """Have database and store as they were."""
        schema, copy = self.schema, f"{self.schema}_{state}"
        changes = []
        for table in self._tables():
            changes.append(f'DELETE FROM "{schema}"."{table}"')
            changes.append(f'INSERT INTO "{schema}"."{table}" SELECT * FROM "{copy}"."{table}"')
        self.server.query(*changes)
        shutil.rmtree(self.store)
        shutil.copytree(self.directory / "states" / state, self.store)

    def drop(self, *states: str) -> None:
        """Drop the schema, or its copies."""
        cascade = "" if "DJ_HOST" in self.environment else "CASCADE"
        for copy in (f"_{state}" for state in states) if states else ("",):
            self.server.query(f'DROP SCHEMA IF EXISTS "{self.schema}{copy}" {cascade}')

    def _tables(self) -> list[str]:
        query = (
            "SELECT table_name AS name FROM information_schema.tables "
            f"WHERE table_schema = '{self.schema}'"
        )
        (found,) = self.server.query(query)
        return sorted(row["name"] for row in found if not row["name"].startswith("~"))

    # ---- what is there ----

    def rows(self) -> dict[str, list[str]]:
        """Return all tables' rows but times, runs and measured values, an execution by its content.

        Of the runs nothing is left to compare; failures are of runs.
        """
        tables = [table for table in self._tables() if not table.startswith("run")]
        queries = (f'SELECT * FROM "{self.schema}"."{table}"' for table in tables)
        found = dict(zip(tables, self.server.query(*queries), strict=True))
        content = {
            row["execution_id"]: f"{row['process']} {row['content_sha256']}"
            for row in found["execution"]
        }
        return {
            table: sorted(
                repr(
                    {
                        name: content.get(value, value) if isinstance(value, str) else value
                        for name, value in row.items()
                        if name not in NOT_COMPARED.get(table, ())
                    }
                )
                for row in rows
            )
            for table, rows in found.items()
        }

    def files(self) -> dict[str, str]:
        """Return the store's files with their checksums, `bundle.json` without measured values.

        Left out is what nobody reads: what was retired, and what killed programs left; also the
        store's id, and the word that RECORD leaves.
        """
        found = {}
        for path in digests.files_below(self.store):
            name = path.relative_to(self.store).as_posix()
            if name.startswith(
                (".retired/", ".tmp-", f"{recorded_marks.DIRECTORY}/", store_ids.STORE_FILE)
            ):
                continue
            content = path.read_bytes()
            if path.name == locations.MANIFEST:
                manifest = json.loads(content)
                for measured in MEASURED:
                    del manifest[measured]
                content = digests.canonical(manifest).encode()
            found[name] = hashlib.sha256(content).hexdigest()
        return found

    def made(self) -> dict[str, tuple[Any, ...]]:
        """Return what tells each bundle in the store from one that was made again."""
        return {
            path.relative_to(self.store).as_posix(): (*bundles.stamp(path), path.stat().st_ino)
            for process in COMPUTE
            for path in locations.every(self.store, process)
        }

    def in_flight(self) -> set[str]:
        """Return the units that were begun and not finished."""
        return {path.name.split("-")[1] for path in self.store.glob(".tmp-*")}
