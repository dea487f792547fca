"""`bossflow diff`: two requests or runs, their segmentations by block."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cc3d
import numpy as np
import pytest
from pipeline import Pipeline, bossflow_says
from pipeline import files as files
from pipeline import pipeline as pipeline
from pipeline import toy as toy
from skimage import metrics
from steps import write_voxels
from test_made_chain import Chain
from voxels.boxes import Box

BOX = Box(3, 23, 4, 20, 2, 22)
LABEL: dict[str, Any] = {"component_of": "foreground", "block_shape": [16, 16, 16], "stage": False}
LABEL |= {"x_range": [3, 23], "y_range": [4, 20], "z_range": [2, 22]}


class Made:
    """Requests on one mask, and what cc3d makes of the whole."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        dense = np.linspace(0.02, 0.35, 24)
        mask = (np.random.default_rng(3).random((22, 20, 24)) < dense).astype(np.uint8)
        write_voxels(directory / "mask", mask)
        self.mask = mask[BOX.slices((0, 0, 0))]
        chain = Chain(directory, monkeypatch)
        label = chain.of["label"]
        self.six, self.all, self.again, self.part = (
            chain.request(label.label(**LABEL | asked))
            for asked in (
                {"connectivity": 6, "name": "six"},
                {"connectivity": 26, "name": "all of them"},
                {"connectivity": 6, "block_shape": [24, 24, 24]},
                {"connectivity": 6, "z_range": [2, 16]},
            )
        )
        shapes = {"chunk_shape": "16,16,16", "block_shape": "16,16,16"}
        make, source = chain.of["copy"].make, {"source": f"bossflow://{self.six}"}
        self.copy, self.store = chain.request(make(**source, **shapes)), directory / "store"
        shapes["block_shape"], dest = "32,32,32", f"file://{directory}/outside"
        self.outside = chain.request(make(**source, **shapes, dest=dest))
        levels = {"levels": 1, "factor": "2,2,2", "block_shape": "32,32,32"}
        self.coarse = chain.request(chain.of["levels"].make(**source, **levels))
        plan, _ = label.plan(**LABEL | {"connectivity": 18})
        (self.planned,) = plan["requests"]

    def whole(self, connectivity: int, depth: int | None = None) -> np.ndarray:
        found = cc3d.connected_components(self.mask[:depth], connectivity=connectivity)
        return np.asarray(found).astype(np.int64)


