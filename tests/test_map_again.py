"""Recorded calls made again: of what was recorded, whatever became of sources, rows and files."""

import json
from typing import Any

import pytest
from mapping import HELPER, Mapping
from mapping import mapping as mapping
from pipeline import bossflow_says


def deep(request: str) -> tuple[int, dict[str, Any], str]:
    code, text = bossflow_says("verify", "--deep", "--json", "--request", request)
    assert text.startswith("{"), text
    told, end = json.JSONDecoder().raw_decode(text)
    return code, told, text[end:]


def test_calls_are_made_again_of_what_was_recorded_whatever_was_edited_since(
    mapping: Mapping, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = mapping.directory / "in put.txt"
    file.write_text("ab")
    given = {"x": 2, "file": "in put.txt"}
    hows = ["", "none", "nan", "array", "file", "long"]
    (request,) = mapping.map(given, *({"x": 3, "how": how} for how in hows))["plan"]["requests"]
    (mapping.directory / "helper.py").write_text(HELPER.replace("2 * x", "3 * x"))
    (mapping.directory / f"{mapping.module}.py").unlink()
    (mapping.directory / "rows.jsonl").unlink()
    (mapping.directory / "elsewhere").mkdir()
    monkeypatch.chdir(mapping.directory / "elsewhere")
    code, told, said = deep(request)
    assert (code, told["same"], told["units"]) == (0, 8, 8), json.dumps(told) + said
    assert (told["otherwise"], told["passed_over"]) == ([], {})

    file.write_text("cd")
    code, told, said = deep(request)
    assert (code, told["same"], told["failed"]) == (0, 7, []), json.dumps(told) + said
    ((why, number),) = told["passed_over"].items()
    assert number == 1 and f"(such as {file})" in why


def test_where_all_files_of_calls_are_gone_nothing_is_made_again(mapping: Mapping) -> None:
    file = mapping.directory / "a.txt"
    file.write_text("ab")
    (request,) = mapping.map({"x": 2, "file": "a.txt"})["plan"]["requests"]
    file.unlink()
    code, told, said = deep(request)
    assert (code, told["looked_at"], sum(told["passed_over"].values())) == (1, 0, 2)
    assert said.strip() == "Error: nothing was made again"


def test_what_returns_something_else_each_time_is_told_and_no_fault(mapping: Mapping) -> None:
    module = f"{mapping.module}_at_once"
    (mapping.directory / f"{module}.py").write_text(
        "import os\n\ndef drawn(x: int):\n    return os.urandom(8).hex() if x else 0\n"
    )
    done = mapping.map({"x": 0}, {"x": 1}, function=f"{module}:drawn")
    (request,) = done["plan"]["requests"]
    code, told, said = deep(request)
    assert (code, told["same"], told["differ"], told["failed"]) == (0, 2, [], []), (
        json.dumps(told) + said
    )
    (one,) = told["otherwise"]
    assert one["process"] == "CALL_FUNCTION" and "which may be" in one["problem"]
    code, said = bossflow_says("verify", "--deep", "--request", request)
    assert code == 0 and "2 units made again as recorded, 1 otherwise" in said, said
