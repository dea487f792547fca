"""Whole runs of the label workflow in a lab: in place, failing, mended, large, real."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import tensorstore as ts
from conftest import SHARED
from expected import check, read_volume, whole
from lab import Lab, make_voxels
from lab import lab as lab

pytestmark = pytest.mark.nextflow


def test_a_volume_is_labelled_in_place(lab: Lab) -> None:
    """Named by a relative path, without a block shape; then staged; then corrected."""
    corner, shape = (3, 10, 20), (30, 70, 90)
    voxels = make_voxels(shape, 4)
    spec = {
        "driver": "neuroglancer_precomputed",
        "kvstore": {"driver": "file", "path": str(lab.directory / "volumes" / "cells")},
        "multiscale_metadata": {"data_type": "uint64", "num_channels": 1, "type": "segmentation"},
        "scale_metadata": {
            "resolution": [8, 8, 30],
            "encoding": "raw",
            "voxel_offset": corner[::-1],
            "size": shape[::-1],
            "chunk_size": [32, 32, 16],
        },
    }
    volume = ts.open(spec, create=True).result()[..., 0]
    volume.write(voxels.T).result()
    asked = {"source": "precomputed://volumes/cells", "archive": None, "connectivity": 6}
    made = lab.run(**asked).ok()
    assert made.computed == {"LABEL_BLOCK": 1, "LINK_BLOCK": 1, "STITCH": 1, "RELABEL_BLOCK": 1}
    assert lab.run(**asked).ok().computed == {}
    request = lab.status()["requests"][-1]
    assert request["source"] == f"precomputed://file://{lab.directory}/volumes/cells"
    # chunks of the source, doubled until the block holds the volume
    assert request["parameters"]["block_shape"] == [32, 128, 128]
    expected = whole(voxels, 6, 0)
    found, offset, _ = read_volume(request["volume"])
    inside = tuple(slice(c - o, c - o + n) for c, o, n in zip(corner, offset, shape, strict=True))
    np.testing.assert_array_equal(found[inside], expected)

    blocks = {"block_shape": [16, 64, 64]}
    staged = lab.run(**asked, **blocks, stage=True).ok()
    assert sorted(staged.blocks["PULL_BLOCK"]) == sorted(staged.blocks["LABEL_BLOCK"])
    assert len(staged.blocks["PULL_BLOCK"]) == 2 * 2 * 2
    again = lab.run(**asked, **blocks).ok()
    # its labels are its own: those of blocks that were staged are made of other bundles
    assert set(again.computed) == {"LABEL_BLOCK", "LINK_BLOCK", "STITCH", "RELABEL_BLOCK"}

    voxels[-3:, :5, :5] = 2**64 - 3
    volume.write(voxels.T).result()
    gone = lab.bossflow("invalidate", "--yes", "--block", "20-25_10-15_30-33")
    assert "forgot" in gone
    lab.run(**asked).ok()
    request = next(
        one
        for one in lab.status()["requests"]
        if one["source"] == request["source"] and one["state"] == "complete"
    )
    found, offset, _ = read_volume(request["volume"])
    np.testing.assert_array_equal(found[inside], whole(voxels, 6, 0))


def test_a_corrected_block_gives_the_new_truth(tmp_path: Path) -> None:
    with Lab(tmp_path / "lab", make_voxels((20, 40, 40), 2), (0, 0, 0)).serving() as lab:
        params = {"block_shape": [10, 20, 20], "blocks_per_task": 8, "connectivity": 26}
        lab.run(**params).ok()
        lab.voxels[2:9, 1:15, 22:39] = 7
        shown = lab.bossflow("invalidate", "--block", "20-40_0-20_0-10", "--yes")
        assert [line.split() for line in shown.splitlines()[:5]] == [
            ["1", "PULL_BLOCK"], ["1", "LABEL_BLOCK"], ["7", "LINK_BLOCK"], ["1", "STITCH"],
            ["8", "RELABEL_BLOCK"],
        ]  # fmt: skip
        again = lab.run(**params).ok()
        assert again.computed == {
            "PULL_BLOCK": 1, "LABEL_BLOCK": 1, "LINK_BLOCK": 7, "STITCH": 1, "RELABEL_BLOCK": 8
        }  # fmt: skip
        (request,) = lab.status()["requests"]
        check(lab, request, whole(lab.voxels, 26, 0), (0, 0, 0))


def test_one_block_that_fails_leaves_the_others_recorded(tmp_path: Path) -> None:
    with Lab(tmp_path / "lab", make_voxels((20, 40, 40), 3), (0, 0, 0)).serving() as lab:
        params = {"block_shape": [10, 20, 20], "blocks_per_task": 3}
        lab.refused = "/20:40/0:20/0:10/"
        failed = lab.run(**params)
        assert failed.code != 0
        assert "1 of 1 requests not complete: PULL_BLOCK 20-40_0-20_0-10" in failed.text
        (request,) = lab.status()["requests"]
        assert request["state"] == "failed"
        assert (request["blocks_recorded"], request["blocks_total"]) == (7, 8)
        assert list(request["errors"]) == ["PULL_BLOCK 20-40_0-20_0-10"]
        assert request["units"]["LABEL_BLOCK"] == {"recorded": 7, "total": 8}
        lab.refused = None
        mended = lab.run(**params).ok()
        recorded = "1 PULL_BLOCK, 1 LABEL_BLOCK, 7 LINK_BLOCK, 1 STITCH, 8 RELABEL_BLOCK"
        assert f"recorded    {recorded}" in mended.text
        (request,) = lab.status()["requests"]
        check(lab, request, whole(lab.voxels, 26, 0), (0, 0, 0))


@pytest.mark.soak
def test_memory_is_bounded_by_the_block(tmp_path: Path) -> None:
    """Eight times the cutout, the same block: no task takes more than a little more."""
    peaks = []
    for name, side in (("small", 136), ("large", 272)):
        voxels = make_voxels((side, side, side), 4)
        with Lab(tmp_path / name, voxels, (0, 0, 0)).serving() as lab:
            lab.run(block_shape=[136, 136, 136], blocks_per_task=1, min_voxels=99).ok()
            program = (
                "import bossflow, json; print(json.dumps([[r['process'], r['peak_memory_bytes']]"
                " for r in bossflow.Execution.to_dicts()]))"
            )
            text = lab.python(program)
            peak: dict[str, int] = {}
            for process, size in json.loads(text):
                peak[process] = max(size, peak.get(process, 0))
            peaks.append(peak)
    small, large = peaks
    block = 136**3 * 8
    # two blocks of leeway: how many answers are in memory at a time is chance; the cutout has eight
    for process in ("PULL_BLOCK", "LABEL_BLOCK", "LINK_BLOCK", "RELABEL_BLOCK"):
        assert large[process] < small[process] + 2 * block, (process, small, large)
    assert large["STITCH"] < small["STITCH"] + 7 * block, (small, large)


ASKED = [
    pytest.param(128, (128, 128, 128), (26,), id="a quarter"),
    pytest.param(512, (128, 128, 128), (6, 18, 26), id="whole", marks=pytest.mark.soak),
    pytest.param(512, (96, 150, 200), (6, 18, 26), id="odd blocks", marks=pytest.mark.soak),
]


@pytest.mark.shared
@pytest.mark.parametrize(("depth", "block_shape", "connectivities"), ASKED)
def test_the_real_segmentation_is_labelled_as_cc3d_labels_it(
    tmp_path: Path, depth: int, block_shape: tuple[int, ...], connectivities: tuple[int, ...]
) -> None:
    import crackle

    packed = (SHARED / "data" / "connectomics.npy.ckl.gz").read_bytes()
    whole_volume = crackle.decompress(gzip.decompress(packed)).transpose(2, 1, 0)
    voxels = np.ascontiguousarray(whole_volume[:depth])
    blocks = int(np.prod([-(-n // b) for n, b in zip(voxels.shape, block_shape, strict=True)]))
    tasks = -(-blocks // 16)
    with Lab(tmp_path / "lab", voxels, (0, 0, 0)).serving() as lab:
        for number, connectivity in enumerate(connectivities):
            params = {"block_shape": block_shape, "connectivity": connectivity}
            done = lab.nextflow(**params, blocks_per_task=16).ok()
            assert done.tasks.get("PULL_BLOCK", 0) == (tasks if number == 0 else 0)
            assert done.tasks["LABEL_BLOCK"] == done.tasks["RELABEL_BLOCK"] == tasks
            listed = done.blocks["LABEL_BLOCK"]
            assert len(listed) == len(set(listed)) == blocks
            request = lab.status()["requests"][-1]
            check(lab, request, whole(voxels, connectivity, 0), (0, 0, 0))
