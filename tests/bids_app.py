#!/usr/bin/env python3
"""A small BIDS App: counts a participant's trials; a group's table lists them.

    bids_app.py BIDS OUT participant LABEL WORK
    bids_app.py BIDS OUT group

A sidecar may have it fail as others do: it is no JSON, or says `"Fails": "memory"`, `"memory once"`
or `"silent"`.
"""

import csv
import json
import os
import signal
import sys
from pathlib import Path


def participant(bids: Path, out: Path, label: str, work: Path) -> None:
    """Write how many trials a participant has."""
    (out / "dataset_description.json").write_text('{"Name": "trials", "BIDSVersion": "1.9.0"}')
    views = sorted(path.name for path in bids.glob("sub-*"))
    assert views == [f"sub-{label}"], "it sees its own participant alone"
    with (bids / "participants.tsv").open() as stream:
        assert [row["participant_id"] for row in csv.DictReader(stream, delimiter="\t")] == views
    again = (work / "begun").exists()
    (work / "begun").touch()
    for sidecar in sorted(bids.glob("**/*.json")):
        said = json.loads(sidecar.read_text()).get("Fails")
        if said == "memory" or (said == "memory once" and not again):
            os.kill(os.getpid(), signal.SIGKILL)
        if said == "silent":
            print("fMRIPrep finished successfully!")
            return
    trials = 0
    for events in sorted(bids.glob("sub-*/**/*_events.tsv")):
        trials += len(events.read_text().splitlines()) - 1
    place = out / f"sub-{label}" / "func"
    place.mkdir(parents=True)
    (place / f"sub-{label}_trials.json").write_text(json.dumps({"trials": trials}))


def group(bids: Path, out: Path) -> None:
    """Write a table of all participants that the app has been run for."""
    lines = ["participant_id\ttrials"]
    for path in sorted(out.glob("sub-*/func/*_trials.json")):
        assert (bids / path.parts[-3]).is_dir()
        lines.append(f"{path.parts[-3]}\t{json.loads(path.read_text())['trials']}")
    (out / "group_trials.tsv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    bids, out, level, *rest = sys.argv[1:]
    if level == "group":
        group(Path(bids), Path(out))
    else:
        participant(Path(bids), Path(out), rest[0], Path(rest[1]))
