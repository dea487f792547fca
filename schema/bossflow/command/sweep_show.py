"""`bossflow sweep show`: the points of a sweep, their scores, and the parameters of the best."""

import json
from pathlib import Path
from typing import Any

import click

from ..kit.texts import many, one_line
from .options import console, write_page

FILES = (".yml", ".yaml", ".json")
"""How files end that define sweeps."""


@click.command("show")
@click.argument("what", required=False)
@click.option("--best", type=click.IntRange(min=1), help="So many points, the best first.")
@click.option(
    "--params",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a file (YAML, JSON) that asks for the best point again.",
)
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a page: scores drawn against each parameter, and tables.",
)
@click.option("--json", "as_json", is_flag=True, help="For machines: all of it.")
def show(
    what: str | None, best: int | None, params: Path | None, html: Path | None, as_json: bool
) -> None:
    """Show the points of a sweep with their values, scores and states.

    WHAT is a sweep's id, the start of it, its name, or the file that defines it. Without it, all
    sweeps are listed.
    """
    from .. import connect
    from ..sweeps import definition, points, told

    if what is None and (best or params or html):
        raise click.UsageError("say which sweep: `bossflow sweep show` lists them")
    for name, file in (("--params", params), ("--html", html)):
        if file is not None and not file.absolute().parent.is_dir():
            raise click.UsageError(f"{name} {file}: there is no such directory")
    if params is not None and params.suffix not in FILES:
        raise click.UsageError(f"--params {params} must end in {', '.join(FILES)}")
    from_file = what is not None and Path(what).suffix in FILES
    asked = definition.read(Path(what)) if what is not None and from_file else None
    connect()
    if what is None:
        _list(told.every(), as_json)
        return
    seen = told.sweep(asked.sweep_id if asked else points.named(what))
    if params is not None:
        steps = [step.told | {"settings": step.settings} for step in asked.steps] if asked else None
        _write(params, seen, steps or seen["steps"])
    if html is not None:
        from ..look import swept_page

        write_page(html, swept_page.page(seen))
    shown = seen["best"][:best] if best else seen["points"]
    if as_json:
        click.echo(json.dumps(seen | {"points": shown}, indent=1, ensure_ascii=False))
        return
    _show(seen, shown)
    for file in (params, html):
        if file is not None:
            click.echo(f"written: {file}")


def _list(sweeps: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(sweeps, indent=1, ensure_ascii=False))
        return
    for one in sweeps:
        steps = " → ".join(one["workflows"])
        click.echo(f"{one['sweep']}  {one['name']}  {steps}, {many(one['points'], 'point')}")
    if not sweeps:
        click.echo("no sweep is known yet")


def _show(seen: dict[str, Any], shown: list[dict[str, Any]]) -> None:
    from rich.table import Table

    from ..look.swept_page import number, spelled

    table = Table("point", "round", *seen["axes"], seen["score"], "state", "request", box=None)
    last = seen["steps"][-1]["name"]
    for one in shown:
        values = [one_line(spelled(one["values"][name])) for name in seen["axes"]]
        requests = " ".join(one["requests"].get(last, ["–"]))
        place = str(one["point"]), str(one["round"])
        table.add_row(*place, *values, number(one["score"]), one["state"], requests)
    screen = console(soft_wrap=True, width=max(160, console().width))
    screen.print(table)
    for one in shown:
        if one["error"]:
            click.echo(f"point {one['point']}: {one['error']}")
    states = [one["state"] for one in seen["points"]]
    counts = ", ".join(f"{states.count(name):,} {name}" for name in sorted({*states}))
    line = f"sweep {seen['sweep']} ({seen['name']}): {many(len(states), 'point')} ({counts})"
    if seen["best"]:
        first = seen["best"][0]
        line += f"; best {seen['score']}: {number(first['score'])}, point {first['point']}"
    click.echo(line)


def _write(file: Path, seen: dict[str, Any], steps: list[dict[str, Any]]) -> None:
    """Write a parameter file that asks for the best point."""
    from ..sweeps import told

    if not seen["best"]:
        raise ValueError(f"no point of sweep {seen['sweep']} has a score {seen['score']} yet")
    asked = told.parameters(steps, seen["best"][0]["values"])
    if file.suffix == ".json":
        text = json.dumps(asked, indent=1, ensure_ascii=False) + "\n"
    else:
        try:
            import yaml
        except ModuleNotFoundError:
            raise ValueError(
                "PyYAML is missing: run ./set-up.sh, or write the file as .json"
            ) from None
        text = yaml.safe_dump(asked, sort_keys=False, allow_unicode=True, width=100)
    write_page(file, text)
