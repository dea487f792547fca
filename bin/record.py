#!/usr/bin/env python3
"""RECORD: `record.py plan.json receipts.jsonl…` writes rows and `recorded.json`."""

import json
import sys
from pathlib import Path

from kit.tasks import at_home


def main() -> None:
    """Record the receipts of some tasks."""
    plan_file, *receipts = (Path(name).absolute() for name in sys.argv[1:])
    plan = json.loads(plan_file.read_text("utf-8"))
    target = Path.cwd() / "recorded.json"
    with at_home(plan["launch_dir"]):
        from bossflow.record import record

        result = record(plan, receipts)
    target.write_text(json.dumps(result, indent=1, ensure_ascii=False), encoding="utf-8")
    for process, number in result["recorded"].items():
        print(f"recorded {number} {process}")


if __name__ == "__main__":
    main()
