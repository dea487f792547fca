"""How two segmentations overlap, by blocks: as scikit-image says of the whole."""

import math
import os
import subprocess
import sys
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st
from skimage import metrics
from voxels import agreement, contingency
from voxels.contingency import Table

TYPES = ("uint8", "uint16", "uint32", "uint64", "int32", "int64", "bool")


def cut(draw: Any, length: int) -> list[slice]:
    ends = sorted({0, length, *draw(st.lists(st.integers(0, length), max_size=3))})
    return [slice(low, high) for low, high in pairwise(ends)]


@st.composite
def segmentations(draw: Any) -> tuple[np.ndarray, np.ndarray, list[Any], int]:
    """Draw two arrays, a cutting of them, and what is added to the ids of one."""
    shape = tuple(draw(st.integers(1, 7)) for _ in range(3))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    repeats = draw(st.integers(1, 3))
    first, second = (
        random.integers(0, draw(st.integers(1, 12)), shape).repeat(repeats, 2) for _ in range(2)
    )
    dtypes = [draw(st.sampled_from(TYPES)) for _ in range(2)]
    shift = draw(st.sampled_from([0, 2**62 + 1])) if dtypes[0] in ("uint64", "int64") else 0
    a, b = first.astype(dtypes[0]), second.astype(dtypes[1])
    axes = [cut(draw, length) for length in a.shape]
    cells = [(z, y, x) for z in axes[0] for y in axes[1] for x in axes[2]]
    return a, b, draw(st.permutations(cells)), shift


@given(segmentations(), st.sampled_from(["ignore", "keep"]))
def test_any_cutting_gives_what_scikit_image_says_of_the_whole(
    drawn: tuple[np.ndarray, np.ndarray, list[Any], int], background: str
) -> None:
    a, b, cells, shift = drawn
    far = np.where(a == 0, 0, a.astype(a.dtype) + np.array(shift, a.dtype)).astype(a.dtype)
    table = contingency.added(contingency.contingency(far[cell], b[cell]) for cell in cells)
    whole = contingency.contingency(far, b)
    assert all(np.array_equal(one, other) for one, other in zip(table, whole, strict=True))
    assert int(table.voxels.sum()) == a.size and table.a.dtype == table.b.dtype == np.uint64
    told = agreement.measures(table, background)
    assert told == agreement.measures(whole, background)
    a, b = a.astype(np.int64), b.astype(np.int64)
    ignored = (0,) if background == "ignore" else ()
    if not (count := int(np.isin(a, ignored, invert=True).sum())):
        assert told["voxels"] == 0 and told["vi_bits"] is told["rand_index"] is None
        return
    vi = metrics.variation_of_information(a, b, ignore_labels=ignored)
    assert [told["vi_split_bits"], told["vi_merge_bits"]] == pytest.approx(vi, abs=1e-12)
    assert told["vi_nats"] == pytest.approx(vi.sum() * math.log(2), abs=1e-12)
    with np.errstate(invalid="ignore"):
        error, recall, precision = metrics.adapted_rand_error(a, b, ignore_labels=ignored)
    for name, said in ("adapted_rand_error", error), ("recall", recall), ("precision", precision):
        nothing_wrong = 0.0 if name == "adapted_rand_error" else 1.0
        assert told[name] == pytest.approx(nothing_wrong if np.isnan(said) else said, abs=1e-12)
    kept = np.isin(a, ignored, invert=True)
    together = [one[kept][:, None] == one[kept] for one in (a, b)]
    agree = int((together[0] == together[1]).sum()) - count
    assert told["rand_index"] == (agree / (count * (count - 1)) if count > 1 else 1.0)
    assert told["voxels"] == count


