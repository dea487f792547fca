#!/usr/bin/env python3
"""PAGE: `page.py page.json` puts pictures of volumes into the page of a run, `index.html`.

Where it can't be made, `note.txt` says why: no run fails for want of a page.
"""

import json
import sys
from pathlib import Path

from kit.texts import sentence
from voxels.paged import filled


def main() -> None:
    """Make the page."""
    told = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    problem = told.get("problem")
    try:
        html = "" if problem else filled(**told)
    except ModuleNotFoundError as error:
        problem = f"{sentence(error)} (pip install 'bossflow[look]' has it)"
    if problem:
        Path("note.txt").write_text(f"no page was made: {problem}", encoding="utf-8")
    else:
        Path("index.html").write_text(html, encoding="utf-8")


if __name__ == "__main__":
    main()
