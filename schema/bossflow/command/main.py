"""The `bossflow` command."""

import contextlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import click

from .. import __version__, database
from ..kit.texts import print_anything, unit_names
from .housekeeping import (
    Amount,
    channels_command,
    clean_command,
    forget_command,
    many,
    named,
    show_runs,
)


class Group(click.Group):
    """Turns errors that are sentences for the user into one line and exit code 1."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the archive server's command too."""
        return sorted([*super().list_commands(ctx), "serve-archive"])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the archive server only for its own command: it is slow to import."""
        if cmd_name == "serve-archive":
            from ..archive_server.command import serve_archive

            return serve_archive
        return super().get_command(ctx, cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # `| head`: click ends quietly
            raise
        except (ValueError, OSError, database.DatabaseError) as error:
            raise click.ClickException(str(error)) from None
        except database.REFUSALS as error:
            where, said = database.server().told, database.said(error)
            raise click.ClickException(f"database {where} refuses: {said}") from None


@click.group(cls=Group)
@click.version_option(__version__)
def main() -> None:
    """Record and query what bossflow's Nextflow pipeline makes.

    Unless DataJoint's settings (DJ_HOST, datajoint.json) name a database's host, the embedded
    PostgreSQL in $BOSSFLOW_HOME (default ~/.bossflow) is used, and started when needed.
    """
    print_anything()


for command in channels_command, clean_command, forget_command:
    main.add_command(command)


@main.group(cls=click.Group)
def db() -> None:
    """Start, stop, look at or deploy the database."""


@db.command()
def start() -> None:
    """Start the embedded database."""
    if not database.server().embedded:
        raise ValueError(
            f"DataJoint is configured for {database.server().told}: that server is not "
            "bossflow's to start"
        )
    database.connection()
    click.echo(f"embedded PostgreSQL runs in {database.server().where}")


@db.command()
def stop() -> None:
    """Stop the embedded database; results stay."""
    stopped = database.stop_embedded()
    click.echo("stopped" if stopped else "no embedded database runs")


@db.command("status")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def db_status(as_json: bool) -> None:
    """Say which database is used, whether it runs, and what is deployed in it."""
    from ..database import migrations, settings

    server = database.server()
    pid = database.embedded_pid() if server.embedded else None
    state: dict[str, Any] = {
        "server": server.where,
        "embedded": server.embedded,
        "named_by": server.named_by,
        "pid": pid,
        "store": str(database.default_store()),
        "schema": database.schema_name(),
        "version": None,
        "known": migrations.VERSION,
        "bytes": None,
        "rows": None,
        "notes": settings.notes(),
    }
    if pid or not server.embedded:  # looking starts nothing
        state |= migrations.contents(database.connection())
    if as_json:
        click.echo(json.dumps(state, indent=1))
        return
    rows, notes = state.pop("rows"), state.pop("notes")
    for name, value in state.items():
        click.echo(f"{name:9} {'-' if value is None else value}")
    for name, number in (rows or {}).items():
        click.echo(f"{number:12,} rows {name}")
    for note in notes:
        click.echo(f"note: {note}")


@db.command("migrate")
def migrate() -> None:
    """Bring tables that an older bossflow deployed up to this one's version; every row stays.

    Make a backup first. Safe to run again.
    """
    from ..core import registry
    from ..database import migrations

    registry.load_all()
    said = "is now" if migrations.migrate() else "was already"
    where = f"schema {database.schema_name()} in {database.server().where}"
    click.echo(f"{where} {said} of version {migrations.VERSION}")


@db.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup_command(file: Path) -> None:
    """Write all rows of the schema into FILE, with the server's own tool."""
    from ..core import registry
    from ..database import backup

    registry.load_all()
    size = backup.backup(file)
    click.echo(f"{file}: {size / 1e6:,.1f} MB of schema {database.schema_name()}")


