#!/usr/bin/env python3
"""NUMBER_BASINS: write one block of the supervoxels' volume, its labels turned into their ids."""

from functools import partial

from kit.tasks import main
from relabel_block import relabel_block

number_basins = partial(relabel_block, column="basin_lookup_sha256")


if __name__ == "__main__":
    main("NUMBER_BASINS", number_basins, software=("numba", "numpy", "tensorstore"))
