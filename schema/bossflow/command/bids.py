"""`bossflow bids`: a BIDS App for whoever is new in a dataset, by runs of the pipeline."""

import re
import sys
import time
from pathlib import Path

import click

UNITS = {"s": 1, "min": 60, "m": 60, "h": 3600, "d": 86400}


@click.command("bids", context_settings={"ignore_unknown_options": True})
@click.argument("file", type=click.Path(dir_okay=False, exists=True, path_type=Path))
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "--every",
    metavar="TIME",
    help="Look again every 10m, 2h or 1d, until interrupted, and run what is new or has changed.",
)
def bids_command(file: Path, options: tuple[str, ...], every: str | None) -> None:
    """Run workflow `bids` with the parameters in FILE (YAML).

    With --every, a run begins when the dataset looks otherwise than when the last one began, and as
    it did one TIME before: what is still being copied is waited for. All other options go to
    `nextflow run`.
    """
    from ..upkeep import launching

    asked = ["-params-file", str(file), "--workflow", "bids", *options]
    if every is None:
        if code := launching.run(asked):
            sys.exit(code)
        return
    pause, root = _seconds(every), _dataset(file)
    begun = None  # as it looked when the last run began
    now = look(root)
    while True:
        if now != begun:
            click.echo(f"{root} is new or has changed: a run begins")
            begun = now
            launching.run(asked)  # what failed waits for a change
        before = None
        while before != now:  # still being copied
            time.sleep(pause)
            before, now = now, look(root)


def look(root: Path) -> frozenset[tuple[str, int, int]]:
    """Return what a dataset looks like: paths, sizes and times (ns) of its files.

    Raises
    ------
    OSError
        If it can't be read.
    """
    found = set()
    for directory in [root, *(path for path in root.iterdir() if path.name.startswith("sub-"))]:
        paths = directory.iterdir() if directory == root else directory.rglob("*")
        for path in paths:
            if path.is_file():
                about = path.stat()
                name = path.relative_to(root).as_posix()
                found.add((name, about.st_size, about.st_mtime_ns))
    return frozenset(found)


def _dataset(file: Path) -> Path:
    """Return the dataset that a file of parameters names."""
    import yaml

    told = yaml.safe_load(file.read_text(encoding="utf-8"))
    if not isinstance(told, dict) or not told.get("bids_dir"):
        raise ValueError(f"{file} names no dataset: give bids_dir there")
    root = Path(str(told["bids_dir"]))
    if not root.is_dir():
        raise ValueError(f"bids_dir {root} of {file} is no directory: give the path of one")
    return root


def _seconds(text: str) -> int:
    found = re.fullmatch(r"([1-9][0-9]{0,5}) ?(s|min|m|h|d)", text)
    if not found:
        raise ValueError(f"--every {text} must be a time, such as 10m, 2h or 1d")
    return int(found[1]) * UNITS[found[2]]
