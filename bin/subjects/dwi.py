"""A diffusion image in a store: blocks of a fixed grid, cut in one pass over its file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from kit.bundles import Finished
from numpy.typing import NDArray
from voxels.boxes import Box, grid

from . import nifti
from .gradients import Gradients, parsed

ABOUT, BLOCKS = "image.json", "blocks"

_AT_ONCE = 128 * 2**20


class Image(NamedTuple):
    """What is known of an image whose blocks are in a store.

    Attributes
    ----------
    shape_xyz : tuple of 3 int
    affine : float64 array, shape (4, 4)
        From voxels to mm.
    slope, inter : float
        What stored values are multiplied by, and what is added then.
    gradients : Gradients
    blocks : list of Box
    """

    shape_xyz: tuple[int, int, int]
    affine: NDArray[np.float64]
    slope: float
    inter: float
    gradients: Gradients
    blocks: list[Box]


def cut(
    stream: BinaryIO,
    texts: tuple[str, str],
    block_zyx: list[int],
    directory: Path,
    names: list[str],
) -> Image:
    """Write the blocks of an image and what is known of it.

    Each is a file `blocks/<box>.npy`, shape (volumes, z, y, x), of the type of the image, so that
    volumes are appended as they come. Takes 128 MiB, or what a volume has, and once more as much.

    Parameters
    ----------
    stream : BinaryIO
        A NIfTI file, maybe gzipped, at its beginning.
    texts : (str, str)
        What the files of b-values and directions say.
    block_zyx : list of 3 int
        Shape of a block.
    directory : Path
    names : list of str
        What messages call the three files.

    Raises
    ------
    ValueError
        If the file is damaged.
    """
    name, *of_texts = names
    with nifti.unpacked(stream, name) as content:
        head = nifti.header(content.read(540), name)
    stream.seek(0)
    *shape, n_volumes = head.shape
    gradients = parsed(*texts, n_volumes, (of_texts[0], of_texts[1]))
    told = {
        "shape_xyz": shape,
        "affine": head.affine.tolist(),
        "slope": head.slope,
        "inter": head.inter,
        "bvals": gradients.bvals.tolist(),
        "bvecs": gradients.bvecs.tolist(),
        "block_zyx": block_zyx,
    }
    (directory / ABOUT).write_text(json.dumps(told), encoding="utf-8")
    about = _image(told)
    (directory / BLOCKS).mkdir()
    for box in about.blocks:
        whole = {"shape": (n_volumes, *box.shape_zyx), "fortran_order": False}
        with _block(directory, box).open("wb") as file:
            descr = np.lib.format.dtype_to_descr(head.dtype.newbyteorder("="))
            np.lib.format.write_array_header_1_0(file, whole | {"descr": descr})
    with nifti.unpacked(stream, name) as content:
        for some in nifti.volumes(content, head, name, _AT_ONCE):
            if some.dtype.kind == "f" and not np.isfinite(some).all():
                raise ValueError(f"{name} has voxels that are no numbers: mend it")
            for box in about.blocks:
                with _block(directory, box).open("ab") as file:
                    file.write(some[(slice(None), *box.slices((0, 0, 0)))].tobytes())
    return about


def image(pulled: Finished) -> Image:
    """Return what is known of an image."""
    return _image(json.loads(pulled.file(ABOUT).read_text("utf-8")))


def _image(told: dict[str, Any]) -> Image:
    x, y, z = told["shape_xyz"]
    gradients = Gradients(np.array(told["bvals"]), np.array(told["bvecs"]))
    blocks = grid(Box.of((0, 0, 0), (z, y, x)), told["block_zyx"], (0, 0, 0))
    affine = np.array(told["affine"])
    return Image((x, y, z), affine, told["slope"], told["inter"], gradients, blocks)


def signals(
    pulled: Finished, about: Image, box: Box, volumes: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return some volumes of a box, from the blocks it meets: float64, shape (x, y, z, volumes)."""
    found = np.empty((len(volumes), *box.shape_zyx))
    for cell in about.blocks:
        if cell.meets(box):
            part = cell.intersect(box)
            stored: Any = np.load(pulled.file(f"{BLOCKS}/{cell.name}.npy"), mmap_mode="r")
            some = stored[(slice(None), *part.slices(cell.corner_zyx))][volumes]
            own = (slice(None), *part.slices(box.corner_zyx))
            found[own] = nifti.scaled(some, about.slope, about.inter)
    return np.ascontiguousarray(found.T)


def middle(shape_xyz: Iterable[int], radius: int) -> Box:
    """Return the voxels up to so many from the middle of an image, as dipy has its middle."""
    sides = [*shape_xyz][::-1]
    starts = [max(0, side // 2 - radius) for side in sides]
    ends = [min(side, side // 2 + radius + 1) for side in sides]
    return Box.of(starts, [end - start for start, end in zip(starts, ends, strict=True)])


def _block(directory: Path, box: Box) -> Path:
    return directory / BLOCKS / f"{box.name}.npy"
