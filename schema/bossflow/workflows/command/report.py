"""How command lines and what they left are told."""

import shlex
from collections import defaultdict
from collections.abc import Iterable, Mapping
from operator import itemgetter
from pathlib import Path
from typing import Any

from ...core import ledger
from ...core.score_tables import Metric
from ...core.tables import Run
from ...core.work import Request
from ...kit.digests import unit_id
from ...kit.texts import many
from .tables import CommandResult

IMAGE_MAX = 19
"""Characters of an image's name that are shown: of an id, as many as docker shows."""


def describe(
    requests: list[Request], counts: list[dict[str, tuple[int, int]]]
) -> list[dict[str, Any]]:
    """Return of each the command, its tool and inputs and, once made, its numbers and files."""
    asked_for = [{"request_id": request.request_id} for request in requests]
    codes = _exit_codes(request.request_id for request in requests)
    made = {row["request_id"]: row for row in (CommandResult() & asked_for).to_dicts()}
    metrics: dict[str, dict[str, float]] = defaultdict(dict)
    executions = [row["collected_by"] for row in made.values()]
    for row in ledger.among(Metric(), "execution_id", executions):
        metrics[row["execution_id"]][row["metric"]] = float(row["metric_value"])
    described = []
    for request in requests:
        asked, row = request.paramset.parameters, made.get(request.request_id, {})
        command, image = shlex.join(asked["command"]), request.given.get("image", "")
        short = Path(image.partition("@")[0]).name[:IMAGE_MAX]
        described.append(
            {
                "about": f"{short}: {command}" if image else command,
                "command": command,
                "image": image or None,
                "tool": asked["tool"],
                "inputs": [one["path"] for one in request.given["inputs"]],
                "exit_code": codes.get(request.request_id),
                "n_outputs": row.get("n_outputs"),
                "outputs": row.get("outputs"),
                "metrics": metrics.get(row.get("collected_by", "")),
            }
        )
    return described


def _exit_codes(request_ids: Iterable[str]) -> dict[str, int]:
    """Return how the last attempt at each ended, of those that were tried."""
    units = {unit_id("COMMAND", {"request_id": name}): name for name in request_ids}
    tries = ledger.among(Run.Attempt() * Run.proj("run_started"), "attempted_unit", units)
    tries.sort(key=itemgetter("run_started", "attempt"))
    return {units[row["attempted_unit"]]: row["exit_code"] for row in tries}


def outcome(described: dict[str, Any]) -> str:
    """Return how many files a command left, and what numbers it printed."""
    metrics = (described["metrics"] or {}).items()
    told = [many(described["n_outputs"], "file")]
    return ", ".join([*told, *(f"{name} {value:.6g}" for name, value in sorted(metrics))])


def in_words(counts: Mapping[str, int]) -> str:
    """Return how many command lines."""
    number = counts.get("COMMAND", 0)
    return many(number, "command line")
