"""`bossflow export`: a request in the field's formats, to be taken along."""

import json
from pathlib import Path

import click

from ..kit.system import ending_in_order
from .options import terminal

_EXTRA = "the Python package {} is missing: pip install 'bossflow[formats]' has what this takes"


@click.command("export")
@click.argument("request")
@click.option(
    "--format",
    "form",
    type=click.Choice(
        ["ro-crate", "prov", "parquet", "tiff", "npy", "ome-zarr", "ply", "obj", "glb", "swc"]
    ),
    required=True,
)
@click.option("--to", type=click.Path(path_type=Path), required=True, help="A new directory.")
@click.option("--with-data", is_flag=True, help="Of a crate: copy the result files into it.")
@click.option("--volume", help="Which, where a request makes several.")
@click.option(
    "--level",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Of tiff and npy: 0 is the finest.",
)
@click.option(
    "--segment",
    "segments",
    type=click.IntRange(1, 2**64 - 1),
    multiple=True,
    help="Of ply, obj and glb: which segment's mesh. Of swc: whose skeleton; may be given again.",
)
@click.option("--licence", help="Of what is written, such as CC-BY-4.0.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def export_command(
    request: str,
    form: str,
    to: Path,
    with_data: bool,
    volume: str | None,
    level: int,
    segments: tuple[int, ...],
    licence: str | None,
    as_json: bool,
) -> None:
    """Write a REQUEST in a format that others read, with where it came from and how to cite it.

    It is named by its id, the start of it, or its name. What goes to --to is there whole or not at
    all. ro-crate and prov tell how it was made; parquet holds components and units, tiff, npy and
    ome-zarr its volume, ply, obj and glb the mesh of one segment, swc skeletons of segments.
    """
    from rich.progress import Progress, TimeRemainingColumn

    from .. import connect
    from ..share import export

    if with_data and form != "ro-crate":
        raise click.UsageError("--with-data goes with --format ro-crate")
    if volume and form not in export.VOLUMES:
        raise click.UsageError(f"--volume goes with --format {', '.join(export.VOLUMES)}")
    if level and form not in ("tiff", "npy"):
        raise click.UsageError("--level goes with --format tiff or npy")
    if segments and form not in (*export.MESHES, *export.SKELETONS):
        names = ", ".join((*export.MESHES, *export.SKELETONS))
        raise click.UsageError(f"--segment goes with --format {names}")
    if len(segments) != 1 and form in export.MESHES:
        raise click.UsageError(
            f"--format {form} writes the mesh of one segment: say which, such as --segment 7"
        )
    if not segments and form in export.SKELETONS:
        raise click.UsageError(
            f"--format {form} writes skeletons of segments: say which, such as --segment 7"
        )
    connect()
    columns = "{task.description}", "{task.percentage:>3.0f}%", TimeRemainingColumn()
    try:
        with (
            ending_in_order(),
            Progress(*columns, console=terminal(), transient=True) as bar,
        ):
            task = bar.add_task(form, total=None)
            told = export.export(
                request,
                form,
                to,
                export.Options(with_data, volume, level, licence, segments),
                lambda more, whole: bar.update(task, advance=more, total=whole),
            )
    except ImportError as error:
        raise click.ClickException(_EXTRA.format(error.name)) from None
    if as_json:
        click.echo(json.dumps(told, indent=1, ensure_ascii=False))
    else:
        click.echo(f"request {told['request']}: {to} ({', '.join(told['files'])})")
