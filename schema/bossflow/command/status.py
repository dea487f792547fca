"""`bossflow status`: requests and runs, once or until nothing is missing."""

import contextlib
import json
from collections import Counter
from typing import Any

import click

from .. import database
from ..kit.texts import many, one_line
from .options import Amount, console, named

SHOWN = {
    "request",
    "names",
    "state",
    "units",
    "outcome",
    "run",
    "run_day",
    "errors",
    "away",
    "about",
}
"""What the table of requests shows of each, or what is said below it."""


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.option("--watch", "watching", is_flag=True, help="Show progress while something can come.")
@click.option(
    "--interval",
    type=Amount(0, min_open=True),
    help="Seconds between two looks of --watch.  [default: 5]",
)
@named("--request", "only", multiple=True, help="Request id (or its start) or name; repeatable.")
@click.option("--failed", is_flag=True, help="Requests that failed, and runs in which some did.")
@click.option(
    "--last", type=click.IntRange(min=1), help="So many of the latest requests, and of the runs."
)
def status_command(
    as_json: bool,
    watching: bool,
    interval: float | None,
    only: tuple[str, ...],
    failed: bool,
    last: int | None,
) -> None:
    """Show requests, what is complete, missing and failed, and runs.

    Of runs, the ten latest are shown, unless it is said which; --json has all.
    """
    from .. import connect
    from ..core import ledger, tables
    from ..upkeep import status

    if interval and not watching:
        raise click.UsageError("--interval is for --watch")
    if watching and (only or failed or last):
        raise click.UsageError("--watch looks at all that is missing: leave out --request and such")
    connect()
    if watching:
        with contextlib.suppress(KeyboardInterrupt):
            _watch(as_json, interval or 5)
        return
    asked = [ledger.named(tables.Request, start) for start in only]
    report = status.report(asked or None, failed, last)
    if as_json:
        click.echo(json.dumps(report, indent=1, ensure_ascii=False))
        return
    from rich.table import Table

    screen = console(soft_wrap=True, width=max(160, console().width))
    table = Table("request", "what", "state", "units", "outcome", "run", box=None)
    for request in report["requests"]:
        done = sum(units["recorded"] for units in request["units"].values())
        total = sum(units["total"] for units in request["units"].values())
        table.add_row(
            request["request"],
            status.what(request),
            request["state"] + ", away" * bool(request["away"]),
            f"{done:,}/{total:,}",
            request["outcome"] or "-",
            request["run"],
        )
    screen.print(table)
    for request in report["requests"] if only else ():
        for line in _details(request):
            screen.print(line, highlight=False)
    for request in report["requests"]:
        for unit, error in request["errors"].items():
            screen.print(f"failed: {unit}: {error}", style="red", highlight=False)
    _show_runs(screen, report["runs"], None if only or failed or last else 10)
    away = Counter(where for request in report["requests"] for where in request["away"])
    for where, number in away.items():
        click.echo(
            f"{many(number, 'request')} with results in store {where} alone, which is away: "
            "mount it, or give credentials"
        )
    _say_left_out(report["left_out"])
    totals = report["totals"]
    states = ", ".join(f"{totals[state]} {state}" for state in ("complete", "missing", "failed"))
    screen.print(
        f"{many(totals['requests'], 'request')} ({states}), {many(totals['runs'], 'run')}, "
        f"{many(totals['units_recorded'], 'unit')}, {totals['bytes'] / 1e6:,.1f} MB in the store",
        highlight=False,
    )
    click.echo(f"database {database.server().told}")


def _details(request: dict[str, Any]) -> list[str]:
    """Return what the workflow of a request says of it, a line a value."""
    from ..core import results

    told = {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in (request | {"chosen": results.chosen(request) or None}).items()
        if name not in SHOWN and value is not None
    }
    width = max(map(len, told), default=0)
    return [f" {request['request']}  {name:{width}}  {one_line(told[name])}" for name in told]


def _show_runs(screen: Any, runs: list[dict[str, Any]], most: int | None) -> None:
    """Show runs as a table, the latest last; of more than `most`, those."""
    from rich.table import Table

    from ..upkeep import status

    if not runs:
        return
    shown = runs if most is None else runs[-most:]
    table = Table("run", "started", "user", "made", "failed", "outcome", box=None)
    for run in shown:
        numbers = (f"{run[name]:,}" for name in ("made", "failed"))
        table.add_row(run["run"], run["started"], run["user"], *numbers, status.outcome(run))
    screen.print()
    screen.print(table)
    if len(shown) < len(runs):
        click.echo(f"... after {many(len(runs) - len(shown), 'earlier run')}: --last shows more")


def _say_left_out(left: list[dict[str, Any]]) -> None:
    for some in left:
        number = many(some["requests"], "request")
        of_all = f"{number} of workflow {some['workflow']}, which is {some['why']} here"
        click.echo(some["why"] if "request" in some else of_all)


def _watch(as_json: bool, interval: float) -> None:
    """Show looks at what is missing: as JSON, as a table in place, or as a line each."""
    from rich.live import Live

    from ..core import states
    from ..upkeep.watch import in_words, watch

    left = [] if as_json else states.left_out()
    _say_left_out(left)
    screen = console()
    live = Live(console=screen, auto_refresh=False)
    ended = None
    in_place = screen.is_terminal and not as_json
    with live if in_place else contextlib.nullcontext():
        for look in watch(interval):
            ended = look["ended"]
            if as_json:
                click.echo(json.dumps(look))
            elif in_place:
                live.update(_watched(look), refresh=True)
            else:
                click.echo(f"progress: {in_words(look['total'])}")
    if ended:
        raise click.ClickException(ended)
    if not as_json:
        click.echo(f"nothing{' else' * bool(left)} is missing")


def _watched(look: dict[str, Any]) -> Any:
    from rich.table import Table

    from ..kit.texts import duration
    from ..upkeep.watch import stages_in_words

    table = Table("request", "what", "stages", "recorded", "made", "time left", box=None)
    rows = look["requests"]
    if len(rows) > 1:
        rows = [*rows, look["total"] | {"request": "all", "what": ""}]
    for row in rows:
        table.add_row(
            row["request"],
            row["what"],
            stages_in_words(row["stages"]).replace("; ", "\n"),
            f"{row['recorded']:,}/{row['total']:,}",
            f"{row['made']:,}",
            "-" if row["seconds_left"] is None else duration(row["seconds_left"]),
        )
    return table
