"""Surfaces of fewer triangles, and their levels of detail."""

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from conftest import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree
from test_meshes_exact import blockwise, surfaces
from voxels.meshes import distances, gathered, levels, measures, simplify

NM = np.array([8.0, 8.0, 20.0])


def smooth(seed, side=28, parts=3):
    """A few round things of one segment, some of them one voxel small."""
    random = np.random.default_rng(seed)
    at = np.indices((side,) * 3)
    inside = np.zeros((side,) * 3, bool)
    for _ in range(parts):
        middle = random.integers(0, side, 3)[:, None, None, None]
        inside |= ((at - middle) ** 2).sum(axis=0) <= random.integers(0, (side // 2) ** 2)
    inside[0, 0, 0] = True
    return inside.astype(np.uint8)


def surface(labels, sides=None):
    vertices, faces = surfaces(gathered.united(blockwise(labels, sides or labels.shape)))[0]
    return vertices * NM, faces


def sampled(vertices, faces, seed, number=40_000):
    """Points of a surface, everywhere alike, and its corners."""
    random = np.random.default_rng(seed)
    a, b, c = (vertices[faces[:, at]] for at in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    face = random.choice(len(faces), number, p=area / area.sum())
    u, v = np.sort(random.random((2, number, 1)), axis=0)
    points = a[face] * u + b[face] * (v - u) + c[face] * (1 - v)
    return np.concatenate([points, vertices])


@settings(max_examples=examples(100))
@given(
    st.integers(0, 2**32),
    st.sampled_from([0.02, 0.1, 0.4]),
    st.sampled_from([5.0, 12.0, 40.0, np.inf]),
    st.booleans(),
)
def test_a_simplified_surface_is_closed_and_no_vertex_is_farther_than_allowed(
    seed, share, distance, in_cells
):
    vertices, faces = surface(smooth(seed))
    size = (500, 150.0) if in_cells else (10**6, 1.0)
    found = simplify.to(vertices, faces, share, distance, *size)
    assert measures.closed(found.faces, len(found.vertices_nm))
    edges = np.concatenate([found.faces[:, [0, 1]], found.faces[:, [1, 2]], found.faces[:, [2, 0]]])
    assert in_cells or len(np.unique(edges, axis=0)) == len(edges)  # two triangles an edge
    assert {*map(tuple, found.vertices_nm)} <= {*map(tuple, vertices)}
    assert 0 < len(found.faces) <= len(faces)
    assert len(np.unique(found.faces)) == len(found.vertices_nm)
    assert found.distance_nm <= distance
    if np.isfinite(found.distance_nm):
        there = sampled(found.vertices_nm, found.faces, seed)
        # what is sampled is at most this much farther than the surface itself
        gap = 2 * np.sqrt(measures_area(found) / len(there))
        assert cKDTree(there).query(vertices)[0].max() <= found.distance_nm + 3 * gap
    if np.isinf(distance) and not in_cells:
        assert len(found.faces) <= max(share * len(faces) * 1.2 + 8, 4)


def measures_area(found):
    a, b, c = (found.vertices_nm[found.faces[:, at]] for at in range(3))
    return np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2


@settings(max_examples=examples(40))
@given(st.integers(0, 2**32), st.tuples(*[st.integers(5, 30)] * 3), st.booleans())
def test_simplified_surfaces_are_the_same_whatever_the_blocks(seed, sides, in_cells):
    labels = smooth(seed)
    size = (500, 150.0) if in_cells else (10**6, 1.0)
    one = simplify.to(*surface(labels), 0.1, 20.0, *size)
    other = simplify.to(*surface(labels, sides), 0.1, 20.0, *size)
    for found, wanted in zip(one, other, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_nothing_small_vanishes_where_a_distance_is_asked_for():
    labels = np.zeros((30, 30, 30), np.uint8)
    labels[2:20, 2:20, 2:20] = labels[25, 25, 25] = labels[27, 3, 3] = 1
    found = simplify.to(*surface(labels), 0.05, 30.0)
    for lone in (25, 25, 25), (27, 3, 3):
        middle = (np.array(lone[::-1]) * 2 + 1) * NM
        assert np.linalg.norm(found.vertices_nm - middle, axis=1).min() <= 20


@pytest.mark.parametrize("share", [0.01, 0.1, 0.3])
def test_nothing_small_folds_up_where_a_distance_is_asked_for(share):
    """A voxel's eight triangles were four, in pairs that lay on each other: closed, and empty."""
    for shape in np.ndindex(4, 4, 4):
        labels = np.ones(np.add(shape, 1), np.uint8)
        found = simplify.to(*surface(labels), share, 40.0)
        assert measures.closed(found.faces, len(found.vertices_nm)), shape
        assert len(np.unique(np.sort(found.faces, axis=1), axis=0)) == len(found.faces), shape
        first, second, third = (found.vertices_nm[found.faces[:, at]] for at in range(3))
        assert np.einsum("ij,ij->i", first, np.cross(second, third)).sum() > 1, shape


def test_threads_simplify_each_their_own_mesh():
    meshes = [surface(smooth(seed)) for seed in range(4)]
    alone = [simplify.to(*mesh, 0.2, np.inf) for mesh in meshes]
    switching = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(4) as pool:
            found = pool.map(lambda at: simplify.to(*meshes[at % 4], 0.2, np.inf), range(40))
            for at, one in enumerate(found):
                np.testing.assert_array_equal(one.vertices_nm, alone[at % 4].vertices_nm)
    finally:
        sys.setswitchinterval(switching)


@pytest.mark.parametrize(("share", "distance"), [(0, 1), (1.1, 1), (0.5, -1), (0.5, np.nan)])
def test_a_share_or_a_distance_that_is_none_is_refused(share, distance):
    with pytest.raises(ValueError, match=r"above 0 up to 1"):
        simplify.to(np.zeros((3, 3)), np.zeros((9, 3), np.uint32), share, distance)


@settings(max_examples=examples(200))
@given(st.integers(0, 2**32))
def test_distances_to_a_surface_are_bounds_and_exact_for_a_triangle(seed):
    random = np.random.default_rng(seed)
    corners = random.normal(size=(3, 3)) * random.choice([1, 1e-3, 0], 3)
    faces = np.array([[0, 1, 2]], np.uint32)
    points = random.normal(size=(20, 3))
    found = distances.bounds(points, np.zeros(20, np.int64), corners, faces, np.inf)
    weights = random.dirichlet((0.5, 0.5, 0.5), 5_000)
    inexact = cKDTree(np.concatenate([corners, weights @ corners])).query(points)[0]
    exact = distances.bounds(points, np.zeros(20, np.int64), corners, faces, 0.0)
    assert (exact <= inexact + 1e-6).all() and (inexact <= exact + 0.3).all()
    assert found.max() == exact.max() and (found <= found.max()).all()
    assert np.isinf(distances.bounds(points, np.full(20, -1), corners, faces, 1.0)).all()


def globally(found, level):
    """Triangles of a level, in its whole numbers from the octree's corner."""
    side = 2**found.bits - 1
    parts = [
        (node.vertices.astype(np.int64) + side * np.array(node.position_xyz))[node.faces]
        for node in found.nodes[level]
    ]
    return np.concatenate(parts)


def cancel(triangles):
    """Whether directed edges do, by the positions of their ends."""
    corners = np.unique(triangles.reshape(-1, 3), axis=0, return_inverse=True)[1].reshape(-1, 3)
    return measures.closed(corners.astype(np.uint32), int(corners.max()) + 1)


@settings(max_examples=examples(60))
@given(st.integers(0, 2**32), st.sampled_from([10, 16]), st.sampled_from([40.0, 90.0, 200.0, 1e4]))
def test_levels_are_closed_in_whole_numbers_and_no_triangle_is_in_two_finer_nodes(seed, bits, node):
    vertices, faces = surface(smooth(seed))
    nodes_nm = np.array([node, node * 1.5, node])
    found = levels.of(vertices, faces, nodes_nm, 16.0, 6, bits)
    side, half = 2**bits - 1, 2 ** (bits - 1)
    counts = [sum(len(one.faces) for one in nodes) for nodes in found.nodes]
    assert all(0 < 2 * after <= before for before, after in zip(counts, counts[1:], strict=False))
    doublings = int(np.ceil(np.log2(max((np.ptp(vertices, axis=0) / nodes_nm).max(), 1))))
    assert 1 <= len(found.nodes) <= min(6, 1 + doublings)
    for level, nodes in enumerate(found.nodes):
        assert cancel(globally(found, level))
        places = [one.position_xyz for one in nodes]
        assert len(set(places)) == len(places)
        assert places == sorted(places, key=lambda at: interleaved(*at))
        for one in nodes:
            assert one.vertices.dtype == np.int32
            if not len(one.faces):
                assert level and any(
                    tuple(c >> 1 for c in finer.position_xyz) == one.position_xyz
                    for finer in found.nodes[level - 1]
                )
                continue
            assert one.vertices.min() >= 0 and one.vertices.max() <= side
            if level:
                above = one.vertices[one.faces] > half
                below = one.vertices[one.faces] < half
                assert not (above.any(axis=1) & below.any(axis=1)).any()
        if level:
            parents = {tuple(c >> 1 for c in one.position_xyz) for one in found.nodes[level - 1]}
            assert parents <= set(places)
    scale = np.array(found.node_nm_xyz) / side
    there = globally(found, 0).reshape(-1, 3) * scale + np.array(found.origin_nm_xyz)
    gone = cKDTree(there).query(vertices)[0].max()
    assert gone <= np.linalg.norm(scale) / 2 * 1.01
    assert (
        there.min() >= vertices.min() - scale.max() and there.max() <= vertices.max() + scale.max()
    )


@settings(max_examples=examples(30))
@given(
    st.integers(0, 2**32),
    st.sampled_from([10, 16]),
    st.sampled_from([40.0, 90.0, 200.0]),
    st.sampled_from([30, 200]),
)
def test_nodes_are_the_same_however_many_triangles_are_cut_at_once(seed, bits, node, at_once):
    """To the order of their triangles; what reaches through several nodes is in each."""
    vertices, faces = surface(smooth(seed, 20))
    random = np.random.default_rng(seed)
    long = random.integers(0, len(vertices), (5, 3)).astype(np.uint32)
    asked = vertices, np.concatenate([faces, long]), (node, node, 2 * node), 16.0, 6, bits
    wanted, cut = levels.of(*asked), levels.pieces
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(levels, "AT_ONCE", at_once)
        calls = []
        patch.setattr(levels, "pieces", lambda *given: calls.append(1) or cut(*given))
        found = levels.of(*asked)
    assert len(calls) > len(found.nodes) or sum(map(len, found.nodes)) == len(found.nodes)
    assert found[:4] == wanted[:4]
    for ours, theirs in zip(found.nodes, wanted.nodes, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            assert one.position_xyz == other.position_xyz
            np.testing.assert_array_equal(one.vertices, other.vertices)
            np.testing.assert_array_equal(one.faces, other.faces)


def interleaved(x, y, z):
    return int(
        "".join(
            f"{c:>2}{b:>2}{a:>2}".replace(" ", "")
            for a, b, c in zip(f"{x:020b}", f"{y:020b}", f"{z:020b}", strict=True)
        ),
        2,
    )


@settings(max_examples=examples(300))
@given(st.integers(0, 2**32), st.booleans())
def test_triangles_are_cut_where_nodes_meet_and_what_was_closed_stays_so(seed, halves):
    """Large ones, over many nodes of 4 bits, with corners and sides on the planes too."""
    random = np.random.default_rng(seed)
    bits, side, half = 4, 15, 8
    corners = random.integers(0, 70, (6, 3))
    on_planes = random.random((6, 3)) < 0.4
    corners = np.where(on_planes, corners // side * side, corners)
    hull = np.array([[0, 1, 2], [0, 2, 3], [0, 3, 1], [1, 3, 2], [2, 4, 5], [2, 5, 4]])
    triangles = corners[hull]
    found = levels.pieces(triangles, bits, halves)
    low, high = found.min(axis=1), found.max(axis=1)
    assert (np.where(high > low, (high - 1) // side == low // side, True)).all()
    if halves:
        inside = found - (low // side * side)[:, None]
        crossed = (inside > half).any(axis=1) & (inside < half).any(axis=1)
        assert not (crossed & (high > low)).any()
    assert cancel(found) if len(found) else True
    one = triangles[:1]  # of one alone, the vector area stays, but for what is rounded
    np.testing.assert_allclose(vector(levels.pieces(one, bits, halves)), vector(one), atol=600)


def vector(these):
    return np.cross(these[:, 1] - these[:, 0], these[:, 2] - these[:, 0]).sum(axis=0)
