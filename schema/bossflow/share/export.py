"""A request taken along: which formats there are, and how each is written into a directory."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from ..core import holdings, ledger
from ..core.tables import Request
from ..look import lineage
from . import aside, prov, readme

VOLUMES = ("tiff", "npy", "ome-zarr")
MESHES = ("ply", "obj", "glb")
SKELETONS = ("swc",)
FORMATS = ("ro-crate", "prov", "parquet", *VOLUMES, *MESHES, *SKELETONS)
NO_LICENCE = "none was stated: ask whoever made this, and see what it was made of"

Progress = Callable[[int, int], None]
"""Is told how much more was done, and of how much in all: voxels, or bytes."""


class Options(NamedTuple):
    """What is asked for beside a format.

    Attributes
    ----------
    with_data : bool
        Copy the result files into a crate.
    volume : str, optional
        Which, of several.
    level : int
        Of a volume, for formats that hold one.
    licence : str, optional
        Of what is written.
    segments : tuple of int
        Whose mesh, or whose skeletons, are written.
    """

    with_data: bool = False
    volume: str | None = None
    level: int = 0
    licence: str | None = None
    segments: tuple[int, ...] = ()


class _Written(NamedTuple):
    """How a format is written, of what was found to be fit for it.

    `write` fills a directory and returns sentences on what is there; `finish` comes last.
    """

    write: Callable[[Path, Progress], list[str]]
    finish: Callable[[Path], None] = lambda directory: None


DEFAULTS = Options()


def export(
    request: str,
    form: str,
    to: Path,
    options: Options = DEFAULTS,
    progress: Progress = lambda more, whole: None,
) -> dict[str, Any]:
    """Write a request in a format into a new directory, whole or not at all.

    Parameters
    ----------
    request : str
        Its id, the start of it, or its name.
    form : str
        One of `FORMATS`.
    to : Path
        Nothing is there, or an empty directory.
    options : Options
    progress : callable

    Returns
    -------
    dict
        `request`, `format`, `directory`, and `files`: what lies right in it.

    Raises
    ------
    ValueError
        If it is not recorded, can't be written so, or its files are not here.
    """
    aside.check(to)
    holdings.refuse_inside(to, "--to")
    identity = ledger.named(Request, request)
    told = lineage.lineage(identity)
    licence = options.licence or NO_LICENCE
    written = _prepared(form, told, identity, options, licence)
    with aside.directory(to) as directory:
        holds = written.write(directory, progress)
        text = readme.text(told, identity, holds, licence)
        (directory / "README.md").write_text(text, encoding="utf-8")
        written.finish(directory)
        names = sorted(path.name for path in directory.iterdir())
    return {"request": identity, "format": form, "directory": str(to.absolute()), "files": names}


def _prepared(
    form: str, told: dict[str, Any], request: str, options: Options, licence: str
) -> _Written:
    """Return how a format is written; ValueError if the request can't be."""
    if form == "ro-crate":
        from .packed import Crate

        packed = Crate(told, request, licence, options.with_data)
        return _Written(packed.write, packed.finish)
    if form == "prov":
        return _Written(partial(_prov, told))
    if form == "parquet":
        from . import columns

        return _Written(partial(columns.write, told, request))
    if form in MESHES:
        from . import meshes

        if len(options.segments) != 1:
            raise ValueError(f"format {form} is of one mesh: name its segment")
        return _Written(meshes.writing(request, options.segments[0], form))
    if form in SKELETONS:
        from . import skeletons

        if not options.segments:
            raise ValueError(f"format {form} is of skeletons: name their segments")
        return _Written(skeletons.writing(request, options.segments))
    return _Written(_volume(form, request, options))


def _prov(told: dict[str, Any], directory: Path, progress: Progress) -> list[str]:
    prov.write(told, directory / "prov.json")
    return ["prov.json: where it came from, as W3C PROV (PROV-JSON)"]


def _volume(form: str, request: str, options: Options) -> Callable[[Path, Progress], list[str]]:
    """Return what writes the voxels of a request's volume."""
    from . import arrays, intact, voxels

    levels = voxels.sources(request, options.volume)
    if form != "ome-zarr":
        levels = [voxels.one_level(levels, options.level)]
    if form == "tiff":
        arrays.refuse_in_tiff(levels[0])
    whole = sum(source.box.voxel_count for source in levels)

    def write(directory: Path, progress: Progress) -> list[str]:
        def more(number: int) -> None:
            progress(number, whole)

        intact.check(request, levels)

        if form == "ome-zarr":
            return arrays.ome_zarr(levels, directory, more)
        return (arrays.tiff if form == "tiff" else arrays.npy)(levels[0], directory, more)

    return write
