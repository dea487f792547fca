"""Workflow remap in the test's process, tables of ids, and what it should make."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
from making import Downsampling, read_level
from pull_block import pull_block
from read_table import read_table
from remap_block import remap_block
from sum_remapped import sum_remapped


class Remapping(Downsampling):
    """A segmentation on disk whose ids are rewritten."""

    workflow = "remap"
    programs = {
        "PULL_BLOCK": pull_block,
        "READ_TABLE": read_table,
        "REMAP_BLOCK": remap_block,
        "SUM_REMAPPED": sum_remapped,
    }


def write_table(path: Path, mapping: dict[int, int], names: Any = ("from", "to")) -> str:
    """Write a table in no order, as CSV or Parquet by its suffix; return its path."""
    rows = [*mapping.items()]
    np.random.default_rng(len(rows)).shuffle(rows)
    columns = zip(*rows, strict=True) if rows else ([], [])
    table = pa.table(
        {name: pa.array(ids, pa.uint64()) for name, ids in zip(names, columns, strict=True)}
    )
    (pc.write_csv if path.suffix == ".csv" else pq.write_table)(table, path)
    return str(path)


def by_definition(voxels: np.ndarray, mapping: dict[int, int]) -> np.ndarray:
    """Return what each voxel's id becomes; what no row is of stays."""
    ids, places = np.unique(voxels, return_inverse=True)
    targets = [mapping.get(name, name) for name in ids.tolist()]
    return np.array(targets, np.uint64)[places].reshape(voxels.shape)


def volume_of(done: dict[str, Any]) -> str:
    """Return the URL of the volume that a run made."""
    from bossflow import RemappedVolume

    assert done.get("verdict") == {"missing": None}, done.get("summary", done["plan"]["problem"])
    (request,) = done["plan"]["requests"]
    url: str = (RemappedVolume & {"request_id": request}).fetch1("remapped_volume")
    return url


def level_of(done: dict[str, Any], corner_zyx: Any, number: int = 0) -> np.ndarray:
    """Return the voxels of a level of the volume that a run made, from a place on."""
    voxels, start = read_level(volume_of(done), number)
    own = tuple(slice(low - at, None) for low, at in zip(corner_zyx, start, strict=True))
    return np.asarray(voxels[own])
