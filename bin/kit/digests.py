"""What things are known by: digests of values and files, and the ids of units."""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_canonical = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
).encode  # made once: each unit's id is a digest

_quoted = json.encoder.encode_basestring


def canonical(value: Any) -> str:
    """Return the one JSON text of a value: sorted keys, no spaces, no NaN."""
    return _canonical(value)


def digest(value: Any) -> str:
    """Return the sha256 (64 hex digits) of a value's canonical JSON."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def fingerprint(programs: Path) -> str:
    """Return a hash (16 hex digits) of all Python files below a directory."""
    files = [path for path in files_below(programs) if path.suffix == ".py"]
    texts = {path.relative_to(programs).as_posix(): path.read_text("utf-8") for path in files}
    return digest(texts)[:16]


def unit_id(process: str, key: dict[str, Any]) -> str:
    """Return the name of a unit (32 hex digits): the hash of its process and primary key.

    It is the `digest` of both; of texts, as nearly all keys are, written here in half the time.
    """
    try:
        columns = ",".join([f"{_quoted(name)}:{_quoted(key[name])}" for name in sorted(key)])
    except TypeError:  # of a number
        return digest([process, key])[:32]
    text = f"[{_quoted(process)},{{{columns}}}]"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def made_digest(manifest: dict[str, Any]) -> str:
    """Return the digest of what was made alone, whatever it was made of."""
    return _of_results(manifest, ("urls", "parts", "files"))


def content_digest(manifest: dict[str, Any]) -> str:
    """Return the digest of a bundle's results: no times, no run, no place."""
    names = ("process", "key", "arguments", "urls", "parts", "files", "inputs")
    return _of_results(manifest, names)


def _of_results(manifest: dict[str, Any], names: tuple[str, ...]) -> str:
    """Return the digest of some of a bundle, and of those attributes that were not measured."""
    measured = manifest.get("measured", ())
    attributes = {name: one for name, one in manifest["attributes"].items() if name not in measured}
    return digest({name: manifest[name] for name in names} | {"attributes": attributes})


def file_record(path: Path, store: Path) -> dict[str, Any]:
    """Return one file's entry for a manifest: its path in the store, size and sha256."""
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        size = stream.tell()
    return {"path": path.relative_to(store).as_posix(), "bytes": size, "sha256": sha256}


def files_below(directory: Path) -> Iterator[Path]:
    """Yield every file below a directory, in a fixed order; no links to directories or nothing."""
    for root, directories, names in os.walk(directory):
        directories.sort()
        paths = (Path(root) / name for name in sorted(names))
        yield from (path for path in paths if not path.is_symlink() or path.exists())
