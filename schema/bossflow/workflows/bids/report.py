"""How BIDS Apps and what they left are told."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...core import ledger
from ...core.work import Request
from ...kit.texts import many
from .requests import VALIDATION
from .tables import AppRun, BidsView, DatasetFindings, Derivatives

LISTED = 8


def describe(
    requests: list[Request], counts: list[dict[str, tuple[int, int]]]
) -> list[dict[str, Any]]:
    """Return of each the app, the dataset, how many were run, and where what they left is."""
    names = [request.request_id for request in requests]
    made = {row["request_id"]: row for row in ledger.among(Derivatives(), "request_id", names)}
    checked = {
        row["request_id"]: row for row in ledger.among(DatasetFindings(), "request_id", names)
    }
    described = []
    for request, number in zip(requests, counts, strict=True):
        dataset, row = request.given["dataset"], made.get(request.request_id, {})
        if request.paramset.method == VALIDATION:
            found = checked.get(request.request_id, {})
            described.append(
                {
                    "about": f"validation of {Path(dataset['path']).name}",
                    "bids_dir": dataset["path"],
                    "n_errors": found.get("n_bids_errors"),
                    "n_warnings": found.get("n_bids_warnings"),
                }
            )
            continue
        done, n_runs = number["RUN_APP"]
        what = "session" if request.given["level"] == "session" else "participant"
        described.append(
            {
                "about": f"{request.given['app_name']} of {Path(dataset['path']).name}, "
                f"{many(n_runs, what)}",
                "app": request.given["app_name"],
                "bids_dir": dataset["path"],
                "level": request.given["level"],
                "n_runs": n_runs,
                "n_done": done,
                "n_derivatives": row.get("n_derivatives"),
                "derivatives": row.get("derivatives"),
            }
        )
    return described


def tables_of(request: str) -> list[dict[str, Any]]:
    """Return the runs of a request that took longest, for its page."""
    runs = (AppRun() * BidsView * Derivatives.Source & {"request_id": request}).to_dicts(
        order_by="app_seconds DESC", limit=LISTED
    )
    return [
        {
            "caption": f"Runs that took longest, {LISTED} at most",
            "columns": ["run", "exit code", "seconds", "peak MiB", "files"],
            "rows": [
                [
                    run["bids_view"],
                    run["app_exit_code"],
                    f"{run['app_seconds']:.3g}",
                    run["app_peak_bytes"] and run["app_peak_bytes"] >> 20,
                    run["n_app_files"],
                ]
                for run in runs
            ],
        }
    ]


def outcome(described: dict[str, Any]) -> str:
    """Return how many files the derivatives have, or what the validator found."""
    if "n_errors" in described:
        errors, warnings = many(described["n_errors"], "error"), described["n_warnings"]
        return f"{errors}, {many(warnings, 'warning')}"
    return many(described["n_derivatives"], "file")


def in_words(counts: Mapping[str, int]) -> str:
    """Return how many runs."""
    told = [many(counts.get("RUN_APP", 0), "run")]
    told += ["the group's"] * bool(counts.get("RUN_GROUP"))
    return " and ".join(told + ["the validation"] * bool(counts.get("VALIDATE_DATASET")))
