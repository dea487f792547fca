"""What a subject's tractogram takes: its image, the fits of its blocks, its streamlines."""

from typing import Any

from ...core import work
from ...core.work import MIB, Asks, UnitPlan
from ...voxels.boxes import Box, grid
from .requests import BUNDLE, OF_STAGE, known

LOADED = 512 * MIB
"""What a program takes with dipy before it has read anything."""


def units(request: work.Request) -> list[UnitPlan]:
    """Return the units of a subject."""
    pull = _pull(request)
    mask = _mask(request, pull)
    tensors, response, fodfs = _fits(request, pull, mask)
    volume = _volume(request, pull, mask, tensors, fodfs)
    groups = _groups(request, pull, mask, volume)
    merge = _merge(request, (pull, mask, volume), groups)
    return [pull, mask, *tensors, response, *fodfs, volume, *groups, merge]


def _pull(request: work.Request) -> UnitPlan:
    given, asked = request.given, request.paramset.parameters
    names = ("dwi", "bvals", "bvecs")
    volume = _voxels(given) * given["voxel_bytes"]
    return UnitPlan(
        "PULL_DWI",
        {"dwi_id": given["dwi_id"]},
        {name: known(given["files"][name]) for name in names} | {"block_zyx": asked["block_zyx"]},
        settings={name: given["files"][name]["path"] for name in names},
        asks=Asks(memory=LOADED + 3 * max(128 * MIB, volume)),
        name=request.name,
        amount=volume * given["n_volumes"],
        amount_unit="bytes",
    )


def _mask(request: work.Request, pull: UnitPlan) -> UnitPlan:
    given, file = request.given, request.given["files"]["segmentation"]
    labels = request.paramset.parameters["white_matter_labels"]
    return UnitPlan(
        "MASK_WHITE_MATTER",
        pull.key | {"white_matter_id": given["white_matter_id"]},
        {"segmentation": known(file), "white_matter_labels": labels},
        (pull,),
        settings={"segmentation": file["path"]},
        asks=Asks(memory=LOADED + 32 * (given["label_voxels"] + _voxels(given))),
        name=request.name,
        amount=given["label_voxels"],
        amount_unit="voxels",
    )


def _fits(
    request: work.Request, pull: UnitPlan, mask: UnitPlan
) -> tuple[list[UnitPlan], UnitPlan, list[UnitPlan]]:
    """Return what is fitted to blocks: tensors, and, by the response of the middle, fODFs."""
    tensor, of_response, fodf, _ = stages(request)
    z, y, x = request.given["shape_xyz"][::-1]
    asked = request.paramset.parameters
    whole = {one.method: one.parameters for one in request.stage_paramsets}
    boxes = grid(Box.of((0, 0, 0), (z, y, x)), asked["block_zyx"], (0, 0, 0))
    signal = 8 * request.given["n_volumes"]
    side = 2 * asked["response_radius"] + 1
    response = UnitPlan(
        "FIT_RESPONSE",
        mask.key | of_response,
        whole["response"],
        (pull, mask),
        asks=Asks(memory=LOADED + 4 * signal * min(side**3, _voxels(request.given))),
        name=request.name,
        amount=side**3,
        amount_unit="voxels",
    )

    def block(process: str, box: Box, key: dict[str, Any], *inputs: UnitPlan) -> UnitPlan:
        method = process.removeprefix("FIT_").lower()
        return UnitPlan(
            process,
            key | {f"{method}_block": box.name},
            whole[method],
            inputs,
            asks=Asks(memory=LOADED + 6 * signal * box.voxel_count),
            name=" ".join(filter(None, (request.name, box.name))),
            amount=box.voxel_count,
            amount_unit="voxels",
        )

    tensors = [block("FIT_TENSOR", box, mask.key | tensor, pull, mask) for box in boxes]
    fodfs = [block("FIT_FODF", box, response.key | fodf, pull, mask, response) for box in boxes]
    return tensors, response, fodfs


