#!/usr/bin/env python3
"""VALIDATE_DATASET: what bids-validator finds in a dataset, in every row of its tables.

validate_dataset.py VALIDATE_DATASET-00000.jsonl
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from kit.tasks import main
from kit.texts import cut, one_line
from kit.units import Bundle, Unit
from tools.validators import VALIDATOR, version
from voxels.arrow import column, strings

LONGEST = {"code": 128, "subCode": 255, "severity": 16, "location": 512, "issueMessage": 1000}
"""What a finding says, and how long its column is."""


def validate_dataset(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of a dataset: all findings, and how many of them are errors and warnings."""
    found = findings(Path(unit.settings["bids_dir"]))
    severities = [one.get("severity") for one in found]
    told = {"error": "n_bids_errors", "warning": "n_bids_warnings"}
    bundle.attributes |= {name: severities.count(kind) for kind, name in told.items()}
    bundle.attributes["validator_version"] = version()
    columns = {"finding": column(np.arange(len(found), dtype=np.int64))}
    names = ("finding_code", "finding_subcode", "severity", "finding_path", "finding_message")
    for name, (own, most) in zip(names, LONGEST.items(), strict=True):
        columns[name] = strings([cut(one_line(str(one.get(own, ""))), most) for one in found])
    pq.write_table(pa.table(columns), bundle.directory / "finding.parquet")
    bundle.parts["Finding"] = "finding.parquet"


def findings(root: Path) -> list[dict[str, Any]]:
    """Return what the validator finds, in its order.

    Raises
    ------
    ValueError
        If it can't tell: it ends otherwise than with 0 (no errors) or 16.
    """
    # by default it stops at row 1,000 of a table
    command = [VALIDATOR, str(root), "--format", "json", "--max-rows", "-1"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in (0, 16):
        said = one_line(done.stderr or done.stdout)[-300:]
        raise ValueError(f"{VALIDATOR} failed with exit code {done.returncode}; it says: {said}")
    found: list[dict[str, Any]] = json.loads(done.stdout)["issues"]["issues"]
    return found


if __name__ == "__main__":
    main("VALIDATE_DATASET", validate_dataset, ("numpy", "pyarrow"))
