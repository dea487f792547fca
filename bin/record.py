#!/usr/bin/env python3
"""RECORD: `record.py plan.json receipts.jsonl…` writes rows and `recorded.json`."""

import json
import sys
from pathlib import Path

from bossflow.kit.system import at_home, end_quickly, keeping_all


def main() -> None:
    """Record the receipts of some tasks; if they are all of the run, sum it up as well."""
    end_quickly()
    plan_file, *receipts = (Path(name).absolute() for name in sys.argv[1:])
    plan = json.loads(plan_file.read_text("utf-8"))
    here = Path.cwd()
    with at_home(plan["launch_dir"]):
        with keeping_all():
            from bossflow.core.record import record
            from bossflow.core.summary import sum_up
            from bossflow.database import DatabaseError
            from bossflow.look import leave

        try:
            result = record(plan, receipts)
            result["summed_up"] = len(receipts) == len(plan["tasks"])
            if result["summed_up"]:
                leave(plan, sum_up(plan, [result], here), here)
        except DatabaseError as error:
            raise SystemExit(str(error)) from None
    text = json.dumps(result, indent=1)
    (here / "recorded.json").write_text(text, encoding="utf-8")
    for process, number in result["recorded"].items():
        print(f"recorded {number} {process}")


if __name__ == "__main__":
    main()
