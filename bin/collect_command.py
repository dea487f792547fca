#!/usr/bin/env python3
"""COLLECT_COMMAND: what command lines left becomes bundles, of their own or of blocks.

    collect_command.py COMMAND-00000.jsonl

Beside it are `attempts/<unit id>-<number>/` of what was run, and `attempts/<unit id>/` of what was
refused.
"""

import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from kit.tasks import main
from kit.texts import json_lines, one_line
from kit.units import Bundle, Unit
from tools import attempts
from tools.blocks import files
from tools.files import files_of, link, sha256
from tools.told import numbers
from voxels.arrow import column, strings

PATH_MAX = 512
"""Characters of a file's path: those of its column."""


class Ended(ValueError):
    """A command that failed, and where all that it said is."""

    def __init__(self, sentence: str, log: Path) -> None:
        super().__init__(sentence)
        self.log = str(log.resolve())


def collect(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one command line: the files that it left and was to leave."""
    run = ended(unit, bundle)
    kept = kept_files(run, unit.arguments["outputs"])
    if form := unit.arguments.get("score_format"):
        log = run.parent / "log"
        try:
            bundle.metrics |= numbers(form, log)
        except ValueError as error:
            raise Ended(str(error), log) from None
    entries = keep(bundle, kept)
    bundle.attributes["n_outputs"] = len(entries)
    bundle.attributes["outputs_bytes"] = sum(size for _, size, _ in entries)
    bundle.urls["outputs"] = "files"
    list_files(bundle, "Output", ("output_path", "output_bytes", "output_sha256"), entries)


def collect_app(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of an app's run: what it left, how it ended, and what it was shown."""
    from tools.apps import filled_fields  # no other command waits for these
    from tools.derivatives import merged

    run, asked = ended(unit, bundle), unit.arguments
    own = [asked.get(name, "") for name in ("participant", "session")]
    expected = filled_fields(unit.settings["expected"], *own)
    try:
        kept = kept_files(run, ["outputs", *(f"outputs/{one}" for one in expected)])
        given = merged(one.file("files/outputs") for one in unit.inputs)
        known = same(run, given)
        kept = {name: file for name, file in kept.items() if name not in known}
    except ValueError as error:
        raise Ended(str(error), run.parent / "log") from None
    entries = [
        (name.removeprefix("outputs/"), size, digest) for name, size, digest in keep(bundle, kept)
    ]
    shutil.copy(run.parent / "log", bundle.directory / "log")
    start = "group" if unit.process == "RUN_GROUP" else "app"
    last = attempts.read(Path("attempts"), unit.unit_id)[-1]
    measured = {
        f"{start}_exit_code": last.exit_code,
        f"{start}_seconds": last.seconds,
        f"{start}_cpu_seconds": last.cpu_seconds,
        f"{start}_peak_bytes": last.peak_bytes,
        f"{start}_work_bytes": last.work_bytes,
    }
    bundle.measured |= {*measured}
    sizes = {
        f"n_{start}_files": len(entries),
        f"{start}_bytes": sum(size for _, size, _ in entries),
    }
    bundle.attributes |= measured | sizes
    bundle.urls |= {f"{start}_outputs": "files/outputs", f"{start}_log": "log"}
    names = f"{start}_file", f"{start}_file_bytes", f"{start}_file_sha256"
    list_files(bundle, "Output", names, entries)
    if start == "app":
        shown = ("input_path", "input_bytes", "input_sha256")
        list_files(bundle, "Input", shown, unit.settings["files"])


def same(run: Path, given: Iterable[tuple[str, Path]]) -> set[str]:
    """Return those files that a group was given, and that are as they were."""
    found = set()
    for name, path in given:
        for inside, file in files_of(path):
            own = f"outputs/{name}/{inside}" if inside else f"outputs/{name}"
            before, now = file.stat(), (run / own).stat() if (run / own).is_file() else None
            if now and (now.st_size, now.st_mtime_ns) == (before.st_size, before.st_mtime_ns):
                found.add(own)
    return found


def keep(bundle: Bundle, kept: dict[str, Path]) -> list[tuple[str, int, str]]:
    """Put files into `files` of a bundle; return of each its path, bytes and sha256."""
    entries = []
    for name, file in kept.items():
        copy = bundle.directory / "files" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if file.stat().st_nlink == 1:
            link(file, copy)
        else:  # its other name may be a user's own
            shutil.copy(file, copy)
        entries.append((name, copy.stat().st_size, sha256(copy)))
    return entries


def list_files(
    bundle: Bundle, part: str, names: tuple[str, str, str], entries: Iterable[Sequence[Any]]
) -> None:
    """Write the rows of a part: paths, bytes and sha256 of files, in columns of these names."""
    paths, sizes, digests = zip(*entries, strict=True)
    columns = [strings(paths), column(np.array(sizes, np.int64)), strings(digests)]
    path = f"{part.lower()}.parquet"
    pq.write_table(pa.table(dict(zip(names, columns, strict=True))), bundle.directory / path)
    bundle.parts[part] = path


def collect_block(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one block: voxels or rows in the file that a command left of it."""
    from tools.applied import keep_rows, keep_sources, keep_voxels
    from tools.block_files import rows_of, voxels_of

    *inputs, begun = unit.inputs
    run = ended(unit, bundle)
    path = next(path for name, path in _files(unit).items() if name.startswith("result"))
    if not os.path.lexists(run / path):
        raise ValueError(f"it ended well, but left nothing at {path}, which {{result}} stands for")
    if not (file := kept_files(run, [path]).get(path)):
        raise ValueError(f"it left a directory at {path}, where one file was to be")
    if begun.manifest["arguments"]["volume"]:
        keep_voxels(unit, bundle, begun, voxels_of(file), "command")
    else:
        keep_rows(bundle, rows_of(file))
    keep_sources(bundle, inputs)


def ended(unit: Unit, bundle: Bundle) -> Path:
    """Return where a command ran that ended well, and note its attempts and its image.

    Raises
    ------
    ValueError
        With how it failed otherwise.
    """
    refused = Path("attempts", unit.unit_id, "refused")
    if refused.exists():
        raise ValueError(refused.read_text("utf-8"))
    tries = attempts.read(Path("attempts"), unit.unit_id)
    bundle.attempts = [attempt.row for attempt in tries if not attempt.stopped]
    if not tries:
        raise ValueError("its task ended before it could tell how: look into Nextflow's report")
    if problem := tries[-1].problem(unit.settings.get("success_codes", (0,))):
        raise Ended(problem, tries[-1].directory / "log")
    if image := unit.settings["image"]:
        path = image.endswith(".sif")
        name = f"{Path(image).name}@{unit.arguments['tool']['sha256']}" if path else image
        bundle.container = one_line(name)[-255:]
    return tries[-1].directory / "run"


def kept_files(run: Path, patterns: list[str]) -> dict[str, Path]:
    """Return the files that are kept of a directory, by their relative paths, in order.

    Parameters
    ----------
    run : Path
        Where the command ran.
    patterns : list of str
        Files, directories, or globs of these, relative to it; each must be there.

    Raises
    ------
    ValueError
        If one names nothing of that, or a file whose path can't be recorded, or two that MySQL
        takes for one. Links that lead out of the directory are nothing.
    """
    inside = run.resolve()
    kept: dict[str, Path] = {}
    for pattern in patterns:
        files = [file for path in run.glob(pattern) for file in _below(path, inside)]
        names = {file.relative_to(run).as_posix(): Path(os.path.realpath(file)) for file in files}
        own = {name: file for name, file in names.items() if _is_own(file, inside)}
        for name in names.keys() - own.keys():
            print(f"{one_line(name)} is not kept: it is a link that leads out, or no file")
        if not own:
            raise ValueError(
                f"it ended well, but left nothing at {one_line(pattern)}: have it write there, or "
                "say with `outputs` what it leaves"
            )
        kept |= own
    for name in kept:
        if len(name) > PATH_MAX or any("\ud800" <= sign <= "\udfff" for sign in name):
            most = f"an output's path must be UTF-8, of {PATH_MAX} characters at most"
            raise ValueError(f"{most}, not {one_line(name)}")
    ends = {name.rstrip(" "): name for name in kept}
    for name in kept.keys() - ends.values():
        raise ValueError(
            f"outputs {name!r} and {ends[name.rstrip(' ')]!r} differ in blanks at their end alone, "
            "which not every database tells apart: have one called otherwise"
        )
    return dict(sorted(kept.items()))


def _below(path: Path, inside: Path, above: tuple[Path, ...] = ()) -> Iterator[Path]:
    """Yield the files of a path, also through links to directories `inside`; else what it is."""
    real = Path(os.path.realpath(path))
    above = above or (Path(os.path.realpath(path.parent)),)
    loops = any(one.is_relative_to(real) for one in above)
    if path.is_dir() and real.is_relative_to(inside) and not loops:
        for name in sorted(os.listdir(path)):
            yield from _below(path / name, inside, (*above, real))
    else:
        yield path


def _versions(unit: Unit) -> set[str]:
    """Return the distributions that read a block, and what was made of it."""
    from reading import software
    from tools.block_files import MODULES, ending

    paths = _files(unit).values()
    return {*software(unit), *(name for path in paths for name in MODULES.get(ending(path), ()))}


def _files(unit: Unit) -> dict[str, str]:
    volume = unit.inputs[-1].manifest["arguments"]["volume"]
    return files(unit.arguments["command"], volume and volume["dtype"])


def _is_own(file: Path, directory: Path) -> bool:
    return file.is_file() and file.is_relative_to(directory)


if __name__ == "__main__":
    header, *_ = json_lines(Path(sys.argv[1]))
    if header["process"] == "APPLY_BLOCK":
        main("APPLY_BLOCK", collect_block, ("numpy", "pyarrow", "tensorstore"), of_unit=_versions)
    elif header["process"] in ("RUN_APP", "RUN_GROUP"):
        main(header["process"], collect_app, ("pyarrow",))
    else:
        main("COMMAND", collect, ("pyarrow",))
