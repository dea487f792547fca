#!/usr/bin/env python3
"""PLAN: `plan.py run.json described.json` writes `plan.json` and `tasks/*.jsonl`.

The work is in the package `bossflow`; this only finds it and turns its absence into a sentence.
So is `kit`, here as in RECORD and SUMMARY: imported as `kit` too, it would be loaded twice.
"""

import gc
import json
import sys
from contextlib import ExitStack
from pathlib import Path


def code_of(project: str | None) -> str:
    """Return the fingerprint of the programs: these, and those of a project that includes them."""
    from bossflow.kit.digests import digest, fingerprint

    own = Path(__file__).resolve().parent
    theirs = Path(project, "bin").resolve() if project else own
    if theirs == own or not theirs.is_dir():
        return fingerprint(own)
    return digest([fingerprint(own), fingerprint(theirs)])[:16]


def main() -> None:
    """Plan what run.json asks for."""
    gc.disable()  # all that is planned is kept to the end: to look it through took a fifth of it
    asked, described = (json.loads(Path(name).read_text("utf-8")) for name in sys.argv[1:3])
    compared = [Path(name).absolute() for name in sys.argv[3:]]
    here = Path.cwd()
    if described.get("problem"):  # which takes nothing that is slow to import
        text = json.dumps({"problem": described["problem"], "tasks": []})
        (here / "plan.json").write_text(text)
        return
    with ExitStack() as stack:
        try:
            from bossflow.kit.system import at_home, end_quickly

            end_quickly()
            stack.enter_context(at_home(asked["run"]["launch_dir"]))
            from bossflow.core.changes import receipts
            from bossflow.core.plan import plan
        except ModuleNotFoundError as error:
            problem = (
                f"the Python on PATH has no module {error.name}: run ./set-up.sh and "
                "`. .venv/bin/activate`, or pip install bossflow from the pipeline's repository"
            )
            (here / "plan.json").write_text(json.dumps({"problem": problem, "tasks": []}))
            return
        code = code_of(asked["run"].get("project_dir"))
        plan(asked, described, code, here, receipts(compared) if compared else None)


if __name__ == "__main__":
    main()
