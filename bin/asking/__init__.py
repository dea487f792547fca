"""What a workflow finds out of the rows that were asked for, before any archive is asked.

Each is imported by the runs that need it alone: no other run waits for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from kit.faults import Faults
from kit.parameters import Wrong


class Asked(NamedTuple):
    """What was asked for.

    Attributes
    ----------
    params, of_run : mapping
        All parameters as they were given, and those of the run as they are checked.
    rows : list of dict
        As `kit.rows` gives them.
    faults : Faults
        What is wrong with rows.
    tool : mapping, optional
        What runs command lines.
    launch_dir : str
        Where relative paths start.
    """

    params: Mapping[str, Any]
    of_run: dict[str, Any]
    rows: list[dict[str, Any]]
    faults: Faults
    tool: Mapping[str, Any] | None
    launch_dir: str

    def well(self) -> list[dict[str, Any]]:
        """Return the rows of which nothing wrong is known."""
        return [row for row in self.rows if row["where"] not in self.faults]


def described_rows(workflow: str, asked: Asked) -> list[dict[str, Any]]:
    """Return the rows of a workflow, with what it has to know of them.

    Raises
    ------
    Wrong
    """
    of = _OF.get(workflow)
    return of(asked) if of else asked.rows


def _command(asked: Asked) -> list[dict[str, Any]]:
    from tools.asked import described

    return described(asked.well(), asked.tool, asked.launch_dir, asked.faults)


def _bids(asked: Asked) -> list[dict[str, Any]]:
    from tools.apps import described

    return described(asked.of_run, asked.params.get("image"), asked.tool, asked.launch_dir)


def _map(asked: Asked) -> list[dict[str, Any]]:
    from functions.asked import described

    try:
        return described(asked.of_run, asked.launch_dir)
    except ValueError as error:  # one sentence, or one for each row
        raise Wrong(*map(str, error.args)) from None


def _apply(asked: Asked) -> list[dict[str, Any]]:
    from functions.blocks import described
    from tools.blocks import described as of_commands

    if not of_commands(asked.of_run, asked.well(), asked.tool, asked.faults):
        described(asked.of_run, asked.well(), asked.launch_dir, asked.faults)
    return asked.rows


def _remap(asked: Asked) -> list[dict[str, Any]]:
    from voxels.archives.mapped import Known, with_table

    known: Known = {}
    for row in asked.well():
        with asked.faults.of(row["where"]):
            with_table(row, known)
    return asked.rows


def _tractography(asked: Asked) -> list[dict[str, Any]]:
    from subjects.asked import described

    return described(asked.well(), asked.faults)


_OF = {
    **{"command": _command, "bids": _bids, "map": _map, "apply": _apply},
    **{"remap": _remap, "tractography": _tractography},
}
