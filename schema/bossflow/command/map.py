"""`bossflow map`: a Python function called for each row of a table, by a run of the pipeline."""

import sys
from pathlib import Path

import click


@click.command("map", context_settings={"ignore_unknown_options": True})
@click.argument("function", metavar="MODULE:NAME")
@click.argument("rows", type=click.Path(path_type=Path))
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def map_command(function: str, rows: Path, options: tuple[str, ...]) -> None:
    """Call the function NAME of a MODULE for each row of a table (CSV, JSON Lines, Parquet).

    ROWS has a column for each of its arguments. All that follows goes to `nextflow run`, such as
    `--store DIRECTORY`, `--project_dir DIRECTORY` (where the module is, if not here) or
    `-profile slurm`. What is recorded of the same function and arguments is not called again.
    """
    from ..upkeep import launching

    for word in (function, str(rows)):
        if word.startswith("-"):
            raise ValueError(f"name function and rows before {word}, which goes to `nextflow run`")
    asked = ["--workflow", "map", "--function", function, "--rows", str(rows)]
    if code := launching.run([*asked, *options]):
        sys.exit(code)
