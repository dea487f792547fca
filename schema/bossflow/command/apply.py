"""`bossflow apply`: a function or a command applied to blocks of a cutout, by a run."""

import sys

import click


@click.command("apply", context_settings={"ignore_unknown_options": True})
@click.argument("function", metavar="MODULE:NAME")
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def apply_command(function: str, options: tuple[str, ...]) -> None:
    """Apply the function NAME of a MODULE to each block of a cutout, with its halo.

    All that follows goes to `nextflow run`: `--source URI`, `--halo z,y,x`, `--block_shape z,y,x`,
    `--arguments '{"sigma": 2}'`, `--dtype float32` for a new volume, `--store DIRECTORY` or
    `-profile slurm`. What is recorded of the same function, arguments and blocks is not made again.

    In place of the function, `--command 'tool {block} {result}'` names a program and its words.
    """
    from ..upkeep import launching

    by_command = any(word.split("=")[0] == "--command" for word in (function, *options))
    if function.startswith("-") and not by_command:
        raise ValueError(f"name the function before {function}, which goes to `nextflow run`")
    asked = ["--workflow", "apply"]
    asked += [function] if function.startswith("-") else ["--function", function]
    if code := launching.run([*asked, *options]):
        sys.exit(code)
