"""`bossflow sweep` and `bossflow chain`: points of parameters, and workflows one after another."""

import sys
from pathlib import Path

import click

from .sweep_show import show

SHOWN = 20


@click.group("sweep")
def sweep_command() -> None:
    """Run a workflow for points of its parameters, score them, and look for the best."""


sweep_command.add_command(show)


@sweep_command.command("run", context_settings={"ignore_unknown_options": True})
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", "--dry_run", "dry", is_flag=True, help="Say what it would do.")
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def run(file: Path, dry: bool, options: tuple[str, ...]) -> None:
    """Run the points of a sweep, which FILE (YAML, JSON) defines, round by round.

    FILE is a parameter file with `sweep:`, and `search:`, `truth:` and `score:` if wanted. Points
    are written down before anything runs: run it again after a kill, or where points failed. What
    follows FILE goes to `nextflow run`, such as `-profile slurm`.
    """
    from ..sweeps import files

    if "sweep" not in files.read(file):
        raise ValueError(f"{file} has no sweep: name the parameters that are varied")
    _run(file, dry, options)


@click.command("chain", context_settings={"ignore_unknown_options": True})
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", "--dry_run", "dry", is_flag=True, help="Say what it would do.")
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def chain_command(file: Path, dry: bool, options: tuple[str, ...]) -> None:
    """Run workflows one after another: the `steps:` of FILE (YAML, JSON).

    A step reads a step before it by `source: step:NAME`. With `sweep:`, parameters of steps
    (`step.parameter`) are varied, and each step is made once for what differs. What follows FILE
    goes to `nextflow run`, such as `-profile slurm`.
    """
    from ..sweeps import files

    if "steps" not in files.read(file):
        raise ValueError(f"{file} has no steps: name them, each with its workflow and parameters")
    _run(file, dry, options)


def _run(file: Path, dry: bool, options: tuple[str, ...]) -> None:
    from .. import connect
    from ..kit.texts import many
    from ..sweeps import definition, scoring, search
    from ..sweeps.rounds import Rounds
    from ..upkeep import launching

    asked = definition.read(file)
    asked.check_options(options)
    search.refuse_missing(asked.search)
    launching.nextflow()
    connect()
    scoring.refuse(asked)
    rounds = Rounds(asked, options, click.echo)
    if dry:
        if not rounds.dry():
            raise click.ClickException("a dry run was refused: see above")
        return
    click.echo(f"sweep {asked.sweep_id} ({asked.name}): {many(asked.search.points, 'point')}")
    became = rounds.run()
    for number, error in list(became.errors.items())[:SHOWN]:
        click.echo(f"point {number} failed: {error}", err=True)
    if len(became.errors) > SHOWN:
        click.echo(f"... and {len(became.errors) - SHOWN:,} more", err=True)
    told = f"{len(became.complete):,} of {many(len(became.points), 'point')} complete"
    if became.scores:
        best = asked.search.best
        sign = -1 if asked.search.goal == "largest" else 1
        number = min(became.scores, key=lambda one: (sign * became.scores[one], one))
        told += f"; best {best}: {became.scores[number]:.6g}, point {number}"
    click.echo(f"{told}; `bossflow sweep show {asked.sweep_id}` tells more")
    click.echo(f"page {_page(asked.sweep_id, asked.directory)}")
    if became.errors:
        click.echo("what failed is tried again by the same command", err=True)
        sys.exit(1)


def _page(sweep_id: str, directory: Path) -> Path:
    """Write the page of a sweep beside its rounds; return where it is."""
    from ..look import swept_page
    from ..sweeps import told
    from .options import write_page

    directory.mkdir(parents=True, exist_ok=True)
    file = directory / "index.html"
    write_page(file, swept_page.page(told.sweep(sweep_id)))
    return file