@pytest.fixture(scope="module")
def made(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield Made(tmp_path_factory.mktemp("diff"), monkeypatch)


def diff(a: str, b: str, **asked: Any) -> dict[str, Any]:
    import bossflow

    told: dict[str, Any] = bossflow.diff(a, b, **asked)
    assert json.loads(json.dumps(told)) == told
    return told


def rows(told: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {row["name"]: (row["a"], row["b"]) for row in told["rows"] if not row["equal"]}


@pytest.mark.parametrize("background", ["ignore", "keep"])
def test_connectivity_6_against_26_is_what_scikit_image_says_of_the_whole(
    made: Made, background: str
) -> None:
    told = diff(made.six, made.all, background=background)
    a, b = made.whole(6), made.whole(26)
    differ = rows(told)
    assert differ["connectivity"] == (6, 26)
    assert differ["components"] == (int(a.max()), int(b.max()))
    assert differ["outcome"] == (f"{a.max()} components", f"{b.max()} components")
    counted = {"components", "component rows", "bytes", "seconds"}
    assert differ.keys() <= {"connectivity", "outcome"} | counted
    seen, ignored = told["segmentation"], (0,) if background == "ignore" else ()
    assert seen["box"] == BOX.name and seen["same_box"] and not seen["equal"]
    measured = seen["measures"]
    vi = metrics.variation_of_information(a, b, ignore_labels=ignored)
    assert [measured["vi_split_bits"], measured["vi_merge_bits"]] == pytest.approx(vi, abs=1e-12)
    error, recall, precision = metrics.adapted_rand_error(a, b, ignore_labels=ignored)
    found = [measured[name] for name in ("adapted_rand_error", "precision", "recall")]
    assert found == pytest.approx([error, precision, recall], abs=1e-12)
    inside = {int(one): set(a[b == one].tolist()) for one in np.unique(b)}
    several = {one: some for one, some in inside.items() if len(some) > 1}
    assert seen["merges"]["number"] == len(several) > 5
    sizes = np.bincount(b.ravel())
    assert seen["splits"] == {"number": 0, "largest": []}
    first = seen["merges"]["largest"][0]
    assert first["segment"] == max(several, key=lambda one: sizes[one])
    assert first["parts"] == len(several[first["segment"]])
    assert first["voxels"] == sizes[first["segment"]]
    turned = diff(made.all, made.six, background="keep")["segmentation"]
    assert turned["splits"]["number"] == len(several) and turned["merges"]["number"] == 0


def test_where_one_is_larger_what_both_have_is_compared_block_by_block(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bossflow.look import counted

    seen, read = diff(made.six, made.part)["segmentation"], []
    volume = counted.Volume.read

    def reading(self: Any, number: int, box: Box) -> Any:
        read.append(box.voxel_count)
        return volume(self, number, box)

    monkeypatch.setattr(counted, "PIECE_VOXELS", 64)
    monkeypatch.setattr(counted.Volume, "read", reading)
    assert diff(made.six, made.part)["segmentation"] == seen  # to the last bit
    assert max(read) <= 4 * 64 and sum(read) >= Box.parse(seen["box"]).voxel_count
    assert not seen["same_box"] and seen["box"] == Box(3, 23, 4, 20, 2, 16).name
    assert 0 <= seen["blocks_with_same_digest"] < seen["blocks"] == 4
    a, b = made.whole(6)[:14], made.whole(6, 14)
    vi = metrics.variation_of_information(a, b, ignore_labels=(0,))
    found = [seen["measures"][name] for name in ("vi_split_bits", "vi_merge_bits")]
    assert found == pytest.approx(vi, abs=1e-12) and found[0] > 0
    assert seen["measures"]["voxels"] == np.count_nonzero(a)


def test_equal_digests_need_no_voxels_and_equal_voxels_are_told_where_digests_differ(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bossflow.look import counted

    for other, block in (made.again, True), (made.copy, False), (made.outside, False):
        told = diff(made.six, other)
        seen, differ = told["segmentation"], rows(told)
        assert seen["equal"] and seen["same_segments"] and seen["same_box"]
        assert not told["equal"] and seen["voxels_read"] == made.mask.size
        assert seen["measures"]["vi_bits"] == seen["measures"]["adapted_rand_error"] == 0
        assert (differ.get("block_shape") == ([16, 16, 16], [24, 24, 24])) == block
    read: list[Any] = []
    monkeypatch.setattr(counted, "Volume", read.append)
    told = diff(made.six, "six")
    assert told["equal"] and not rows(told) and told["contents"]["STITCH"]["equal"] == 1
    assert told["segmentation"]["blocks_with_same_digest"] == 8 and not read
    measured = told["segmentation"]["measures"]
    assert measured.keys() == seen["measures"].keys() and measured["voxels"] is None
    assert all(value in (None, seen["measures"][name]) for name, value in measured.items())


def test_blocks_of_which_digests_tell_that_they_are_equal_are_read_of_one_only(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bossflow.look import counted, overlaps

    asked = made.six, made.all
    whole, read = diff(*asked)["segmentation"], []
    own = overlaps.parts
    with_one = Box(3, 16, 4, 16, 2, 16)

    def blocks(*about: Any) -> dict[Box, bool]:
        return own(*about) | {with_one: True}

    volume = counted.Volume.read
    monkeypatch.setattr(overlaps, "parts", blocks)
    monkeypatch.setattr(
        counted.Volume,
        "read",
        lambda self, number, box: (
            read.append((self.layer.request_id, box)) or volume(self, number, box)
        ),
    )
    seen = diff(*asked)["segmentation"]
    assert [box for of, box in read if of == made.all].count(with_one) == 0
    assert [box for of, box in read if of == made.six].count(with_one) == 1
    assert len(read) == 15 and seen["measures"]["vi_bits"] != whole["measures"]["vi_bits"]


def test_runs_are_compared_by_what_they_were_given_and_took(made: Made) -> None:
    import bossflow

    runs = [
        (bossflow.Request & {"request_id": name}).fetch1("first_run_id")
        for name in (made.six, made.all, made.copy)
    ]
    told = diff(*runs[:2])
    assert told["kind"] == "run" and "segmentation" not in told
    differ = rows(told)
    assert differ["connectivity"] == (6, 26) and differ["name"] == ("six", "all of them")
    assert differ["six"] == (made.six, None) and "units of STITCH" not in differ
    assert rows(diff(runs[0], runs[2]))["units of TRANSFER_BLOCK"] == (None, 4)
    assert diff(runs[0], runs[0])["equal"]


def test_a_terminal_shows_what_differs_and_the_exit_code_only_where_asked_for(made: Made) -> None:
    code, text = bossflow_says("diff", "six", "all of them")
    assert code == 0 and "connectivity" in text and "min_voxels" not in text, text
    assert "variation of information" in text and " bits (splits 0, merges " in text
    assert "  splits: 0 segments of A" in text and "of B (" in text
    code, text = bossflow_says("diff", "six", "all of them", "--all", "--no-voxels", "--exit-code")
    assert code == 1 and "min_voxels" in text and "voxels are not compared" in text
    code, text = bossflow_says("diff", "six", made.six, "--exit-code")
    assert code == 0 and text.startswith("equal: nothing that is recorded differs"), text
    assert "equal, by the digests of 8 of 8 blocks: none was read" in text
    code, text = bossflow_says("diff", "six", made.copy, "--json", "--exit-code")
    told = json.loads(text)
    assert code == 1 and not any(row["equal"] for row in told["rows"])


def test_what_can_not_be_compared_is_said_in_a_sentence(made: Made) -> None:
    import bossflow

    (run,) = (bossflow.Request & {"request_id": made.six}).to_arrays("first_run_id")
    for pair, said in (
        ((made.six, "nothing"), "no request has an id starting with 'nothing', or that name"),
        ((made.six, run), "is a request and"),
    ):
        code, text = bossflow_says("diff", *pair)
        assert code == 1 and said in text and text.count("\n") == 1, text
    store = made.store.rename(made.store.with_name("away"))
    try:
        code, text = bossflow_says("diff", "six", "all of them")
        assert code == 1 and "lies in store" in text and "which is away" in text, text
    finally:
        store.rename(made.store)
    files = [path for path in made.store.glob("CREATE_VOLUME/**/volume/*/*") if path.is_file()]
    kept = files[0].read_bytes()
    files[0].write_bytes(kept[: len(kept) // 2])
    try:
        code, text = bossflow_says("diff", "six", made.copy)
        assert code == 1 and text.startswith("Error: ") and text.count("\n") == 1, text
    finally:
        files[0].write_bytes(kept)


def test_what_is_no_pair_of_segmentations_is_compared_by_the_rest(made: Made) -> None:
    for other, why in (
        (made.coarse, "no levels of their volumes have voxels of the same size"),
        (made.planned, f"request {made.planned} is not complete"),
    ):
        told = diff(made.six, other)
        assert told["segmentation"] is None and why in told["not_compared"]
        assert rows(told) and not told["equal"]
        assert f"voxels are not compared: {why}" in bossflow_says("diff", "six", other)[1]
    assert "not compared" not in bossflow_says("diff", "six", made.coarse, "--no-voxels")[1]
    assert "not asked for" in diff(made.six, made.all, voxels=False)["not_compared"]


def test_requests_of_any_workflow_are_compared(
    made: Made, pipeline: Pipeline, files: list[Path]
) -> None:
    names = [pipeline.run(files[:number])["plan"]["requests"] for number in (3, 4)]
    (first,), (second,) = names
    told = diff(first, second)
    counts = told["contents"]["COUNT_WORDS"]
    assert (
        counts["equal"] == 3 and counts["only_b"] == 1 and told["contents"]["ADD_WORDS"]["differ"]
    )
    assert rows(told)["units of COUNT_WORDS"] == (3, 4) and "subject" in rows(told)
    assert "makes no segmentation" in told["not_compared"]
    assert rows(diff(first, made.six))["workflow"] == ("toy", "label")
