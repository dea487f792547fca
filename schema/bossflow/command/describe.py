"""`bossflow describe`: what a source is, before anything is run."""

import json
import os
from typing import Any

import click

from ..kit.texts import many
from ..voxels.archives import offsets
from ..voxels.archives.made import is_made
from .options import console


class Sides(click.ParamType):  # type: ignore[type-arg]
    """Three numbers above `least` with commas between, as parameters of runs have them."""

    name = "a,b,c"

    def __init__(self, whole: bool, least: int = 0) -> None:
        self._number, self._least = int if whole else float, least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return them as a list, in the order given."""
        try:
            sides = [self._number(side) for side in value.split(",")]
        except ValueError:
            sides = []
        if len(sides) != 3 or not all(self._least < side < 2**53 for side in sides):
            kind = "numbers above 0" if not self._least else "whole numbers"
            self.fail(f"{value} is not three {kind} with commas between.", param, ctx)
        return sides


_INDEX = click.IntRange(0, 2**31 - 1)


@click.command("describe")
@click.argument("uri")
@click.option("--resolution", type=click.IntRange(0, 99), help="This level alone.")
@click.option("--channel", type=_INDEX, help="Which of several, from 0.")
@click.option("--time", type=_INDEX, help="Which of several, from 0.")
@click.option(
    "--voxel-size", "--voxel_size", type=Sides(False), help="x,y,z in nm, where none is stated."
)
@click.option("--offset", type=Sides(True, -(2**53)), help="x,y,z in voxels, where none is stated.")
@click.option(
    "--block-shape", type=Sides(True), default="64,512,512", show_default=True, help="z,y,x."
)
@click.option("--bossdb-host", default="https://api.bossdb.io", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def describe_command(
    uri: str,
    resolution: int | None,
    channel: int | None,
    time: int | None,
    voxel_size: list[float] | None,
    offset: list[int] | None,
    block_shape: list[int],
    bossdb_host: str,
    as_json: bool,
) -> None:
    """Tell what a source is: format, levels, voxels, and what a block of it costs to read.

    URI is what a run would be given as source, or a collection: a plate, a group, a file of several
    volumes. Of these it tells what may be named. Nothing is written, and no database is needed but
    for bossflow://. BossDB's token is taken from BOSSDB_TOKEN, credentials of buckets from the
    environment, as runs do.
    """
    chosen = {"channel": channel, "time": time}
    given = {name: index for name, index in chosen.items() if index is not None}
    given |= offsets.chosen_of(offset)
    if is_made(uri):
        if given or voxel_size:
            raise click.UsageError(
                "a volume that was made here has one channel, its own size and place"
            )
        from .. import connect
        from ..volumes import surveyed

        connect()
        told = surveyed.of_made(uri, resolution, block_shape)
    else:
        told = _told(uri, resolution, given, voxel_size, block_shape, bossdb_host)
    if as_json:
        click.echo(json.dumps(told, indent=1, ensure_ascii=False))
    else:
        _print(told)


def _told(
    uri: str,
    resolution: int | None,
    chosen: dict[str, int],
    voxel_size: list[float] | None,
    block_shape: list[int],
    host: str,
) -> dict[str, Any]:
    from ..voxels.archives import Refused, Unreachable, survey

    token = os.environ.get("BOSSDB_TOKEN", "").strip() or "public"
    size = voxel_size and voxel_size[::-1]
    try:
        return survey.survey(uri, os.getcwd(), host, token, block_shape, resolution, chosen, size)
    except ImportError as error:
        raise click.ClickException(
            f"the Python package {error.name} is missing: run ./set-up.sh"
        ) from None
    except (Refused, Unreachable) as error:
        raise click.ClickException(str(error)) from None


def _print(told: dict[str, Any]) -> None:
    from rich.table import Table

    click.echo(f"{told['source']}\n{told['format']}, in {told['archive']}")
    names = "res", "dtype", "kind", "extent x y z", "voxel size (nm) x y z", "chunk x y z"
    table = Table(*names, "a block of", "requests", "MB at most", box=None)
    for level in told["levels"]:
        if "dtype" not in level:
            continue
        block = level["block"]
        megabytes = block["bytes"] / 1e6
        table.add_row(
            str(level["resolution"]),
            level["dtype"],
            level["kind"],
            " ".join(f"{start}:{end}" for start, end in level["extent_xyz"]),
            " ".join(f"{size:g}" for size in level["voxel_size_nm_xyz"] or ()) or "not stated",
            " ".join(map(str, level["chunk_xyz"])),
            block["box"],
            f"{block['requests']:,}",
            f"{megabytes:,.1f}" if megabytes >= 0.1 else f"{megabytes:.1g}",
        )
    if table.row_count:
        console(soft_wrap=True, width=max(200, console().width)).print(table)
    problems: dict[str, list[str]] = {}
    for level in told["levels"]:
        if "problem" in level:
            problems.setdefault(level["problem"], []).append(str(level["resolution"]))
    for problem, levels in problems.items():
        click.echo(f"resolution {', '.join(levels)}: {problem}")
    for what, names_inside in told["inside"].items():
        click.echo(f"{many(len(names_inside), 'name')} to be given instead ({what}):")
        for name in names_inside:
            click.echo(f"  {name}")
