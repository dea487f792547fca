"""Surfaces are the same whatever the blocks: cubes, triangles, measures, and files of cubes."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from conftest import SHARED, examples
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from skimage.measure import marching_cubes
from voxels.boxes import Box, grid
from voxels.meshes import (
    cases,
    cells,
    cube_files,
    cubes,
    gathered,
    measures,
    simplify,
    triangles,
)
from voxels.meshes.shard import Sharding

VOXEL_XYZ = (16.0, 16.0, 40.0)


def volume(seed):
    """A few segments, in blobs or as noise, with ids of one to eight bytes."""
    random = np.random.default_rng(seed)
    shape = tuple(random.integers(1, 13, 3).tolist())
    coarse = random.integers(0, random.integers(2, 6), shape)
    side = int(random.integers(1, 4))
    labels = np.kron(coarse, np.ones((side,) * 3, np.int64))[tuple(slice(n) for n in shape)]
    dtype = random.choice([np.uint8, np.uint16, np.uint32, np.uint64])
    ids = np.unique(random.integers(1, np.iinfo(dtype).max, 50, dtype, endpoint=True))[-5:]
    return np.concatenate([[0], ids]).astype(dtype)[labels]


def blockwise(labels, sides, corner=(0, 0, 0)):
    """Each block of a grid, and its cubes, of which it sees its own voxels alone."""
    boxes = grid(Box.of(corner, labels.shape), sides, corner)
    return [(box, gathered.of_block(labels[box.slices(corner)])) for box in boxes]


def surfaces(found):
    return [
        triangles.of(found.segment(at), found.shape_zyx) for at in range(len(found.segment_ids))
    ]


def directed_edges_cancel(faces):
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).astype(np.int64)
    there = np.sort(edges[:, 0] << 32 | edges[:, 1])
    return np.array_equal(there, np.sort(edges[:, 1] << 32 | edges[:, 0]))


@settings(max_examples=examples(200))
@given(
    st.integers(0, 2**32), st.lists(st.tuples(*[st.integers(1, 12)] * 3), min_size=5, max_size=5)
)
def test_vertices_and_faces_are_equal_in_number_value_and_order_for_any_cutting(seed, cuttings):
    labels = volume(seed)
    one = gathered.of_block(labels)
    assert one.segment_ids.tolist() == sorted(set(labels.ravel().tolist()) - {0})
    expected = surfaces(one)
    for sides in cuttings:
        parts = blockwise(labels, sides, (3, -5, 70))
        np.random.default_rng(seed).shuffle(parts)
        merged = gathered.united(parts)
        for found, wanted in zip(merged[:3], one[:3], strict=True):
            np.testing.assert_array_equal(found, wanted)
        for found, wanted in zip(surfaces(merged), expected, strict=True):
            np.testing.assert_array_equal(found[0], wanted[0])
            np.testing.assert_array_equal(found[1], wanted[1])


@settings(max_examples=examples(300))
@given(st.integers(0, 2**32))
def test_each_surface_is_closed_around_its_voxels_and_has_the_vertices_of_scikit_image(seed):
    labels = volume(seed)
    one = gathered.of_block(labels)
    for segment_id, (vertices, faces) in zip(one.segment_ids, surfaces(one), strict=True):
        inside = np.pad(labels == segment_id, 1)
        other = marching_cubes(inside.astype(np.float32), 0.5, method="lorensen")
        theirs = np.rint(2 * other[0]).astype(np.int64)[:, ::-1] - 1  # voxel 0's middle is 1 for us
        assert sorted(map(tuple, theirs)) == sorted(map(tuple, vertices))
        assert directed_edges_cancel(faces)
        number = np.unique(np.sort(faces, axis=1), axis=0)
        assert len(number) == len(faces)
        found = measures.of(vertices, faces, VOXEL_XYZ)
        assert found.closed
        corners = vertices[faces] * np.array(VOXEL_XYZ) / 2
        signed = np.linalg.det(corners - vertices[0] * np.array(VOXEL_XYZ) / 2).sum() / 6
        sides = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        np.testing.assert_allclose(found.volume_nm3, signed, rtol=1e-9)
        np.testing.assert_allclose(
            found.area_nm2, np.linalg.norm(sides, axis=1).sum() / 2, rtol=1e-9
        )
        assert 0 < found.volume_nm3 <= inside.sum() * np.prod(VOXEL_XYZ)


@settings(max_examples=examples(100))
@given(st.integers(0, 2**32), st.integers(1, 300))
def test_slabs_are_the_whole_surface(seed, n_faces):
    """In vertices, triangles and measures; each slab has its own and those right before."""
    one = gathered.of_block(volume(seed))
    for at in range(len(one.segment_ids)):
        surface = triangles.Surface(one.segment(at), one.shape_zyx)
        vertices, faces = triangles.of(one.segment(at), one.shape_zyx)
        slabs = list(surface.slabs(n_faces))
        assert (surface.n_vertices, surface.n_faces) == (len(vertices), len(faces))
        for slab in slabs:
            there = vertices[slab.first : slab.first + len(slab.vertices)]
            np.testing.assert_array_equal(slab.vertices, there)
        found = np.concatenate([slab.faces + np.int64(slab.first) for slab in slabs])
        np.testing.assert_array_equal(found, faces)
        whole = measures.of(vertices, faces, VOXEL_XYZ)
        assert measures.of_slabs(slabs, VOXEL_XYZ) == whole and whole.closed
        some = seed % len(slabs)
        if len(slabs[some].faces):
            slabs[some] = slabs[some]._replace(faces=slabs[some].faces[1:])
            assert not measures.of_slabs(slabs, VOXEL_XYZ).closed


@settings(max_examples=examples(10))
@given(st.integers(0, 2**32), st.sampled_from([100.0, 160.0, 410.0]))
def test_cells_of_a_surface_in_slabs_are_those_of_the_whole(seed, cell_nm):
    """Simplified they are the same to the bit, and never there all at once."""
    random = np.random.default_rng(seed)
    labels = (gaussian_filter(random.random((24, 20, 22)), 2) > 0.5).astype(np.uint8)
    one = gathered.of_block(labels)
    surface = triangles.Surface(one.cubes, one.shape_zyx)
    vertices, faces = triangles.of(one.cubes, one.shape_zyx)
    corner = 2 * random.integers(-99, 99, 3)
    points = (vertices + corner) * (np.array(VOXEL_XYZ) / 2)
    wanted = simplify.to(points, faces, 0.2, 20.0, 700, cell_nm)
    pieces = list(cells.of_surface(surface, corner, VOXEL_XYZ, cell_nm))
    for piece in pieces:
        place = np.floor(piece[2] / cell_nm).astype(np.int64)[piece[3]].min(axis=1)
        assert (place == piece[0]).all()
    assert sum(len(piece[3]) for piece in pieces) == len(faces) and len(pieces) > 1
    found = simplify.of_cells(pieces, 0.2, 20.0, 700, cell_nm)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_table_gives_two_cubes_the_same_lines_on_the_face_between_them():
    """For each pair of cases that can be neighbours, along each axis; and 820 triangles in all."""
    assert cases.FACE_COUNT.sum() == 820 and cases.FACE_COUNT.max() == 5
    edges = [[] for _ in range(256)]
    for case in range(256):
        for face in cases.FACE_EDGES[case, : cases.FACE_COUNT[case]].tolist():
            edges[case] += [(face[at], face[(at + 1) % 3]) for at in range(3)]
    for axis, bit in enumerate((1, 2, 4)):
        near = [
            number
            for number, (along, corner) in enumerate(cases.EDGES)
            if along != axis and not corner & bit
        ]
        far = [cases.EDGES.index((cases.EDGES[n][0], cases.EDGES[n][1] | bit)) for n in near]
        moved = dict(zip(near, far, strict=True))
        for low, high in product(range(256), repeat=2):
            if any((low >> (c | bit) & 1) != (high >> c & 1) for c in range(8) if not c & bit):
                continue
            here = [edge for edge in edges[low] if set(edge) <= set(far)]
            there = [(moved[b], moved[a]) for a, b in edges[high] if {a, b} <= set(near)]
            # diagonals in the face cancel within their own cube
            ours = [edge for edge in here if edge[::-1] not in here]
            assert sorted(ours) == sorted(edge for edge in there if edge[::-1] not in there)


@settings(max_examples=examples(100))
@given(st.integers(0, 2**32), st.integers(0, 4))
def test_files_of_cubes_give_back_each_bucket_by_itself(tmp_path_factory, seed, bits):
    labels = volume(seed)
    one, sharding = gathered.of_block(labels), Sharding(bits)
    path = Path(tmp_path_factory.mktemp("cubes")) / "cubes.arrow"
    slices = cube_files.write(path, one, sharding)
    shards, content = sharding.shards(one.segment_ids), path.read_bytes()
    assert [own.bucket for own in slices] == sorted(set(shards.tolist()))
    for own in slices:
        found = cube_files.read(content[own.start : own.end], one.shape_zyx, own.digest)
        places = np.flatnonzero(shards == own.bucket)
        assert found.segment_ids.tolist() == one.segment_ids[places].tolist()
        assert own.n_cubes == len(found.cubes)
        for at, place in enumerate(places):
            np.testing.assert_array_equal(found.segment(at), one.segment(place))


def test_a_slice_of_a_file_that_is_damaged_is_refused(tmp_path):
    """Whatever byte is another: what is read is what was written, or an error."""
    one = gathered.of_block(volume(3))
    (own,) = cube_files.write(tmp_path / "cubes.arrow", one, Sharding(0))
    content = (tmp_path / "cubes.arrow").read_bytes()[own.start : own.end]
    refused = 0
    for at in range(len(content)):
        damaged = bytearray(content)
        damaged[at] ^= 1 << at % 8
        try:
            found = cube_files.read(bytes(damaged), one.shape_zyx, own.digest)
        except ValueError as error:
            refused += "are damaged" in str(error)
        else:
            np.testing.assert_array_equal(found.cubes, one.cubes)
            np.testing.assert_array_equal(found.segment_ids, one.segment_ids)
    assert refused > len(content) // 2
    for some in (b"", content[:-9], content[9:]):
        with pytest.raises(ValueError, match="are damaged"):
            cube_files.read(some, one.shape_zyx, own.digest)


def test_a_volume_may_have_almost_2_55_voxels():
    """Positions and coordinates of a corner that is far away; steps of seven bytes in the file."""
    shape = (2**17, 2**18, 2**18)
    at = [side - 1 for side in shape]
    found = cubes.of(np.pad(np.ones((1, 1, 1), np.uint8), 1), [n - 1 for n in at], shape)
    vertices, faces = triangles.of(found.segment(0), shape)
    assert vertices.mean(axis=0).tolist() == [2 * n + 1 for n in at[::-1]]
    assert measures.of(vertices, faces, (1, 1, 1)) == (np.sqrt(3), 1 / 6, True)


def test_what_is_not_cubes_of_one_whole_is_refused(tmp_path):
    labels = np.pad(np.ones((4, 4, 4), np.uint32), 1)
    one = cubes.of(labels, (-1, -1, -1), (4, 4, 4))
    with pytest.raises(ValueError, match="missing"):
        triangles.of(np.delete(one.cubes, 30), (4, 4, 4))
    with pytest.raises(ValueError, match="too many voxels"):
        gathered.united([(Box.of(corner, (4, 4, 4)), one) for corner in ([0] * 3, [2**20] * 3)])
    with pytest.raises(ValueError, match="leaves"):
        cubes.of(labels, (0, 0, 0), (4, 4, 4))
    with pytest.raises(ValueError, match="unsigned"):
        cubes.of(labels.astype(np.int32), (-1, -1, -1), (4, 4, 4))
    with pytest.raises(ValueError, match="2\\^55"):
        cubes.of(labels, (-1, -1, -1), (2**20, 2**20, 2**20))
    with pytest.raises(ValueError, match="does not fit"):
        measures.of(np.array([[0, 0, 0], [9, 0, 0], [0, 9, 0]]), np.array([[0, 1, 2]]), (1, 1, 1))


def test_an_open_surface_is_told_from_a_closed_one():
    found = gathered.of_block(np.ones((2, 2, 2), np.uint8))
    vertices, faces = surfaces(found)[0]
    assert measures.closed(faces, len(vertices))
    for missing in range(len(faces)):
        assert not measures.closed(np.delete(faces, missing, axis=0), len(vertices))
    turned = faces.copy()
    turned[0] = turned[0, ::-1]
    assert not measures.closed(turned, len(vertices))
    assert measures.closed(np.concatenate([faces, faces]), len(vertices))


@pytest.mark.shared
def test_surfaces_of_the_real_sample_are_closed_and_have_no_more_than_their_voxels():
    import gzip

    import crackle

    packed = gzip.decompress((SHARED / "data" / "connectomics.npy.ckl.gz").read_bytes())
    labels = np.ascontiguousarray(crackle.decompress(packed)[200:264, 300:364, 100:164])
    one = gathered.of_block(labels)
    merged = gathered.united(blockwise(labels, (40, 33, 64)))
    np.testing.assert_array_equal(one.cubes, merged.cubes)
    assert len(one.segment_ids) > 10
    for segment_id, (vertices, faces) in zip(one.segment_ids, surfaces(one), strict=True):
        found = measures.of(vertices, faces, (1, 1, 1))
        assert found.closed and 0 < found.volume_nm3 < (labels == segment_id).sum()
