"""Volumes as their own tools write them; `data/written.tar.xz` holds what came of it.

    python tests/written.py DIRECTORY     # writes those whose tools are installed
    python tests/written.py DIRECTORY --pack

No environment holds all tools: the same directory is given to each, and packed at the end. The
releases that wrote what is packed are in its `written.json`.
"""

import importlib.metadata
import json
import re
import sys
import tarfile
from pathlib import Path

from writers import (  # noqa: F401
    WRITERS,
    arrays,
    images,
    is_here,
    others,
    precomputed,
)

PACKED = Path(__file__).parent / "data" / "written.tar.xz"


def main() -> None:
    directory = Path(sys.argv[1])
    manifest = directory / "written.json"
    directory.mkdir(exist_ok=True)
    if "--pack" in sys.argv:
        with tarfile.open(PACKED, "w:xz") as packed:
            packed.add(directory, ".", filter=plain)
        return
    known = json.loads(manifest.read_text()) if manifest.exists() else {}
    for name, (tools, write) in WRITERS.items():
        if is_here(tools) and not (directory / name).exists():
            names = [re.match(r"[\w.-]+", tool)[0] for tool in tools.split()]
            releases = {tool: importlib.metadata.version(tool) for tool in names}
            known[name] = write(directory / name) | {"releases": releases}
            print(name)
    manifest.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")


def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Leave out who wrote what when."""
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    return member


if __name__ == "__main__":
    main()
