"""`bossflow verify --deep`: what does not come out again as it is recorded."""

import json
import secrets
import tempfile
from pathlib import Path
from typing import Any

import click

from ..kit.system import ending_in_order
from ..kit.texts import many

SHOWN = 20
"""Units that are named, at most: `--json` has them all."""


def look_deep(
    request: str | None,
    channel: str | None,
    store: str | None,
    sample: int | None,
    seed: int | None,
    root: Path | None,
    as_json: bool,
) -> None:
    """Make units again and tell which are not as they are recorded."""
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    from .. import connect
    from ..core import stores
    from ..upkeep import deep, differing, drawn, verify
    from ..upkeep.pipeline import Pipeline
    from .options import terminal

    if seed is not None and sample is None:
        raise click.UsageError("--seed goes with --sample")
    pipeline = Pipeline(root)
    connect()
    store = stores.Here().named(store) if store else None
    only, number, _ = verify.asked(request, channel, store)
    told = drawn.found(None if only is None else {*only}, number, pipeline)
    seed = secrets.randbelow(2**32) if seed is None else seed
    chosen = drawn.draw(told, sample, seed)
    total = sum(map(len, chosen.values()))
    columns = "{task.description}", MofNCompleteColumn(), TimeRemainingColumn()
    with (
        ending_in_order(),
        tempfile.TemporaryDirectory(prefix="bossflow-deep-") as scratch,
        Progress(*columns, console=terminal(), transient=True) as progress,
    ):
        bar = progress.add_task("units made again", total=total)
        outcome = deep.compare(
            told, chosen, pipeline, Path(scratch), lambda more: progress.advance(bar, more)
        )
    outcome.passed_over += told.passed_over
    said = drawn.odds(told.number, outcome.looked_at, len(outcome.differ))
    then = list(dict.fromkeys(one["then"] for one in outcome.differ))
    if as_json:
        report = {
            "units": told.number,
            "looked_at": outcome.looked_at,
            "seed": None if sample is None else seed,
            "same": outcome.same,
            "differ": outcome.differ,
            "failed": outcome.failed,
            "otherwise": outcome.otherwise,
            "passed_over": dict(+outcome.passed_over),
            "odds": said,
            "then": then,
        }
        click.echo(json.dumps(report, indent=1, ensure_ascii=False))
    else:
        _show(outcome, differing.described_unit)
        seeded = f" (--seed {seed})" if sample is not None else ""
        click.echo(f"{said}{seeded}")
    problems = len(outcome.differ) + len(outcome.failed)
    if number and not outcome.looked_at:
        raise click.ClickException("nothing was made again")
    if not problems:
        if not as_json:
            other = f", {len(outcome.otherwise):,} otherwise" if outcome.otherwise else ""
            click.echo(f"{many(outcome.same, 'unit')} made again as recorded{other}")
        return
    what = f"{len(outcome.differ):,} of {many(outcome.looked_at, 'unit')} differ"
    if outcome.failed:
        what += f", {len(outcome.failed):,} could not be made"
    if then:
        what += "; to have what differs made again by the next `nextflow run`, with all that is "
        what += "made of it:\n" + "\n".join(f"  {command}" for command in then[:SHOWN])
        what += f"\n  ... and {len(then) - SHOWN:,} more: --json" * (len(then) > SHOWN)
    raise click.ClickException(what)


def _show(outcome: Any, line: Any) -> None:
    for title, some in (
        ("differs", outcome.differ),
        ("not made", outcome.failed),
        ("otherwise", outcome.otherwise),
    ):
        for one in some[:SHOWN]:
            click.echo(f"{title}: {line(one)}")
        if len(some) > SHOWN:
            click.echo(f"... and {len(some) - SHOWN:,} more: --json lists them all")
    for why, number in sorted((+outcome.passed_over).items()):
        click.echo(f"passed over: {many(number, 'unit')} {why}")
