"""A block that another run makes anew while this one is suspended: what that wrote stays."""

from pathlib import Path
from typing import Any

import downsample_block
import numpy as np
import pytest
import tensorstore as ts
import transfer_block
from making import Downsampling, Transferring, noise, write_precomputed
from pipeline import bossflow_says

SMALL = {"block_shape": "16,32,32", "source_changes": "off"}


@pytest.mark.parametrize("changed", [True, False], ids=["changed", "the same"])
@pytest.mark.parametrize("where", ["levels", "volume", "dest"])
def test_it_is_not_written_over(
    where: str, changed: bool, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow, program = Transferring, transfer_block
    asked = SMALL | {"chunk_shape": "8,16,16"}
    if where == "levels":
        workflow, program, asked = Downsampling, downsample_block, SMALL | {"levels": 1}
    if where == "dest":
        asked["dest"] = str(tmp_path / "copy")
    volume = write_precomputed(tmp_path / "volume", noise((16, 32, 32), "uint8"))
    making = workflow(tmp_path, monkeypatch)
    asked["source"] = f"precomputed://{volume}"
    write, others = program.write, []

    def suspended(*given: Any) -> str:
        written: str = write(*given)
        if not others:
            others.append(None)
            if changed:
                place = {"driver": "file", "path": str(volume)}
                spec = {"driver": "neuroglancer_precomputed", "kvstore": place}
                ts.open(spec).result()[...].write(np.uint8(201)).result()
            others[0] = making.make(**asked)
        return written

    monkeypatch.setattr(program, "write", suspended)
    ours = making.make(**asked)
    assert others[0]["states"] in (["made"], ["made", "made"], ["made", "reused"])
    assert changed or "failed" not in ours["states"]
    assert ours["verdict"] == {"missing": None}, "the other one has recorded it"
    code, said = bossflow_says("verify", "--request", *ours["plan"]["requests"])
    assert code == 0, said
