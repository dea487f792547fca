"""A directory that is written aside and then has its name: it is there whole, or not at all."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


def check(to: Path) -> None:
    """Refuse a place where a directory can't be made, or where something is.

    Raises
    ------
    ValueError
    """
    if to.is_dir() and not to.is_symlink():
        if any(to.iterdir()):
            raise ValueError(f"--to {to} is not empty: name a new directory")
    elif os.path.lexists(to):
        raise ValueError(f"--to {to} is no directory: name a new one")
    elif not to.absolute().parent.is_dir():
        raise ValueError(f"--to {to}: there is no directory {to.absolute().parent}")


@contextlib.contextmanager
def directory(to: Path) -> Iterator[Path]:
    """Yield an empty directory beside a place, that goes there at the end; after an error, away.

    Whoever is killed leaves only a directory whose name begins with a dot and ends in `.part`.

    Parameters
    ----------
    to : Path
        Nothing is there, or an empty directory (`check`).

    Raises
    ------
    ValueError
        If something came there meanwhile.
    """
    to = to.absolute()
    aside = Path(tempfile.mkdtemp(".part", f".{to.name}-"[:100], to.parent))
    try:
        mask = os.umask(0)
        os.umask(mask)
        aside.chmod(0o777 & ~mask)
        yield aside
        try:
            aside.rename(to)
        except OSError as error:
            raise ValueError(f"{to}: something came there meanwhile") from error
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
