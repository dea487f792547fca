#!/usr/bin/env python3
"""STAGE_FUNCTION: the sources of a function, copied into the store as they were identified."""

import hashlib
from pathlib import Path

from functions import locks
from kit.tasks import main
from kit.units import Bundle, Unit


def stage(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of a function: its files, below `sources`, by their paths in the project.

    With a lock file, that too: `requirements.txt`.
    """
    project, files = Path(unit.settings["project"]), unit.arguments["files"]
    for name, sha256 in files.items():
        path = project / name
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise ValueError(f"{path} went since the run began: run again") from None
        if hashlib.sha256(content).hexdigest() != sha256:
            raise ValueError(f"{path} changed since the run began: run again")
        copy = bundle.directory / "sources" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(content)
    if known := unit.arguments["versions"].get(locks.REQUIREMENTS):
        lock = locks.read(Path(unit.settings["requirements"]))
        if lock.digest() != known:
            raise ValueError(
                f"{unit.settings['requirements']} changed since the run began: run again"
            )
        (bundle.directory / "requirements.txt").write_text(lock.text(), "utf-8")
    bundle.attributes["n_source_files"] = len(files)
    bundle.urls["sources"] = "sources"


if __name__ == "__main__":
    main("STAGE_FUNCTION", stage)