@db.command("restore")
@click.argument("file", type=click.Path(dir_okay=False, exists=True, path_type=Path))
@click.option("--replace", is_flag=True, help="Drop the tables that are there.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def restore_command(file: Path, replace: bool, yes: bool) -> None:
    """Read the schema back from FILE. Tables that are there are only replaced if you say so.

    Users must be granted their rights again on PostgreSQL: `bossflow db deploy --grant`.
    """
    from ..database import backup, migrations

    about = backup.read_about(file)
    name, where, there = database.schema_name(), database.server().where, backup.in_the_way()
    if there and not replace:
        raise ValueError(
            f"schema {name} in {where} has {there} tables: give --replace to drop them for {file}"
        )
    question = f"Drop the {there} tables of schema {name} in {where}? Type its name"
    if there and not yes and click.prompt(question) != name:
        raise click.Abort
    backup.restore(file)
    version = migrations.deployed(database.connection())
    click.echo(f"schema {name} in {where} is as it was at {about['made']}, of version {version}")
    if version is not None:
        migrations.check(version)


@db.command("deploy")
@click.option("--grant", "user", help="Also create this user, who may read and write rows only.")
@click.option(
    "--password-file",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="File whose one line is that user's password.",
)
@click.option("--require-tls", is_flag=True, help="Let that user connect over TLS only (MySQL).")
@click.option(
    "--workflow",
    "modules",
    metavar="MODULE",
    multiple=True,
    help="Also the tables of this workflow, which does not come with bossflow. Can be repeated.",
)
def deploy(
    user: str | None, password_file: Path | None, require_tls: bool, modules: tuple[str, ...]
) -> None:
    """Create the schema and its tables where they are missing."""
    from ..core import registry
    from ..database import migrations, rights

    if (user is None) != (password_file is None):
        raise click.UsageError("--grant USER and --password-file FILE go together")
    if require_tls and user is None:
        raise click.UsageError("--require-tls is for --grant")
    password = ""
    if user is not None and password_file is not None:
        rights.check_name(user)
        rights.check_schema_name()
        password = rights.read_password(password_file)
    for name in [*registry.names(), *modules]:
        registry.load(name)
    migrations.deploy()
    click.echo(f"schema {database.schema_name()} is deployed in {database.server().where}")
    if user is not None:
        rights.grant(user, password, require_tls)
        click.echo(f"user {user} may read and write rows there, and nothing else")


@main.command("status")
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
    from rich.console import Console
    from rich.table import Table

    console = Console(soft_wrap=True, width=max(160, Console().width))
    table = Table("request", "what", "state", "units", "components", "run", box=None)
    for one in report["requests"]:
        done = sum(units["recorded"] for units in one["units"].values())
        total = sum(units["total"] for units in one["units"].values())
        table.add_row(
            one["request"],
            status.what(one),
            one["state"] + ", away" * bool(one["away"]),
            f"{done:,}/{total:,}",
            "-" if one.get("n_components") is None else f"{one['n_components']:,}",
            one["run"],
        )
    console.print(table)
    for one in report["requests"]:
        for unit, error in one["errors"].items():
            console.print(f"failed: {unit}: {error}", style="red", highlight=False, markup=False)
    show_runs(console, report["runs"], None if only or failed or last else 10)
    away = Counter(where for one in report["requests"] for where in one["away"])
    for where, number in away.items():
        click.echo(
            f"{many(number, 'request')} with results in store {where} alone, which is away: "
            "mount it, or give credentials"
        )
    _say_left_out(report["left_out"])
    totals = report["totals"]
    states = ", ".join(f"{totals[state]} {state}" for state in ("complete", "missing", "failed"))
    console.print(
        f"{many(totals['requests'], 'request')} ({states}), {many(totals['runs'], 'run')}, "
        f"{totals['units_recorded']:,} units, {totals['bytes'] / 1e6:,.1f} MB in the store",
        highlight=False,
    )
    click.echo(f"database {database.server().told}")


def _say_left_out(left: list[dict[str, Any]]) -> None:
    for one in left:
        number = many(one["requests"], "request")
        click.echo(f"{number} of workflow {one['workflow']}, which is {one['why']} here")


def _watch(as_json: bool, interval: float) -> None:
    """Show looks at what is missing: as JSON, as a table in place, or as a line each."""
    from rich.console import Console
    from rich.live import Live

    from ..core import states
    from ..upkeep.watch import in_words, watch

    left = [] if as_json else states.left_out()
    _say_left_out(left)
    console = Console()
    live = Live(console=console, auto_refresh=False)
    ended = None
    in_place = console.is_terminal and not as_json
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
    for one in rows:
        table.add_row(
            one["request"],
            one["what"],
            stages_in_words(one["stages"]).replace("; ", "\n"),
            f"{one['recorded']:,}/{one['total']:,}",
            f"{one['made']:,}",
            "-" if one["seconds_left"] is None else duration(one["seconds_left"]),
        )
    return table


@main.command("components")
@click.argument("request")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "parquet", "json"]),
    default="table",
    show_default=True,
)
@click.option("--output", type=click.Path(dir_okay=False), help="File; default: standard output.")
def components_command(request: str, form: str, output: str | None) -> None:
    """Print the components of a REQUEST (its id, the start of it, or its name)."""
    from .. import connect
    from ..workflows.label import components

    connect()
    components.write(request, form, output)


@main.command("stores")
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
    found = holdings.report()
    if as_json:
        click.echo(json.dumps(found, indent=1, ensure_ascii=False))
        return
    for one in found:
        name = (one["store"] or "claimed by none")[:8]
        seen = [f"{place['url']} of {place['machine']}" for place in one["places"]]
        where = one["path"] or "away" + (f" ({', '.join(seen)})" if seen else "")
        size = f"{one['bytes'] / 1e6:,.1f} MB"
        click.echo(f"{name}  {many(one['bundles'], 'bundle')}, {size}  {where}")
    if not found:
        click.echo("no store is known yet")


