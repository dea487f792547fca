"""Subjects as they are asked for: headers, gradients and labels are looked at; nothing runs."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from kit.faults import Faults
from kit.texts import one_line

from . import gradients, masks, nifti, places

FILES = ("dwi", "bvals", "bvecs", "segmentation")
AT_ONCE = 8

TEXT_MOST = 2**20
"""Bytes of a file of b-values or directions."""

VOXELS_MOST = 2**27
"""Of an image or a segmentation: 512^3."""


def described(rows: Iterable[Mapping[str, Any]], faults: Faults) -> list[dict[str, Any]]:
    """Return subjects that are asked for, with what their files say.

    Parameters
    ----------
    rows : iterable of mapping
        As `kit.rows` gives them, by the parameters of workflow `tractography`.
    faults : Faults
        To be told of rows of which something is not there or can't be used.

    Returns
    -------
    list of dict
        Each row, with `files` (of each of `FILES` its `path`, `bytes`, and `sha256` or, of an image
        that lies elsewhere, the `tag` that its server gives), `shape_xyz`, `n_volumes`,
        `voxel_bytes`, `label_voxels` (of the segmentation) and `shell`, the
        b-value (s/mm²) that is fitted.
    """
    rows = [*rows]
    named: dict[str, str] = {}
    for row in rows:
        if row["subject"] is not None:
            first = named.setdefault(row["subject"], row["where"])
            if first != row["where"]:
                faults.add(row["where"], f"{row['where']} has the subject of {first}: give another")

    def told(row: Mapping[str, Any]) -> dict[str, Any] | None:
        with faults.of(row["where"]):
            try:
                return dict(row) | _described(row)
            except ValueError as error:
                raise ValueError(f"{row['where']}: {error}") from None
        return None

    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(told, (row for row in rows if row["where"] not in faults)))
    return [row for row in found if row]


def _described(row: Mapping[str, Any]) -> dict[str, Any]:
    names = {name: f"{name} {one_line(row[name])}" for name in FILES}
    with places.opened(row["dwi"]) as file:
        files = {"dwi": places.known(file, row["dwi"], names["dwi"])}
        with nifti.unpacked(file.stream, names["dwi"]) as content:
            head = nifti.header(content.read(540), names["dwi"])
    *shape, n_volumes = head.shape
    if shape[0] * shape[1] * shape[2] > VOXELS_MOST:
        raise ValueError(f"{names['dwi']} has more than {VOXELS_MOST:,} voxels: cut it")
    texts = {}
    for name in ("bvals", "bvecs"):
        raw = places.whole(row[name], TEXT_MOST, names[name])
        files[name] = _known(row[name], raw)
        try:
            texts[name] = raw.decode("ascii")
        except UnicodeDecodeError:
            raise ValueError(f"{names[name]} is no text: give one as FSL writes it") from None
    of_texts = names["bvals"], names["bvecs"]
    found = gradients.parsed(texts["bvals"], texts["bvecs"], n_volumes, of_texts)
    b_value = gradients.shell(found, row["b_value"], row["sh_order"], of_texts)
    raw = places.whole(row["segmentation"], 8 * VOXELS_MOST, names["segmentation"])
    files["segmentation"] = _known(row["segmentation"], raw)
    labels = masks.read(io.BytesIO(raw), names["segmentation"])
    masks.check(
        labels,
        head.affine,
        (shape[0], shape[1], shape[2]),
        row["white_matter_labels"],
        names["segmentation"],
    )
    return {
        "files": files,
        "shape_xyz": shape,
        "n_volumes": n_volumes,
        "voxel_bytes": head.dtype.itemsize,
        "shell": b_value,
        "label_voxels": labels.values.size,
    }


def _known(path: str, content: bytes) -> dict[str, Any]:
    sha256 = hashlib.sha256(content).hexdigest()
    return {"path": path, "bytes": len(content), "sha256": sha256}
