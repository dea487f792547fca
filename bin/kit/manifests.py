"""What `bundle.json` says of a unit that was made, and whether a bundle that is there will do."""

import sys
from pathlib import Path
from typing import Any

from . import (
    bundles,
    committing,
    digests,
    locations,
    metrics,
    recorded_marks,
    retiring,
    verification,
)
from .units import Bundle, Unit


def compared(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return what a receipt says of a unit that is to be compared."""
    made = {"made_sha256": digests.made_digest(manifest), "seen": seen(manifest)}
    return {"state": "compared", "content_sha256": manifest["content_sha256"]} | made


def seen(manifest: dict[str, Any]) -> str | None:
    """Return what the files looked like that a bundle was made of, where that is known."""
    digest: str | None = manifest.get("reading", {}).get("seen")
    return digest


def reusable(
    final: Path,
    unit: Unit,
    made_from: list[dict[str, Any]],
    header: dict[str, Any],
    content_sha256: str | None = None,
) -> bool:
    """Say whether a whole bundle of the same arguments and inputs is in place; retire any other.

    Where a content is given, it must have that: settings decide of it, and RECORD takes no other.

    Raises
    ------
    ValueError
        If the other one was recorded since the run was planned.
    """
    store = locations.local(header["store"])
    try:
        existing = bundles.read(final)
        made_of = existing.manifest["arguments"], existing.manifest["inputs"]
        same = made_of == (unit.arguments, made_from)
        same = same and seen(unit.settings) in (None, seen(existing.manifest))
        same = same and content_sha256 in (None, existing.content_sha256)
        if same and existing.lies_in(unit.inputs) and verification.whole(existing, store):
            committing.flush(existing)
            return True
    except FileNotFoundError:
        if not final.exists():
            return False
    except ValueError as error:
        print(error, file=sys.stderr)
    else:
        if recorded_marks.is_recorded(existing, header.get("marks", ())):
            raise ValueError("another run recorded it meanwhile, made of something else: run again")
    retiring.retire(store, [final])
    return False


def described(
    unit: Unit, bundle: Bundle, store: Path, made_from: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return what `bundle.json` says of what was made, and of what."""
    files, elsewhere = [], {*bundle.beside.values()}
    for path in digests.files_below(bundle.directory):
        if path in elsewhere:
            continue
        entry = digests.file_record(path, store)
        inside = path.relative_to(bundle.directory)
        files.append(entry | {"path": (bundle.final / inside).relative_to(store).as_posix()})
    for path in sorted(bundle.outside):
        entry = digests.file_record(bundle.beside.get(path, path), store)
        # of what is only compared, the input that it would be written into may be in another one
        hosts = [] if bundle.kept else [given.store for given in unit.inputs]
        home = next((host for host in hosts if path.is_relative_to(host)), store)
        files.append(entry | {"path": committing.listed(path, home)})
    manifest = {
        "bundle": bundles.VERSION,
        "unit_id": unit.unit_id,
        "process": unit.process,
        "key": unit.key,
        "arguments": unit.arguments,
        "attributes": bundle.attributes,
        "urls": bundle.urls,
        "parts": bundle.parts,
        "part_rows": bundle.part_rows,
        "files": files,
        "inputs": made_from,
    }
    if bundle.measured:
        manifest["measured"] = sorted(bundle.measured)
    if bundle.metrics:
        manifest["metrics"] = metrics.checked(bundle.metrics)
    if not unit.exact:
        manifest["exact"] = False
    if bundle.taken_from:
        manifest["taken_from"] = bundle.taken_from
    if unit.makes:
        manifest["makes"] = unit.makes
    if unit.sources:
        manifest["sources"] = unit.sources
    if bundle.elsewhere:
        manifest["elsewhere"] = bundle.elsewhere
    if "reading" in unit.settings:
        manifest["reading"] = unit.settings["reading"]
    try:
        content_sha256 = digests.content_digest(manifest)
    except UnicodeEncodeError as error:
        near = error.object[max(0, error.start - 40) : error.end]
        raise ValueError(
            f"what it made can't be described: there is half a surrogate pair in …{near}"
        ) from None
    if unit.makes:
        manifest["made_sha256"] = bundle.made_sha256 or content_sha256
    return manifest | {"content_sha256": content_sha256}


def seal(unit: Unit, bundle: Bundle, manifest: dict[str, Any]) -> None:
    """Write `bundle.json` last and put the directory into place, on disk."""
    if not committing.commit(bundle.directory, bundle.final, manifest, bundle.outside):
        other = bundles.read(bundle.final)
        committing.flush(other)
        if unit.exact and other.content_sha256 != manifest["content_sha256"]:
            raise ValueError(
                f"another run made {unit.process} {unit.unit_id} meanwhile, with other content"
            )
