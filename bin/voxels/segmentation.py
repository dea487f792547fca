"""The chunks of a segmentation, a Neuroglancer precomputed volume with downsampled levels.

Each file of it is written by one block alone: chunks divide blocks, and a shard holds the chunks
of one block.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from . import shards
from .boxes import Box, chunks_of, grid, snap
from .encoding import Chunks, EncodedLabels, Words
from .labelling import Labels
from .pyramid import Level, described_levels, grid_bits


def write_block(
    directory: Path,
    scratch: Path,
    box: Box,
    block_shape_zyx: Sequence[int],
    origin_zyx: Sequence[int],
    labels: EncodedLabels,
    lookup: Labels,
    held: int | None = None,
) -> list[Path]:
    """Write one block into a precomputed segmentation volume, on all its levels.

    A block that the cutout clips at its lower end is padded with zeros down to its grid cell, so
    that every chunk of the cell is written, and by this block alone. Takes the encoded chunks,
    and the voxels of the first downsampled level.

    Parameters
    ----------
    directory : Path
        Of the volume, as `create_segmentation` left it for the same block grid.
    scratch : Path
        Directory of the same file system: files are written there, then moved into the volume.
    box : Box
        The block.
    block_shape_zyx, origin_zyx : sequence of 3 int
        The block grid.
    labels : EncodedLabels
        The block's own labels, in the volume's chunks; overwritten.
    lookup : uint32 array
        Component id by label.
    held : int, optional
        File descriptor of `directory`: files move where that one is, even if it was moved
        meanwhile, and another has its name.

    Returns
    -------
    files : list of Path
        The volume's files that were written, which no other block writes.

    Raises
    ------
    ValueError
        If the look-up table lacks a label, or the block does not fit the volume and its chunks.
    """
    finest, *_ = every = described_levels(directory)
    cell = snap(box, block_shape_zyx, origin_zyx)
    _check_fit(cell, finest)
    encoded = labels.relabel(lookup, chunks_of(box, finest.chunk_zyx, origin_zyx))
    chunks = Chunks(finest.chunk_zyx)
    for chunk in _parts(finest, cell):
        if chunk not in encoded:
            encoded[chunk] = chunks.encode(np.zeros(chunk.shape_zyx, np.uint32), chunk, chunk)[0]
    with tempfile.TemporaryDirectory(dir=scratch) as made:
        _store(encoded.items(), finest, Path(made))
        _store_coarser(encoded, every, cell, Path(made))
        return _move(Path(made), directory, held)


def take_block(
    directory: Path,
    scratch: Path,
    box: Box,
    block_shape_zyx: Sequence[int],
    origin_zyx: Sequence[int],
    earlier: Path,
    files: Iterable[Path],
    held: int | None = None,
) -> list[Path]:
    """Write one block as `write_block` does, taking its chunks from a volume that has the same.

    A file that would be the same is linked, or copied where it can't be. Chunks that have other
    numbers in this volume are put into shards anew. Levels that the other volume lacks are made
    of the coarsest that it has.

    Parameters
    ----------
    directory, scratch, box, block_shape_zyx, origin_zyx
        As for `write_block`.
    earlier : Path
        Another volume of the same block grid, in which `write_block` has written the same ids.
    files : iterable of Path
        The files that it has written there.
    held
        As for `write_block`.

    Returns
    -------
    files : list of Path
        The volume's files that were written, which no other block writes.

    Raises
    ------
    ValueError
        If the block does not fit the volume and its chunks, or a chunk is missing.
    """
    every, theirs = described_levels(directory), described_levels(earlier)
    cell = snap(box, block_shape_zyx, origin_zyx)
    _check_fit(cell, every[0])
    by_level: dict[str, list[Path]] = {level.key: [] for level in theirs}
    for file in files:
        by_level[file.parent.name].append(file)
    with tempfile.TemporaryDirectory(dir=scratch) as made:
        for level, their_level in zip(every, theirs, strict=False):
            if _placement(their_level, cell) == _placement(level, cell):
                _link(by_level[their_level.key], Path(made, level.key))
            else:
                _store(_load(their_level, cell, earlier), level, Path(made))
        if len(every) > len(theirs):
            encoded = dict(_load(theirs[-1], cell, earlier))
            _store_coarser(encoded, every[len(theirs) - 1 :], cell, Path(made))
        return _move(Path(made), directory, held)


def _store_coarser(
    encoded: Mapping[Box, Words], levels: Sequence[Level], cell: Box, directory: Path
) -> None:
    """Downsample the first level's chunks of a cell, level by level, and write these.

    The finest level's never lie in memory as a whole.
    """
    from .windows import mode

    finest = levels[0].factor_zyx == (1, 1, 1)
    chunks = Chunks(levels[0].chunk_zyx)
    inside = levels[0].of(cell)
    voxels = np.empty((0, 0, 0) if finest else inside.shape_zyx, np.uint32)
    if not finest:
        for chunk, words in encoded.items():
            voxels[chunk.slices(inside.corner_zyx)] = chunks.decode(words, chunk.shape_zyx)
    for fine, level in pairwise(levels):
        inside = level.of(cell)
        steps = zip(level.factor_zyx, fine.factor_zyx, strict=True)
        step_z, step_y, step_x = (after // before for after, before in steps)
        step = step_z, step_y, step_x
        coarse = np.zeros(inside.shape_zyx, np.uint32)
        if finest and fine is levels[0]:
            for chunk, words in encoded.items():
                part = coarse[level.of(chunk).slices(inside.corner_zyx)]
                mode(chunks.decode(words, chunk.shape_zyx), step, (0, 0, 0), part)
        else:
            mode(voxels, step, (0, 0, 0), coarse)
        voxels = coarse
        encoder = Chunks(level.chunk_zyx)
        parts = _parts(level, cell)
        coded = ((part, encoder.encode(voxels, inside, part)[0]) for part in parts)
        _store(coded, level, directory)


def _check_fit(cell: Box, level: Level) -> None:
    """Refuse a cell of the block grid that is not in the volume, or shares a chunk with another."""
    if not level.volume.contains(cell):
        raise ValueError(f"block {cell.name} leaves its volume, {level.volume.name}")
    corner = level.volume.corner_zyx
    whole = chunks_of(cell, level.chunk_zyx, corner)
    clipped = [
        Box.of(snap(chunk, level.chunk_zyx, corner).corner_zyx, level.chunk_zyx).intersect(
            level.volume
        )
        for chunk in whole
    ]
    if whole != clipped or whole[0].corner_zyx != cell.corner_zyx:
        raise ValueError(
            f"block {cell.name} shares a chunk with another block of {level.volume.name}"
        )


def _parts(level: Level, cell: Box) -> list[Box]:
    """Chunks of a level that a cell of the block grid is made of."""
    return grid(level.of(cell), level.chunk_zyx, level.volume.corner_zyx)


def _placement(level: Level, cell: Box) -> Any:
    """Return what decides how a cell's files are named, and where in them its chunks lie."""
    if level.sharding is None:
        return None
    return level.sharding, grid_bits(level), shards.chunk_number(level, _parts(level, cell)[0])


