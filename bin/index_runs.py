#!/usr/bin/env python3
"""INDEX_RUNS: which blocks have runs of which bucket, and the skeletons' description."""

from kit.tasks import main
from kit.units import Bundle, Unit
from reading import sliced
from voxels.skeletonizing import How


def index_runs(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one request: a row for each bucket that a block has runs of.

    `skeleton/` has the `info` of the skeletons; SKELETON_BUCKET writes them there.
    """
    about = How.of(unit.arguments).info
    number = sliced.index(unit, bundle, about, "skeleton", "runs_paramset_id")
    bundle.attributes["n_run_slices"] = number
    bundle.urls["skeletons"] = "skeleton"


if __name__ == "__main__":
    main("INDEX_RUNS", index_runs, software=("pyarrow",))