@given(segmentations(), st.sampled_from(["ignore", "keep"]))
def test_splits_and_merges_are_those_that_sets_of_voxels_tell(
    drawn: tuple[np.ndarray, np.ndarray, list[Any], int], background: str
) -> None:
    a, b, _, _ = drawn
    table = contingency.contingency(a, b)
    pairs = list(zip(a.ravel().tolist(), b.ravel().tolist(), strict=True))
    for one, turned in ((table, 1), (table.transposed, -1)):
        parts: dict[int, dict[int, int]] = {}
        for segment, part in (pair[::turned] for pair in pairs):
            if background == "keep" or segment and part:
                of = parts.setdefault(int(segment), {})
                of[int(part)] = of.get(int(part), 0) + 1
        kept = {segment for segment, part in (pair[::turned] for pair in pairs) if part}
        every = {pair[::turned][0] for pair in pairs}
        assert agreement.lost(one) == len(every - kept - {0})
        several = {name: of for name, of in parts.items() if len(of) > 1}
        order = sorted(several, key=lambda name: (-sum(several[name].values()), name))
        told = agreement.splits(one, background, 2)
        assert told["number"] == len(several)
        assert [each["segment"] for each in told["largest"]] == order[:2]
        for each in told["largest"]:
            of = several[each["segment"]]
            largest = sorted(of.items(), key=lambda item: (-item[1], item[0]))
            assert (each["parts"], each["voxels"]) == (len(of), sum(of.values()))
            assert each["largest"] == [list(item) for item in largest[:2]]


def test_ids_of_64_bits_and_counts_of_large_volumes_lose_nothing() -> None:
    ids = np.array([2**64 - 1, 2**64 - 2, 2**53 + 1, 2**53], np.uint64)
    table = contingency.contingency(ids, ids[::-1])
    assert table.a.tolist() == sorted(ids.tolist()) and table.b[0] == 2**64 - 1
    assert contingency.contingency(np.array([-1]), ids[:1]).a.tolist() == [2**64 - 1]
    huge = Table(*(np.array(one, np.uint64) for one in ([1, 1], [1, 2])), np.array([10**15, 1]))
    told = agreement.measures(huge)
    lost = 10**15 + 1
    exact = (math.log1p(1 / 10**15) * 10**15 + math.log(lost)) / math.log(2) / lost
    assert told["vi_split_bits"] == pytest.approx(exact, rel=1e-12) and exact > 0
    assert told["vi_merge_bits"] == 0.0 and told["precision"] == 1.0
    pairs = 10**15 * (10**15 - 1)
    assert told["recall"] == pairs / (lost * (lost - 1)) < 1
    assert told["rand_index"] == pairs / (lost * (lost - 1))


def test_tables_of_many_pairs_add_up_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contingency, "ROWS_AT_ONCE", 1000)
    random = np.random.default_rng(2)
    a, b = (random.integers(0, 2**63, 20_000, np.uint64) for _ in range(2))
    a[::2], b[::2] = a[0], b[0]
    parts = [contingency.contingency(a[i::7], b[i::7]) for i in range(7)]
    table, whole = contingency.added(iter(parts)), contingency.contingency(a, b)
    assert all(np.array_equal(one, other) for one, other in zip(table, whole, strict=True))
    pairs = {(int(u), int(v)) for u, v in zip(a, b, strict=True)}
    assert len(table.voxels) == len(pairs) == 10_001 and table.voxels.max() == 10_000
    assert len(contingency.added([]).voxels) == 0


def test_same_ids_and_the_same_segments_under_other_ids_are_told_apart() -> None:
    a = np.array([0, 1, 1, 2], np.uint32)
    for b, same, segments in (
        (a, True, True),
        (np.array([9, 2, 2, 1]), False, True),
        (np.array([0, 1, 1, 1]), False, False),
        (np.array([0, 1, 3, 2]), False, False),
    ):
        table = contingency.contingency(a, b)
        assert (contingency.equal(table), contingency.same_segments(table)) == (same, segments)


def test_what_is_no_segmentation_is_refused() -> None:
    with pytest.raises(ValueError, match="float32 are no segment ids"):
        contingency.contingency(np.zeros(3, np.float32), np.zeros(3, np.uint8))
    with pytest.raises(ValueError, match="have no voxels in common"):
        contingency.contingency(np.zeros(3, np.uint8), np.zeros(4, np.uint8))


def test_package_and_programs_do_not_load_what_the_other_one_compiled() -> None:
    """Their files are the same, and so is the directory of compiled code beside these."""
    program = (
        "import sys, numpy; from {0}voxels import contingency as c; a = numpy.ones(3, 'u4'); "
        "print(*c.contingency(a, a).voxels, 'bossflow' in sys.modules, 'voxels' in sys.modules)"
    )
    for room, package in (("bin", ""), ("schema", "bossflow."), ("bin", "")):
        done = subprocess.run(
            [sys.executable, "-c", program.format(package)],
            env=os.environ | {"PYTHONPATH": str(ROOT / room)},
            capture_output=True,
            text=True,
        )
        assert done.stdout == f"3 {room == 'schema'} {room == 'bin'}\n", done.stderr
