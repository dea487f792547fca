"""The workflow mesh a step at a time in the test's process, and how its meshes are read."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import DracoPy
import numpy as np
import tensorstore as ts
from collect_meshes import collect_meshes
from index_surfaces import index_surfaces
from making import Downsampling
from mesh_bucket import mesh_bucket
from pull_block import pull_block
from surface_block import surface_block


class Meshing(Downsampling):
    """A volume on disk whose segments are meshed."""

    workflow = "mesh"
    programs = {
        "PULL_BLOCK": pull_block,
        "SURFACE_BLOCK": surface_block,
        "INDEX_SURFACES": index_surfaces,
        "MESH_BUCKET": mesh_bucket,
        "COLLECT_MESHES": collect_meshes,
    }


def mesh_set(run: dict[str, Any]) -> dict[str, Any]:
    """Return the one request of a run: its rows of `MeshIndex` and `MeshSet`."""
    from bossflow import MeshIndex, MeshSet

    (request,) = run["plan"]["requests"]
    row: dict[str, Any] = (MeshIndex * MeshSet & {"request_id": request}).fetch1()
    return row


def rows(run: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the database says of each mesh of a run's one request, by segment id."""
    from bossflow import MeshSet

    (request,) = run["plan"]["requests"]
    found: list[dict[str, Any]] = (MeshSet.Mesh & {"request_id": request}).to_dicts(
        order_by="meshed_segment_id"
    )
    return found


def directory_of(run: dict[str, Any]) -> Path:
    """Return the directory of a run's meshes."""
    return Path(mesh_set(run)["meshes"].removeprefix("file://"))


def files(run: dict[str, Any]) -> dict[str, bytes]:
    """Return what the directory of a run's meshes holds, by path."""
    directory = directory_of(run)
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


Surface = tuple[np.ndarray, np.ndarray]
"""Vertices in nm, XYZ, and faces."""


def finest(directory: Path, segment: int) -> Surface | None:
    """Read the finest level of a mesh by the format's own words; None if there is none.

    Manifests are found by tensorstore's reader of shards. The data are before them, which it can't
    say: they are found by what stands there.
    """
    about = json.loads((directory / "info").read_text())
    assert about["@type"] == "neuroglancer_multilod_draco"
    kvstore = {
        "driver": "neuroglancer_uint64_sharded",
        "base": {"driver": "file", "path": f"{directory}/"},
        "metadata": about["sharding"],
    }
    answer = ts.KvStore.open(kvstore).result().read(segment.to_bytes(8, "big")).result()
    if answer.state != "value":
        return None
    manifest = answer.value
    node, origin, levels = _parsed(manifest)
    (shard,) = [
        path.read_bytes() for path in directory.glob("*.shard") if manifest in path.read_bytes()
    ]
    end = shard.index(manifest) - sum(int(sizes.sum()) for _, sizes in levels)
    vertices, faces, total = [], [], 0
    step = node.astype(np.float64) / (2 ** about["vertex_quantization_bits"] - 1)
    for position, size in zip(levels[0][0], levels[0][1].tolist(), strict=True):
        if size:
            part = DracoPy.decode(shard[end : end + size])
            vertices.append(part.points * step + origin + position * node)
            faces.append(part.faces + total)
            total += len(part.points)
        end += size
    return np.concatenate(vertices), np.concatenate(faces)


def _parsed(manifest: bytes) -> tuple[np.ndarray, np.ndarray, list[Surface]]:
    """Return shape and origin of the octree, and of each level places and bytes of its nodes."""
    node, origin = np.frombuffer(manifest, "<f4", 6).reshape(2, 3)
    n_levels = int(np.frombuffer(manifest, "<u4", 1, 24)[0])
    at = 28 + 16 * n_levels
    numbers = np.frombuffer(manifest, "<u4", n_levels, at)
    at, levels = at + 4 * n_levels, []
    for number in numbers.tolist():
        positions = np.frombuffer(manifest, "<u4", 3 * number, at).reshape(3, -1).T
        levels.append((positions, np.frombuffer(manifest, "<u4", number, at + 12 * number)))
        at += 16 * number
    assert at == len(manifest)
    return node, origin, levels


def levels_in(directory: Path) -> Iterator[tuple[int, list[Surface]]]:
    """Yield each segment of all shards with its levels, vertices as whole numbers on their grid.

    By the format's own words: a shard's lists of manifests, and data right before each.
    """
    about = json.loads((directory / "info").read_text())
    first = 16 << about["sharding"]["minishard_bits"]
    side = 2 ** about["vertex_quantization_bits"] - 1
    for path in sorted(directory.glob("*.shard")):
        content = path.read_bytes()
        for start, end in np.frombuffer(content[:first], "<u8").reshape(-1, 2).tolist():
            steps = np.frombuffer(content[first + start : first + end], "<u8").reshape(3, -1)
            segment, place = 0, first
            for step, gap, size in steps.T.tolist():
                segment, place = segment + step, place + gap
                _, _, levels = _parsed(content[place : place + size])
                at = place - sum(int(sizes.sum()) for _, sizes in levels)
                yield (
                    segment,
                    [_level(content[at:place], levels, one, side) for one in range(len(levels))],
                )
                place += size


def _level(data: bytes, levels: list[Surface], one: int, side: int) -> Surface:
    """Return one level of a mesh's data."""
    at, total = sum(int(sizes.sum()) for _, sizes in levels[:one]), 0
    vertices, faces = [], []
    for position, size in zip(*levels[one], strict=True):
        if size:
            part = DracoPy.decode(data[at : at + int(size)])
            vertices.append(part.points.astype(np.int64) + position.astype(np.int64) * side)
            faces.append(part.faces + total)
            total += len(part.points)
        at += int(size)
    return np.concatenate(vertices), np.concatenate(faces)


def closed_volume(surface: Surface) -> float:
    """Return the volume within a surface (nm^3), which must be closed where it is welded."""
    vertices, faces = surface
    welded = np.unique(np.round(vertices, 3), axis=0, return_inverse=True)[1].reshape(-1)[faces]
    welded = welded[(welded != np.roll(welded, 1, 1)).all(axis=1)]
    edges = np.concatenate([welded[:, [a, (a + 1) % 3]] for a in range(3)])
    assert sorted(map(tuple, edges.tolist())) == sorted(map(tuple, edges[:, ::-1].tolist()))
    p, q, r = (vertices[faces[:, at]] for at in range(3))
    return float(np.einsum("ij,ij->i", p, np.cross(q, r)).sum() / 6)
