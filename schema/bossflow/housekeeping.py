"""Commands that show what is registered, and remove what is not wanted any more."""

import functools
import json
from typing import Any

import click


def many(number: int, name: str) -> str:
    """Return a number with what is counted: `1 request`, `2 requests`."""
    return f"{number:,} {name}{'s' * (number != 1)}"


def _not_empty(_: click.Context, option: click.Parameter, given: Any) -> Any:
    """Refuse what is left of a variable that is not set: it would name all there is."""
    if "" in ((given,) if isinstance(given, str) else given or ()):
        raise click.BadParameter("is empty")
    return given


named = functools.partial(click.option, callback=_not_empty)
"""An option that names something by its id, or the start of it."""


@click.command("channels")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def channels_command(as_json: bool) -> None:
    """Show channels: what was read, at which resolution, with which extent and voxel size."""
    from . import connect, registered

    connect()
    found = registered.channels()
    if as_json:
        click.echo(json.dumps(found, indent=1, ensure_ascii=False))
        return
    if not found:
        click.echo("no channel is known yet")
        return
    from rich.console import Console
    from rich.table import Table

    names = "channel", "source", "archive", "res", "dtype", "extent x y z", "voxel size (nm) x y z"
    table = Table(*names, "requests", "blocks", box=None)
    for one in found:
        table.add_row(
            one["channel"],
            one["source"],
            one["archive"],
            str(one["resolution"]),
            one["dtype"],
            " ".join(f"{start}:{end}" for start, end in one["extent_xyz"]),
            " ".join(f"{size:g}" for size in one["voxel_size_nm_xyz"]),
            f"{one['requests']:,}",
            f"{one['blocks']:,}",
        )
    console = Console(soft_wrap=True, markup=False, width=max(200, Console().width))
    console.print(table)
