"""Ask where results came from, of a small and of a large database, by turns.

    python benchmarks/tracing.py [--rows 1000 1000000] [--executions 10000 10000] [--mysql]

Label's tables are filled directly with two requests of one channel, which share their pulled
blocks: nothing is computed. Each command is measured with the start of its process. `--mysql` asks
a server as well: that of the datajoint.json in the directory that BOSSFLOW_TEST_MYSQL names,
as root. Commands that open bundles (`verify`) would find none, and are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import absent  # noqa: F401
import common
import lookups
import reports
from common import ROOT, Measured
from insert import administrator, bossflow, write_components

COMMAND = "import sys; from bossflow.command.main import main; main()"

NUMBERS = count()


def fill(home: Path, rows: int, executions: int) -> None:
    """Fill this process's database; print what can be asked about."""
    from bossflow import database
    from bossflow.core import migrations
    from bossflow.database.insert_parquet import insert_parquet
    from bossflow.workflows.label import Segmentation

    database.connection()
    migrations.deploy()
    side = max(1, round((executions / 4) ** (1 / 3)))
    blocks = side, side, max(1, round(executions / 4 / side**2))
    found = lookups.described(blocks, 1)
    found["rows"] = [found["rows"][0] | {"connectivity": number} for number in (26, 6)]
    filled = lookups.Filled(home, found)
    ends = tuple(lookups.BLOCK * number for number in reversed(blocks))
    write_components(home / "components.parquet", rows, ends)
    names = [request.request_id for request in filled.requests]
    conn = database.connection()
    with conn.transaction:
        for name in names:
            part, key = Segmentation.Component(), {"request_id": name}
            insert_parquet(part, key, [home / "components.parquet"])
    lookups.analyze()
    middle = ",".join(str(end // 2) for end in ends)
    print(json.dumps({"requests": names, "voxel": middle}))


def asked(told: dict[str, Any], rows: int, scratch: Path) -> dict[str, Callable[[], list[str]]]:
    """Return the commands, by what they are called."""
    first, second = told["requests"]

    def export(form: str) -> list[str]:
        return ["export", first, "--format", form, "--to", str(scratch / f"{form}{next(NUMBERS)}")]

    voxel = f"{first}@{told['voxel']}"
    ways: dict[str, Callable[[], list[str]]] = {
        "lineage of a component": lambda: ["lineage", f"{first}#{rows // 2}"],
        "lineage of a voxel": lambda: ["lineage", voxel],
        "lineage --of a block": lambda: ["lineage", voxel, "--of"],
        "lineage of a request": lambda: ["lineage", first],
        "lineage of a request --html": lambda: ["lineage", first, "--html"],
        "lineage of a request --json": lambda: ["lineage", first, "--json"],
        "diff": lambda: ["diff", first, second, "--no-voxels"],
        "export --format prov": partial(export, "prov"),
        "export --format ro-crate": partial(export, "ro-crate"),
        "status": lambda: ["status"],
    }
    return {name: way for name, way in ways.items() if _there(*way())}


def _there(command: str, *words: str) -> bool:
    """Tell whether this version has a command with these options."""
    from bossflow.command.main import main

    known = main.commands.get(command)
    options = {option for one in known.params for option in one.opts} if known else set()
    return known is not None and options >= {word for word in words if word.startswith("--")}


def ask(
    way: Callable[[], list[str]], place: Path, env: dict[str, str], server: str | None
) -> Measured:
    """Measure a command."""
    return common.measure(
        [sys.executable, "-W", "ignore", "-c", COMMAND, *way()], place, env, server
    )


def filled(place: Path, env: dict[str, str], home: Path, rows: int, executions: int) -> Any:
    """Fill a database in a process of its own; return what it tells."""
    home.mkdir()
    command = [sys.executable, "-W", "ignore", __file__, "--fill", home, rows, executions]
    done = subprocess.run(
        list(map(str, command)),
        cwd=place,
        env=os.environ | env,
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Fill the databases, ask them by turns, and report."""
    parser = common.parser(__doc__, rounds=5)
    two: dict[str, Any] = {"type": int, "nargs": 2, "metavar": ("SMALL", "LARGE")}
    parser.add_argument("--rows", default=[1000, 10**6], help="of each request", **two)
    parser.add_argument("--executions", default=[10**4, 10**4], help="of a request", **two)
    parser.add_argument("--mysql", action="store_true", help="also a MySQL server")
    parser.add_argument("--only", default="", help="commands whose name has this word")
    parser.add_argument("--fill", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fill:
        fill(Path(options.fill[0]), *map(int, options.fill[1:]))
        return
    mysql = os.environ.get("BOSSFLOW_TEST_MYSQL") if options.mysql else None
    if options.mysql and not mysql:
        raise SystemExit("BOSSFLOW_TEST_MYSQL names no MySQL server")
    sizes = [*zip(("small", "large"), options.rows, options.executions, strict=True)]
    runs: dict[str, Callable[[], Measured]] = {}
    with tempfile.TemporaryDirectory(prefix="bossflow-tracing-") as name, ExitStack() as stack:
        scratch = Path(name)
        for backend in ("PostgreSQL", "MySQL")[: 1 + bool(mysql)]:
            for size, rows, executions in sizes:
                home = scratch / f"{backend}-{size}"
                place = Path(mysql) if mysql and backend == "MySQL" else scratch
                env = {
                    "BOSSFLOW_HOME": str(home),
                    "BOSSFLOW_SCHEMA": f"bossflow_benchmark_{os.getpid()}_{size}",
                    "PYTHONPATH": str(ROOT / "schema"),
                }
                if backend == "MySQL" and mysql:
                    env |= administrator(mysql)
                end = (
                    "from bossflow import database as d; d.stop_embedded()"
                    if backend == "PostgreSQL"
                    else "import bossflow; bossflow.schema.drop(prompt=False)"
                )
                stack.callback(bossflow, end, place, env)
                told = filled(place, env, home, rows, executions)
                server = str(home) if backend == "PostgreSQL" else "mysqld"  # on this machine
                for what, way in asked(told, rows, scratch).items():
                    if options.only in what:
                        runs[f"{what}, {backend}, {size}"] = partial(ask, way, place, env, server)
        figures = reports.medians(reports.alternate(options.rounds, runs))
    cases = {
        name.removesuffix(", large"): reports.ratios(
            figures, name.replace(", large", ", small"), name
        )
        for name in figures
        if name.endswith(", large")
    }
    for name, ratio in cases.items():
        figures[f"{name}, large"]["over_small"] = ratio["wall"]
    most = {name: max(case[name] for case in cases.values()) for name in ("wall", "cpu")}
    title = "where results came from: large over small"
    reports.report(options, title, figures, most, cases=cases)


if __name__ == "__main__":
    main()
