#!/usr/bin/env python3
"""READ_TABLE: put a table of ids in order, and begin the volume that is rewritten by it."""

from pathlib import Path

import numpy as np
from kit.tasks import main
from kit.units import Bundle, Unit
from voxels import id_tables
from voxels.made_metadata import create
from voxels.made_volumes import Volume


def read_table(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of a request: `ids.npy`, in order, `targets.npy`, and `volume/` of no chunk.

    Raises
    ------
    ValueError
        If the table is not what it was when the run began.
    """
    table = _table(unit)
    np.save(bundle.directory / "ids.npy", table.ids)
    np.save(bundle.directory / "targets.npy", table.targets)
    create(Volume.of(unit.arguments), bundle.directory / "volume")
    bundle.attributes["n_table_rows"] = len(table.ids)
    bundle.attributes["table_sha256"] = table.digest
    bundle.urls["remapped_volume"] = "volume"


def _table(unit: Unit) -> id_tables.IdTable:
    about = unit.arguments["table"]
    if unit.inputs:
        (maker,) = unit.inputs
        return id_tables.read(maker.file(about["file"]), about["columns"], about["only"])
    path = Path(unit.settings["table"])
    try:
        table = id_tables.read(path, unit.settings["columns"])
    except FileNotFoundError:
        raise ValueError(f"{path} went since the run began: run again") from None
    except ValueError as error:
        raise ValueError(f"{path} {error}") from None
    if table.digest != about["sha256"]:
        raise ValueError(f"{path} changed since the run began: run again")
    return table


if __name__ == "__main__":
    main("READ_TABLE", read_table, software=("numpy", "pyarrow"))
