"""Commands that show what is recorded: channels, stores."""

import json

import click

from ..kit.texts import many
from .options import console


@click.command("channels")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def channels_command(as_json: bool) -> None:
    """Show channels: what was read, at which resolution, with which extent and voxel size."""
    from .. import connect
    from ..core import results
    from ..volumes import citations, registered

    connect()
    channels = registered.channels()
    if as_json:
        click.echo(json.dumps(channels, indent=1, ensure_ascii=False))
        return
    if not channels:
        click.echo("no channel is known yet")
        return
    from rich.table import Table

    names = "channel", "source", "archive", "res", "dtype", "extent x y z", "voxel size (nm) x y z"
    table = Table(*names, "requests", "blocks", box=None)
    for channel in channels:
        table.add_row(
            channel["channel"],
            f"{channel['source_name'] or channel['source']} {results.chosen(channel)}".strip(),
            channel["archive"],
            str(channel["resolution"]),
            channel["dtype"],
            " ".join(f"{start}:{end}" for start, end in channel["extent_xyz"]),
            " ".join(f"{size:g}" for size in channel["voxel_size_nm_xyz"]),
            f"{channel['requests']:,}",
            f"{channel['blocks']:,}",
        )
    console(soft_wrap=True, width=max(200, console().width)).print(table)
    for channel in channels:
        for cited in channel["citations"]:
            click.echo(f"to cite {channel['channel']}: {citations.in_words(cited)}")


@click.command("stores")
@click.option("--use", type=click.Path(), help="Use the store here, where there is a copy as well.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def stores_command(use: str | None, as_json: bool) -> None:
    """Show the stores that bundles are recorded in, and where they are on this machine."""
    from .. import connect
    from ..core import holdings, stores

    connect()
    if use is not None:
        click.echo(f"store {stores.use(use)} is used in {use}")
        return
    known = holdings.report()
    if as_json:
        click.echo(json.dumps(known, indent=1, ensure_ascii=False))
        return
    for store in known:
        name = (store["store"] or "claimed by none")[:8]
        seen = [f"{place['url']} of {place['machine']}" for place in store["places"]]
        where = store["path"] or "away" + (f" ({', '.join(seen)})" if seen else "")
        size = f"{store['bytes'] / 1e6:,.1f} MB"
        click.echo(f"{name}  {many(store['bundles'], 'bundle')}, {size}  {where}")
    if not known:
        click.echo("no store is known yet")
