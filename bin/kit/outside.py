"""Files that a unit writes into another bundle, such as its chunks of a volume."""

import contextlib
import os
from pathlib import Path

from . import buckets
from .units import Bundle


def put(bundle: Bundle, made: Path, directory: Path, held: int) -> None:
    """Put the files below `made` into the same places below a directory of another bundle.

    They are on disk before: they may take the place of those that another run of the same request
    has written, and will have recorded. If it has made the bundle meanwhile, its own stay: this
    program may have been suspended while the source changed. Of a unit that is only compared they
    stay where they are.

    Parameters
    ----------
    bundle : Bundle
        Whose files they become; `made` is in its directory.
    made, directory : Path
    held : int
        File descriptor of `directory`: files move where that one is, even if it was moved
        meanwhile, and another has its name.
    """
    for file in sorted(path for path in made.rglob("*") if path.is_file()):
        name = file.relative_to(made)
        bundle.outside.append(directory / name)
        if not bundle.kept:
            bundle.beside[directory / name] = file
            continue
        if not buckets.holds(directory) and bundle.made_meanwhile:
            file.unlink()
            continue
        with file.open("rb") as stream:
            os.fsync(stream.fileno())
        for parent in [*name.parents][-2::-1]:
            with contextlib.suppress(FileExistsError):
                os.mkdir(parent, dir_fd=held)
        os.replace(file, name, dst_dir_fd=held)
        file.unlink(missing_ok=True)  # a link to what is there already is not moved
