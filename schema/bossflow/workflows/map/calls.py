"""The calls of a request as a program sees them: what is recorded, and what makes the rest."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ...core import holdings, ledger, states, work
from ...core.tables import Request
from ...database import chosen
from ...functions.identity import Function, identify
from ...functions.locks import Outside
from ...functions.results import read
from ...functions.spelling import unspelled
from ...upkeep.begun import Begun
from .tables import FunctionCall
from .units import units

POLL_SECONDS = 0.5


class CallFailed(RuntimeError):
    """A call that raised: the type of what it raised, and what that says.

    `log` is the file that holds its traceback and what it printed, where that is known.
    """

    def __init__(self, error: str) -> None:
        text, behind, log = error.removesuffix(")").rpartition(" (log: ")
        super().__init__(text if behind else error)
        self.log = log if behind else None


class RunFailed(RuntimeError):
    """A run that ended without a word on the call, and what it said last."""


class Calls:
    """The calls of a request: what the database tells of them, and the run that makes them."""

    def __init__(self, request: work.Request, given: list[dict[str, Any]]) -> None:
        self.request, self._given = request, given
        self._units = {
            unit.key["call_id"]: unit
            for unit in units(request)
            if unit.process == FunctionCall.process
        }
        self.returned: dict[str, tuple[str, str | None]] = {}
        self.failed: dict[str, Exception] = {}
        self._place = chosen.home() / "knots" / request.request_id
        self.run = Begun.last(self._place)
        self._looked = float("-inf")

    def known(self) -> bool:
        """Say whether they were asked for: in the database, or by a run that was begun here."""
        key = {"request_id": self.request.request_id}
        return self.run is not None or bool(Request() & key)

    def missing(self) -> list[str]:
        """Return the calls that are not recorded."""
        self.look()
        return [name for name in self._units if name not in self.returned]

    def goes_on(self) -> bool:
        """Say whether a run that was begun here goes on."""
        return self.run is not None and self.run.goes_on()

    def look(self) -> None:
        """Ask the database about the calls that are not done, if it was not asked just now."""
        left = [name for name in self._units if name not in self.returned]
        if not left or time.monotonic() < self._looked + POLL_SECONDS:
            return
        goes_on = self.goes_on()  # first: what it recorded until now is seen
        keys = [self._units[name].key for name in left]
        columns = ["t.result_kind", "t.result_json"]
        for _, name, kind, text in ledger.look_up(FunctionCall, keys, columns):
            self.returned[name] = kind, text
        errors = self._errors([name for name in left if name not in self.returned])
        self.failed |= {name: CallFailed(error) for name, error in errors.items()}
        if self.run is not None and not goes_on:
            for name in left:
                self.failed.setdefault(name, RunFailed(self.run.said()))
        for name in self.returned:
            self.failed.pop(name, None)
        self._looked = time.monotonic()

    def _errors(self, names: list[str]) -> dict[str, str]:
        """Return of calls how they failed in the latest run, since the one that was begun here."""
        since = self.run.since if self.run else datetime.min
        units = {self._units[name].unit_id: name for name in names}
        return {units[unit]: error for unit, error in states.failures(units, since).items()}

    def value(self, name: str) -> Any:
        """Return what a call returned."""
        kind, text = self.returned[name]
        if kind == "json" and text is not None:
            return read(kind, json.loads(text), Path())
        (recorded,) = ledger.recorded(FunctionCall, [self._units[name].key]).values()
        bundle = holdings.bundle_here(recorded)
        if text is None:
            text = bundle.file("result.json").read_text("utf-8")
        place = bundle.manifest["urls"].get("result_url")
        return read(kind, json.loads(text), bundle.file(place).parent if place else Path())

    def shown(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return arguments as values; of a file its name."""
        kinds = {name: kind for name, kind, _ in self.request.given["function"]["parameters"]}
        return {
            name: value["name"]
            if kinds[name].startswith("Path") and value is not None
            else unspelled(value)
            for name, value in arguments.items()
        }

    def begin(
        self, function: Function, given: tuple[Path, dict[str, str], Outside], options: list[str]
    ) -> None:
        """Begin a run that makes what is missing, with the sources and rows as they are now.

        Sources are those of a project, of texts and of what is outside.
        """
        project, texts, outside = given
        directory = self._place / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
        for name in function.files:
            copy = directory / "sources" / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            text = texts[name].encode() if name in texts else (project / name).read_bytes()
            copy.write_bytes(text)
        spec = f"{function.module}:{function.name}"
        again = identify(spec, directory / "sources", outside=outside)
        if again.digest() != function.digest():
            raise ValueError(f"the sources of {spec} changed meanwhile: map it again")
        kinds = {one.name: one.type for one in function.parameters}
        rows = [
            {
                name: value["path"]
                if kinds[name].startswith("Path") and value is not None
                else unspelled(value)
                for name, value in row.items()
            }
            for row in self._given
        ]
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (directory / "rows.jsonl").write_text(lines, "utf-8")
        params = {"workflow": "map", "function": spec}
        params |= {"rows": str(directory / "rows.jsonl"), "project_dir": str(directory / "sources")}
        if outside.lock:
            params["requirements"] = str(directory / "requirements.txt")
            Path(params["requirements"]).write_text(outside.lock.text(), "utf-8")
        if outside.image:
            params["image"] = outside.image
        self.run = Begun.begin(directory, params, options)
        self.failed.clear()
        Begun.tidy(self._place.parent)
