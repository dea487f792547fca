#!/usr/bin/env python3
"""SUMMARY: `summary.py plan.json recorded.json…` says what the run asked for and reached.

Writes `summary.txt`, `requests.csv` and `verdict.json`.
"""

import json
import sys
from pathlib import Path

from bossflow.kit.system import at_home, end_quickly, keeping_all


def main() -> None:
    """Summarise a run."""
    end_quickly()
    plan, *batches = (json.loads(Path(name).read_text("utf-8")) for name in sys.argv[1:])
    here = Path.cwd()
    with at_home(plan["launch_dir"]):
        with keeping_all():
            from bossflow.core.summary import sum_up
            from bossflow.database import DatabaseError
            from bossflow.look import leave

        try:
            leave(plan, sum_up(plan, batches, here), here)
        except DatabaseError as error:
            raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
