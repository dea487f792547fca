"""bossflow: DataJoint tables of what was asked for, what was made of it, and how.

The tables are here by name, bound to the database on first use::

    import bossflow
    (bossflow.Segmentation.Component() & "voxel_count > 1000").to_pandas()
"""

import warnings
from pathlib import Path
from typing import Any

__version__ = "0.1.0"

# without settings we have a default of our own
warnings.filterwarnings("ignore", message="No datajoint.json", module="datajoint")

_OTHERS = ("Diagram", "U", "connect", "schema")
_OF_KNOT = ("Knot", "as_completed")


def connect() -> None:
    """Connect to the database (embedded unless DataJoint is configured) and bind the tables."""
    from .core import installed, migrations, registry
    from .kit.system import keeping_all

    with keeping_all():
        try:
            installed.open_schema(registry.load_all())
        except migrations.NotDeployed:  # a new workflow's tables, which hold up nobody else
            installed.open_schema([])


def lineage(what: str) -> dict[str, Any]:
    """Return what something was made from, as `bossflow lineage WHAT --json` tells it.

    Parameters
    ----------
    what : str
        Such as a request, `REQUEST#COMPONENT`, `REQUEST@x,y,z`: `look.lineage` says what else.

    Returns
    -------
    dict
        JSON values; `look.lineage` says which.

    Raises
    ------
    ValueError
        If there is no such thing, or it is not recorded.
    """
    connect()
    from .look import lineage as told

    return told.lineage(what)


def diff(a: str, b: str, voxels: bool = True, background: str = "ignore") -> dict[str, Any]:
    """Return what differs between two requests, or two runs, as `bossflow diff A B --json` tells.

    Parameters
    ----------
    a, b : str
        Both requests (id, start of it, or name), or else both runs (the same of them).
    voxels : bool
        Whether two segmentations are compared by their voxels.
    background : {"ignore", "keep"}
        Whether voxels that are 0 in the first are left out of measures.

    Returns
    -------
    dict
        JSON values, also of what is equal; `look.differences` says which.

    Raises
    ------
    ValueError
        If they aren't two requests or two runs that are recorded, or voxels can't be read.
    """
    connect()
    from .look import differences

    return differences.diff(a, b, voxels, background)


def score(
    request: str, truth: str, within_nm: float | None = None, **options: Any
) -> dict[str, float]:
    """Compare a result with a truth and record how right it is, as `bossflow score` does.

    Parameters
    ----------
    request : str
        Its id, the start of it, or its name.
    truth : str
        A file of points (.csv or .parquet), the URI of a volume of labels, or another request.
    within_nm : float, optional
        How far two points of a pair may be apart. Without it, segmentations are compared.
    **options
        `overlap` (float), `background` (str); of a volume `resolution`, `channel`, `time` (int),
        `voxel_size`, `offset` (x, y, z) and `bossdb_host`.

    Returns
    -------
    dict of float
        By name, as the columns of `Score` are called.

    Raises
    ------
    ValueError
        If they can't be compared, with what to do.
    """
    connect()
    from . import scores

    how = {name: options.pop(name) for name in ("overlap", "background") if name in options}
    return scores.score(request, options | {"uri": truth}, within_nm, **how)


def export(request: str, form: str, to: str | Path, **options: Any) -> dict[str, Any]:
    """Write a request in a format that others read, as `bossflow export REQUEST` does.

    Parameters
    ----------
    request : str
        Its id, the start of it, or its name.
    form : {"ro-crate", "prov", "parquet", "tiff", "npy", "ome-zarr", "ply", "obj", "glb"}
    to : str or Path
        A new directory.
    **options
        `with_data` (bool), `volume` (str), `level` (int), `licence` (str): `share.export.Options`.

    Returns
    -------
    dict
        `request`, `format`, `directory`, `files`.

    Raises
    ------
    ValueError
        If it is not recorded, or can't be written so.
    """
    connect()
    from .share import export as written

    return written.export(request, form, Path(to), written.Options(**options))


def __getattr__(name: str) -> Any:
    """Give a table of the core or of a workflow, the schema or DataJoint's Diagram, connected."""
    if name == "__all__":
        return [*_tables(), *_OTHERS, *_OF_KNOT]
    if name in _OF_KNOT:
        from . import knot

        return getattr(knot, name)
    if not name[:1].isupper() and name not in _OTHERS:  # rooms and modules: nothing is loaded
        raise AttributeError(f"module 'bossflow' has no attribute {name!r}")
    if name not in _OTHERS and name not in _tables():
        raise AttributeError(f"module 'bossflow' has no attribute or table {name!r}")
    connect()
    if name in ("Diagram", "U"):
        import datajoint

        return getattr(datajoint, name)
    from .core import installed, registry, tables

    if name == "schema":
        return tables.schema
    table = _tables()[name]
    for workflow in registry.load_all():
        if f"{table.__module__}.".startswith(f"{workflow.module}."):
            installed.opened(workflow.name)
    return table


def __dir__() -> list[str]:
    """List the tables too."""
    return sorted([*globals(), *_tables(), *_OTHERS, *_OF_KNOT])


def _tables() -> dict[str, Any]:
    """Return the tables of the core, of channels and of the workflows that can be imported."""
    from .core import registry, score_tables, sweep_tables, tables  # noqa: F401
    from .volumes import tables as _volumes  # noqa: F401

    registry.load_all()
    return {cls.__name__: cls for cls, _ in tables.schema.tables}
