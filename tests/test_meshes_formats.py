"""Meshes as files: what other programs read of them is what was written."""

import json
from io import BytesIO
from pathlib import Path

import DracoPy
import numpy as np
import pytest
import tensorstore as ts
import trimesh
from conftest import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from making import write_precomputed
from meshing import Meshing, rows
from test_meshes_exact import blockwise, volume
from test_meshes_simplified import NM, smooth, surface
from voxels import mesh_reading
from voxels.meshes import (
    draco,
    gathered,
    info,
    levels,
    manifest,
    nodes,
    shard,
    simplify,
    single,
    triangles,
)

INT32 = 5
"""Draco's name of the only whole numbers that Neuroglancer takes for positions."""

IDS = st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=60, unique=True)


def as_set(vertices, faces):
    """Triangles by positions, each from its lowest corner on, sorted."""
    corners = np.asarray(vertices).astype(np.int64)[np.asarray(faces)].tolist()
    turned = [min(face[at:] + face[:at] for at in range(3)) for face in corners]
    return sorted(turned)


@settings(max_examples=examples(200))
@given(st.integers(0, 2**32), st.sampled_from([10, 16]))
def test_draco_gives_back_whole_numbers_and_triangles_with_their_direction(seed, bits):
    """Also where more than two triangles meet at an edge, or one stands there twice."""
    random = np.random.default_rng(seed)
    number = int(random.integers(3, 40))
    vertices = np.unique(random.integers(0, 2**bits, (number, 3)), axis=0).astype(np.int32)
    faces = np.array([random.permutation(len(vertices))[:3] for _ in range(number)], np.uint32)
    content = draco.encode(vertices, faces)
    assert content == draco.encode(vertices, faces)
    found = DracoPy.decode(content)
    assert found.attributes[0]["data_type"] == INT32
    assert as_set(found.points, found.faces) == as_set(vertices, faces)


def parsed(content):
    """Read a manifest as its format's page tells."""
    file = BytesIO(content)

    def numbers(dtype, *shape):
        array = np.frombuffer(file.read(4 * int(np.prod(shape))), dtype)
        return array.reshape(shape)

    node, origin = numbers("<f4", 3), numbers("<f4", 3)
    (count,) = numbers("<u4", 1)
    scales, offsets = numbers("<f4", count), numbers("<f4", count, 3)
    nodes = [(numbers("<u4", 3, n).T, numbers("<u4", n)) for n in numbers("<u4", count)]
    assert not file.read()
    return node, origin, scales, offsets, nodes


@settings(max_examples=examples(60))
@given(st.integers(0, 2**32), st.sampled_from([60.0, 200.0, 5000.0]))
def test_a_mesh_in_levels_is_read_back_node_by_node(seed, node):
    vertices, faces = surface(smooth(seed))
    found = levels.of(vertices, faces, (node, node, node), 40.0, 5)
    data, about = manifest.encoded(found)
    shape, origin, scales, offsets, nodes = parsed(about)
    assert shape.tolist() == list(found.node_nm_xyz) and origin.tolist() == list(
        found.origin_nm_xyz
    )
    assert scales.tolist() == found.scales_nm and not offsets.any()
    place = 0
    for (places, sizes), wanted in zip(nodes, found.nodes, strict=True):
        for position, size, one in zip(places.tolist(), sizes.tolist(), wanted, strict=True):
            assert tuple(position) == one.position_xyz
            part = data[place : place + size]
            place += size
            if size:
                mesh = DracoPy.decode(part)
                assert as_set(mesh.points, mesh.faces) == as_set(one.vertices, one.faces)
            else:
                assert not len(one.faces)
    assert place == len(data)


