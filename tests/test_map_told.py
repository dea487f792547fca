"""What is told of recorded calls: where they came from, how they differ, what is taken along."""

import json

import bossflow
import crates
import pyarrow.parquet as pq
from bossflow.workflows.map import FunctionCall, workflow
from mapping import HELPER, Mapping
from mapping import mapping as mapping
from pipeline import bossflow_says


def test_a_call_is_traced_to_its_arguments_files_sources_and_software(mapping: Mapping) -> None:
    file = mapping.directory / "in.txt"
    file.write_text("ab")
    done = mapping.map({"x": 2, "file": "in.txt"})
    (row,) = (FunctionCall & {"call_id": mapping.calls(done)[0]}).to_dicts()
    told = bossflow.lineage(row["returned_by"])
    (name,) = told["made_by"]
    call = told["executions"][name]
    arguments = call["about"]["arguments"]
    assert arguments["x"] == 2 and arguments["file"]["name"] == "in.txt"
    (made_of,) = call["made_of"]
    staged = told["executions"][made_of]["about"]
    assert staged["function"] == f"{mapping.module}:twice" and "numpy" in staged["versions"]
    assert staged["files"].keys() == {"helper.py", f"{mapping.module}.py"}
    assert "python" in told["environments"][call["environment"]]["software"]
    code, said = bossflow_says("lineage", row["returned_by"])
    assert code == 0 and f'function "{mapping.module}:twice"' in said, said
    assert '"sha256": "' in said and 'versions {"' in said, said


def test_what_depends_on_sources_names_the_requests_of_its_calls(mapping: Mapping) -> None:
    requests = [mapping.map(*rows)["plan"]["requests"][0] for rows in ([{"x": 1}], [{"x": 2}])]
    (both,) = mapping.map({"x": 1}, {"x": 2})["plan"]["requests"]
    told = bossflow.lineage(requests[0])
    (call,) = told["made_by"]
    (staged,) = told["executions"][call]["made_of"]
    code, said = bossflow_says("lineage", "--of", "--json", staged)
    assert code == 0 and {*json.loads(said)["requests"]} == {*requests, both}, said
    code, said = bossflow_says("lineage", "--of", "--json", call)
    assert code == 0 and {*json.loads(said)["requests"]} == {requests[0], both}, said


def test_files_that_were_made_here_are_followed_to_calls_and_back(mapping: Mapping) -> None:
    """A file that one call returned, given to another by a link."""
    (first,) = mapping.map({"x": 3, "how": "file"})["plan"]["requests"]
    (made,) = bossflow.lineage(first)["made_by"]
    (file,) = mapping.store.glob("CALL_FUNCTION/*/*/files/*")
    (mapping.directory / "link.jsonl").symlink_to(file)
    (second,) = mapping.map({"x": 1, "file": "link.jsonl"})["plan"]["requests"]
    told = bossflow.lineage(second)
    (call,) = told["made_by"]
    assert made in told["executions"][call]["made_of"]
    code, said = bossflow_says("lineage", "--of", "--json", str(file))
    assert code == 0 and {*json.loads(said)["requests"]} == {first, second}, said
    code, said = bossflow_says("forget", first, "--yes")
    assert code == 1 and f"request {second} (" in said, said
    code, said = bossflow_says("invalidate", "--request", first, "--yes")
    assert code == 0 and "forgot 2 rows of stages" in said, said


def test_requests_differ_by_calls_results_and_sources(mapping: Mapping) -> None:
    hows = ["", "none", "array"]
    (first,) = mapping.map(*({"x": 3, "how": how} for how in hows))["plan"]["requests"]
    (fewer,) = mapping.map({"x": 3, "how": "none"}, {"x": 9})["plan"]["requests"]
    code, said = bossflow_says("diff", first, fewer)
    assert code == 0 and "calls: 1 equal, 2 only A's, 1 only B's" in said, said
    assert "  only B's: x=9" in said and "source " not in said, said
    (mapping.directory / "helper.py").write_text(HELPER.replace("2 * x", "3 * x"))
    (other,) = mapping.map(*({"x": 3, "how": how} for how in hows))["plan"]["requests"]
    code, said = bossflow_says("diff", first, other)
    assert code == 0 and "calls: 1 equal, 2 differ" in said, said
    assert '  differ: how="array", x=3' in said and "source helper.py" in said, said
    assert f"source {mapping.module}.py" not in said
    told = bossflow.diff(first, other, voxels=False)
    assert (told["calls"]["not_compared"], told["equal"]) == (3, False)
    assert bossflow.diff(first, first)["equal"]


def test_results_of_calls_are_taken_along(mapping: Mapping) -> None:
    rows = [{"x": 3, "how": how} for how in ("nan", "array", "file", "long")]
    (request,) = mapping.map(*rows)["plan"]["requests"]
    crate = mapping.directory / "crate"
    given = ("export", request, "--format", "ro-crate", "--with-data", "--to", str(crate))
    code, said = bossflow_says(*given)
    assert code == 0, said
    assert not crates.problems(crate, mapping.directory / "cache")
    names = sorted(path.name for path in crate.glob("data/CALL_FUNCTION/*/*/*"))
    assert names == ["files", "result.json", "result.npy"], names
    table = {
        json.loads(row["arguments"])["how"]: row
        for row in pq.read_table(crate / "calls.parquet").to_pylist()
    }
    assert table["nan"]["result"] == '{"$float":"nan"}'
    assert json.loads(table["long"]["result"]) == ["y" * 5000]
    assert table["array"]["file"].endswith("/result.npy")
    to = mapping.directory / "rows"
    code, said = bossflow_says("export", request, "--format", "parquet", "--to", str(to))
    assert code == 0 and pq.read_table(to / "calls.parquet").num_rows == 4, said


def test_a_dry_run_tells_no_time_until_some_calls_are_known(mapping: Mapping) -> None:
    rows = mapping.directory / "rows.csv"
    rows.write_text("x\n1\n")
    unknown = "to run     2 tasks; nothing tells yet how long these take"
    plan, _ = mapping.plan(**mapping.asked(rows), dry_run=True)
    assert unknown in plan["text"], plan["text"]
    mapping.map(*({"x": x} for x in range(10, 20)))
    plan, _ = mapping.plan(**mapping.asked(rows), dry_run=True)
    assert "to run     1 task, about " in plan["text"], plan["text"]


def test_the_page_of_a_run_lists_the_first_calls(mapping: Mapping) -> None:
    rows = [{"x": number} for number in range(10)]
    (request,) = mapping.map(*rows)["plan"]["requests"]
    (table,) = workflow.tables_of(request)
    assert table["caption"] == "The first 8 of 10 calls"
    assert [row[0] for row in table["rows"]] == [f'{{"x": {number}}}' for number in range(8)]
    assert table["rows"][3][1] == "6"
