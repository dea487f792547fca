"""Blocks that were pulled as nothing but zeros."""

import hashlib
from collections import defaultdict
from functools import cache
from typing import Any

import datajoint as dj

from ..core.tables import Execution
from .channels import itemsize
from .tables import Block, PulledBlock

VOLUME = " * ".join(f"(block_{axis}1 - block_{axis}0)" for axis in "xyz")
"""SQL: how many voxels a row of `Block` has."""


def only_zeros(blocks: Any, dtype: str) -> dict[str, tuple[list[str], int]]:
    """Return requests' blocks that were pulled as nothing but zeros: names, and of how many pulled.

    An archive may answer with zeros where it holds nothing, such as a resolution that was never
    made. The digest of zeros is known, and only a bundle that is small can have it.

    Parameters
    ----------
    blocks : DataJoint expression
        Rows with the key of `Block` and a `request_id`, by which they are told.
    dtype : str
        Of the channels.
    """
    voxel_bytes = itemsize(dtype)
    bundle = Execution.proj("bundle_bytes", pulled_by="execution_id")
    pulled = blocks.proj() * PulledBlock()
    small = pulled * Block * bundle & f"bundle_bytes < 4096 + {VOLUME} * {voxel_bytes} / 100"
    sizes = (dj.U("n_voxels") & small.proj(n_voxels=VOLUME)).to_arrays("n_voxels")  # they are few
    zeros = [{"voxels_sha256": _sha256_of_zeros(int(size) * voxel_bytes)} for size in sizes]
    empty: dict[str, list[str]] = defaultdict(list)
    for row in (small.proj("voxels_sha256") & zeros).to_dicts():
        empty[row["request_id"]].append(row["block"])
    if not empty:
        return {}
    some = pulled & [{"request_id": name} for name in empty]
    counts = dj.U("request_id").aggr(some, n="count(*)").to_dicts()
    return {row["request_id"]: (sorted(empty[row["request_id"]]), int(row["n"])) for row in counts}


@cache
def _sha256_of_zeros(n_bytes: int) -> str:
    sha256 = hashlib.sha256()
    for start in range(0, n_bytes, 2**20):
        sha256.update(bytes(min(2**20, n_bytes - start)))
    return sha256.hexdigest()
