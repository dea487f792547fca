"""Have files on disk, where a power cut leaves them, before anyone is told of them."""

import errno
import os
from collections.abc import Iterable
from pathlib import Path


def flush(files: Iterable[Path]) -> None:
    """Have on disk what files hold."""
    for file in files:
        _flush(file)


def flush_names(paths: Iterable[Path], top: Path) -> None:
    """Have on disk where paths are, or that they are not there any more, from a directory down.

    A path's name is held by the directory it is in, that one's by the next above, and so on.
    """
    near = {path.parent for path in paths}
    above = {each for path in near for each in (path, *path.parents) if each.is_relative_to(top)}
    for directory in sorted(above, reverse=True):
        try:
            _flush(directory)
        except (FileNotFoundError, PermissionError):
            pass  # it went meanwhile; or we may not read it, so it is not we who made it
        except OSError as error:  # some file systems flush no directories
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):
                raise


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        error.filename = str(path)
        raise
    finally:
        os.close(descriptor)
