"""`bossflow score`: how right a result is, compared with a truth."""

import json
from typing import Any

import click

from .describe import Sides
from .options import Amount, console, terminal

_INDEX = click.IntRange(0, 2**31 - 1)
_OF_VOLUME = "resolution", "channel", "time", "voxel_size", "offset", "bossdb_host"


@click.command("score")
@click.argument("request")
@click.option(
    "--truth",
    required=True,
    help="Points (.csv or .parquet with columns x_nm,y_nm,z_nm, or x,y,z in voxels), the URI of a "
    "volume of labels, or another request.",
)
@click.option(
    "--within_nm",
    type=Amount(0, 1e15, min_open=True),
    help="How far two points of a pair may be apart. Without it, segmentations are compared.",
)
@click.option(
    "--overlap",
    type=Amount(0, 1, min_open=True),
    default=0.5,
    show_default=True,
    help="Of two segments of a pair, the share of common voxels among those that either has.",
)
@click.option(
    "--background",
    type=click.Choice(["ignore", "keep"]),
    default="ignore",
    show_default=True,
    help="Of segmentations: leave out voxels that are 0 in the truth, or take 0 for a segment.",
)
@click.option("--resolution", type=click.IntRange(0, 99), help="Of the truth: this level.")
@click.option("--channel", type=_INDEX, help="Of the truth: which of several, from 0.")
@click.option("--time", type=_INDEX, help="Of the truth: which of several, from 0.")
@click.option("--voxel_size", type=Sides(False), help="Of the truth, where none is stated: x,y,z.")
@click.option(
    "--offset", type=Sides(True, -(2**53)), help="Of the truth, where none is stated: x,y,z."
)
@click.option("--bossdb_host", help="Of the truth, where that is no other: its address.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def score_command(
    request: str,
    truth: str,
    within_nm: float | None,
    overlap: float,
    background: str,
    as_json: bool,
    **more: Any,
) -> None:
    """Compare the result of REQUEST with a truth, and record how right it is.

    Points, such as detections or the centroids of components, are matched by the most pairs within
    a distance. Segmentations are compared voxel by voxel: segments by their overlap, variation of
    information, adapted Rand error. What is recorded already is found, and not computed again.
    """
    from rich.progress import Progress

    from .. import connect, scores

    given = {name: more[name] for name in _OF_VOLUME if more[name] is not None}
    if given and (within_nm is not None or "://" not in truth):
        raise click.UsageError(f"--{next(iter(given))} is for a volume of labels")
    connect()
    with Progress(console=terminal(), transient=True) as progress:
        task = progress.add_task("voxels", total=None, visible=False)

        def told(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total, visible=True)

        numbers = scores.score(
            request, given | {"uri": truth}, within_nm, overlap, background, told
        )
    if as_json:
        click.echo(json.dumps(numbers, indent=1))
    else:
        _show(numbers)


def _show(numbers: dict[str, float]) -> None:
    from rich.table import Table

    table = Table("", "", box=None, show_header=False)
    for name, value in numbers.items():
        table.add_row(name, f"{value:,.0f}" if name in _COUNTS else f"{value:.6g}")
    screen = console()
    screen.print(table)
    for name, what in (("n_truth_outside", "the truth"), ("n_found_outside", "the result")):
        if number := numbers.get(name):
            line = f"note: {number:,.0f} points of {what} lie where the other side did not look"
            screen.print(line, highlight=False, soft_wrap=True)


_COUNTS = (
    *("n_truth", "n_found", "true_positives", "n_truth_outside", "n_found_outside"),
    "n_scored_voxels",
)
