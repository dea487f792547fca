"""What can be asked: objects of cutouts to be detected."""

import dataclasses
from decimal import Decimal
from math import prod
from typing import Any

from ...core import work
from ...core.ledger import among
from ...core.tables import Execution, Request, Run
from ...volumes import reading
from ...volumes.archive_names import as_recorded
from ...volumes.channels import asked, cut, extent
from ...volumes.citations import with_citations
from ...volumes.growth import Around, with_earlier
from ...volumes.images import with_image
from ...volumes.sources import Source, resolve
from ...voxels.boxes import Box
from ...voxels.detection.searches import IMAGES, MIXED, PROBABILITIES
from .tables import BlockDetections, Detections, DetectRequest
from .units import blocks, halo_of, units

NAME = "bossflow.workflows.detect"  # is hashed into ids: constant
VERSION = "1"
"""Of COUNT_VALUES, FIT_MIXTURE, DETECT_BLOCK and SETTLE_DETECTIONS: raised when they make
something else of the same."""

OF_METHOD: dict[str, dict[str, Any]] = {
    "spheres": {"diameter_nm": None, "clear_diameter_nm": None, "stop": None, "min_probability": 0},
    "blobs": {
        "sigma_nm": None,
        "sigma_factors": [1, 1, 1],
        "threshold": None,
        "objects": "bright",
        "separation": 1,
    },
}
"""Parameters of each method, with what stands for one that is left out; None: it must be given."""

BLOCK_VOXELS = 2**25  # of a block whose shape is not given
BLOCK_VOXELS_MAX = 2**31 - 1
BLOCKS_MAX = 1_000_000
AROUND = 2
"""Blocks on each side that a halo reaches at most: 125 are read for one, then."""


def expand(
    params: dict[str, Any], described: dict[str, Any]
) -> tuple[list[work.Request], list[str]]:
    """Return one request for each asked-for cutout, and notes on archives not reached.

    Raises
    ------
    ValueError
        If a cutout leaves its channel, or what is asked for can't be searched for in it.
    """
    if not params.get("archive"):
        described = as_recorded(described, DetectRequest() * Request())
    sources = resolve(described)
    notes = dict.fromkeys(source.unreached for source in sources.values() if source.unreached)
    requests = [
        with_citations(
            with_image(_request(row, sources[asked(row)], params), row, described), described
        )
        for row in described["rows"]
    ]
    requests, rows = with_earlier(BlockDetections, requests, _own, _around), rows_of(requests)
    return [
        dataclasses.replace(one, settings=one.settings | {"rows": rows.get(one.request_id)})
        for one in requests
    ], [*notes]


def _own(request: work.Request) -> dict[str, Any]:
    return {"detect_paramset_id": request.stage_paramsets[0].paramset_id}


def _around(request: work.Request) -> Around:
    return {
        unit.key["block"]: (
            {"detect_surroundings": unit.key["detect_surroundings"]},
            Box.parse(unit.arguments["with_halo"]),
        )
        for unit in units(request)
        if unit.process == BlockDetections.process
    }


def _request(row: dict[str, Any], source: Source, params: dict[str, Any]) -> work.Request:
    channel = source.channel
    cutout = cut(row, channel)
    how = _how(row)
    _check_dtype(row, channel)
    staged = reading.is_staged(source, params)
    block_shape = row["block_shape"] or _block_shape(extent(channel).shape_zyx)
    given = reading.given_of(source, cutout)
    of_block = {"staged": staged, **how}
    mixed = {
        "staged": staged,
        "block_shape": block_shape,  # of the blocks that it refers to
        "iterations": how["mixture_iterations"],
    }
    request = work.Request(
        workflow=NAME,
        paramset=work.ParamSet("detect", VERSION, of_block | {"block_shape": block_shape}),
        subject=[channel["channel_id"], cutout.name],
        given=given,
        stage_paramsets=(
            work.ParamSet("detect_block", VERSION, of_block),
            *(
                (
                    work.ParamSet("count_values", VERSION, {"staged": staged}),
                    work.ParamSet("fit_mixture", VERSION, mixed),
                )
                if how["mixture"] != "none"
                else ()
            ),
        ),
        name=row.get("name"),
        where=row["where"],
        settings=reading.settings_of(source, params)
        | {"max_component_rows": int(params["max_component_rows"])},
        sources=source.made.workflows if source.made else (),
    )
    try:
        halo_zyx = halo_of(how, channel)
    except ValueError as error:
        raise ValueError(f"{error} (in {row['where']})") from None
    _check_blocks(row, cutout, given, block_shape, halo_zyx)
    key = {"channel_id": channel["channel_id"], "cutout": cutout.name}
    asked_for = (DetectRequest, [{"request_id": request.request_id} | key])
    rows = (*reading.rows(given, blocks(request)), asked_for)
    return dataclasses.replace(request, rows=rows)


