"""`bossflow lineage`: where a result came from, and what depends on it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from ..kit.texts import many
from .options import console, write_page


@click.command("lineage")
@click.argument("what")
@click.option("--of", "of", is_flag=True, help="What was made of it: affected, if it were wrong.")
@click.option("--json", "as_json", is_flag=True, help="For machines: all of it.")
@click.option("--mermaid", is_flag=True, help="As a diagram in Mermaid's language.")
@click.option("--html", is_flag=True, help="As a page: a diagram, and tables.")
@click.option("--to", type=click.Path(dir_okay=False), help="The file of the page.")
def lineage_command(
    what: str, of: bool, as_json: bool, mermaid: bool, html: bool, to: str | None
) -> None:
    """Show where WHAT came from: units, software and parameters, back to boxes of archives.

    WHAT is a request (its id, the start of it, or its name), REQUEST#COMPONENT, REQUEST@x,y,z or
    REQUEST@x0-x1_y0-y1_z0-z1 in voxels of the channel that was asked for, CHANNEL@x,y,z (URI or id,
    as `bossflow channels` shows them), the id of an execution, or a file in a store.
    """
    from .. import connect
    from ..look import lineage, trees

    for name, given in (("--mermaid", mermaid), ("--html", html)):
        if given and (of or as_json or (mermaid and html)):
            raise click.UsageError(f"{name} goes with no other of --of, --json, --mermaid, --html")
    if to is not None and not html:
        raise click.UsageError("--to is where --html goes")
    if to is not None and not Path(to).absolute().parent.is_dir():
        raise click.UsageError(f"--to {to}: there is no such directory")
    connect()
    told = lineage.affected(what) if of else lineage.lineage(what)
    if as_json:
        for line in _json(told):
            click.echo(line)
    elif mermaid:
        click.echo(trees.mermaid(told))
    elif html:
        _page(told, what, to)
    elif of:
        for process, number in told["units"].items():
            click.echo(f"{number:8,} {process}")
        for identity, one in told["requests"].items():
            click.echo(" ".join(["request", identity, *one["names"][-1:], f"({one['workflow']})"]))
        click.echo(f"{many(len(told['executions']), 'unit')} would be affected, it included")
    else:
        screen = console(width=max(160, console().width))
        screen.print(trees.tree(told), highlight=False)


def _page(told: dict[str, Any], what: str, to: str | None) -> None:
    """Write the page to a file, or print it."""
    from ..look import traced_page
    from ..look.parts import megabytes

    text = traced_page.page(told)
    if to is None:
        click.echo(text, nl=False)
    else:
        write_page(Path(to), text)
        click.echo(f"the lineage of {what}: {to} ({megabytes(len(text.encode()))})")


def _json(told: dict[str, Any]) -> Iterator[str]:
    """Yield lines of JSON, a line for each of what there is many of: Python indents slowly."""
    text = json.JSONEncoder(ensure_ascii=False).encode
    last = [*told][-1]
    yield "{"
    for name, value in told.items():
        end = "" if name == last else ","
        if isinstance(value, dict) and all(isinstance(one, dict) for one in value.values()):
            lines = (f"  {text(key)}: {text(one)}" for key, one in value.items())
            yield f" {text(name)}: {{\n" + ",\n".join(lines) + f"\n }}{end}"
        else:
            yield f" {text(name)}: {text(value)}{end}"
    yield "}"
