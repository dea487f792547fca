#!/usr/bin/env python3
"""GATHER_RUNS: what all runs of an app left becomes one BIDS derivative dataset, of links.

gather_runs.py GATHER_RUNS-00000.jsonl
"""

import json
import os
from typing import Any

from kit import buckets
from kit.tasks import main
from kit.units import Bundle, Unit
from tools.datasets import DESCRIPTION, description
from tools.derivatives import merged
from tools.files import link


def gather_runs(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of a derivative dataset.

    A directory that one run alone left is a link, relative within the store; of files, the group's
    count before the participants', and these in their order.
    """
    name = unit.arguments["app_name"]
    dataset = bundle.directory / "derivatives" / name
    dataset.mkdir(parents=True)
    runs = sorted(unit.inputs, key=lambda one: one.manifest["process"] != "RUN_GROUP")
    for path, left in merged(one.file("files/outputs") for one in runs):
        place = dataset / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if not left.is_dir():
            link(left, place)
        elif not buckets.holds(bundle.final):  # where there are no links
            final = bundle.final / place.relative_to(bundle.directory)
            inside = left.is_relative_to(bundle.final.parents[2])
            place.symlink_to(os.path.relpath(left, final.parent) if inside else left)
    about = dataset / DESCRIPTION
    told = described(unit, description(dataset) if about.exists() else {})
    about.unlink(missing_ok=True)  # it may be a link
    about.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    bundle.attributes["n_derivatives"] = 1 + sum(
        entry["path"].partition("/files/outputs/")[2] not in ("", DESCRIPTION)
        for one in runs
        for entry in one.manifest["files"]
    )
    bundle.urls["derivatives"] = "derivatives"


def described(unit: Unit, own: dict[str, Any]) -> dict[str, Any]:
    """Return what a derivative dataset says of itself, by what the app said of it."""
    asked, settings = unit.arguments, unit.settings
    app: dict[str, Any] = {"Name": asked["app_name"]}
    app |= {"Version": asked["tool_version"]} if asked["tool_version"] else {}
    if settings["image"]:
        app["Container"] = {"Type": "docker", "Tag": settings["image"]}
    by = own.get("GeneratedBy") or [app]
    source = asked["dataset"]
    told = {"Name": f"{asked['app_name']} of {source['name']}"}
    told |= {"BIDSVersion": source["version"] or "1.9.0"} | own | {"DatasetType": "derivative"}
    tracked = {"Name": "bossflow", "Version": settings["version"]}
    return told | {"GeneratedBy": [*by, tracked]}


if __name__ == "__main__":
    main("GATHER_RUNS", gather_runs, ())
