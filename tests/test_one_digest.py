"""One volume in every lossless encoding is one digest, as PULL_BLOCK takes it.

cloud-volume wrote twelve of them (`encoded`), tensorstore writes four here. Those that take no
uint32 hold the same ids in the dtype that they take, and are compared as uint32.
"""

import hashlib
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import encoded
import numpy as np
import pytest
from conftest import ROOT
from formats import describe, precomputed
from pull_block import pull_block
from voxels.archives.volumes import chunkwise
from voxels.arrays import read_array
from voxels.boxes import Box

for module in ("compresso", "crackle", "fpzip", "imagecodecs"):
    pytest.importorskip(module)

OURS: dict[str, tuple[str, dict[str, Any]]] = {
    "raw": ("uint32", {}),
    "compressed_segmentation": ("uint32", {"encoding": "compressed_segmentation"}),
    "sharded": ("uint32", {"encoding": "compressed_segmentation", "sharded": True}),
    "png": ("uint8", {"encoding": "png"}),
}
"""What tensorstore writes."""


@pytest.fixture(scope="module", params=[encoded.SIDE, pytest.param(512, marks=pytest.mark.soak)])
def written(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Any:
    """Return the ids, and where the volumes are."""
    directory, side = tmp_path_factory.mktemp("encoded"), request.param
    ids = encoded.ids(side)
    if side == encoded.SIDE:
        with tarfile.open(encoded.PACKED) as packed:
            packed.extractall(directory, filter="data")
    else:
        sys.path.append(str(ROOT / "benchmarks"))  # last: a benchmark and a program share a name
        import common

        python = common.environment("encoded", *encoded.TOOLS) / "python"
        env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        command = [python, encoded.__file__, directory, str(side)]
        subprocess.run(command, check=True, env=env, stdout=subprocess.PIPE)
    for name, (dtype, told) in OURS.items():
        path = directory / f"tensorstore {name}"
        precomputed(path, ids.astype(dtype), (side // 3, 40, 32), **told)
    return ids, directory


def digest(voxels: Any) -> str:
    return hashlib.sha256(np.ascontiguousarray(voxels).astype("<u4")).hexdigest()


EVERY = {name: dtype for name, (dtype, _) in encoded.FORMS.items()}
EVERY |= {f"tensorstore {name}": dtype for name, (dtype, _) in OURS.items()}


@pytest.mark.parametrize(
    ("name", "loops"), [*((name, True) for name in EVERY), ("compressed_segmentation", False)]
)
def test_every_encoding_is_one_digest(
    tmp_path: Path, written: Any, name: str, loops: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunkwise, "_WORTH_LOOPS", 1)
    monkeypatch.setattr(chunkwise, "_LOOPS_HERE", loops)
    ids, directory = written
    uri = f"precomputed://file://{directory / name}"
    metadata = describe(uri)
    assert metadata["dtype"] == EVERY[name]
    box = Box.of(metadata["offset_zyx"], metadata["shape_zyx"])
    asked = {"uri": uri, "resolution": 0, "dtype": metadata["dtype"], "box": box.name}
    settings = {"host": "", "verify": False, "metadata": metadata}
    bundle: Any = SimpleNamespace(directory=tmp_path, attributes={})
    unit: Any = SimpleNamespace(arguments=asked, settings=settings)
    pull_block(unit, bundle)
    same = ids.astype(EVERY[name])
    assert bundle.attributes["voxels_sha256"] == hashlib.sha256(same).hexdigest()
    assert digest(read_array(tmp_path / "voxels.zarr")) == digest(ids)
