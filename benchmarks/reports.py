"""What benchmarks find, in tables and files.

A benchmark runs ours and its peers in turn, takes medians, prints a table, and writes figures and
ratios (peer over ours: above 1 means ours needs less) as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import absent  # noqa: F401
import psutil
from common import Measured, console, environment
from rich.table import Table

MATPLOTLIB = "matplotlib==3.10.8"

Results = Mapping[str, Sequence[Measured]]


def alternate(rounds: int, runs: Mapping[str, Callable[[], Measured]]) -> Results:
    """Run everything once a round, in turn, so that a noisy machine is noisy for all alike."""
    found: dict[str, list[Measured]] = {name: [] for name in runs}
    for number in range(1, rounds + 1):
        for name, run in runs.items():
            taken = run()
            found[name].append(taken)
            console.print(
                f"round {number}: {name} took {taken.wall_s:.2f} s, {taken.cpu_s:.2f} CPU-s"
            )
    return found


def medians(results: Results) -> dict[str, dict[str, Any]]:
    """Return figures: the medians of the rounds, and the rounds themselves."""
    return {
        name: {
            "wall_s": statistics.median(run.wall_s for run in runs),
            "cpu_s": statistics.median(run.cpu_s for run in runs),
            "peak_mib": max(run.peak_mib for run in runs) or None,
            "server_s": statistics.median(run.server_s for run in runs) or None,
            "rounds": [run._asdict() for run in runs],
        }
        for name, runs in results.items()
    }


def ratios(figures: Mapping[str, Mapping[str, Any]], ours: str, peer: str) -> dict[str, float]:
    """Divide the peer's wall time and CPU seconds by ours."""
    return {
        name: figures[peer][f"{name}_s"] / max(figures[ours][f"{name}_s"], 1e-9)
        for name in ("wall", "cpu")
    }


def show(title: str, figures: Mapping[str, Mapping[str, Any]]) -> None:
    """Print a table with a row for each name; only numbers are shown."""
    columns = {name: None for row in figures.values() for name in row if _number(row[name])}
    table = Table("", *columns, title=title)
    for name, row in figures.items():
        table.add_row(name, *(_words(row.get(c)) for c in columns))
    console.print(table)


def report(
    options: argparse.Namespace,
    title: str,
    figures: Mapping[str, Mapping[str, Any]],
    ratio: Mapping[str, Any],
    **more: Any,
) -> None:
    """Print the figures as a table, and write them and the plot where the options say.

    Parameters
    ----------
    options : Namespace
        From `parser`.
    title : str
    figures : mapping
        A row by name; its values are numbers, or lists that only the JSON shows.
    ratio : mapping
        `wall` and `cpu`, peer over ours.
    **more
        What else the JSON shall hold.
    """
    show(title, figures)
    console.print("peer over ours:", {name: _words(value) for name, value in ratio.items()})
    content = {"title": title, "figures": figures, "ratios": ratio, "machine": _machine(), **more}
    text = json.dumps(content, indent=1) + "\n"
    if options.json:
        options.json.write_text(text)
    if options.plot:
        python = environment("plot", MATPLOTLIB) / "python"
        draw = Path(__file__).with_name("draw.py")
        subprocess.run([python, draw, options.plot], input=text, text=True, check=True)


def _number(value: Any) -> bool:
    return isinstance(value, int | float)


def _words(value: Any) -> str:
    if not _number(value):
        return ""
    return f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"


def _machine() -> dict[str, Any]:
    """Say what machine the figures are from."""
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "load_average": os.getloadavg()[0],
        "python": sys.version.split()[0],
    }
