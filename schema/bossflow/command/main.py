"""The `bossflow` command."""

from typing import Any

import click

from .. import __version__, database
from ..kit.system import end_quickly
from ..kit.texts import print_anything
from .apply import apply_command
from .bids import bids_command
from .damage import invalidate_command, verify_command
from .db import db
from .describe import describe_command
from .diff import diff_command
from .export import export_command
from .housekeeping import clean_command, forget_command
from .label import components_command
from .lineage import lineage_command
from .listing import channels_command, stores_command
from .map import map_command
from .new import new_command
from .page import page_command
from .reproduce import reproduce_command
from .score import score_command
from .simulate import simulate_command
from .status import status_command
from .sweep import chain_command, sweep_command
from .view import view_command

WHOLE = 400
"""Signs that no command's first sentence has."""


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

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each command's first sentence as a whole, where click cuts it to one line."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, one.get_short_help_str(limit=WHOLE)) for name, one in commands if one]
            )

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
    end_quickly()


for command in (
    apply_command,
    bids_command,
    chain_command,
    channels_command,
    clean_command,
    components_command,
    db,
    describe_command,
    diff_command,
    export_command,
    forget_command,
    invalidate_command,
    lineage_command,
    map_command,
    new_command,
    page_command,
    reproduce_command,
    score_command,
    simulate_command,
    status_command,
    stores_command,
    sweep_command,
    verify_command,
    view_command,
):
    main.add_command(command)
