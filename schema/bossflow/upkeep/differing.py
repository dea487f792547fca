"""What units that are not made again as recorded are told with, and what to do about them."""

import importlib.metadata
import platform
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from ..core import ledger, work
from ..core.tables import Environment, Execution
from ..kit.texts import unit_name
from .pipeline import Pipeline


def environments(execution_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the `Environment` of executions."""
    rows = ledger.among(Execution.proj("environment_id"), "execution_id", execution_ids)
    names = {row["environment_id"] for row in rows}
    by_id = {
        row["environment_id"]: row for row in ledger.among(Environment(), "environment_id", names)
    }
    return {row["execution_id"]: by_id[row["environment_id"]] for row in rows}


def command(unit: work.UnitPlan, request: str) -> str:
    """Return the command that has a unit made again, with what was made of it."""
    key = unit.key
    of_block = "block" in key and "channel_id" in key
    if of_block and (unit.reads or "request_id" not in key):
        return f"bossflow invalidate --channel {key['channel_id']} --block {key['block']}"
    return f"bossflow invalidate --request {key.get('request_id', request)}"


def differences(environment: dict[str, Any], pipeline: Pipeline) -> list[str]:
    """Say what is other here than in a recorded environment."""
    said = []
    for name, version in environment["software"].items():
        own = platform.python_version() if name == "python" else "none"
        with suppress(importlib.metadata.PackageNotFoundError):
            own = own if name == "python" else importlib.metadata.version(name)
        if own != version:
            said.append(f"{name} {version} (here {own})")
    if environment["code"] != pipeline.code:
        said.append(f"programs {environment['code']} (here {pipeline.code})")
    if environment["container"]:
        said.append(f"container {environment['container']} (here none)")
    return said


def described_unit(one: dict[str, Any]) -> str:
    """Return a unit that differs, or failed, as a line for users."""
    line = f"{unit_name(one['process'], one['key'])} of request {one['request']}: {one['problem']}"
    if one.get("environment"):
        line += f" (recorded with {', '.join(one['environment'])})"
    return line
