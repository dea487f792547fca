#!/usr/bin/env python3
"""DESCRIBE_COMMAND: add to the command lines that are asked for what their files hold.

A user's mistake becomes a sentence in `problem`, never a failing task.

    describe_command.py run.json described.json tool.json
"""

import json
import sys
from pathlib import Path

from kit.texts import sentence
from tools.asked import described
from tools.registries import by_digest, resolved


def main() -> None:
    """Read the files that are named on the command line and write described.json."""
    asked, found, tool = (json.loads(Path(name).read_text("utf-8")) for name in sys.argv[1:])
    try:
        if not found["problem"] and "problem" in tool:
            raise ValueError(tool["problem"])
        if not found["problem"] and tool.get("tag"):
            tool["digest"] = resolved(tool["tag"])
            tool["image"] = f"docker://{by_digest(tool['tag'], tool['digest'])}"
        launch_dir = asked["run"]["launch_dir"]
        found["rows"] = [described(row, tool, launch_dir) for row in found["rows"]]
    except (ValueError, OSError) as error:
        found |= {"problem": sentence(error), "rows": []}
    text = json.dumps(found, indent=1, allow_nan=False)
    Path("described.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
