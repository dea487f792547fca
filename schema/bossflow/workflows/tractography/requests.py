"""What can be asked: subjects whose tractograms are to be made."""

import dataclasses
from typing import Any

from ...core import work
from ...kit.digests import digest
from .tables import TractographyRequest

NAME = "bossflow.workflows.tractography"  # is hashed into ids: constant
VERSION = "1.0"
"""Of all processes: raised when one makes something else of the same."""

BLOCK_ZYX = [20, 20, 20]
"""Fixed: the last digits of a tensor depend on the voxels that are fitted with it."""

OF_STAGE = {
    "tensor": ("shell",),
    "response": ("shell", "response_radius", "response_fa"),
    "fodf": ("shell", "sh_order"),
    "track": (
        "algorithm",
        "step_mm",
        "max_angle",
        "fa_stop",
        "min_length_mm",
        "max_length_mm",
        "random_seed",
        "seed_groups",
    ),
}
"""Which parameters the programs of each stage read."""

BUNDLE = ("through_labels", "avoid_labels")
"""By which streamlines are chosen, if by any."""


def expand(
    params: dict[str, Any], described: dict[str, Any]
) -> tuple[list[work.Request], list[str]]:
    """Return one request for each subject."""
    return [_request(row) for row in described["rows"]], []


def _request(row: dict[str, Any]) -> work.Request:
    labels = sorted({*row["white_matter_labels"]})
    asked = {"white_matter_labels": labels, "block_zyx": BLOCK_ZYX}
    asked |= {name: row[name] for names in OF_STAGE.values() for name in names}
    asked |= {name: row[name] for name in ("seeds_per_voxel", "trk")}
    asked |= {name: sorted({*row[name]}) for name in BUNDLE if row[name] is not None}
    contents = {name: known(one) for name, one in row["files"].items()}
    dwi = [contents[name] for name in ("dwi", "bvals", "bvecs")]
    given = {name: row[name] for name in ("files", "shape_xyz", "n_volumes", "voxel_bytes")}
    given["label_voxels"] = row["label_voxels"]
    given["dwi_id"] = digest([*dwi, BLOCK_ZYX])[:16]
    given["white_matter_id"] = digest([contents["segmentation"], labels])[:16]
    stages = [
        work.ParamSet(name, VERSION, {one: asked[one] for one in names})
        for name, names in OF_STAGE.items()
    ]
    request = work.Request(
        workflow=NAME,
        paramset=work.ParamSet("tractography", VERSION, asked),
        subject=[contents],
        given=given,
        stage_paramsets=tuple(stages),
        name=row["subject"],
        where=row["where"],
    )
    of_request = {"request_id": request.request_id, "subject_files": row["files"]}
    return dataclasses.replace(request, rows=((TractographyRequest, [of_request]),))


def again(request: work.Request, params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that ask for a recorded request."""
    asked = request.paramset.parameters
    own = {name: one for name, one in asked.items() if name not in ("block_zyx", "shell")}
    paths = {name: one["path"] for name, one in request.given["files"].items()}
    return own | paths | {"b_value": asked["shell"]}


def known(file: dict[str, Any]) -> dict[str, Any]:
    """Return what of a file decides what is made: not where it lies, unless only its server knows.

    An ETag tells files of one address apart.
    """
    return file if "tag" in file else {name: file[name] for name in ("bytes", "sha256")}
