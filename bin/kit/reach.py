"""What the tasks of a cloud or of Kubernetes could not reach: a sentence each, before any runs."""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from .parameters import shown

_OF_SOURCES = "BOSSFLOW_SOURCE_AWS_"
_OF_DESTINATIONS = "BOSSFLOW_DEST_AWS_"


def in_cloud(run: Mapping[str, Any]) -> bool:
    """Say whether the run's tasks are at work in a cloud or in Kubernetes."""
    return not {"awsbatch", "google_batch", "k8s"}.isdisjoint(_profiles(run))


def _profiles(run: Mapping[str, Any]) -> set[str]:
    return {*re.split("[, ]+", run.get("profile") or "")}


def out_of_reach(
    run: Mapping[str, Any], params: Mapping[str, Any], places: Iterable[tuple[str, str, str]]
) -> list[str]:
    """Return a sentence for each thing that the tasks of the run's profiles would lack.

    Parameters
    ----------
    run : mapping
        What Nextflow says of the run: `profile`, `launch_dir`, `project_dir`, `work_dir`.
    params : mapping
        The run's parameters.
    places : iterable of (str, str, str)
        Each source and path that is read: its parameter, its value as `file://…` or a path where it
        is here, and where it was asked for.
    """
    places = list(places)
    profiles = _profiles(run)
    here = {
        (name, place, where): unquote(place.partition("file://")[2]) or place
        for name, place, where in places
        if place.startswith("/") or "://file://" in place
    }
    said: list[str] = []
    for profile in {"awsbatch", "google_batch"} & profiles:
        tasks = f"here, which tasks of -profile {profile} can't reach"
        said += [
            f"dest {shown(place)} is a directory {tasks}: give a path in a bucket (in {where})"
            if name == "dest"
            else f"{name} {shown(place)} is a file or volume {tasks}: copy it to the bucket and "
            f"give that address (in {where})"
            for name, place, where in here
        ]
    if "k8s" in profiles:
        mount = params["volume_mount"]
        store = params.get("store") or ""
        of_run = {
            "the work directory (-work-dir)": run["work_dir"],
            "the clone of bossflow": run["project_dir"],
            "store": "" if "://" in store else store and os.path.join(run["launch_dir"], store),
        }
        of_sources = {f"{name} (in {where})": path for (name, _, where), path in here.items()}
        said += [
            f"{name} must be on the volume that -profile k8s mounts at {mount} (volume_mount), not "
            f"{shown(path)}: pods reach nothing else"
            for name, path in (of_run | of_sources).items()
            if path and not Path(os.path.normpath(path)).is_relative_to(mount)
        ]
    names = sorted(name for name in os.environ if name.startswith(_OF_DESTINATIONS))
    said += [
        f"{names[0]} is set here, and tasks of -profile {profile} would not have it: unset it, and "
        f"let their machine's role write to {name} (in {where})"
        for profile in sorted({"awsbatch", "google_batch", "k8s"} & profiles if names else ())
        for name, _, where in places
        if name == "dest"
    ]
    for profile in {"awsbatch", "k8s"} & profiles if places else ():
        names = sorted(name for name in os.environ if name.startswith(_OF_SOURCES))
        if names and not params.get("source_secret"):
            said.append(
                f"{names[0]} is set here, and tasks of -profile {profile} would not have it: give "
                "source_secret, as docs/clouds.md says"
            )
    return said