def _how(row: dict[str, Any]) -> dict[str, Any]:
    """Return what is searched for: the method, its own parameters, and the mixture.

    Raises
    ------
    ValueError
        If one is missing, or is of the other method or of a mixture, where there is none.
    """
    method, where = row["method"], row["where"]
    (other,) = OF_METHOD.keys() - {method}
    if strange := [name for name in OF_METHOD[other] if row[name] is not None]:
        raise ValueError(
            f"{', '.join(strange)} in {where}: of method {other}, and method is {method}: leave "
            f"out what is not of {method}"
        )
    own = {
        name: default if row[name] is None else row[name]
        for name, default in OF_METHOD[method].items()
    }
    if method == "spheres" and own["clear_diameter_nm"] is None:
        own["clear_diameter_nm"] = own["diameter_nm"]
    if missing := [name for name, value in own.items() if value is None]:
        raise ValueError(f"method {method} in {where} needs {', '.join(missing)}: give it")
    if method == "spheres":
        summed, cleared = own["diameter_nm"], own["clear_diameter_nm"]
        if Decimal(cleared) < Decimal(summed):
            raise ValueError(
                f"clear_diameter_nm {cleared} in {where} is less than diameter_nm {summed}: clear "
                "at least the sphere that was found"
            )
    iterations = row["mixture_iterations"]
    if row["mixture"] == "none":
        if iterations is not None:
            raise ValueError(
                f"mixture_iterations in {where} is of a mixture, and there is none: give mixture "
                "dark or bright, or leave it out"
            )
    elif iterations is None:
        raise ValueError(
            f"mixture {row['mixture']} in {where} needs mixture_iterations: give it, such as 200"
        )
    return {
        "method": method,
        **own,
        "mixture": row["mixture"],
        "mixture_iterations": iterations,
    }


def again(request: work.Request, params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that ask for a recorded request."""
    asked_for = request.paramset.parameters
    rows = rows_of([request]).get(request.request_id)
    own = {name: value for name, value in asked_for.items() if name != "staged"}
    if own["mixture_iterations"] is None:
        del own["mixture_iterations"]
    return (
        reading.asked_again(request.given, params)
        | own
        | {
            "stage": asked_for["staged"],
            "max_component_rows": rows[1] if rows else params["max_component_rows"],
        }
    )


def rows_of(requests: list[work.Request]) -> dict[str, tuple[dict[str, tuple[int, int]], int]]:
    """Return of recorded ones, by part, how many there are, and rows; and its bundle's limit."""
    made = Detections * Execution.proj("run_id", settled_by="execution_id")
    made_by = made * Run.proj("run_parameters")
    told = {}
    for row in among(made_by, "request_id", (request.request_id for request in requests)):
        rows = row["n_detection_rows"]
        # what was added since is in no bundle: the run that made it knows its own limit
        limit = int(row["run_parameters"].get("max_component_rows", rows))
        told[row["request_id"]] = {"Detection": (row["n_detections"], rows)}, min(limit, rows)
    return told


def _check_dtype(row: dict[str, Any], channel: dict[str, Any]) -> None:
    mixed, method = row["mixture"] != "none", row["method"]
    known = MIXED if mixed else PROBABILITIES if method == "spheres" else IMAGES
    if channel["dtype"] in known:
        return
    what = (
        "a mixture is fitted to"
        if mixed
        else "spheres are matched in probabilities of"
        if method == "spheres"
        else "blobs are searched for in"
    )
    raise ValueError(
        f"{row['source']} in {row['where']} has dtype {channel['dtype']}: {what} {', '.join(known)}"
    )


def _check_blocks(
    row: dict[str, Any],
    cutout: Box,
    given: dict[str, Any],
    shape: list[int],
    halo_zyx: tuple[int, int, int],
) -> None:
    axes = zip(reading.origin_of(given), cutout.corner_zyx, cutout.end_zyx, shape, strict=True)
    number = prod(
        -(-(end - low + (low - origin) % side) // side) for origin, low, end, side in axes
    )
    sides = [*zip(shape, halo_zyx, cutout.shape_zyx, strict=True)]
    if any(halo > AROUND * side and side < whole for side, halo, whole in sides):
        enough = [max(side, -(-halo // AROUND)) for side, halo, _ in sides]
        told = [",".join(map(str, each)) for each in (halo_zyx, shape, enough)]
        raise ValueError(
            f"a search in {row['where']} needs {told[0]} voxels (z,y,x) around each block, more "
            f"than {AROUND} blocks of {told[1]}: give block_shape {told[2]} or more"
        )
    if prod(min(side + 2 * halo, whole) for side, halo, whole in sides) > BLOCK_VOXELS_MAX:
        raise ValueError(
            f"block_shape {shape} in {row['where']} makes blocks that have, with what is searched "
            "around them, 2^31 voxels or more: choose a smaller one, or a coarser level"
        )
    if number > BLOCKS_MAX:
        raise ValueError(
            f"block_shape {shape} in {row['where']} cuts {cutout.name} into {number:,} blocks, "
            f"more than {BLOCKS_MAX:,}: give ranges, or a larger block_shape"
        )


def _block_shape(sides_zyx: tuple[int, int, int]) -> list[int]:
    """Return the block shape of a user who gave none: the same for a channel, whatever is sought.

    So all that is asked of it shares the copies of its blocks.
    """
    block = [64, 64, 64]
    while 2 * prod(block) <= BLOCK_VOXELS:
        growing = [axis for axis in range(3) if block[axis] < sides_zyx[axis]]
        if not growing:
            break
        block[min(growing, key=lambda axis: block[axis])] *= 2
    return block