@main.command("verify")
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
def verify_command(
    request: str | None,
    channel: str | None,
    store: str | None,
    read: bool,
    retire: bool,
    as_json: bool,
) -> None:
    """Check that every recorded bundle is in its store as it was recorded, file by file.

    What is damaged or missing is named with all that was made of it, and the exit code is 1. With
    --retire it is moved to `.retired` in its store, and the next run makes it again. A store that
    is not here is passed over.
    """
    from rich.progress import DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    from .. import connect
    from ..core import stores
    from ..upkeep import verify

    if retire and not (request or channel or store):
        raise click.UsageError("--retire acts on what is named: --request, --channel or --store")
    connect()
    store = stores.Here().named(store) if store else None
    only, number, size = verify.asked(request, channel, store)
    away: Counter[str] = Counter()
    dropped: set[str] = set()
    seen: list[int] = []
    columns = "{task.description}", DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()
    with Progress(*columns, console=_terminal(), transient=True) as progress:
        task = progress.add_task(f"{many(number, 'bundle')}", total=size)

        def checked(size: int) -> None:
            seen.append(size)
            progress.advance(task, size)

        problems = verify.damaged(only, read, checked, store, away, dropped)
    if number > len(dropped) and not seen:
        raise ValueError(
            f"nothing can be verified: {many(number, 'bundle')} are in store "
            f"{', '.join(sorted(away))}, which is away: mount it, or give credentials"
        )
    found = verify.report(problems)
    forgotten = verify.retire(problems) if retire and problems else (0, 0)
    if as_json:
        about = {"bundles": number, "bytes": size, "away": dict(away), "dropped": len(dropped)}
        found = about | found | {"retired": forgotten[0]}
        click.echo(json.dumps(found, indent=1, ensure_ascii=False))
    else:
        _show_damage(found)
        for where, count in away.items():
            click.echo(f"passed over: {many(count, 'bundle')} in store {where}, which is away")
        if dropped:
            click.echo(f"passed over: {many(len(dropped), 'bundle')} that `bossflow clean` dropped")
    said = f"{len(problems):,} of {many(number, 'bundle')} damaged or missing"
    if not problems:
        if not as_json:
            click.echo(f"{many(len(seen), 'bundle')} as recorded, {sum(seen) / 1e6:,.1f} MB")
    elif retire:
        again = "; the same `nextflow run` makes them again" if forgotten[0] else ""
        click.echo(f"{said}: forgot {forgotten[0]} rows of stages{again}", err=as_json)
    else:
        named = {"request": request, "channel": channel, "store": store}
        scope = " ".join(f"--{name} {value}" for name, value in named.items() if value)
        command = f"bossflow verify --retire {scope or '--store STORE'}"
        then = (
            "sets them and all that was made of them aside, and then the same `nextflow run` "
            "makes them again"
            if found["with_dependents"] or found["untold"]
            else "sets them aside"
        )
        raise click.ClickException(f"{said}: `{command}` {then}")


def _terminal() -> Any:
    """Return where progress is shown: on a terminal, or not at all."""
    from rich.console import Console

    console = Console(stderr=True)
    return console if console.is_terminal else Console(quiet=True)


def _show_damage(found: dict[str, Any], most: int = 20) -> None:
    damaged = found["damaged"]
    names = unit_names((one["process"], one["key"]) for one in damaged)
    lines = [f"{name}: {one['problem']}" for name, one in zip(names, damaged, strict=True)]
    for line in lines[:most]:
        click.echo(line)
    if len(lines) > most:
        click.echo(f"... and {len(lines) - most:,} more: --json lists them all")
    if found["with_dependents"] or found["untold"]:
        click.echo("with all that was made of them:")
    for process, count in found["with_dependents"].items():
        click.echo(f"{count:8,} {process}")
    for block in found["blocks"][:most]:
        click.echo(f"         {block}")
    if found["untold"]:
        click.echo(f"         {found['untold']}")
    for one in found["requests"]:
        click.echo(f"         request {one['request']} {one['what']}")
    _say_kept(found["kept"], found["elsewhere"])


def _say_kept(number: int, elsewhere: list[str]) -> None:
    if number:
        where = ", ".join(elsewhere)
        click.echo(f"{number:8,} bundles that other stores have as well: these rows stay ({where})")


@main.command("invalidate")
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
    found = dependents(first)
    for process, number in invalidate.preview(found).items():
        click.echo(f"{number:8,} {process}")
    for line in invalidate.named(first):
        click.echo(f"         {line}")
    if strays:
        click.echo(f"{len(strays):8,} bundles that are not recorded yet")
    _say_kept(*invalidate.kept(copies, found))
    for where, number in invalidate.away(found).items():
        click.echo(
            f"{number:8,} bundles in store {where}, which is away: set aside when it is back"
        )
    if not found and not strays and not copies:
        click.echo("nothing to invalidate")
        return
    if not yes and not click.confirm("forget these?"):
        raise click.Abort
    forgotten, moved = removal.forget(chosen, strays, copies)
    if identity and not lost:
        invalidate.forget_places(identity)
    click.echo(f"forgot {forgotten} rows of stages; {moved} bundles are in .retired")
