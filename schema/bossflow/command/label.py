"""Commands of what segmentations list: components, supervoxels, segments that were measured."""

import click


@click.command("components")
@click.argument("request")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "parquet", "json"]),
    default="table",
    show_default=True,
)
@click.option("--output", type=click.Path(dir_okay=False), help="File; default: standard output.")
def components_command(request: str, form: str, output: str | None) -> None:
    """Print what a REQUEST found: the components of label, supervoxels, or measured segments.

    It is named by its id, the start of it, or its name.
    """
    from .. import connect
    from ..look import components

    connect()
    components.write(request, form, output)
