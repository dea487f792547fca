"""What DESCRIBE says of chunks that are not there."""

from pathlib import Path

from formats import describe
from voxels.archives import archive_of
from voxels.archives.volumes import opening
from voxels.boxes import Box


def said(uri: str, *boxes: Box, listed: bool = True) -> str | None:
    """Return what DESCRIBE says of boxes, or of all of a volume."""
    opening.opened_level.cache_clear()
    told = describe(uri)
    boxes = boxes or (Box.of(told["offset_zyx"], told["shape_zyx"]),)
    archive = archive_of(uri)
    files = archive.files(uri, 0, "", "", boxes) if listed else None
    return archive.unwritten(uri, 0, "", "", boxes, files)


def strip(path: Path) -> None:
    """Delete all chunks of a volume."""
    about = ("info", "attributes.json", "zarr.json", ".zarray", ".zattrs", ".zgroup")
    for file in [file for file in path.rglob("*") if file.is_file() and file.name not in about]:
        file.unlink()
