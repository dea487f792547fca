"""Workflow detect: what blocks find is what the whole cutout has, in number, order and bits."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from pipeline import bossflow_says
from searching import BLOBS, CORNER, SPHERES, Detecting, found, spots, wanted, write
from voxels.detection import mixture


@pytest.fixture
def detecting(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Detecting:
    return Detecting(tmp_path, monkeypatch)


def made_of(done: dict[str, Any]) -> Counter[str]:
    """Return how many units of each process a run recorded."""
    return Counter(done["recorded"][0]["recorded"]) if done["recorded"] else Counter()


CUTTINGS: list[dict[str, Any]] = [
    {"block_shape": "16,16,16"},
    {"block_shape": "6,24,40", "stage": True},
    {"block_shape": "8,7,8", "stage": True, "x_range": "24,49", "z_range": "-5,15"},
    {"block_shape": "32,8,64"},
    {"block_shape": "64,64,64", "y_range": "20,41"},
]


@pytest.mark.parametrize("cutting", CUTTINGS)
@pytest.mark.parametrize("search", [SPHERES, BLOBS])
def test_detections_are_those_of_the_whole(
    detecting: Detecting, tmp_path: Path, search: dict[str, Any], cutting: dict[str, Any]
) -> None:
    """Offset, ragged, and of blocks thinner than what is searched around them."""
    voxels = spots((24, 30, 33))
    asked = {"source": write(tmp_path / "volume", voxels), **search, **cutting}
    done = detecting.make(**asked)
    corner = [*CORNER]
    for axis, name in enumerate(("z_range", "y_range", "x_range")):
        if name in cutting:
            start, stop = map(int, cutting[name].split(","))
            voxels = voxels.take(range(start - CORNER[axis], stop - CORNER[axis]), axis)
            corner[axis] = start
    rows = found(done)
    assert rows == wanted(voxels, tuple(corner), search)
    assert len(rows) > 8
    assert detecting.make(**asked)["plan"]["tasks"] == []


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_a_mixture_is_that_of_the_whole_whatever_the_blocks(
    detecting: Detecting, tmp_path: Path, dtype: str
) -> None:
    """Spheres and blobs share it, and blocks with another halo the copies and counts."""
    from bossflow.workflows.detect import BlockDetections, Detections, FittedMixture

    voxels = spots((20, 30, 33)).astype(dtype) * (1 if dtype == "uint8" else 131)
    of_whole = mixture.fit(mixture.histogram(voxels), 9)
    probable = mixture.probabilities(of_whole, np.iinfo(dtype).max + 1, "dark")[voxels]
    asked: dict[str, Any] = {"source": write(tmp_path / "volume", voxels), "stage": True}
    asked |= {"mixture": "dark", "mixture_iterations": 9}
    for search, block_shape, made in (
        (SPHERES | {"min_probability": "0.5"}, "16,16,16", {"PULL_BLOCK": 12, "COUNT_VALUES": 12}),
        (BLOBS, "16,16,16", {}),
        (SPHERES, "64,64,64", {"PULL_BLOCK": 1, "COUNT_VALUES": 1}),
    ):
        done = detecting.make(**asked, **search, block_shape=block_shape)
        rows = found(done)
        assert rows == wanted(probable, CORNER, search) and len(rows) > 4
        number = 1 if block_shape == "64,64,64" else 12
        fitted = {"FIT_MIXTURE": 1} if made else {}
        made = made | fitted | {"DETECT_BLOCK": number, "SETTLE_DETECTIONS": 1}
        assert made_of(done) == made
        (request,) = done["plan"]["requests"]
        blocks = BlockDetections.Mixture & (Detections.Source & {"request_id": request})
        row = (FittedMixture & blocks).fetch1()
        for name, pair in zip(("weight", "mean", "variance"), of_whole, strict=True):
            assert (row[f"dark_{name}"], row[f"bright_{name}"]) == pair
    if dtype == "uint8":
        code, said = bossflow_says("verify", "--deep", "--request", request)
        assert code == 0 and "made again as recorded" in said, said


def test_points_of_a_sweep_share_what_they_read(detecting: Detecting, tmp_path: Path) -> None:
    """Rows of a sheet are columns of parameters; each pulls nothing that another one did."""
    voxels = spots((24, 44, 48))
    sheet = tmp_path / "sheet.csv"
    points = [(diameter, stop) for diameter in ("33", "49", "65.5") for stop in ("0.4", "0.5")]
    lines = "".join(f"spheres,{diameter},{stop}\n" for diameter, stop in points)
    sheet.write_text(f"method,diameter_nm,stop\n{lines}")
    asked = {"source": write(tmp_path / "volume", voxels), "block_shape": "8,16,16"}
    done = detecting.make(**asked, stage=True, sheet=sheet)
    assert done["verdict"] == {"missing": None}, done["summary"]
    number = 3 * 3 * 3
    assert made_of(done) == {
        "PULL_BLOCK": number,
        "DETECT_BLOCK": len(points) * number,
        "SETTLE_DETECTIONS": len(points),
    }
    assert detecting.make(**asked, stage=True, sheet=sheet)["plan"]["tasks"] == []


def test_a_larger_cutout_searches_what_is_new_or_has_other_surroundings(
    detecting: Detecting, tmp_path: Path
) -> None:
    from bossflow.workflows.detect import DetectRequest

    voxels = spots((8, 32, 80))
    asked = {"source": write(tmp_path / "volume", voxels), **SPHERES, "block_shape": "8,16,16"}
    first = detecting.make(**asked, stage=True, x_range="21,85")
    assert made_of(first) == {"PULL_BLOCK": 8, "DETECT_BLOCK": 8, "SETTLE_DETECTIONS": 1}
    larger = detecting.make(**asked, stage=True)
    # of the four along x, the last one ended where the cutout did
    assert made_of(larger) == {"PULL_BLOCK": 2, "DETECT_BLOCK": 4, "SETTLE_DETECTIONS": 1}
    assert found(larger) == wanted(voxels, CORNER, SPHERES)
    assert found(first) == wanted(voxels[:, :, :64], CORNER, SPHERES)
    (request,) = larger["plan"]["requests"]
    channel = (DetectRequest & {"request_id": request}).fetch1("channel_id")
    where = "--channel", channel, "--block", "37-38_13-14_-7--6"
    assert bossflow_says("invalidate", *where, "--yes")[0] == 0
    again = detecting.make(**asked, stage=True)
    # the one that was there, and those of which it is a neighbour
    assert made_of(again) == {"PULL_BLOCK": 1, "DETECT_BLOCK": 6, "SETTLE_DETECTIONS": 1}
    assert found(again) == found(larger)


def test_the_database_lists_as_many_rows_as_are_wanted(
    detecting: Detecting, tmp_path: Path
) -> None:
    """The best first; more are added later from the files, which have all."""
    from bossflow.workflows.detect import Detections

    voxels = spots((16, 30, 33))
    asked = {"source": write(tmp_path / "volume", voxels), **SPHERES}
    rows = wanted(voxels, CORNER, SPHERES)
    done = detecting.make(**asked, max_component_rows=5)
    assert found(done) == rows[:5]
    assert (
        f"the database lists the first 5 detections, the other {len(rows) - 5}" in done["summary"]
    )
    row = (Detections & {"request_id": done["plan"]["requests"][0]}).fetch1()
    assert (row["n_detections"], row["n_detection_rows"]) == (len(rows), 5)
    table = pq.read_table(row["detections"].removeprefix("file://"))
    assert table["detection_score"].to_pylist() == [one[3] for one in rows]
    more = detecting.make(**asked, max_component_rows=10**6)
    assert made_of(more) == {"SETTLE_DETECTIONS": 1} and found(more) == rows
    nothing = detecting.make(**asked | {"stop": "1"})
    assert found(nothing) == []
    assert "0 detections, spheres" in nothing["summary"]


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"method": None}, "method is missing: give it, such as blobs"),
        ({"method": "cells"}, 'method must be blobs or spheres, not "cells"'),
        (SPHERES | {"stop": None}, "method spheres in the parameters needs stop: give it"),
        (SPHERES | {"stop": "1.5"}, "stop must be at most 1, not"),
        (SPHERES | {"stop": "0"}, "stop must be above 0, not 0"),
        (SPHERES | {"sigma_nm": "3"}, "sigma_nm in the parameters: of method blobs, and method is"),
        (SPHERES | {"clear_diameter_nm": "48.9"}, "clear_diameter_nm 48.9 in the parameters is l"),
        (SPHERES | {"diameter_nm": "100000"}, "has more voxels than can be summed: choose"),
        (SPHERES | {"clear_diameter_nm": "999999999999"}, "which more than 4,096 voxels around"),
        (BLOBS | {"sigma_nm": "999999999999"}, "for which more than 4,096 voxels around a block w"),
        (SPHERES | {"mixture_iterations": 3}, "is of a mixture, and there is none: give mixture"),
        (SPHERES | {"mixture": "dark"}, "mixture dark in the parameters needs mixture_iterations"),
        (SPHERES | {"block_shape": "2,2,2"}, "needs 6,12,12 voxels (z,y,x) around each block, more"
         " than 2 blocks of 2,2,2: give block_shape 3,6,6 or more"),
        (BLOBS | {"sigma_nm": "19.5,13"}, "must each be larger than the one before, on each axis"),
        (BLOBS | {"threshold": None, "sigma_nm": None}, "needs sigma_nm, threshold: give it"),
        (BLOBS | {"sigma_nm": "a,b"}, "must be a list of numbers (at least 1, at most 32), such"),
        (BLOBS | {"dtype": "uint32"}, "has dtype uint32: blobs are searched for in uint8, int8"),
        (SPHERES | {"dtype": "int8"}, "has dtype int8: spheres are matched in probabilities of u"),
        (BLOBS | {"dtype": "float32", "mixture": "dark", "mixture_iterations": 1},
         "has dtype float32: a mixture is fitted to uint8, uint16"),
    ],
)  # fmt: skip
def test_what_can_not_be_searched_for_is_a_sentence(
    detecting: Detecting, tmp_path: Path, asked: dict[str, Any], sentence: str
) -> None:
    given = {name: value for name, value in asked.items() if name != "dtype"}
    voxels = np.ones((8, 24, 24), asked.get("dtype", "uint8"))
    said = detecting.make(source=write(tmp_path / "volume", voxels), **given)["plan"]["problem"]
    assert sentence in said and "\n" not in said
    assert not detecting.store.exists()


def test_probabilities_of_other_types_are_rounded_and_others_fail_their_block(
    detecting: Detecting, tmp_path: Path
) -> None:
    voxels = spots((12, 24, 40))
    shares = (voxels / 255).astype(np.float32)
    shares[0, 0, 0] = np.nan
    voxels[0, 0, 0] = 0
    wide = voxels.astype(np.uint32) * 257 + 128
    rows = wanted(voxels, CORNER, SPHERES)
    for name, image in (("float32", shares), ("uint16", np.minimum(wide, 65535))):
        source = write(tmp_path / name, image.astype(name))
        assert found(detecting.make(source=source, **SPHERES, block_shape="16,16,16")) == rows
    shares[:, :, 30:] *= 2
    source = write(tmp_path / "odd", shares)
    done = detecting.make(source=source, **SPHERES, block_shape="12,24,16")
    assert "and probabilities from 0 to 1: give a volume of these" in done["verdict"]["missing"]
    assert done["states"].count("made") == 1
