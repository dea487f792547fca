"""A file of pynwb's with 70 objects: data/objects.nwb.xz is what pynwb 4.2.0 made of it.

python tests/writers/nwb.py FILE
"""

import sys
from datetime import UTC, datetime

import numpy as np

SHAPE, CHUNK = (96, 160, 160), (8, 16, 16)


def stack() -> np.ndarray:
    """Return voxels (ZYX), of which xz makes little."""
    return np.arange(np.prod(SHAPE) // 512, dtype=np.uint16).repeat(512).reshape(SHAPE)


def write(path: str) -> None:
    """Write a series of two volumes, of which the second is the stack, among others."""
    from hdmf.backends.hdf5.h5_utils import H5DataIO
    from pynwb import NWBHDF5IO, NWBFile, TimeSeries
    from pynwb.ophys import OpticalChannel, TwoPhotonSeries

    start = datetime(2026, 1, 1, tzinfo=UTC)
    file = NWBFile(session_description="a", identifier="a", session_start_time=start)
    plane = file.create_imaging_plane(
        name="plane",
        optical_channel=OpticalChannel(name="a", description="a", emission_lambda=500.0),
        device=file.create_device(name="scope"),
        description="a",
        excitation_lambda=600.0,
        indicator="a",
        location="V1",
        grid_spacing=[4e-9, 8e-9, 40e-9],
        grid_spacing_unit="meters",
        origin_coords=[12e-9, -40e-9, 280e-9],
        origin_coords_unit="meters",
    )
    for number in range(66):
        series = TimeSeries(name=f"a{number:02}", data=np.arange(100.0), unit="V", rate=10.0)
        file.add_acquisition(series)
    voxels = stack().T
    packed = {"compression": "gzip", "shuffle": True, "chunks": (1, *CHUNK[::-1])}
    data = H5DataIO(np.stack([np.zeros_like(voxels), voxels]), **packed)
    file.add_acquisition(
        TwoPhotonSeries(name="stack", imaging_plane=plane, data=data, rate=1.0, unit="n.a.")
    )
    with NWBHDF5IO(path, "w") as stream:
        stream.write(file)


if __name__ == "__main__":
    write(sys.argv[1])
