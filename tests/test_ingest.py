"""Single files and stacks written to new volumes: each byte of them is read about once."""

import hashlib
import io
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast

import h5py
import nibabel
import nrrd
import numpy as np
import pytest
import tifffile
from conftest import ROOT
from making import Transferring, noise, read_level
from voxels.archives import formats
from voxels.archives.formats import planes as planes_of
from voxels.archives.places import ranged
from voxels.boxes import Box

SHAPE = (41, 150, 170)
VOXELS = noise(SHAPE, "uint16")
ASKED = {"voxel_size": "4,8,40", "volume_format": "zarr", "chunk_shape": "16,32,32"}


READ: Counter[str] = Counter()
"""Bytes that were read, by the name of the file's directory."""


class Counted(io.FileIO):
    """A file that counts what is read of it."""

    def readinto(self, buffer: Any) -> int:
        number = super().readinto(buffer) or 0
        READ[Path(str(self.name)).parent.name] += number
        return number

    def read(self, size: int | None = -1) -> bytes:
        content = super().read(-1 if size is None else size) or b""
        READ[Path(str(self.name)).parent.name] += len(content)
        return content


@pytest.fixture
def making(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Transferring:
    """Blocks of a layer of chunks; bytes are counted."""
    from bossflow.workflows.transfer import blocks

    monkeypatch.setattr(blocks, "BLOCK_BYTES", 820_000)
    monkeypatch.setattr(blocks, "LAYER_BYTES", 820_000)
    opened, plane = ranged.opened, planes_of._plane

    def counted(place: str, uri: str) -> ranged.File:
        opened(place, uri).stream.close()
        return ranged.File(cast(BinaryIO, Counted(place.removeprefix("file://"))))

    def counted_plane(path: str) -> Any:
        READ[Path(path).parent.name] += Path(path).stat().st_size
        return plane(path)

    monkeypatch.setattr(ranged, "opened", counted)
    monkeypatch.setattr(planes_of, "_plane", counted_plane)
    formats._opened_as.cache_clear()
    READ.clear()
    return Transferring(tmp_path, monkeypatch)


def tiff(path: Path, **options: Any) -> str:
    tifffile.imwrite(path / "a.tif", VOXELS, photometric="minisblack", **options)
    return f"tiff://{path}/a.tif"


def hdf5(path: Path, **options: Any) -> str:
    with h5py.File(path / "a.h5", "w") as file:
        file.create_dataset("raw", data=VOXELS, **options)
    return f"hdf5://{path}/a.h5#/raw"


def nifti(path: Path) -> str:
    image = nibabel.Nifti1Image(VOXELS.T, None)
    nibabel.save(image, path / "a.nii.gz")
    return f"nifti://{path}/a.nii.gz"


def nrrd_file(path: Path) -> str:
    nrrd.write(str(path / "a.nrrd"), VOXELS, {"encoding": "gzip"}, index_order="C")
    return f"nrrd://{path}/a.nrrd"


def planes(path: Path) -> str:
    for number, plane in enumerate(VOXELS):
        tifffile.imwrite(path / f"z{number:03}.tif", plane, compression="zlib")
    return f"planes://{path}"


LAYOUTS: dict[str, Callable[[Path], str]] = {
    "raw pages": tiff,
    "deflated pages": partial(tiff, compression="zlib", rowsperstrip=SHAPE[1]),
    "strips": partial(tiff, compression="zlib", rowsperstrip=6),
    "tiles": partial(tiff, compression="zlib", tile=(48, 48)),
    "hdf5": hdf5,
    "hdf5 chunks": partial(hdf5, chunks=(8, 50, 85), compression="gzip"),
    "nii.gz": nifti,
    "nrrd gzip": nrrd_file,
    "planes": planes,
}


def test_each_byte_is_read_about_once(making: Transferring, tmp_path: Path) -> None:
    """By blocks of whole planes, chunks or strips; a file that is one stream by one task."""
    from bossflow.workflows.transfer import TransferredVolume

    lines = ["source,name"]
    for layout, write in LAYOUTS.items():
        (tmp_path / layout).mkdir()
        lines.append(f"{write(tmp_path / layout)},{layout}")
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("\n".join(lines))
    asked = {"source": None, "sheet": sheet, "blocks_per_task": 1, **ASKED}
    done = making.make(**asked)
    assert done["verdict"] == {"missing": None}, done["summary"]
    tasks = [task for task in done["plan"]["tasks"] if task["process"] == "TRANSFER_BLOCK"]
    assert sorted(task["units"] for task in tasks) == [1] * 3 * (len(LAYOUTS) - 2) + [3, 3]
    made = [row["transferred"] for row in TransferredVolume().to_dicts()]
    made = [path for path in made if str(tmp_path) in path]
    assert len(made) == len(LAYOUTS)
    for path in made:
        found, _ = read_level(path, 0)
        np.testing.assert_array_equal(found, VOXELS)
    assert making.make(**asked)["plan"]["tasks"] == []
    size = {name: sum(f.stat().st_size for f in (tmp_path / name).iterdir()) for name in LAYOUTS}
    times = {name: READ[name] / size[name] for name in LAYOUTS}
    opened = times.pop("planes") - 1  # by CREATE_VOLUME, and by each block unless it is kept open
    assert 0 <= opened * SHAPE[0] <= 6, opened  # whoever opens them looks at the first plane
    assert all(1 <= time <= 1.1 for time in times.values()), times


PLANES = {"uri": "planes:///a", "channel_z0": 0, "channel_y0": 0, "channel_x0": 0}


@pytest.mark.parametrize(
    ("at_once", "shape", "block", "reads"),
    [
        ((1, 5000, 5000), (1000, 5000, 5000), [64, 5056, 5056], 1),  # 1.5 GiB: whole planes
        ((1, 500, 500), (6400, 500, 500), [1024, 512, 512], 1),
        ((1, 64, 20000), (1000, 20000, 20000), [64, 128, 20032], 1),  # strips: some rows
        ((1, 240, 240), (800, 900, 900), [256, 960, 960], 1),
        ((1, 20000, 20000), (1000, 20000, 20000), [64, 4096, 8192], 15),  # 24 GiB
    ],
)
def test_blocks_are_whole_in_the_file_as_far_as_memory_goes(
    at_once: tuple[int, ...], shape: tuple[int, ...], block: list[int], reads: float
) -> None:
    from bossflow.workflows.transfer import blocks

    ends = zip(("channel_z1", "channel_y1", "channel_x1"), shape, strict=True)
    found = blocks.as_read(at_once, (64,) * 3, PLANES | dict(ends), Box.of((0, 0, 0), shape), 1)
    assert found == (block, reads)


WRITTEN_ALONE = """
import sys
from pathlib import Path
import transfer_block as program
from voxels.archives import archive_of
from voxels.boxes import Box
from voxels.made_volumes import Volume
uri, form, where, *shape = sys.argv[1:]
box = Box.of((0, 0, 0), [int(side) for side in shape])
volume = Volume.of({
    "format": form, "dtype": "uint16", "kind": "image", "encoding": "raw", "method": "",
    "compression": "zstd" if form == "zarr" else "none", "cutout": box.name,
    "block_shape_zyx": box.shape_zyx, "chunk_shape_zyx": [64, 64, 64], "origin_zyx": [0, 0, 0],
    "factors_zyx": [[1, 1, 1]], "voxel_size_nm_zyx": [40, 4, 4],
})
voxels = program.converted(archive_of(uri).read(uri, 0, "", "", "uint16", box), "uint16")
print(program.write(volume, 0, voxels, box, Path(where)))
(peak,) = (line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line)
print(int(peak.split()[1]) * 1024)  # getrusage has the parent's, too
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the peak of a process alone")
@pytest.mark.parametrize("form", ["zarr", pytest.param("precomputed", marks=pytest.mark.soak)])
def test_a_block_is_in_memory_once(tmp_path: Path, form: str) -> None:
    """A layer of chunks and half a GiB, of voxels that no compression makes less, swapped."""
    shape = (64, 1280, 1280)
    voxels = np.frombuffer(np.random.default_rng(1).bytes(2 * int(np.prod(shape))), ">u2")
    if form == "zarr":
        tifffile.imwrite(tmp_path / "a.tif", voxels.reshape(shape), byteorder=">")
        uri = f"tiff://file://{tmp_path}/a.tif"
    else:
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file.create_dataset("raw", data=voxels.reshape(shape), chunks=(16, 160, 160))
        uri = f"hdf5://file://{tmp_path}/a.h5#/raw"
    made = str(tmp_path / "made")
    done = subprocess.run(
        [sys.executable, "-c", WRITTEN_ALONE, uri, form, made, *map(str, shape)],
        env=os.environ | {"PYTHONPATH": str(ROOT / "bin")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    digest, peak = done.stdout.split()
    assert digest == hashlib.sha256(voxels.astype("<u2").data).hexdigest()
    assert int(peak) < voxels.nbytes + 2**29
