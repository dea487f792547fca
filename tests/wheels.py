"""Distributions of the tests' own, which pip finds in a directory and nowhere else."""

import os
import zipfile
from collections.abc import Iterable
from pathlib import Path


def wheel(directory: Path, name: str, version: str, text: str, *requires: str) -> None:
    """Write a distribution of one module, of that name."""
    info = f"{name}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {one}\n" for one in requires)
    files = {
        f"{name}.py": text,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    directory.mkdir(exist_ok=True)
    with zipfile.ZipFile(directory / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)


def settings(directory: Path) -> dict[str, str]:
    """Return the environment in which pip looks there alone."""
    alone = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(directory), "PIP_CONFIG_FILE": os.devnull}
    return alone | {"PIP_NO_CACHE_DIR": "1"}


FUNCTION = """
import os
from pathlib import Path
from tool import NUMBER

def times(x: int, file: Path):
    print("called by job", os.environ.get("SLURM_JOB_ID"))
    return [x * NUMBER, file.read_text()]
"""


def pinned(directory: Path, files: Iterable[Path]) -> list[str]:
    """Write a function, with a lock file of what it imports and a row for each file.

    Returns
    -------
    list of str
        What a run is told that calls it. Of row `x` it returns `[7 * x, text of the file]`.
    """
    wheel(directory / "wheels", "tool", "1.0", "NUMBER = 7")
    (directory / "ours.py").write_text(FUNCTION)
    (directory / "lock.txt").write_text("tool==1.0\n")
    rows = "".join(f'{x},"{path}"\n' for x, path in enumerate(files))
    (directory / "rows.csv").write_text(f"x,file\n{rows}")
    asked = ["--workflow", "map", "--function", "ours:times", "--rows", "rows.csv"]
    return [*asked, "--requirements", "lock.txt"]
