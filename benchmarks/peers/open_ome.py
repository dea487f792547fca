"""Have ome-zarr-models, which shares no code with bossflow, validate an OME-Zarr image."""

import sys

import zarr
from ome_zarr_models import open_ome_zarr

if __name__ == "__main__":
    print(type(open_ome_zarr(zarr.open_group(sys.argv[1], mode="r"))).__name__)
