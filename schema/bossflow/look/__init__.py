"""What there is to see of what was made: the page of a run, layers for a viewer."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..kit.texts import sentence

if TYPE_CHECKING:
    from ..core.summary import Told


def leave(plan: dict[str, Any], told: "Told", directory: Path) -> None:
    """Write `page.json`, of which PAGE makes the page of a run, if the run is to have one.

    A page without pictures is written as it is: `index.html`.
    Whatever is wrong with it is said there: no run fails for want of a page.

    Parameters
    ----------
    plan : dict
        The run's `plan.json`.
    told : Told
        What it came to.
    directory : Path
        Where it goes.
    """
    if not plan["page"]:
        return
    try:
        from . import page, rows

        made = page.of_run(rows.of_id(plan["run_id"]), *told)._asdict()
    except Exception as error:
        made = {"problem": sentence(error)}
    if made.get("pictures") == []:
        (directory / "index.html").write_text(made["html"], encoding="utf-8")
        return
    (directory / "page.json").write_text(json.dumps(made), encoding="utf-8")
