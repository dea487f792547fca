"""Workflow apply a step at a time in the process of a test: what Nextflow does, in a second."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from apply_block import apply_block
from begin_apply import begin_apply
from collect_rows import collect_rows
from functions.caller import Caller
from pipeline import NUMBERS
from pull_block import pull_block
from stage_function import stage
from steps import Cutouts

MODULE = '''
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import ndimage


def smooth(block, sigma: float) -> npt.NDArray[np.float32]:
    return ndimage.gaussian_filter(block.astype(np.float32), sigma, truncate=4.0)


def told(block, box, halo, voxel_size_nm, own: bool = False):
    inside = tuple(slice(n, -m or None) for n, m in halo)
    assert block.shape == tuple(part.stop - part.start for part in box)
    place = [part.start + n for part, (n, _) in zip(box, halo)]
    return {"place": str(place), "sum": int(block[inside].sum()), "size": voxel_size_nm[0]}


def points(block, box):
    """Rows of as many kinds as there are."""
    places = np.argwhere(block > 190)
    if len(places) % 3 == 0:
        return None
    rows = [{"z": int(z), "value": int(block[z, y, x])} for z, y, x in places]
    return pd.DataFrame(rows) if len(places) % 3 == 1 else rows


def odd(block, box, how: str):
    block[0, 0, 0] = 0
    if box[2].start == 0:
        return block
    return {"shape": block[1:], "dtype": block.astype("f8"), "none": None, "row": {"x": 1}}[how]


def kinds(block, box):
    return {"x": [1, 2.5, 2**60 + 1, "a", None][box[2].start // 16 % 5]}


def thrice(block, factor: int = 3):
    return block * factor


def by_file(block, file: Path) -> npt.NDArray[np.uint8]:
    return block * np.uint8(file.read_text())


def blind(*, x=1):
    return x


def turned(box, block):
    return block


def unsaid(block) -> np.ndarray:
    return block
'''


class Applying(Cutouts):
    """What Nextflow does with a function that is applied to the blocks of a volume."""

    workflow = "apply"
    volume = Path()

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch, caller: Caller) -> None:
        super().__init__(directory, monkeypatch)
        self.programs = {
            "PULL_BLOCK": pull_block,
            "STAGE_FUNCTION": stage,
            "BEGIN_APPLY": begin_apply,
            "APPLY_BLOCK": partial(apply_block, caller),
            "COLLECT_ROWS": collect_rows,
        }
        self.module = f"applied{next(NUMBERS)}"  # the database is that of all tests
        (directory / f"{self.module}.py").write_text(MODULE)

    def apply(self, name: str, /, **params: Any) -> dict[str, Any]:
        """Run it all, on the volume where it lies; return what `run` does."""
        return self.run([], **{"stage": False, "function": f"{self.module}:{name}"} | params)

    def problem(self, name: str, /, **params: Any) -> str:
        """Return with which sentences it is refused."""
        from bossflow.core.tables import Request

        before = len(Request())
        said = self.apply(name, **params)["plan"]["problem"]
        assert said and len(Request()) == before and not self.store.exists()
        return str(said)

    @staticmethod
    def made(done: dict[str, Any], table: str = "Applied") -> dict[str, Any]:
        """Return the row of a run's request."""
        import bossflow

        assert done["verdict"] == {"missing": None}, done["summary"]
        (request,) = done["plan"]["requests"]
        row: dict[str, Any] = (getattr(bossflow, table) & {"request_id": request}).fetch1()
        return row


@pytest.fixture
def applying(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Applying]:
    from bossflow.core import installed
    from bossflow.workflows import apply as module

    installed.open_schema([module.workflow])
    caller = Caller()
    yield Applying(tmp_path, monkeypatch, caller)
    caller.close()