@settings(max_examples=examples(15))
@given(st.integers(0, 2**32))
def test_of_a_mesh_in_a_shard_that_level_is_read_back_that_has_detail_enough(
    tmp_path_factory, seed
):
    vertices, faces = surface(smooth(seed))
    found = levels.of(vertices, faces, (60.0, 60.0, 60.0), 40.0, 5)
    data, about = manifest.encoded(found)
    directory = Path(tmp_path_factory.mktemp("shards"))
    sharding = shard.Sharding(1)
    others = [(at, b"#" * 9, b"%d" % at) for at in range(100) if at != 7]
    meshes = {one[0]: one for one in [*others, (7, data, about)]}
    there = np.flatnonzero(sharding.shards([*range(100)]) == sharding.shards([7])[0])
    there = there[sharding.order(there)]
    path = directory / sharding.name(int(sharding.shards([7])[0]))
    shard.write(path, [meshes[at] for at in there.tolist()], sharding)
    (directory / "info").write_text(json.dumps(info.of(found.bits, sharding)))

    def read(name, start, end):
        return (directory / name).read_bytes()[start:end]

    _, _, _, _, nodes = parsed(about)
    sizes = [int(lengths.sum()) for _, lengths in nodes]
    for level, size in enumerate(sizes):
        points, corners = mesh_reading.pictured(read, 7, size, size)
        step = np.array(found.node_nm_xyz) * 2**level / (2**found.bits - 1)
        grid = np.rint((points - found.origin_nm_xyz) / step)
        side = 2**found.bits - 1
        wanted = [
            triangle
            for one in found.nodes[level]
            for triangle in as_set(one.vertices + np.array(one.position_xyz) * side, one.faces)
        ]
        assert as_set(grid, corners) == sorted(wanted)
    assert as_set(*mesh_reading.finest(read, 7)) == as_set(
        *mesh_reading.pictured(read, 7, sizes[0] + 1)
    )
    with pytest.raises(ValueError, match="too large for a picture"):
        mesh_reading.pictured(read, 7, sizes[-1], sizes[-1] - 1)


def read_shard(directory, sharding, segment_id):
    """The manifest of a mesh through tensorstore, its data from right before it."""
    spec = {
        "driver": "neuroglancer_uint64_sharded",
        "base": {"driver": "file", "path": f"{directory}/"},
        "metadata": sharding.metadata,
    }
    found = ts.KvStore.open(spec).result().read(segment_id.to_bytes(8, "big")).result()
    return found.value if found.state == "value" else None


@settings(max_examples=examples(200))
@given(IDS, st.integers(0, 6), st.integers(0, 6))
def test_tensorstore_finds_in_shards_what_was_written_there(tmp_path_factory, ids, bits, lists):
    directory = Path(tmp_path_factory.mktemp("shards"))
    sharding = shard.Sharding(bits, lists)
    array = np.array(ids, np.uint64)
    for number in set(sharding.shards(array).tolist()):
        there = array[sharding.shards(array) == number]
        meshes = [(at, b"#" * (at % 7), b"%d" % at) for at in there[sharding.order(there)].tolist()]
        path = directory / sharding.name(number)
        shard.write(path, meshes, sharding)
        content = path.read_bytes()
        for segment_id, data, about in meshes:
            assert read_shard(directory, sharding, segment_id) == about
            assert content.find(data + about) >= 16 << lists
        if len(meshes) > 1:
            with pytest.raises(ValueError, match="out of order"):
                shard.write(path, meshes[::-1], sharding)
    assert read_shard(directory, sharding, (max(ids) + 1) % 2**64) in (
        None,
        b"%d" % ((max(ids) + 1) % 2**64),
    )


@settings(max_examples=examples(20))
@given(
    st.integers(0, 2**32), st.lists(st.tuples(*[st.integers(3, 12)] * 3), min_size=3, max_size=3)
)
def test_files_are_identical_for_three_cuttings(tmp_path_factory, seed, cuttings):
    labels = volume(seed)
    sharding = shard.Sharding(1)
    made = []
    for sides in cuttings:
        merged = gathered.united(blockwise(labels, sides))
        path = Path(tmp_path_factory.mktemp("meshes")) / "all"
        files = []
        for number in range(2):
            at = np.flatnonzero(sharding.shards(merged.segment_ids) == number)
            at = at[sharding.order(merged.segment_ids[at])]
            shard.write(
                path, ((int(merged.segment_ids[n]), *mesh(merged, n)) for n in at), sharding
            )
            files.append(path.read_bytes())
        made.append(files)
    assert made[0] == made[1] == made[2]


