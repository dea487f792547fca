"""Where the voxels of a block come from: as they were pulled, or where the volume lies."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from .archives import archive_of
from .arrays import read_array
from .boxes import Box


def reader(
    source: Mapping[str, Any] | None, pulled: Path | None, block: Box
) -> Callable[[Box], NDArray[Any]]:
    """Return what reads parts of a block, as ZYX arrays in C order.

    Parameters
    ----------
    source : mapping, optional
        `uri`, `resolution`, `dtype` and, where there are several, what is `chosen`: read in place.
    pulled : Path, optional
        Where it was pulled to, if it is not.
    block : Box
    """
    if pulled:
        voxels = read_array(pulled)
        return lambda box: voxels[box.slices(block.corner_zyx)]
    assert source
    uri, resolution, dtype = (source[name] for name in ("uri", "resolution", "dtype"))
    chosen = source.get("chosen", {})
    read = archive_of(uri).read
    return lambda box: read(uri, resolution, "", "", dtype, box, chosen=chosen)
