"""`bossflow simulate`: a volume of which all cells are known."""

import os
import re
from pathlib import Path
from typing import Any

import click

from ..kit.system import full
from ..kit.texts import many
from .options import terminal

SIDE_MAX = 100_000
"""Voxels along an axis."""


def _shape(_context: object, _option: object, text: str) -> tuple[int, ...]:
    """Read `--shape z,y,x`."""
    sides = text.split(",")
    if len(sides) != 3 or not all(map(_is_side, sides)):
        raise click.BadParameter(
            f"{text!r} is no shape: write z,y,x in voxels, such as 256,256,256, each from 1 to "
            f"{SIDE_MAX:,}"
        )
    return tuple(map(int, sides))


def _is_side(text: str) -> bool:
    return bool(re.fullmatch("[0-9]{1,6}", text, re.ASCII)) and 1 <= int(text) <= SIDE_MAX


@click.command("simulate")
@click.argument("directory")
@click.option(
    "--shape",
    metavar="Z,Y,X",
    callback=_shape,
    default="256,256,256",
    show_default=True,
    help="Voxels along each axis.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=1,
    show_default=True,
    help="Another one is another volume.",
)
def simulate_command(directory: str, shape: tuple[int, ...], seed: int) -> None:
    """Write a simulated X-ray volume into a new DIRECTORY: dark cells in noise, with the truth.

    image.ome.zarr is the volume (uint8, voxels of 650 nm), truth.csv has the middles of all cells
    that are inside, in nm. The same shape and seed make the same voxels on any machine, and a
    larger shape has those of a smaller one.
    """
    from rich.progress import Progress

    from ..share import aside
    from ..voxels.detection import simulation

    to = Path(directory)
    if not directory or os.path.lexists(to):
        raise click.UsageError(f"{directory or 'an empty name'} is there: name a new directory")
    if not to.absolute().parent.is_dir():
        raise click.UsageError(f"{to}: there is no directory {to.absolute().parent}")
    with Progress(console=terminal(), transient=True) as progress:
        task = progress.add_task("voxels", total=shape[0] * shape[1] * shape[2])

        def told(voxels: int) -> None:
            progress.advance(task, voxels)

        try:
            with aside.directory(to) as empty:
                cells = simulation.simulate(empty, shape, seed, told)
        except (OSError, ValueError) as error:
            raise click.ClickException(full(error, to.absolute().parent) or str(error)) from None
    click.echo(_said(to, simulation, cells))


def _said(to: Path, simulation: Any, cells: int) -> str:
    image, truth = to / simulation.IMAGE, to / simulation.TRUTH
    return f"source zarr://{image}, with {many(cells, 'cell')} in {truth}"
