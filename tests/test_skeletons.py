"""Skeletons: runs of voxels, distances, the lines of TEASAR, and their formats."""

import numpy as np
import pytest
import tensorstore as ts
from conftest import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, dijkstra
from voxels.boxes import Box, grid
from voxels.meshes.shard import Sharding
from voxels.skeletons import fields, measure, precomputed, rows, sparse, swc
from voxels.skeletons.teasar import Teasar, skeletonize

EVERY_SIDE = np.ones((3, 3, 3))
SIZE_ZYX = (40.0, 16.0, 8.0)
ALL = Teasar(const_nm=30.0, dust_threshold=1)


def blobs(seed, sides=14):
    """Segments of any form: smoothed noise, with some noise left."""
    random = np.random.default_rng(seed)
    shape = random.integers(1, sides, 3)
    smooth = ndimage.gaussian_filter(random.random(shape), 1.5)
    found = (smooth > np.median(smooth)) * random.integers(1, 3)
    found[random.random(shape) < 0.05] = 3
    return found.astype(random.choice([np.uint8, np.uint16, np.uint32, np.uint64]))


def whole(voxels, corner=(0, 0, 0), number=1):
    """The runs of one segment."""
    return sparse.runs_of((voxels == number).astype(np.uint8), corner)[2]


def tube(shape=(21, 21, 120)):
    """A tube along x, that begins and ends within the volume."""
    z, y, x = np.indices(shape)
    round_ = (z - shape[0] // 2) ** 2 + (y - shape[1] // 2) ** 2 <= 36
    return round_ & (x >= 10) & (x < shape[2] - 10)


def drawn(voxels, how=ALL, size=SIZE_ZYX):
    return skeletonize(whole(voxels), size, how)


@settings(max_examples=examples(60))
@given(
    st.integers(0, 2**32),
    st.lists(st.tuples(*[st.integers(1, 9)] * 3), min_size=3, max_size=3),
    st.tuples(*[st.integers(-50, 50)] * 3),
)
def test_skeletons_are_the_same_for_any_blocks_in_any_order(seed, cuttings, corner):
    voxels = blobs(seed)
    ids, offsets, runs = sparse.runs_of(voxels, corner)
    assert ids.tolist() == np.unique(voxels[voxels > 0]).tolist()
    expected = {
        number: skeletonize(runs[start:end], SIZE_ZYX, ALL)
        for number, start, end in zip(ids.tolist(), offsets, offsets[1:], strict=False)
    }
    for sides in cuttings:
        parts = {number: [] for number in ids.tolist()}
        for box in grid(Box.of(corner, voxels.shape), sides, corner):
            block = voxels[box.slices(corner)]
            found, places, of_block = sparse.runs_of(block, box.corner_zyx)
            for at, number in enumerate(found.tolist()):
                parts[number].insert(at % 2, of_block[places[at] : places[at + 1]])
        for number, some in parts.items():
            joined = sparse.joined(some)
            assert np.array_equal(joined, whole(voxels, corner, number))
            again = skeletonize(joined, SIZE_ZYX, ALL)
            for one, other in zip(expected[number], again, strict=True):
                assert np.array_equal(one, other) and one.dtype == other.dtype


def test_a_voxel_of_two_blocks_is_refused():
    runs = np.array([[0, 0, 2, 5]], np.int32)
    with pytest.raises(ValueError, match="a voxel is in two blocks"):
        sparse.joined([runs, runs + np.array([0, 0, 1, 1], np.int32)])
    with pytest.raises(ValueError, match="3 of unsigned integers"):
        sparse.runs_of(np.zeros((1, 1, 1), np.int8), (0, 0, 0))
    with pytest.raises(ValueError, match="do not fit into 32 bits"):
        sparse.runs_of(np.zeros((1, 1, 2), np.uint8), (0, 0, 2**31 - 2))


@settings(max_examples=examples(100))
@given(st.integers(0, 2**32), st.tuples(*[st.sampled_from([4.0, 7.3, 40.0])] * 3))
def test_radii_are_distances_to_what_is_not_of_the_segment_also_beyond_the_volume(seed, size):
    voxels = blobs(seed) == 3
    runs = whole(voxels)
    voxels_of = rows.placed(runs, rows.beside(runs))
    radii = fields.to_boundary(voxels_of, np.array(size))
    around = ndimage.distance_transform_edt(np.pad(voxels, 1), sampling=size)[1:-1, 1:-1, 1:-1]
    np.testing.assert_allclose(radii, around[voxels], rtol=1e-6)


@settings(max_examples=examples(60))
@given(st.integers(0, 2**32))
def test_distances_within_a_component_are_those_of_the_shortest_ways(seed):
    voxels = ndimage.label(blobs(seed) > 0, EVERY_SIDE)[0] == 1
    if not voxels.any():
        return
    runs = whole(voxels)
    places = np.argwhere(voxels)
    steps = np.abs(places[:, None] - places[None])
    near = np.argwhere(steps.max(axis=2) == 1)
    far = np.sqrt(((steps[near[:, 0], near[:, 1]] * SIZE_ZYX) ** 2).sum(axis=1))
    graph = coo_array((far, (near[:, 0], near[:, 1])), (len(places),) * 2).tocsr()
    voxels_of = rows.placed(runs, rows.beside(runs))
    found, order = fields.from_voxel(0, voxels_of, np.array(SIZE_ZYX))
    np.testing.assert_allclose(found, dijkstra(graph, indices=0), rtol=1e-12)
    assert sorted(order) == list(range(len(places)))
    assert (np.diff(found[order]) > -min(SIZE_ZYX)).all()


@settings(max_examples=examples(60))
@given(st.integers(0, 2**32), st.integers(1, 40))
def test_each_component_is_a_tree_within_it_and_dust_is_none(seed, dust):
    voxels = blobs(seed)
    parts, count = ndimage.label(voxels == 3, EVERY_SIDE)
    made = skeletonize(whole(voxels, number=3), SIZE_ZYX, ALL._replace(dust_threshold=dust))
    of_vertex = parts[tuple(made.vertices.T)]
    assert (of_vertex > 0).all()
    assert len(np.unique(made.vertices, axis=0)) == len(made.vertices)
    sizes = np.bincount(parts.ravel(), minlength=count + 1)[1:]
    assert set(of_vertex) == {*(np.flatnonzero(sizes >= dust) + 1)}
    ends = made.edges.astype(np.int64)
    assert (np.abs(made.vertices[ends[:, 0]] - made.vertices[ends[:, 1]]).max(axis=1) == 1).all()
    assert (ends[:, 0] < ends[:, 1]).all()
    n = len(made.vertices)
    trees = connected_components(coo_array((np.ones(len(ends)), ends.T), (n, n)))[0] if n else 0
    assert trees == len(set(of_vertex)) == n - len(ends)


def test_a_tube_is_a_line_from_tip_to_tip_in_its_middle():
    size = (8.0, 8.0, 8.0)
    made = drawn(tube(), Teasar(const_nm=50.0), size)
    told = measure.of(made, size)
    radius = np.sqrt(37) * 8
    assert (told.n_ends, told.n_branches) == (2, 0)
    assert told.max_radius_nm == pytest.approx(radius)
    degrees = np.bincount(made.edges.ravel())
    tips = made.vertices[degrees == 1] * 8.0
    for tip, x in zip(tips[np.argsort(tips[:, 2])], (10, 109), strict=True):
        assert np.abs(tip - np.array([10, 10, x]) * 8.0).max() <= radius
    inner = made.vertices[(made.vertices[:, 2] > 25) & (made.vertices[:, 2] < 95)]
    assert (np.abs(inner[:, :2] - 10) <= 1).all()
    assert 99 * 8 <= told.cable_length_nm <= 1.2 * 99 * 8


def test_where_a_tube_parts_there_is_one_branch():
    voxels = tube((21, 80, 120))
    z, y, x = np.indices(voxels.shape)
    voxels |= ((z - 10) ** 2 + (x - 60) ** 2 <= 36) & (y >= 3) & (y < 40)
    told = measure.of(drawn(voxels, Teasar(const_nm=100.0), (8.0,) * 3), (8.0,) * 3)
    assert (told.n_ends, told.n_branches) == (3, 1)


def test_a_line_stands_for_no_branch_that_is_beside_it_but_not_of_it():
    """Two tubes that touch at one end only: a box or ball around one would take the other."""
    voxels = np.zeros((7, 20, 100), bool)
    voxels[1:6, 2:7], voxels[1:6, 9:14], voxels[1:6, 2:14, :5] = True, True, True
    told = measure.of(drawn(voxels, Teasar(const_nm=150.0), (8.0,) * 3), (8.0,) * 3)
    assert told.n_ends == 2
    assert told.cable_length_nm > 2 * 85 * 8


def test_what_is_asked_for_is_refused_where_it_can_not_be_done():
    for wrong in ({"pdrf_scale": 2.0**25}, {"pdrf_exponent": 0}, {"scale": -1.0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            drawn(tube(), ALL._replace(**wrong))


def test_swc_has_a_root_for_each_tree_and_parents_first():
    made = drawn(np.isin(blobs(5), [3]))
    lines = swc.encoded(made, SIZE_ZYX, "um").decode().splitlines()
    assert lines[0] == "# unit: um"
    table = np.array([line.split() for line in lines if not line.startswith("#")], float)
    assert table[:, 0].tolist() == list(range(1, len(made.vertices) + 1))
    assert (table[:, 1] == 0).all() and (table[:, 6] < table[:, 0]).all()
    assert (table[:, 6] == -1).sum() == len(made.vertices) - len(made.edges)
    nm = (made.vertices[:, ::-1] + 0.5) * SIZE_ZYX[::-1]
    np.testing.assert_allclose(table[:, 2:5], nm / 1000, rtol=1e-9)
    np.testing.assert_allclose(table[:, 5], made.radius_nm / 1000, rtol=1e-6)
    child = table[:, 6] > 0
    pairs = {(int(a), int(b)) for a, b in table[child][:, [6, 0]] - 1}
    assert pairs == {(int(a), int(b)) for a, b in made.edges}


def decoded(content):
    n, m = np.frombuffer(content[:8], "<u4")
    places, edges, radii = np.split(np.frombuffer(content[8:], "<u4"), [3 * n, 3 * n + 2 * m])
    return places.view("<f4").reshape(n, 3), edges.reshape(m, 2), radii.view("<f4")


def test_precomputed_skeletons_are_found_in_their_shard_and_read_back(tmp_path):
    sharding = Sharding(0)
    segments = [3, 2**40 + 1, 12, 7]
    every = {one: drawn(blobs(one) > 0) for one in segments}
    ordered = [segments[at] for at in sharding.order(segments)]
    content = ((one, precomputed.encoded(every[one], SIZE_ZYX)) for one in ordered)
    precomputed.write(tmp_path / sharding.name(0), content, sharding)
    about = precomputed.info(sharding)
    assert about["vertex_attributes"][0]["id"] == "radius"
    assert "sharding" not in precomputed.info()
    there = ts.KvStore.open(
        {
            "driver": "neuroglancer_uint64_sharded",
            "base": f"file://{tmp_path}/",
            "metadata": about["sharding"],
        }
    ).result()
    for one, made in every.items():
        places, edges, radii = decoded(there[one.to_bytes(8, "big")])
        np.testing.assert_array_equal(edges, made.edges)
        np.testing.assert_array_equal(radii, made.radius_nm)
        np.testing.assert_array_equal(places, made.places_nm(SIZE_ZYX))


def test_vertices_that_32_bits_would_move_are_refused():
    made = skeletonize(whole(tube(), (0, 0, 2**30 + 1)), (8.0, 8.0, 7.3), ALL)
    with pytest.raises(ValueError, match="32-bit floats would move a vertex"):
        precomputed.encoded(made, (8.0, 8.0, 7.3))


def test_nothing_is_told_of_no_skeleton():
    made = drawn(np.zeros((2, 2, 2), bool))
    assert measure.of(made, SIZE_ZYX) == (0.0, 0, 0, 0.0)
    assert decoded(precomputed.encoded(made, SIZE_ZYX))[0].shape == (0, 3)