def _volume(
    request: work.Request,
    pull: UnitPlan,
    mask: UnitPlan,
    tensors: list[UnitPlan],
    fodfs: list[UnitPlan],
) -> UnitPlan:
    tensor, response, fodf, _ = stages(request)
    number = coefficients(request)
    return UnitPlan(
        "COLLECT_FODF",
        mask.key | tensor | response | fodf,
        {"n_coefficients": number},
        (pull, mask, *tensors, *fodfs),
        asks=Asks(memory=LOADED + 8 * (number + 2) * _voxels(request.given)),
        name=request.name,
        amount=_voxels(request.given),
        amount_unit="voxels",
    )


def _groups(
    request: work.Request, pull: UnitPlan, mask: UnitPlan, volume: UnitPlan
) -> list[UnitPlan]:
    """Return what tracks: a unit for each group and number of a seed in its voxel.

    So more seeds a voxel are units more, and those of before stay as they are.
    """
    asked, voxels = request.paramset.parameters, _voxels(request.given)
    *_, of_tracks = stages(request)
    how = {name: asked[name] for name in OF_STAGE["track"]}
    mapped = 8 * (coefficients(request) + 1) * voxels
    return [
        UnitPlan(
            "TRACK_GROUP",
            volume.key | of_tracks | {"seed_group": group, "seed_number": number},
            how,
            (pull, mask, volume),
            asks=Asks(memory=LOADED + 512 * MIB + mapped + 32 * voxels),
            name=" ".join(filter(None, (request.name, f"group {group} seed {number}"))),
            amount=voxels / asked["seed_groups"],
            amount_unit="voxels",
        )
        for number in range(asked["seeds_per_voxel"])
        for group in range(asked["seed_groups"])
    ]


def _merge(request: work.Request, fitted: tuple[UnitPlan, ...], groups: list[UnitPlan]) -> UnitPlan:
    asked, voxels = request.paramset.parameters, _voxels(request.given)
    return UnitPlan(
        "MERGE_TRACTS",
        {"request_id": request.request_id},
        {name: asked[name] for name in ("trk", *BUNDLE) if name in asked},
        (*fitted, *groups),
        asks=Asks(memory=LOADED + 512 * MIB + 16 * voxels),
        name=request.name,
        amount=len(groups) * groups[0].amount,
        amount_unit="voxels",
    )


def stages(request: work.Request) -> list[dict[str, str]]:
    """Return the keys of the parameter sets of tensors, response, fODFs and streamlines."""
    return [
        {f"{stage}_paramset_id": one.paramset_id}
        for stage, one in zip(OF_STAGE, request.stage_paramsets, strict=True)
    ]


def coefficients(request: work.Request) -> int:
    """Return how many spherical harmonics a fODF has."""
    order = int(request.paramset.parameters["sh_order"])
    return (order + 1) * (order + 2) // 2


def _voxels(given: dict[str, Any]) -> int:
    x, y, z = given["shape_xyz"]
    return int(x * y * z)


def pulled_bytes(unit: UnitPlan) -> int:
    """Return how many bytes of voxels a unit reads of a subject's files."""
    return int(unit.amount) if unit.process == "PULL_DWI" else 0


def seconds(unit: UnitPlan) -> float:
    """Return roughly how long a unit takes on one core, where a fifth of voxels is white matter."""
    each = {
        "PULL_DWI": 1 / 60e6,
        "MASK_WHITE_MATTER": 1 / 10e6,
        "FIT_TENSOR": 15e-6,
        "FIT_RESPONSE": 60e-6,
        "FIT_FODF": 60e-6,
        "COLLECT_FODF": 1e-6,
        "TRACK_GROUP": 0.15e-3,
        "MERGE_TRACTS": 1e-6,
    }
    return 0.05 + each[unit.process] * unit.amount
