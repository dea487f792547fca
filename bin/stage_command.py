#!/usr/bin/env python3
"""STAGE_COMMAND: lay out, for each command line of a task that must be run, the files it needs.

    stage_command.py COMMAND-00000.jsonl

Writes `staged/<unit id>/`: `inputs/`, the user's files; `words` and `tool`, each word ended by a
NUL; `asks.json`; or `refused`, a sentence, where what was planned is not there any more.
"""

import json
import sys
from pathlib import Path
from typing import Any

from kit import buckets, locations
from kit.manifests import reusable
from kit.texts import json_lines, print_anything, sentence
from kit.units import open_unit
from tools.files import stage
from tools.words import filled


def stage_unit(line: dict[str, Any], header: dict[str, Any], staged: Path) -> None:
    """Lay one unit out, unless its bundle is there."""
    store = locations.local(header["store"])
    unit = open_unit(line, store)
    final = locations.place(store, unit.process, unit.unit_id)
    directory = staged / unit.unit_id
    try:
        if reusable(final, unit, [given.as_input for given in unit.inputs], header):
            return
        (directory / "inputs").mkdir(parents=True)
        asked, settings = unit.arguments, unit.settings
        for given, path in zip(asked["inputs"], settings["paths"], strict=True):
            if stage(Path(path), directory / "inputs" / given["name"])["sha256"] != given["sha256"]:
                raise ValueError(f"{path} changed since the run began: run again")
        names = [f"inputs/{given['name']}" for given in asked["inputs"]]
        words = filled(asked["command"], names, settings["cores"], settings["memory"])
        tool = [settings["engine"], settings["image"], asked["entrypoint"], asked["tool"]["sha256"]]
        write_words(directory / "words", words)
        write_words(directory / "tool", tool)
        asks = {name: settings[name] for name in ("cores", "memory", "seconds")}
        (directory / "asks.json").write_text(json.dumps(asks), encoding="utf-8")
    except (OSError, ValueError) as error:
        directory.mkdir(exist_ok=True)
        (directory / "refused").write_text(sentence(error), encoding="utf-8")


def write_words(path: Path, words: list[str]) -> None:
    """Write words as bash reads them: each ended by a NUL."""
    path.write_bytes(b"".join(word.encode("utf-8", "surrogateescape") + b"\0" for word in words))


def main() -> None:
    """Lay out all units of the task file named on the command line."""
    buckets.work_in(Path.cwd())
    print_anything()
    staged = Path("staged")
    staged.mkdir()
    header, *lines = json_lines(Path(sys.argv[1]))
    for line in lines:
        stage_unit(line, header, staged)


if __name__ == "__main__":
    main()
