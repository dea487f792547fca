"""What the programs make of one fixed volume, pinned to the method version that made it."""

import hashlib

import numpy as np
from bossflow.workflows.label import VERSION
from stitching import links_of, stitched
from voxels.boxes import Box, grid
from voxels.encoding import EncodedLabels, chunks_of
from voxels.labelling import label_block, surface

# Method version to digests of what LABEL_BLOCK, LINK_BLOCK (since 2.0), STITCH and RELABEL_BLOCK
# make. Where one changes, raise the version in bossflow/workflows/label and add a line here;
# never mend a line.
GOLDEN = {
    "1.1": ("c5e1f02821f9b445", "14e91fe659cf5cac", "29cbb7de2994b1e7"),
    "2.0": ("c5e1f02821f9b445", "e3a641b0f79ea8f5", "14e91fe659cf5cac", "25a8c605cdc072a4"),
}


def digest(*arrays: np.ndarray) -> str:
    """Hash values and shapes, whatever the integers' width."""
    found = hashlib.sha256()
    for array in arrays:
        wide = array.astype("<f8" if array.dtype.kind == "f" else "<u8")
        found.update(str(array.shape).encode() + np.ascontiguousarray(wide).tobytes())
    return found.hexdigest()[:16]


def test_a_changed_result_needs_a_new_method_version() -> None:
    z, y, x = np.indices((18, 20, 22), dtype=np.uint64)
    voxels = (x // 3 * 7 + y // 4 * 5 + z // 2 * 3) % 4 * ((x * y + z * z) % 3 > 0)
    cutout, shape, origin = Box(3, 25, -2, 18, 0, 18), (7, 8, 9), (0, -2, 3)
    blocks = grid(cutout, shape, origin)
    made = [
        label_block(
            np.ascontiguousarray(voxels[box.slices(cutout.corner_zyx)]),
            box.corner_zyx,
            18,
            "segment",
            0,
        )
        for box in blocks
    ]
    labelled = digest(
        *(array for labels, found in made for array in (labels, *found)),
        *(plane for labels, _ in made for plane in surface(labels).values()),
    )
    linked = digest(*(array for links in links_of(made, blocks, 18) for array in links))
    tables, columns = stitched(made, blocks, cutout, 18, 4, (30.0, 8.0, 8.0))
    components = digest(np.concatenate(tables), *columns.values())
    relabelled = digest(
        *(
            words
            for box, (labels, _), table in zip(blocks, made, tables, strict=True)
            for words in EncodedLabels.of(labels, box, (7, 4, 9), origin)
            .relabel(table, chunks_of(box, (7, 4, 9), origin))
            .values()
        )
    )
    assert len(columns["component_id"]) > 20
    assert (labelled, linked, components, relabelled) == GOLDEN[VERSION]
