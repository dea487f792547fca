"""Derivatives of several units as one dataset."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path


def merged(trees: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    """Yield what derivatives of several units are together, as paths and what is there.

    A directory that only one has is one item. Of files at one path, the first tree's counts.
    """
    yield from _merged([*trees], "")


def _merged(trees: list[Path], prefix: str) -> Iterator[tuple[str, Path]]:
    entries: dict[str, list[Path]] = {}
    for tree in trees:
        for name in os.listdir(tree):
            entries.setdefault(name, []).append(tree / name)
    for name, paths in sorted(entries.items()):
        if len(paths) > 1 and all(path.is_dir() for path in paths):
            yield from _merged(paths, f"{prefix}{name}/")
        else:
            yield f"{prefix}{name}", paths[0]
