"""What a lab's runs should have made, and what is there, read without bossflow."""

import json
from pathlib import Path
from typing import Any

import cc3d
import numpy as np
import pyarrow.parquet as pq
import pytest
import tensorstore as ts
from lab import Lab


def read_volume(url: str) -> tuple[np.ndarray, tuple[int, ...], list[float]]:
    """Return a precomputed volume's voxels (ZYX), offset (ZYX) and voxel size (XYZ)."""
    spec = {
        "driver": "neuroglancer_precomputed",
        "kvstore": {"driver": "file", "path": url.removeprefix("file://")},
    }
    store = ts.open(spec).result()[..., 0]
    info = json.loads((Path(url.removeprefix("file://")) / "info").read_text())
    voxels = np.asarray(store.read(order="F").result()).T
    return voxels, store.domain.origin[:3][::-1], info["scales"][0]["resolution"]


def whole(voxels: np.ndarray, connectivity: int, min_voxels: int) -> np.ndarray:
    """Label a whole array with cc3d, drop dust, number the rest 1 to n in order."""
    labels = cc3d.connected_components(voxels, connectivity=connectivity, out_dtype=np.uint32)
    counts = np.bincount(labels.ravel())
    keep = counts >= min_voxels
    keep[0] = False
    lookup = np.where(keep, np.cumsum(keep), 0).astype(np.uint64)
    return lookup[labels]


def expected_rows(voxels: np.ndarray, labels: np.ndarray, corner_zyx: Any) -> list[dict[str, Any]]:
    """Return the component table of a labelled array, in channel coordinates."""
    found = cc3d.statistics(labels.astype(np.uint32))
    first = dict(zip(*np.unique(labels, return_index=True), strict=True))
    rows = []
    for number in range(1, int(labels.max()) + 1):
        box = found["bounding_boxes"][number]
        row = {
            "component_id": number,
            "segment_id": int(voxels.ravel()[first[np.uint64(number)]]),
            "voxel_count": int(found["voxel_counts"][number]),
        }
        for axis, side, low, centre, size in zip(
            "zyx", box, corner_zyx, found["centroids"][number], (30.0, 8.0, 8.0), strict=True
        ):
            row[f"bbox_{axis}0"] = side.start + low
            row[f"bbox_{axis}1"] = side.stop + low
            row[f"centroid_{axis}"] = pytest.approx(float(centre) + low, rel=1e-12)
            row[f"centroid_{axis}_nm"] = pytest.approx((float(centre) + low) * size, rel=1e-12)
        rows.append(row)
    return rows


def check(lab: Lab, request: dict[str, Any], labels: np.ndarray, corner_zyx: Any) -> None:
    """Compare volume, component rows and Parquet of a request with a whole-array labelling."""
    assert request["state"] == "complete"
    volume, offset, voxel_size_xyz = read_volume(request["volume"])
    start = [low - o for low, o in zip(corner_zyx, offset, strict=True)]
    inside = tuple(slice(s, s + n) for s, n in zip(start, labels.shape, strict=True))
    np.testing.assert_array_equal(volume[inside], labels)
    assert np.count_nonzero(volume) == np.count_nonzero(labels)
    assert voxel_size_xyz == [8, 8, 30]
    assert request["n_components"] == labels.max()
    rows = json.loads(lab.bossflow("components", request["request"], "--format", "json"))
    low = [corner for corner in corner_zyx]
    cut = tuple(
        slice(a - o, a - o + n) for a, o, n in zip(low, lab.offset_zyx, labels.shape, strict=True)
    )
    assert rows == expected_rows(lab.voxels[cut], labels, low)
    table = pq.read_table(request["components"].removeprefix("file://"))
    assert table.num_rows == len(rows)


class Store:
    """What bundles say, by process and block; those of one request where there are several."""

    def __init__(self, store: Path, request: str) -> None:
        found = [json.loads(path.read_text()) for path in store.glob("*/*/*/bundle.json")]
        self.store = store
        self.manifests = {
            (one["process"], one["key"].get("block", "")): one
            for one in found
            if one["key"].get("request_id", request) == request
        }

    @property
    def content(self) -> dict[tuple[str, str], str]:
        return {name: one["content_sha256"] for name, one in self.manifests.items()}

    @property
    def taken(self) -> list[str]:
        """Blocks whose chunks were not computed."""
        return sorted(block for (_, block), one in self.manifests.items() if "taken_from" in one)

    def files(self, block: str) -> list[Path]:
        files = self.manifests["RELABEL_BLOCK", block]["files"]
        return [self.store / entry["path"] for entry in files]
