"""`bossflow page`: what a run asked for, found and made, as one HTML file with pictures."""

import os
from pathlib import Path
from typing import Any

import click

from ..kit.texts import many
from .options import Amount, write_page


@click.command("page")
@click.argument("run", required=False)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False),
    default="index.html",
    show_default=True,
    help="The file.",
)
@click.option("--price", type=Amount(0), help="Of a CPU-hour, in any currency.")
def page_command(run: str | None, output: str, price: float | None) -> None:
    """Write the page of a RUN: what it asked for and found, with pictures of its results.

    It is named by its id, the start of it, or its name; without one it is the last.
    """
    from .. import connect
    from ..look import page, rows
    from ..look.parts import megabytes
    from ..voxels import paged

    file = Path(output)
    if not file.absolute().parent.is_dir():
        raise click.UsageError(f"--output {output}: there is no such directory")
    connect()
    row = rows.run_named(run)
    asked = rows.requests_of(row["run_id"])
    reports = rows.reports_of(row)
    link = os.path.relpath(reports, file.parent) if reports else None
    missing = _missing(row["run_parameters"].get("missing"), asked)
    told = page.of_run(row, asked, rows.became(row["run_id"], asked), missing, price, link)
    try:
        html = paged.filled(*told)
    except ImportError as error:
        raise click.ClickException(
            f"{error}: pip install 'bossflow[look]' has what a page takes"
        ) from None
    write_page(file, html)
    click.echo(f"the page of run {row['run_name']}: {file} ({megabytes(len(html.encode()))})")


def _missing(then: int | None, asked: list[dict[str, Any]]) -> str | None:
    """Return what is missing now, or else was when the run ended: of what was asked for before."""
    left = sum(one["state"] != "complete" for one in asked)
    if left:
        return f"{left} of {len(asked)} requests are not complete."
    if not then:
        return None
    return f"{many(then, 'request')} {'was' if then == 1 else 'were'} not complete when it ended."