def _store(chunks: Iterable[tuple[Box, Words]], level: Level, directory: Path) -> None:
    """Write encoded chunks of a level below a directory."""
    encoded = ((chunk, words.tobytes()) for chunk, words in chunks)
    shards.store(encoded, level, directory / level.key)


def _link(files: Iterable[Path], directory: Path) -> None:
    """Link files into a new directory, or copy them."""
    directory.mkdir()
    for file in files:
        try:
            os.link(file, directory / file.name)
        except OSError:  # on another file system, or another user's
            shutil.copyfile(file, directory / file.name)


def _move(made: Path, directory: Path, held: int | None) -> list[Path]:
    """Move the levels' files into a volume; return them there.

    They are on disk before: they may take the place of those that another run of the same request
    has written, and had recorded.
    """
    descriptor = os.open(directory, os.O_RDONLY) if held is None else held
    moved = []
    try:
        for file in sorted(made.glob("*/*")):
            with file.open("rb") as stream:
                os.fsync(stream.fileno())
            name = file.relative_to(made)
            with contextlib.suppress(FileExistsError):
                os.mkdir(name.parent, dir_fd=descriptor)
            os.replace(file, name, dst_dir_fd=descriptor)
            moved.append(directory / name)
    finally:
        if held is None:
            os.close(descriptor)
    return moved


def _load(level: Level, cell: Box, directory: Path) -> Iterator[tuple[Box, Words]]:
    """Read the encoded chunks of a cell from a volume."""
    for part, content in shards.load(_parts(level, cell), level, directory / level.key):
        yield part, np.frombuffer(bytearray(content), np.uint32)
