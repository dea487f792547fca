"""What lineage reaches of the real sample is enough: of that alone, a component is the same."""

import gzip
import random
from pathlib import Path
from typing import Any, NamedTuple

import cc3d
import conftest
import numpy as np
import pytest
from conftest import SEED, SHARED
from expected import read_volume
from steps import Cutouts, write_voxels
from voxels.boxes import Box

CUTOUT = Box(9, 217, 3, 203, 5, 125)
ASKED = {"connectivity": 26, "min_voxels": 0, "block_shape": [48, 64, 80], "stage": False}
ASKED |= {f"{axis}_range": list(CUTOUT[at : at + 2]) for axis, at in (("x", 0), ("y", 2), ("z", 4))}


class Sample(NamedTuple):
    """Segments of the real sample, and the component ids that were made of them."""

    uri: str
    request: str
    segments: np.ndarray
    ids: np.ndarray

    def recomputed(self, at: tuple[int, ...], what: str) -> tuple[Box, np.ndarray]:
        """Return what is connected with a voxel in the boxes that lineage reaches, and these."""
        import bossflow

        told: dict[str, Any] = bossflow.lineage(what)
        reads = [one["reads"] for one in told["executions"].values() if one["reads"]]
        assert {told["channels"][read["channel"]]["uri"] for read in reads} == {self.uri}
        assert all(read["files_seen"] for read in reads)
        boxes = {Box.parse(read["box"]) for read in reads}
        ends = [max if number % 2 else min for number in range(6)]
        union = Box(*(end(side) for end, side in zip(ends, zip(*boxes, strict=True), strict=True)))
        assert sum(box.voxel_count for box in boxes) == union.voxel_count, "no gap, none twice"
        segments = np.ascontiguousarray(self.segments[union.slices((0, 0, 0))])
        labels = cc3d.connected_components(segments, connectivity=26)
        inside = tuple(place - low for place, low in zip(at, union.corner_zyx, strict=True))
        assert labels[inside]
        return union, labels == labels[inside]

    def check(self, number: int) -> Box:
        """Make a component again of what lineage reaches, and return the box of that."""
        places = np.argwhere(self.ids == number)
        box, voxels = self.recomputed(tuple(places[0]), f"{self.request}#{number}")
        np.testing.assert_array_equal(voxels, self.ids[box.slices((0, 0, 0))] == number)
        assert voxels.sum() == len(places), "all of it"
        return box


@pytest.fixture(scope="module")
def made(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Sample:
    import bossflow

    crackle = pytest.importorskip("crackle")
    packed = (SHARED / "data" / "connectomics.npy.ckl.gz").read_bytes()
    whole = crackle.decompress(gzip.decompress(packed)).transpose(2, 1, 0)
    segments = np.ascontiguousarray(whole[125:255, 125:335, 125:345])
    directory = tmp_path_factory.mktemp("sample")
    volume = write_voxels(directory / "volume", segments)
    with pytest.MonkeyPatch.context() as monkeypatch:
        cutouts = Cutouts(directory, monkeypatch)
        cutouts.volume = volume
        ran = cutouts.label(**ASKED)
    assert not ran["plan"]["problem"] and ran["verdict"] == {"missing": None}
    (request,) = ran["plan"]["requests"]
    url = (bossflow.Segmentation & {"request_id": request}).fetch1("volume")
    found, offset, _ = read_volume(url)
    ids = np.zeros(segments.shape, np.uint64)
    ids[CUTOUT.slices((0, 0, 0))] = found[CUTOUT.slices(offset)]
    return Sample(f"zarr://file://{volume}", request, segments, ids)


@pytest.mark.shared
def test_a_component_is_made_again_of_the_boxes_that_lineage_reaches(made: Sample) -> None:
    number = 100 if conftest.SOAK else 20
    chosen = random.Random(SEED).sample(range(1, int(made.ids.max()) + 1), number)
    boxes = {made.check(component) for component in chosen}
    assert len(boxes) > 1


@pytest.mark.shared
def test_a_voxel_is_made_again_of_the_box_that_lineage_reaches(made: Sample) -> None:
    """In its block, the piece that it is of; of all that its component is made of, the whole."""
    number = 100 if conftest.SOAK else 20
    places = np.argwhere(made.ids)
    for place in random.Random(SEED).sample(range(len(places)), number):
        at = tuple(int(index) for index in places[place])
        z, y, x = at
        box, piece = made.recomputed(at, f"{made.request}@{x},{y},{z}")
        component = made.ids[at]
        assert (made.ids[box.slices((0, 0, 0))][piece] == component).all()
        whole = made.check(int(component))
        assert whole.meets(Box(x, x + 1, y, y + 1, z, z + 1)) and whole.intersect(box) == box
