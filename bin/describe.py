#!/usr/bin/env python3
"""DESCRIBE: check what was asked for, ask the archive about its channels, write described.json.

A user's mistake becomes a sentence in `problem`, never a failing task.

    describe.py run.json nextflow_schema.json [sheet.csv]
"""

import json
import os
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType
from typing import Any

from asking import Asked, described_rows
from kit.faults import Faults, page
from kit.parameters import PATHS, Parameters, Wrong
from kit.reach import in_cloud, out_of_reach
from kit.rows import rows, wheres
from kit.texts import one_line
from voxels.archives import Refused, Unreachable, archive_of, cited, made, offsets, survey
from voxels.archives.affinities import LEVELS, every_channel
from voxels.archives.intensity import CHOSEN
from voxels.boxes import Box

CHANNELS_AT_ONCE = 8


def described(
    params: Mapping[str, Any],
    schema: dict[str, Any],
    sheet: Path | None,
    token: str,
    launch_dir: str,
    run: Mapping[str, Any] = MappingProxyType({}),
    tool: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the parameters and rows that were asked for, and the metadata of their channels.

    Paths that are relative start at `launch_dir`. Which parameters there are, `params["workflow"]`
    says; what tasks can reach, the profile of `run`. `tool` is what runs command lines, if any.

    Returns
    -------
    dict
        `problem` (a sentence, or a line for each parameter or row that is wrong, or None),
        `params` as `kit.parameters` checks them, `rows` as `kit.rows` gives them, with each source
        in its one spelling, and `channels`: for each distinct one that is asked for `source`,
        `resolution`, `channel`, `time`, `voxel_size` and `offset` as they were given, `chosen`
        (channel and time where there is more than one; an offset where none is stated), `archive`,
        `host` (the address that names the archive; empty where something else does), `metadata`
        (None where the archive gives no answer), `files` (by which changes are noticed, or None),
        `citations` (how it is cited: by the user, by the archive), `unreachable` (the sentence that
        says so, or None) and `note` (a sentence that the user is told, or None). Where rows may
        have a `dest`, `destinations`: what is found at each that is asked for. `images` are the
        metadata of those that results are to be looked at with, by URI, or `unreachable`, a
        sentence; of what was made here, None.
    """
    result: dict[str, Any] = {"problem": None, "params": {}, "rows": [], "channels": []}
    result["images"] = {}
    sheet_name = one_line(sheet.name) if sheet else None
    try:
        sheet_text = sheet.read_text(encoding="utf-8-sig") if sheet else None
        parameters = Parameters(schema, params.get("workflow"), launch_dir)
        result["params"] = of_run = parameters.checked(params)
        faults = Faults(ValueError, Refused)

        def well() -> list[dict[str, Any]]:
            return [row for row in result["rows"] if row["where"] not in faults]

        result["rows"] = rows(of_run, parameters, sheet_text, sheet_name, faults)
        places = _places(of_run, result["rows"], parameters, launch_dir, faults)
        if beyond := out_of_reach(run, params, places):
            raise Wrong(*faults.told(), *beyond)
        if "dest" in parameters.per_row:
            from voxels.archives.places import looks  # no other workflow waits for it

            own = {"outdir": params.get("outdir"), "the work directory": run.get("work_dir")}
            near = {
                what: path if "://" in path else os.path.join(launch_dir, path)
                for what, path in own.items()
                if path
            }
            may_look = not in_cloud(run)
            result["destinations"] = looks.found(well(), near, may_look, faults.of)
        if "project_dir" in of_run:  # to ask again elsewhere
            of_run["project_dir"] = of_run["project_dir"] or launch_dir
        given = Asked(params, of_run, result["rows"], faults, tool, launch_dir)
        result["rows"] = described_rows(parameters.workflow, given)
        host = str(of_run.get("bossdb_host"))
        by_channel: dict[str, list[dict[str, Any]]] = {}
        for row in well() if "source" in parameters.per_row else ():
            with faults.of(row["where"]):
                for one in every_channel(row):
                    asked = json.dumps([one[name] for name in _OF_CHANNEL])
                    by_channel.setdefault(asked, []).append(one)

        def ask(asking: list[dict[str, Any]]) -> dict[str, Any]:
            row = asking[0]
            source, resolution = row["source"], row["resolution"]
            if made.is_made(source):
                return _made_here(row, idle if asking is first else [])
            reader = archive_of(source)
            chosen = {name: row[name] for name in CHOSEN if row[name] is not None}
            chosen |= offsets.chosen_of(row["offset"])
            size = row["voxel_size"] and [float(side) for side in reversed(row["voxel_size"])]
            metadata = unreachable = files = note = None
            citations = {cited.BY_USER: cited.given(asking)}
            try:
                with survey.told_in(wheres(asking), row.get("called", {})):
                    metadata = survey.metadata(
                        reader, source, resolution, host, token, chosen, size
                    )
                    chosen = metadata.pop("chosen", {})
                    of = source, resolution, host, token, _boxes(asking, metadata, faults)
                    if of_run.get("source_changes") != "off":
                        files = reader.files(*of, chosen)
                    note = reader.unwritten(*of, files, chosen)
                citations[cited.BY_ARCHIVE], unsaid = cited.stated(source, host, token)
                note = "; ".join(filter(None, (note, unsaid))) or None
            except Unreachable as error:
                metadata, unreachable = None, str(error)
            return {
                **{name: row[name] for name in _OF_CHANNEL},
                "chosen": chosen,
                "archive": of_run.get("archive") or reader.archive_name(source, host),
                "host": reader.address(source, host),
                "metadata": metadata,
                "files": files,
                "citations": {by: told for by, told in citations.items() if told},
                "unreachable": unreachable,
                "note": note,
            }

        first = next(iter(by_channel.values()), [])
        here = all(made.is_made(asking[0]["source"]) for asking in by_channel.values())
        idle = [name for name in ("archive", "stage") if here and of_run.get(name)]

        def told(asking: list[dict[str, Any]]) -> tuple[dict[str, Any], str | None]:
            try:
                return ask(asking), None
            except (ValueError, Refused) as error:
                return {}, str(error)

        def seen(uri: str) -> dict[str, Any] | None:
            with faults.of(images[uri]):
                return survey.image(uri, host, token, images[uri])
            return None

        images = {row["image_source"]: row["where"] for row in well() if row.get("image_source")}
        with ThreadPoolExecutor(CHANNELS_AT_ONCE) as pool:
            answers = list(pool.map(told, by_channel.values()))
            shown = dict(zip(images, pool.map(seen, images), strict=True))
        for asking, (_, problem) in zip(by_channel.values(), answers, strict=True):
            if problem:  # of a row's channels that of the first, whichever answers first
                faults.add(asking[0]["where"], problem)
        if wrong := faults.told():
            raise Wrong(*wrong)
        result |= {"channels": [found for found, _ in answers], "images": shown}
    except UnicodeDecodeError:
        result["problem"] = f"{sheet_name} is not text in UTF-8: save it as CSV UTF-8"
    except ImportError as error:
        result["problem"] = f"the Python package {error.name or error} is missing: run ./set-up.sh"
    except Wrong as error:
        result["problem"] = "\n".join(map(one_line, page(error.args)))
    except (ValueError, Refused) as error:
        result["problem"] = one_line(str(error))
    return result


def _made_here(row: dict[str, Any], idle: list[str]) -> dict[str, Any]:
    """Return what PLAN, which has a database, completes: of a volume that was made here.

    `idle` are parameters of the run that say nothing of such volumes, of which it is told.
    """
    called = row.get("called", {})
    for name in (*CHOSEN, "voxel_size", "offset", *cited.LONGEST):
        if row.get(name) is not None:
            raise Refused(
                f"{called.get(name, name)} is not for {row['source']}, a volume that was made "
                f"here: leave it out (in {row['where']})"
            )
    told = {"chosen": {}, "archive": made.ARCHIVE, "host": ""}
    of_archive = ("metadata", "files", "unreachable", "note")
    if idle:
        told["note"] = (
            f"{' and '.join(idle)}: passed over, as what is read was made here and is in a store"
        )
    return {name: row[name] for name in _OF_CHANNEL} | dict.fromkeys(of_archive) | told


_OF_CHANNEL = ("source", "resolution", *CHOSEN, "voxel_size", "offset")
"""What a row says of its channel."""

_LEVELS = LEVELS | {"intensity_source": "intensity_resolution"}
"""Which parameter says what level of a source is read."""


def _places(
    run: dict[str, Any],
    asked: list[dict[str, Any]],
    parameters: Parameters,
    launch_dir: str,
    faults: Faults,
) -> list[tuple[str, str, str]]:
    """Return the sources and paths that are read, and where each is asked for.

    Gives sources their one spelling; of rows of which one has none, faults are told.
    """
    formats = {
        name: about.get("items", about).get("format")
        for name, about in parameters.described.items()
    }
    read = [name for name, form in formats.items() if form in (*PATHS, "source")]
    of_run = [name for name in read if name not in parameters.per_row]
    of_row = [name for name in read if name in parameters.per_row]
    paths = []
    for row, names in ((run, of_run), *((row, of_row) for row in asked)):
        where = row.get("where", "the parameters")
        for name in names:
            if row[name] is None:
                continue
            if formats[name] == "source" and made.is_made(row[name]):
                with faults.of(where), survey.told_in(where):
                    at = _LEVELS.get(name)
                    row[name], level = made.spelled(row[name], row[at] if at else 0)
                    if at:
                        row[at] = level
            elif formats[name] == "source":
                with faults.of(where), survey.told_in(where, {"source": name}):
                    row[name] = archive_of(row[name]).canonical(row[name], launch_dir)
            if name == "image_source":  # no task reads it
                continue
            given = row[name] if isinstance(row[name], list) else [row[name]]
            paths += [(name, path, where) for path in given]
    return paths


def _boxes(rows: list[dict[str, Any]], metadata: dict[str, Any], faults: Faults) -> list[Box]:
    """Return what is asked of a channel, but for what leaves it."""
    whole = Box.of(metadata["offset_zyx"], metadata["shape_zyx"])
    boxes = []
    for row in rows:
        with faults.of(row["where"]):
            boxes.append(survey.cutout_of(row, whole))
    return boxes


def main() -> None:
    """Read the files that are named on the command line and write described.json."""
    run, schema, *sheet = (Path(name) for name in sys.argv[1:])
    asked = json.loads(run.read_text(encoding="utf-8"))
    result = described(
        asked["params"],
        json.loads(schema.read_text(encoding="utf-8")),
        sheet[0] if sheet else None,
        os.environ.get("BOSSDB_TOKEN", "").strip() or "public",
        asked["run"]["launch_dir"],
        asked["run"],
        asked.get("tool"),
    )
    text = json.dumps(result, indent=1, allow_nan=False)
    Path("described.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
