"""Commands that remove what is not wanted any more: `bossflow forget` and `bossflow clean`."""

from typing import Any

import click

from ..kit.texts import many
from .options import Amount, named


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
    told = {
        request["request"]: f"{status.what(request)}, {request['state']}"
        for request in states.requests(going.requests)
    }
    for name in going.requests:
        click.echo(f"request {name} {told.get(name, 'of which nothing more is known here')}")
    for row in going.channels:
        click.echo(f"channel {row}: {many(going.cutouts, 'cutout')}, {many(going.blocks, 'block')}")
    for process, number in invalidate.preview(going.results).items():
        click.echo(f"{number:8,} {process}")
    if going.results:
        click.echo(f"         {going.n_bytes / 1e6:,.1f} MB, which are moved to .retired")
    if going.scores:
        click.echo(f"{many(going.scores, 'score', 8)}, also of others with this for the truth")
    for where, number in invalidate.away(going.results).items():
        those = many(number, "bundle", 8)
        click.echo(f"{those} in store {where}, which is away: set aside when it is back")
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
            ("retired", len(room.retired), sum(item.n_bytes for item in room.retired), ""),
            (
                "leftovers",
                len(room.leftovers),
                sum(item.n_bytes for item in room.leftovers),
                f"; {room.young:,} younger than a day stay: a task may be writing them"
                * bool(room.young),
            ),
            (
                "pulled",
                len(room.pulled),
                sum(item.n_bytes for item in room.pulled),
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
