"""Floats of a range written as whole numbers of 8 or 16 bits, by workflow transfer."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from making import Transferring, noise, read_level, write_precomputed
from pipeline import bossflow_says
from voxels.conversion import quantized

SMALL = {
    "chunk_shape": "8,16,16",
    "block_shape": "16,32,32",
    "dtype": "uint8",
    "value_range": "0,1",
}


@pytest.fixture
def making(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Transferring:
    return Transferring(tmp_path, monkeypatch)


def floats(shape: tuple[int, int, int]) -> np.ndarray:
    values: np.ndarray = np.random.default_rng(1).normal(0.5, 0.4, shape).astype(np.float32)
    return values


@pytest.mark.parametrize(
    ("values", "dtype", "bounds", "found"),
    [
        ([0, 1, 1.2, -0.1, np.inf, -np.inf], "uint8", (0, 1), [0, 255, 255, 0, 255, 0]),
        ([0.5, 1.5, 2.5, 253.5], "uint8", (0, 255), [0, 2, 2, 254]),
        ([-1, 0, 1], "uint16", (-1, 1), [0, 32768, 65535]),
        ([0.1, 0.625], "uint8", (0.25, 0.75), [0, 191]),
    ],
)
def test_values_are_the_nearest_numbers(
    values: list[float], dtype: str, bounds: tuple[float, float], found: list[int]
) -> None:
    for kind in ("float16", "float32", "float64"):
        assert quantized(np.array(values, kind), dtype, *bounds).tolist() == found, kind


def test_a_volume_of_floats_is_quantized(making: Transferring, tmp_path: Path) -> None:
    import bossflow

    voxels = floats((20, 40, 70))
    source = f"precomputed://{write_precomputed(tmp_path / 'volume', voxels, (-7, 13, 21))}"
    asked = {"source": source, **SMALL, "volume_format": "zarr"}
    done = making.make(**asked)
    assert done["verdict"] == {"missing": None}
    (request,) = done["plan"]["requests"]
    (row,) = (bossflow.TransferredVolume & {"request_id": request}).to_dicts()
    found, _ = read_level(row["transferred"], 0)
    whole = np.rint(np.clip(voxels.astype(np.float64), 0, 1) * 255).astype(np.uint8)
    np.testing.assert_array_equal(found, whole)
    assert making.make(**asked)["plan"]["tasks"] == []
    code, said = bossflow_says("verify", "--deep", "--request", request)
    assert code == 0 and "made again as recorded" in said, said
    other = making.make(**asked | {"value_range": "0,2"})["plan"]["requests"]
    assert other != [request]


def test_what_is_not_a_number_fails_its_block(making: Transferring, tmp_path: Path) -> None:
    voxels = floats((16, 32, 64))
    voxels[3, 3, 40] = np.nan
    volume = write_precomputed(tmp_path / "volume", voxels)
    done = making.make(source=f"precomputed://{volume}", **SMALL, blocks_per_task=4)
    assert done["states"] == ["failed", "made", "made"]
    assert "32-64_0-32_0-16 (some voxels are not a number" in done["verdict"]["missing"]


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"dtype": "int16"}, "is for dtype uint8 or uint16, not int16"),
        ({"dtype": None}, "is for dtype uint8 or uint16, not float32"),
        ({"value_range": "1,1"}, "value_range 1,1 in the parameters is empty or reversed"),
    ],
)
def test_what_can_not_be_quantized_is_a_sentence(
    making: Transferring, tmp_path: Path, asked: dict[str, Any], sentence: str
) -> None:
    source = f"precomputed://{write_precomputed(tmp_path / 'volume', floats((16, 32, 64)))}"
    assert sentence in making.make(source=source, **SMALL | asked)["plan"]["problem"]
    source = f"precomputed://{write_precomputed(tmp_path / 'whole', noise((16, 32, 64), 'uint8'))}"
    assert "has uint8: leave it out" in making.make(source=source, **SMALL)["plan"]["problem"]
    assert not making.store.exists()