def mesh(merged, at):
    vertices, faces = triangles.of(merged.segment(at), merged.shape_zyx)
    simple = simplify.to(vertices * NM, faces, 0.2, 30.0)
    return manifest.encoded(
        levels.of(simple.vertices_nm, simple.faces, (100.0, 100.0, 100.0), 40.0, 3)
    )


@pytest.mark.parametrize("form", single.FORMATS)
def test_trimesh_reads_single_files(form):
    vertices, faces = surface(smooth(5))
    content = single.encoded(vertices, faces, form)
    found = trimesh.load(BytesIO(content), file_type=form, force="mesh", process=False)
    assert as_set(2 * found.vertices, found.faces) == as_set(2 * vertices, faces)


def test_a_legacy_mesh_is_as_its_format_says():
    vertices, faces = surface(smooth(6))
    content = single.legacy(vertices, faces)
    count = int(np.frombuffer(content, "<u4", 1)[0])
    points = np.frombuffer(content, "<f4", 3 * count, 4).reshape(-1, 3)
    np.testing.assert_array_equal(points, vertices)
    np.testing.assert_array_equal(
        np.frombuffer(content, "<u4", -1, 4 + 12 * count).reshape(-1, 3), faces
    )
    assert json.loads(single.legacy_manifest("7:0:a")) == {"fragments": ["7:0:a"]}
    assert info.legacy() == {"@type": "neuroglancer_legacy_mesh"}
    assert info.of(16, shard.Sharding(3))["sharding"]["shard_bits"] == 3


@pytest.mark.parametrize(("side", "fits"), [(1024.0, True), (1024.02, False)])
def test_a_mesh_is_as_long_as_its_positions_are_told(monkeypatch, side, fits):
    """Of what is refused before there is a mesh, none can be made, and of what is not, it can."""
    monkeypatch.setattr(nodes, "_LONGEST", 2**18)
    cubes = gathered.of_block(np.full((1, 2, 2), 7, np.uint8))
    one = triangles.Surface(cubes.segment(0), cubes.shape_zyx)
    _, vertices, faces = one.slab(0, one.n_planes)
    sides = np.array([1, 1, side])
    for refuse in (
        lambda: nodes.check(sides, nodes.step_nm([nodes.side_nm(sides)] * 3)),
        lambda: levels.of(vertices * (sides / 2), faces, (256.0,) * 3, side, 1),
    ):
        if fits:
            refuse()
            continue
        with pytest.raises(ValueError, match="is too long for levels of detail: .*, 1024.0"):
            refuse()


def test_voxels_too_long_for_levels_of_detail_are_refused(home, tmp_path, monkeypatch):
    meshing = Meshing(tmp_path, monkeypatch)
    voxels = np.full((1, 2, 2), 7, np.uint8)
    uris = {
        side: f"precomputed://{write_precomputed(tmp_path / str(side), voxels, **scale)}"
        for side in (8388735, 8388736)
        for scale in [{"kind": "segmentation", "resolution": [1, 1, side]}]
    }
    problem = meshing.make(source=uris[8388736])["plan"]["problem"]
    assert "multires in the parameters, of precomputed" in problem and "choose legacy" in problem
    assert "1,1,8388736 nm (x,y,z) is too long for levels" in problem
    assert not meshing.store.exists()
    done = meshing.make(source=uris[8388736], mesh_format="legacy", keep=1)
    assert done["verdict"] == {"missing": None}, done["summary"]
    assert [row["is_closed"] for row in rows(done)] == [1]
    assert meshing.plan(source=uris[8388735], stage=False)[0]["problem"] is None
