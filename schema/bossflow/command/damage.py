"""`bossflow verify` and `bossflow invalidate`: what is wrong, and what was made of it."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import click

from ..kit.texts import many, unit_names
from .deep import look_deep
from .options import named, say_kept, terminal

_THEN = (
    "mount it, or give credentials; `bossflow invalidate --request REQUEST` has the next run write "
    "all of it again"
)
"""What to do where a destination is away."""


@click.command("verify")
@named("--request", help="Request id, the start of it, or its name: its results and blocks alone.")
@named("--channel", help="Channel id, or the start of it: all that was made of it.")
@named("--store", help="Store (its id, the start of it, or its place): what is there.")
@click.option("--read", is_flag=True, help="Read objects in a bucket also if their ETag is right.")
@click.option(
    "--retire",
    is_flag=True,
    help="Set what is damaged aside, and forget its rows: of a request, channel or store.",
)
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.option(
    "--deep",
    is_flag=True,
    help="Make units again beside what is recorded, and compare: also with the archive.",
)
@click.option(
    "--sample", type=click.IntRange(1), metavar="N", help="Of --deep: N units, drawn at random."
)
@click.option("--seed", type=click.IntRange(0), help="Of --sample: draws the same ones again.")
@click.option(
    "--pipeline",
    type=click.Path(path_type=Path),
    help="Of --deep: directory of the pipeline's main.nf, if not bossflow's own.",
)
def verify_command(
    request: str | None,
    channel: str | None,
    store: str | None,
    read: bool,
    retire: bool,
    as_json: bool,
    deep: bool,
    sample: int | None,
    seed: int | None,
    pipeline: Path | None,
) -> None:
    """Check that every recorded bundle is in its store as it was recorded, file by file.

    What is damaged or missing is named with all that was made of it, and the exit code is 1. With
    --retire it is moved to `.retired` in its store, and the next run makes it again. A store, or a
    destination of a transfer, that is not here is passed over.

    With --deep blocks are pulled again, and all else is made again by the programs that are here,
    in a temporary directory ($TMPDIR): the exit code is 1 if something is not as it is recorded,
    or could not be made. What to do about it is said.
    """
    from rich.progress import DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    from .. import connect
    from ..core import stores
    from ..upkeep import verify

    if deep:
        if read or retire:
            raise click.UsageError("--deep goes with neither --read nor --retire")
        look_deep(request, channel, store, sample, seed, pipeline, as_json)
        return
    if sample is not None or seed is not None or pipeline is not None:
        raise click.UsageError("--sample, --seed and --pipeline go with --deep")
    if retire and not (request or channel or store):
        raise click.UsageError("--retire acts on what is named: --request, --channel or --store")
    connect()
    store = stores.Here().named(store) if store else None
    only, number, size = verify.asked(request, channel, store)
    away: Counter[str] = Counter()
    unread: Counter[str] = Counter()
    dropped: set[str] = set()
    seen: list[int] = []
    columns = "{task.description}", DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()
    with Progress(*columns, console=terminal(), transient=True) as progress:
        task = progress.add_task(f"{many(number, 'bundle')}", total=size)

        def checked(size: int) -> None:
            seen.append(size)
            progress.advance(task, size)

        problems = verify.damaged(only, read, checked, store, away, dropped, unread)
    if number > len(dropped) and not seen and not problems:
        if unread and not away:
            raise ValueError(f"nothing can be verified: {'; '.join(sorted(unread))}: {_THEN}")
        raise ValueError(
            f"nothing can be verified: {many(number, 'bundle')} are in store "
            f"{', '.join(sorted(away))}, which is away: mount it, or give credentials"
        )
    report = verify.report(problems)
    forgotten = verify.retire(problems) if retire and problems else (0, 0)
    if as_json:
        about = {"bundles": number, "bytes": size, "away": dict(away), "dropped": len(dropped)}
        about |= {"unread": dict(unread)}
        report = about | report | {"retired": forgotten[0]}
        click.echo(json.dumps(report, indent=1, ensure_ascii=False))
    else:
        _show_damage(report)
        for where, count in away.items():
            click.echo(f"passed over: {many(count, 'bundle')} in store {where}, which is away")
        for why, count in unread.items():
            click.echo(f"passed over: {many(count, 'bundle')}, as {why}: {_THEN}")
        if dropped:
            click.echo(f"passed over: {many(len(dropped), 'bundle')} that `bossflow clean` dropped")
    said = f"{len(problems):,} of {many(number, 'bundle')} damaged or missing"
    if not problems:
        if not as_json:
            click.echo(f"{many(len(seen), 'bundle')} as recorded, {sum(seen) / 1e6:,.1f} MB")
    elif retire:
        again = "; the same `nextflow run` makes them again" if forgotten[0] else ""
        click.echo(f"{said}: forgot {many(forgotten[0], 'row')} of stages{again}", err=as_json)
    else:
        named = {"request": request, "channel": channel, "store": store}
        scope = " ".join(f"--{name} {value}" for name, value in named.items() if value)
        command = f"bossflow verify --retire {scope or '--store STORE'}"
        then = (
            "sets them and all that was made of them aside, and then the same `nextflow run` "
            "makes them again"
            if report["with_dependents"] or report["untold"]
            else "sets them aside"
        )
        raise click.ClickException(f"{said}: `{command}` {then}")


def _show_damage(report: dict[str, Any], most: int = 20) -> None:
    damaged = report["damaged"]
    names = unit_names((one["process"], one["key"]) for one in damaged)
    lines = [f"{name}: {one['problem']}" for name, one in zip(names, damaged, strict=True)]
    for line in lines[:most]:
        click.echo(line)
    if len(lines) > most:
        click.echo(f"... and {len(lines) - most:,} more: --json lists them all")
    if report["with_dependents"] or report["untold"]:
        click.echo("with all that was made of them:")
    for process, count in report["with_dependents"].items():
        click.echo(f"{count:8,} {process}")
    for block in report["blocks"][:most]:
        click.echo(f"         {block}")
    if report["untold"]:
        click.echo(f"         {report['untold']}")
    for one in report["requests"]:
        click.echo(f"         request {one['request']} {one['what']}")
    say_kept(report["kept"], report["elsewhere"])


@click.command("invalidate")
@click.option(
    "--block", "blocks", multiple=True, help="Box x0-x1_y0-y1_z0-z1: every block that it meets."
)
@named("--channel", help="Channel id, or the start of it; alone: all that was made of it.")
@named("--request", help="Request id, the start of it, or its name: its result, not its blocks.")
@named("--store", help="Store (its id, the start of it, or its place): what is there.")
@click.option("--lost", is_flag=True, help="Of what is named, that which is not in its store.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def invalidate_command(
    blocks: tuple[str, ...],
    channel: str | None,
    request: str | None,
    store: str | None,
    lost: bool,
    yes: bool,
) -> None:
    """Forget results that are wrong, and all that was made of them.

    Shows first what would go. Bundles are moved to `.retired` in their store and never reused;
    the next run makes them again.
    """
    from .. import connect
    from ..core import ledger, removal, stores, tables
    from ..core.dependents import dependents, with_pulled
    from ..upkeep import invalidate, verify

    if not (blocks or channel or request or store):
        raise click.UsageError("name what is wrong: --block, --channel, --request or --store")
    if store and (blocks or channel or request) and not lost:
        raise click.UsageError("--store goes with --block, --channel or --request for --lost only")
    connect()
    identity = stores.Here().named(store) if store else None
    chosen: set[str] = set()
    copies: set[removal.Copy] = set()
    strays: list[Path] = []
    if lost:
        scope: set[str] | None = None
        if blocks or channel or request:
            scope = set(dependents(invalidate.select(blocks, channel)))
            if request:
                scope |= verify.made_for(ledger.named(tables.Request, request))
        copies = removal.with_guests(invalidate.lost(scope, identity))
    elif identity:
        rows = invalidate.copies(None, identity)
        copies = {(row["execution_id"], row["store_id"]) for row in rows}
    else:
        chosen = invalidate.select(blocks, channel, request)
        strays = invalidate.strays(blocks, channel) if blocks or channel else []
    first = chosen | with_pulled(removal.nowhere_else(copies))
    going = dependents(first)
    for process, number in invalidate.preview(going).items():
        click.echo(f"{number:8,} {process}")
    if scores := invalidate.scores(going):
        click.echo(f"{many(scores, 'score', 8)} of these, or with one of them for the truth")
    for line in invalidate.named(first):
        click.echo(f"         {line}")
    if strays:
        click.echo(f"{many(len(strays), 'bundle', 8)} that no run has recorded yet")
    say_kept(*invalidate.kept(copies, going))
    for where, number in invalidate.away(going).items():
        those = many(number, "bundle", 8)
        click.echo(f"{those} in store {where}, which is away: set aside when it is back")
    if not going and not strays and not copies:
        click.echo("nothing to invalidate")
        return
    if not yes and not click.confirm("forget these?"):
        raise click.Abort
    forgotten, moved = removal.forget(chosen, strays, copies)
    if identity and not lost:
        invalidate.forget_places(identity)
    said = f"forgot {many(forgotten, 'row')} of stages; {many(moved, 'bundle')}"
    click.echo(f"{said} {'is' if moved == 1 else 'are'} in .retired")
