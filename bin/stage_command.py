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
from kit.units import Blocked, Unit, open_unit
from tools.blocks import ABOUT, files
from tools.files import stage
from tools.words import filled
from voxels.boxes import Box


def stage_unit(line: dict[str, Any], header: dict[str, Any], staged: Path) -> None:
    """Lay one unit out, unless its bundle is there."""
    store = locations.local(header["store"])
    try:
        unit = open_unit(line, store)
    except Blocked:  # as COLLECT_COMMAND finds too, and tells
        return
    final = locations.place(store, unit.process, unit.unit_id)
    directory = staged / unit.unit_id
    try:
        if reusable(final, unit, [given.as_input for given in unit.inputs], header):
            return
        (directory / "inputs").mkdir(parents=True)
        asked, settings = unit.arguments, unit.settings
        known = of_block(unit, directory) if unit.process == "APPLY_BLOCK" else {}
        known |= of_dataset(unit, directory) if unit.process in ("RUN_APP", "RUN_GROUP") else {}
        inputs = known.get("inputs", "inputs")
        for given, path in zip(asked.get("inputs", ()), settings.get("paths", ()), strict=True):
            if stage(Path(path), directory / "inputs" / given["name"])["sha256"] != given["sha256"]:
                raise ValueError(f"{path} changed since the run began: run again")
        names = [f"{inputs}/{given['name']}" for given in asked.get("inputs", ())]
        words = filled(asked["command"], names, settings["cores"], settings["memory"], known)
        tool = [settings["engine"], settings["image"], asked["entrypoint"], asked["tool"]["sha256"]]
        tool += [settings.get("app", ""), " ".join(map(str, settings.get("success_codes", ())))]
        tool += [settings.get("licence_file", "")]
        write_words(directory / "words", words)
        write_words(directory / "tool", tool)
        asks = {name: settings[name] for name in ("cores", "memory", "seconds")}
        asks["disk"] = settings.get("disk", 0)
        (directory / "asks.json").write_text(json.dumps(asks), encoding="utf-8")
    except Exception as error:  # whatever one meets, the others are run
        directory.mkdir(exist_ok=True)
        (directory / "refused").write_text(sentence(error), encoding="utf-8")


def of_block(unit: Unit, directory: Path) -> dict[str, str]:
    """Write the files of a block with its halo; return by what names a command line calls them."""
    from reading import reader  # no other command waits for it
    from tools.block_files import write

    asked, (*inputs, begun) = unit.arguments, unit.inputs
    volume = begun.manifest["arguments"]["volume"]
    names = files(asked["command"], volume and volume["dtype"])
    wide, size = Box.parse(asked["with_halo"]), asked["voxel_size_nm_zyx"]
    voxels = reader(unit, inputs, wide)(wide)
    for path in {path for name, path in names.items() if name.startswith("block")}:
        write(voxels, directory / path, size)
    told = {"box": [*zip(wide.corner_zyx, wide.end_zyx, strict=True)], "halo": asked["halo_zyx"]}
    (directory / ABOUT).write_text(json.dumps(told | {"voxel_size_nm": size}), encoding="utf-8")
    return names


def of_dataset(unit: Unit, directory: Path) -> dict[str, str]:
    """Lay out what an app is shown of a dataset; return by what names a command line calls it.

    A group is given what the runs before it left.
    """
    from tools.apps import PLACES  # no other command waits for these
    from tools.datasets import lay_out
    from tools.derivatives import merged

    asked, settings = unit.arguments, unit.settings
    root, place = Path(settings["bids_dir"]), directory / "inputs" / "bids"
    links = settings["engine"] == "none"
    lay_out(root, settings["files"], place, asked.get("session", ""), links)
    if unit.inputs:
        left = directory / "outputs"
        for name, path in merged(given.file("files/outputs") for given in unit.inputs):
            (left / name).parent.mkdir(parents=True, exist_ok=True)
            (left / name).symlink_to(path)
    told = {name: str(asked.get(name, "")) for name in ("participant", "session")}
    return PLACES | told | {"threads": str(settings["cores"])}


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
