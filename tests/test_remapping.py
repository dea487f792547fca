"""Segments of an array rewritten by a table, and by one after another."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from conftest import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from measuring import segments_of
from remapping import by_definition
from test_agglomeration import volumes
from voxels.agglomeration import agglomerate, regions_of
from voxels.boxes import Box
from voxels.id_tables import IdTable, ordered
from voxels.region_graph import RegionGraph, region_graph
from voxels.remapping import remapped

WIDE = st.one_of(st.integers(0, 12), st.integers(2**64 - 3, 2**64 - 1), st.integers(2**53, 2**54))


def table_of(mapping: dict[int, int]) -> IdTable:
    return ordered(*(np.array([*some], np.uint64) for some in (mapping.keys(), mapping.values())))


@settings(max_examples=examples(1000))
@given(ids=st.lists(WIDE, min_size=1, max_size=60), mapping=st.dictionaries(WIDE, WIDE, min_size=1))
def test_each_id_becomes_what_its_row_says(ids: list[int], mapping: dict[int, int]) -> None:
    voxels = np.array(ids, np.uint64).reshape(1, 1, -1)
    found = remapped(voxels, table_of(mapping), True, (0, 0, 0))
    wanted = by_definition(voxels, mapping)
    np.testing.assert_array_equal(found.voxels, wanted)
    assert found.before["segment_id"].tolist() == sorted({*ids} - {0})
    told = segments_of(wanted, None, (0, 0, 0))
    assert found.after["segment_id"].tolist() == sorted(told)
    assert found.after["voxel_count"].tolist() == [told[name]["n"] for name in sorted(told)]
    lost = next((at for at, one in enumerate(ids) if one and one not in mapping), None)
    if lost is None:
        again = remapped(voxels, table_of(mapping), False, (0, 0, 0))
        np.testing.assert_array_equal(again.voxels, wanted)
    else:
        with pytest.raises(ValueError, match=r"the table has no row for id \d+, such as of voxel"):
            remapped(voxels, table_of(mapping), False, (0, 0, 0))


@settings(max_examples=examples(1000))
@given(
    ids=st.lists(WIDE, min_size=1, max_size=60),
    one=st.dictionaries(WIDE, WIDE, min_size=1),
    other=st.dictionaries(WIDE, WIDE, min_size=1),
)
def test_two_tables_are_one(ids: list[int], one: dict[int, int], other: dict[int, int]) -> None:
    voxels = np.array(ids, np.uint64).reshape(-1, 1, 1)
    between = remapped(voxels, table_of(one), True, (0, 0, 0)).voxels
    after = remapped(between, table_of(other), True, (0, 0, 0)).voxels
    both = {name: other.get(to, to) for name, to in ({n: n for n in {*ids, *other}} | one).items()}
    np.testing.assert_array_equal(remapped(voxels, table_of(both), True, (0, 0, 0)).voxels, after)


@settings(max_examples=examples(100))
@given(volume=volumes(), threshold=st.integers(1, 255))
def test_the_table_of_an_agglomeration_gives_its_regions(volume: Any, threshold: int) -> None:
    """Rewriting by it is relabelling by the merges: and by a table after it, relabelling twice."""
    regions, edges = volume
    box = Box.of((0, 0, 0), regions.shape)
    *_, graph = region_graph(regions, [*edges], box, box)
    merges = agglomerate(RegionGraph.of([graph]), [Fraction(threshold)])
    ids = np.unique(regions[regions > 0])
    if not len(ids):
        return
    targets = regions_of(ids, merges, merges.until[0])
    found = remapped(regions, IdTable(ids, targets), False, (0, 0, 0)).voxels
    relabelled = by_definition(regions, dict(zip(ids.tolist(), targets.tolist(), strict=True)))
    np.testing.assert_array_equal(found, relabelled)
    further = {name: name % 3 for name in np.unique(found).tolist()}
    twice = remapped(found, table_of(further), False, (0, 0, 0)).voxels
    np.testing.assert_array_equal(twice, by_definition(relabelled, further))


def test_rows_that_say_the_same_count_once_and_others_are_refused() -> None:
    ids = np.array([7, 3, 7, 0], np.uint64)
    table = ordered(ids, np.array([1, 2, 1, 9], np.uint64))
    assert [one.tolist() for one in table] == [[0, 3, 7], [9, 2, 1]]
    with pytest.raises(ValueError, match="says that id 7 becomes 1 and 4: leave one of them"):
        ordered(ids, np.array([1, 2, 4, 9], np.uint64))
