"""One volume in twelve encodings, as cloud-volume writes them; `data/encoded.tar.xz` holds them.

    python tests/encoded.py DIRECTORY [SIDE] [--pack]

writes them where `TOOLS` are installed, and packs what was written. Ids are 0 to 250, so that each
encoding holds all of them exactly, in the dtype that it takes.
"""

import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from writers.precomputed import cloudvolume, cloudvolume_sharded
from written import plain

TOOLS = (
    "cloud-volume==12.15.2", "crackle-codec==0.55.0", "compresso==3.3.3", "fpzip==1.2.5",
    "imagecodecs==2026.3.6", "brotli==1.2.1", "zstandard==0.25.0", "pyspng-seunglab==1.1.3",
    "compressed-segmentation==2.3.3",
)  # fmt: skip
PACKED = Path(__file__).parent / "data" / "encoded.tar.xz"
SIDE = 96

FORMS: dict[str, tuple[str, dict[str, Any]]] = {
    "raw": ("uint32", {}),
    "raw.gz": ("uint32", {"encoding": "raw", "compress": "gzip"}),
    "raw.br": ("uint32", {"encoding": "raw", "compress": "br"}),
    "raw.zstd": ("uint32", {"encoding": "raw", "compress": "zstd"}),
    "compressed_segmentation": ("uint32", {}),
    "crackle": ("uint32", {}),
    "crackle sharded": ("uint32", {"encoding": "crackle"}),
    "compresso": ("uint32", {}),
    "png": ("uint8", {}),
    "jxl": ("uint8", {"level": 100}),
    "fpzip": ("float32", {}),
    "kempressed": ("float32", {}),
}
"""By name: in which dtype, and what `writers.precomputed.cloudvolume` is told."""


def ids(side: int = SIDE) -> npt.NDArray[np.uint32]:
    """Return ids in blobs, of which those that are 0 fill chunks, too."""
    few = np.random.default_rng(7).integers(0, 251, [side // 8] * 3, np.uint32)
    few[: side // 16, : side // 16, : side // 16] = 0
    return few.repeat(8, 0).repeat(8, 1).repeat(8, 2)


def main() -> None:
    directory = Path(sys.argv[1])
    sides = [int(word) for word in sys.argv[2:] if word.isdecimal()]
    array = ids(*sides)
    chunk = (64,) * 3 if array.shape[0] > 256 else (36, 40, 32)  # the last of an axis is cut
    for name, (dtype, told) in FORMS.items():
        write = cloudvolume_sharded if name.endswith("sharded") else cloudvolume
        given: dict[str, Any] = {"array": array.astype(dtype), "chunk": chunk}
        if write is cloudvolume:
            layer = "segmentation" if dtype == "uint32" else "image"
            given |= {"layer": layer, "dtype": dtype, "compress": False}
        write(directory / name, **given | {"encoding": name} | told)
    if "--pack" in sys.argv:
        with tarfile.open(PACKED, "w:xz") as packed:
            packed.add(directory, ".", filter=plain)


if __name__ == "__main__":
    main()
