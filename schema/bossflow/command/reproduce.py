"""`bossflow reproduce`: a result made anew, with all it was made of, and compared."""

import json
import shutil
from pathlib import Path

import click

from ..kit.system import ending_in_order
from ..kit.texts import many

SHOWN = 20


@click.command("reproduce")
@click.argument("request")
@click.option(
    "--to",
    type=click.Path(path_type=Path, file_okay=False),
    help="Directory for the files, new or empty (reproduce-REQUEST).",
)
@click.option("--write-only", is_flag=True, help="Write the files, and run nothing.")
@click.option("--profile", help="Nextflow's profile that it is run with, such as slurm.")
@click.option(
    "--pipeline",
    type=click.Path(path_type=Path),
    help="Directory of the pipeline's main.nf, if not bossflow's own.",
)
@click.option("--keep", is_flag=True, help="Keep what was made, also where all is equal.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def reproduce_command(
    request: str,
    to: Path | None,
    write_only: bool,
    profile: str | None,
    pipeline: Path | None,
    keep: bool,
    as_json: bool,
) -> None:
    """Make a REQUEST (its id, the start of it, or its name) anew elsewhere, and compare.

    Writes a parameter file for `nextflow run -params-file` of it, and of each request that it was
    made of, and reproduce.json, with revisions, software, containers and digests: also to be
    shared. Then runs these in order, into a store and a database of their own in `scratch`, and
    compares every digest with what is recorded: the exit code is 1 if one is not equal.
    """
    from .. import connect
    from ..core import holdings
    from ..upkeep import differing, reproduce, reproduced
    from ..upkeep.pipeline import Pipeline

    own = Pipeline(pipeline)
    connect()
    steps = reproduce.chain(request, own)
    if not write_only:
        reproduced.check(steps)
    directory = (to or Path(f"reproduce-{steps[-1].request.request_id[:8]}")).absolute()
    holdings.refuse_inside(directory, "--to")
    told = reproduce.write(steps, own, directory)

    def say(text: str) -> None:
        click.echo(text, err=as_json)

    say(f"{', '.join(step.file for step in steps)} and {reproduce.ABOUT} are in {directory}")
    if told["variables"]:
        say(f"variables set here, whose values are in no file: {', '.join(told['variables'])}")
    for line in reproduce.revisions(told, own):
        say(line)
    if write_only:
        return
    with ending_in_order():
        reproduced.run(steps, own, directory, profile, say)
    verdict = reproduced.compare(steps, own, directory)
    if as_json:
        report = {"directory": str(directory), "same": verdict.same, "differ": verdict.differ}
        report |= {"follow": verdict.follow, "inexact": verdict.inexact}
        report |= {"passed_over": dict(verdict.left)}
        click.echo(json.dumps(report, indent=1, ensure_ascii=False))
    for why, number in sorted(verdict.left.items()):
        say(f"passed over: {many(number, 'unit')} {why}")
    if verdict.inexact:
        say(f"otherwise, which may be: {many(verdict.inexact, 'unit')} that are not exact")
    for one in verdict.differ[:SHOWN]:
        say(f"not equal: {differing.described_unit(one)}")
    if len(verdict.differ) > SHOWN:
        say(f"... and {len(verdict.differ) - SHOWN:,} more: --json lists them all")
    if verdict.follow:
        say(f"not equal: {many(verdict.follow, 'unit')} that are made of these")
    unlike = len(verdict.differ) + verdict.follow
    if unlike:
        raise click.ClickException(
            f"not equal: {unlike:,} of {many(unlike + verdict.same, 'unit')}; what was made is in "
            f"{directory / 'scratch'}"
        )
    if not verdict.same:
        raise click.ClickException(
            f"no unit can be compared; what was made is in {directory / 'scratch'}"
        )
    if not keep:
        shutil.rmtree(directory / "scratch")
    say(f"equal: all {many(verdict.same, 'unit')}")
