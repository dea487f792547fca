"""`bossflow db`: the database itself."""

import json
from pathlib import Path
from typing import Any

import click

from .. import database


@click.group()
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
    from ..core import migrations
    from ..database import settings

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
    from ..core import installed, migrations, registry

    registry.load_all()
    said = "is now" if migrations.migrate() else "was already"
    installed.fill()
    where = f"schema {database.schema_name()} in {database.server().where}"
    click.echo(f"{where} {said} of version {migrations.VERSION}")


@db.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup_command(file: Path) -> None:
    """Write all rows of the schema into FILE, with the server's own tool."""
    from ..core import migrations
    from ..database import backup

    version = migrations.deployed(database.connection())
    if version is None:
        raise migrations.not_deployed()
    size = backup.backup(file, version)
    click.echo(f"{file}: {size / 1e6:,.1f} MB of schema {database.schema_name()}")


@db.command("restore")
@click.argument("file", type=click.Path(dir_okay=False, exists=True, path_type=Path))
@click.option("--replace", is_flag=True, help="Drop the tables that are there.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def restore_command(file: Path, replace: bool, yes: bool) -> None:
    """Read the schema back from FILE. Tables that are there are only replaced if you say so.

    Users must be granted their rights again on PostgreSQL: `bossflow db deploy --grant`.
    """
    from ..core import migrations
    from ..database import backup

    about = backup.read_about(file, migrations.VERSION)
    name, where, tables = database.schema_name(), database.server().where, backup.in_the_way()
    if tables and not replace:
        raise ValueError(
            f"schema {name} in {where} has {tables} tables: give --replace to drop them for {file}"
        )
    question = f"Drop the {tables} tables of schema {name} in {where}? Type its name"
    if tables and not yes and click.prompt(question) != name:
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
    from ..core import migrations, registry
    from ..database import rights

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
