"""`bossflow page`: what a run asked for, found and made, as one HTML file with pictures."""

import os
from pathlib import Path

import click

from .options import Amount


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
    from ..voxels import paged

    connect()
    row = rows.run_named(run)
    asked = rows.requests_of(row["run_id"])
    left = sum(one["state"] != "complete" for one in asked)
    missing = f"{left} of {len(asked)} requests are not complete." if left else None
    file = Path(output)
    reports = Path(str(row["run_parameters"].get("outdir") or ""), "reports")
    link = os.path.relpath(reports, file.parent) if reports.is_dir() else None
    told = page.of_run(row, asked, rows.became(row["run_id"], asked), missing, price, link)
    try:
        html = paged.filled(*told)
    except ImportError as error:
        raise click.ClickException(
            f"{error}: pip install 'bossflow[look]' has what a page takes"
        ) from None
    file.write_text(html, encoding="utf-8")
    click.echo(f"the page of run {row['run_name']}: {file} ({len(html.encode()) / 1e6:.1f} MB)")
