"""Blocks that a function was applied to are made again of what was recorded."""

import json
import shutil
from pathlib import Path
from typing import Any

import bossflow
import pytest
from applying import MODULE, Applying
from applying import applying as applying
from kit import locations
from making import noise, write_precomputed
from pipeline import bossflow_says


def deep(request: str) -> tuple[int, dict[str, Any]]:
    code, text = bossflow_says("verify", "--deep", "--json", "--request", request)
    assert text.startswith("{"), text
    return code, json.JSONDecoder().raw_decode(text)[0]


@pytest.mark.parametrize("name", ["smooth", "told"])
def test_blocks_are_made_again_of_the_function_as_it_was(
    applying: Applying, tmp_path: Path, name: str
) -> None:
    volume = write_precomputed(tmp_path / "volume", noise((16, 16, 32), "uint8"))
    arguments = {"smooth": '{"sigma": 2}', "told": '{"own": true}'}[name]
    asked = {"source": f"precomputed://{volume}", "block_shape": "16,16,16", "halo": "8,8,8"}
    asked["chunk_shape"] = "8,8,8"
    done = applying.apply(name, **asked, arguments=arguments)
    (request,) = done["plan"]["requests"]
    source = tmp_path / f"{applying.module}.py"
    source.write_text(MODULE.replace("truncate=4.0", "truncate=1.0"))
    code, told = deep(request)
    assert (code, told["failed"], told["passed_over"]) == (0, [], {}), json.dumps(told)
    assert told["same"] == told["units"] and told["otherwise"] == []
    to = tmp_path / "rows"
    code, said = bossflow_says("export", request, "--format", "parquet", "--to", str(to))
    assert code == 0 and (to / "applied_rows.parquet").exists() == (name == "told"), said
    if name == "told":
        return
    lineage = bossflow.lineage(request)
    about = {name: one["about"] for name, one in lineage["executions"].items() if one["about"]}
    (staged,) = (name for name, one in about.items() if "function" in one)
    assert about.pop(staged)["function"] == f"{applying.module}:smooth"
    assert [*about.values()] == [{"arguments": {"sigma": 2.0}}]
    assert {*bossflow.lineage(staged)["made_by"]} == {staged}
    code, said = bossflow_says("lineage", "--of", "--json", staged)
    assert code == 0 and {*json.loads(said)["requests"]} == {request}, said
    changed = applying.apply(name, **asked, arguments=arguments)
    told = bossflow.diff(request, changed["plan"]["requests"][0])
    differ = [
        one["name"] for one in told["rows"] if one["section"] == "function" if not one["equal"]
    ]
    assert differ == [f"source {applying.module}.py"] and told["made"]["files"]["differ"] > 0


@pytest.mark.parametrize("exact", [True, False])
def test_blocks_are_made_again_of_what_was_recorded_whatever_was_edited_since(
    applying: Applying, tmp_path: Path, exact: bool
) -> None:
    """Where a function returns something else each time, that is a fault of an exact one only."""
    source = tmp_path / f"{applying.module}.py"
    source.write_text(
        "import os\nimport numpy as np\n\n"
        "def drawn(block, box, bits: int):\n"
        "    return block ^ np.uint8(os.urandom(1)[0] | 1 if box[2].start else bits)\n"
    )
    volume = write_precomputed(tmp_path / "volume", noise((8, 8, 32), "uint8"))
    asked = {"source": f"precomputed://{volume}", "chunk_shape": "8,8,8", "block_shape": "8,8,16"}
    asked |= {"dtype": "uint8", "exact": exact, "arguments": '{"bits": 5}'}
    done = applying.apply("drawn", **asked)
    assert done["verdict"] == {"missing": None}, done["summary"]
    source.write_text("")
    (request,) = done["plan"]["requests"]
    code, told = deep(request)
    assert (code, told["failed"], told["passed_over"]) == (int(exact), [], {}), json.dumps(told)
    (one,) = told["differ" if exact else "otherwise"]
    assert (one["process"], told["same"]) == ("APPLY_BLOCK", 3)


def test_a_volume_is_not_exported_without_a_block_that_is_lost_and_rows_say_as_what_they_are(
    applying: Applying, tmp_path: Path
) -> None:
    volume = write_precomputed(tmp_path / "volume", noise((8, 8, 32), "uint8"))
    asked = {"source": f"precomputed://{volume}", "chunk_shape": "8,8,8", "block_shape": "8,8,16"}
    asked["arguments"] = ""
    (rows,) = applying.apply("told", **asked)["plan"]["requests"]
    to = ("--to", str(tmp_path / "out"))
    code, said = bossflow_says("export", rows, "--format", "npy", *to)
    assert code == 1 and "makes no volume: give --format parquet, ro-crate or prov" in said
    done = applying.apply("thrice", **asked, dtype="uint8")
    (request,) = done["plan"]["requests"]
    for lost in [*locations.every(applying.store, "APPLY_BLOCK")]:
        shutil.rmtree(lost)
    code, said = bossflow_says("export", request, "--format", "npy", *to)
    assert code == 1 and " is not in the store any more: bring it back, or run" in said, said
    assert not (tmp_path / "out").exists()
