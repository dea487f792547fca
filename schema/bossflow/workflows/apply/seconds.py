"""How long blocks take, by those of the same function that are recorded."""

import dataclasses
import os
from typing import Any

from ... import database
from ...core import work
from ...core.tables import Execution
from ...core.tasks import TASK_SECONDS
from ...volumes.tables import Block
from ...voxels.boxes import Box
from ..map.requests import TASKS_PER_CORE
from ..map.tables import MappedFunction
from .tables import Applied, AppliedBlock


def with_seconds(requests: list[work.Request]) -> list[work.Request]:
    """Give requests the setting `seconds`: about how long a voxel takes, however it was changed.

    Where nothing is recorded of a function, so long that each core has some tasks, and `unknown`.
    """
    names = {_name(request) for request in requests if "function" in request.given}
    known = {name: _mean(*name) for name in names}
    asked = []
    for request in requests:
        if "function" not in request.given:  # of a command
            asked.append(request)
            continue
        mean = known[_name(request)]
        told = {"seconds": mean or _guess(request), "unknown": mean is None}
        asked.append(dataclasses.replace(request, settings=request.settings | told))
    return asked


def _name(request: work.Request) -> tuple[str, str]:
    function = request.given["function"]
    return function["module"], function["name"]


def _mean(module: str, name: str) -> float | None:
    """Return the mean seconds a voxel of recorded blocks."""
    voxels = " * ".join(f"(b.block_{axis}1 - b.block_{axis}0)" for axis in "xyz")
    query = (
        f"SELECT SUM(e.execution_seconds) / SUM({voxels}) FROM {AppliedBlock.full_table_name} a "
        f"JOIN {Execution.full_table_name} e ON e.execution_id = a.applied_by "
        f"JOIN {Block.full_table_name} b ON b.channel_id = a.channel_id AND b.block = a.block "
        f"JOIN {Applied.full_table_name} r ON r.request_id = a.request_id "
        f"JOIN {MappedFunction.full_table_name} f ON f.function_id = r.applied_function "
        "WHERE f.function_module = %s AND f.function_name = %s"
    )
    values: Any = database.connection().query(query, (module, name)).fetchall()
    ((mean,),) = values
    return None if mean is None else float(mean)


def _guess(request: work.Request) -> float:
    cutout = Box.parse(request.given["cutout"])
    sides = zip(cutout.shape_zyx, request.paramset.parameters["block_shape"], strict=True)
    number = 1
    for whole, side in sides:
        number *= -(-whole // side)
    share = min(1, TASKS_PER_CORE * (os.cpu_count() or 1) / number)
    return share * number * TASK_SECONDS / cutout.voxel_count
