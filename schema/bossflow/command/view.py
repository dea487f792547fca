"""`bossflow view`: results in a viewer."""

import contextlib
import json
import os
import tempfile
import threading
import webbrowser
from pathlib import Path

import click

from ..kit.texts import many

_SIZE = 1200, 900


@click.command("view")
@click.argument("requests", nargs=-1, required=True, metavar="REQUEST...")
@click.option("--open", "opening", is_flag=True, help="Open it in this machine's browser.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Default: any that is free.")
@click.option(
    "--screenshot", type=click.Path(dir_okay=False), help="Write a picture (PNG), and end."
)
@click.option("--link", is_flag=True, help="Print the address of a public viewer, and end.")
@click.option("--bossdb-host", help="Address of BossDB, if it is another one than then.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def view_command(
    requests: tuple[str, ...],
    opening: bool,
    port: int,
    screenshot: str | None,
    link: bool,
    bossdb_host: str | None,
    as_json: bool,
) -> None:
    """Show images and results of REQUESTs in Neuroglancer, each where it lies.

    They are named by their ids, the start of them, or their names. What is printed is an address on
    this machine, that nobody else can guess or reach; it is good until Ctrl-C. Nothing is sent
    anywhere. The image is what `image_source` named, else the source.
    """
    from .. import connect

    try:
        from ..look import browser, view
    except ImportError as error:
        raise click.ClickException(
            f"the Python package {error.name} is missing: a viewer takes what ./set-up.sh --demo "
            "or pip install 'bossflow[look]' installs"
        ) from None
    if sum((opening, screenshot is not None, link)) > 1:
        raise click.UsageError("give one of --open, --screenshot and --link")
    if screenshot and not screenshot.lower().endswith(".png"):
        raise click.UsageError("--screenshot writes PNG: name a file that ends in .png")
    if screenshot and not Path(screenshot).absolute().parent.is_dir():
        raise click.UsageError(f"--screenshot {screenshot}: there is no such directory")
    connect()
    token = os.environ.get("BOSSDB_TOKEN", "").strip() or "public"
    shown, problems = view.opened(requests, token, bossdb_host)
    for problem in problems:
        click.echo(f"note: {problem}", err=True)
    if link:
        click.echo(view.link(shown))
        return
    viewer = view.viewer(shown, port)
    if screenshot:
        Path(screenshot).write_bytes(browser.screenshot(viewer, _SIZE))
        click.echo(f"{screenshot}: {', '.join(one.name for one in shown)}")
        return
    address, names = viewer.get_viewer_url(), [one.name for one in shown]
    with (
        contextlib.suppress(KeyboardInterrupt),
        tempfile.NamedTemporaryFile(suffix=".html") as page,
    ):
        if as_json:
            click.echo(json.dumps({"address": address, "layers": names, "notes": problems}))
        else:
            said = f"{many(len(names), 'layer')} ({', '.join(names)}), until Ctrl-C:"
            click.echo(f"{said}\n{address}")
        if opening:  # by a file that is ours alone: anyone may see what a browser is called with
            page.write(f'<meta http-equiv="refresh" content="0; url={address}">'.encode())
            page.flush()
            webbrowser.open(Path(page.name).as_uri())
        threading.Event().wait()
