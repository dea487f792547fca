"""Commands that show what is registered, and remove what is not wanted any more."""

import functools
import json
import math
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


class Amount(click.FloatRange):
    """A range of numbers that can be counted with: FloatRange has `nan` in any."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return a number of the range."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is no number to count with.", param, ctx)
        return number


def show_runs(console: Any, runs: list[dict[str, Any]], most: int | None) -> None:
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
    console.print()
    console.print(table)
    if len(shown) < len(runs):
        click.echo(f"... after {many(len(runs) - len(shown), 'earlier run')}: --last shows more")


@click.command("channels")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def channels_command(as_json: bool) -> None:
    """Show channels: what was read, at which resolution, with which extent and voxel size."""
    from .. import connect
    from ..core import results
    from ..volumes import registered

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
            f"{one['source']} {results.chosen(one)}".strip(),
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


@click.command("forget")
@click.argument("requests", nargs=-1, metavar="[REQUEST]...")
@named("--channel", "channels", multiple=True, help="Channel id, or the start of it; repeatable.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def forget_command(requests: tuple[str, ...], channels: tuple[str, ...], yes: bool) -> None:
    """Forget that a REQUEST (its id, the start of it, or its name) was asked for, with its result.

    What other requests may share stays: blocks, and what was made of them. With --channel, a
    channel to which no other request refers goes, and all that was made of its blocks: the next
    run asks the archive anew what it is, for instance after a wrong voxel size. Shows first what
    would go. Bundles are moved to `.retired` in their store.
    """
    from .. import connect
    from ..core import states
    from ..upkeep import forget, invalidate, status

    if not requests and not channels:
        raise click.UsageError("name what is to be forgotten: REQUEST or --channel")
    connect()
    going = forget.look(requests, channels)
    for one in states.requests(going.requests):
        click.echo(f"request {one['request']} {status.what(one)}, {one['state']}")
    for row in going.channels:
        click.echo(f"channel {row}: {many(going.cutouts, 'cutout')}, {many(going.blocks, 'block')}")
    for process, number in invalidate.preview(going.results).items():
        click.echo(f"{number:8,} {process}")
    if going.results:
        click.echo(f"         {going.n_bytes / 1e6:,.1f} MB, which are moved to .retired")
    for where, number in invalidate.away(going.results).items():
        click.echo(
            f"{number:8,} bundles in store {where}, which is away: set aside when it is back"
        )
    if not yes and not click.confirm("forget these?"):
        raise click.Abort
    gone, moved = forget.forget(going)
    what = [many(len(names), name) for name, names in gone.named.items() if names]
    click.echo(
        f"forgot {' and '.join(what)}, with {many(len(gone.results), 'row')} of stages; "
        f"{many(moved, 'bundle')} moved to .retired"
    )


@click.command("clean")
@click.option("--retired", is_flag=True, help="Bundles that were set aside.")
@click.option("--leftovers", is_flag=True, help="What killed tasks left, older than a day.")
@click.option("--pulled", is_flag=True, help="Files of pulled blocks: pulled again when needed.")
@click.option("--older-than", "days", type=Amount(0, 36_500), default=0, metavar="DAYS")
@named("--store", help="Store (its id, the start of it, or its place); default: all that are here.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def clean_command(
    retired: bool, leftovers: bool, pulled: bool, days: float, store: str | None, yes: bool
) -> None:
    """Make room in stores: show what could go, and delete what is named.

    Of pulled blocks, rows and digests stay: results made of them stay complete. When something
    new is to be made of one, it is pulled again and compared with what was recorded.
    """
    from .. import connect
    from ..kit import locations
    from ..upkeep import clean

    connect()
    rooms = clean.look(store, days)
    for room in rooms:
        click.echo(f"store {locations.shown(room.store)}")
        for name, number, size, more in (
            ("retired", len(room.retired), sum(one.n_bytes for one in room.retired), ""),
            (
                "leftovers",
                len(room.leftovers),
                sum(one.n_bytes for one in room.leftovers),
                f"; {room.young:,} younger than a day stay: a task may be writing them"
                * bool(room.young),
            ),
            (
                "pulled",
                len(room.pulled),
                sum(one.n_bytes for one in room.pulled),
                f"; {room.kept:,} stay: nothing was made of them yet" * bool(room.kept),
            ),
        ):
            click.echo(f"  {name:9}  {number:8,}  {size / 1e6:10,.1f} MB{more}")
    chosen = {"retired": retired, "leftovers": leftovers, "pulled": pulled}
    names = [name for name, is_chosen in chosen.items() if is_chosen]
    if not rooms:
        click.echo("no store that is known is here")
    elif not names:
        click.echo("nothing is deleted: say what is to go by --retired, --leftovers, --pulled")
    elif not any(getattr(room, name) for room in rooms for name in names):
        click.echo("nothing to delete")
    else:
        _clean(rooms, names, yes)


def _clean(rooms: list[Any], names: list[str], yes: bool) -> None:
    """Ask, then delete what is named from each store."""
    from ..kit import clutter, locations
    from ..upkeep import clean

    if "pulled" in names:
        for run in clean.unfinished():
            click.echo(f"note: run {run} has not ended: if it goes on, it may need what was pulled")
    if not yes and not click.confirm(f"delete {', '.join(names)}?"):
        raise click.Abort
    for room in rooms:
        for name in names:
            if name == "pulled":
                number = clean.drop(room)
            else:
                some = getattr(room, name)
                clutter.remove(room.store, some)
                number = len(some)
            click.echo(f"deleted {number:,} {name} from {locations.shown(room.store)}")
