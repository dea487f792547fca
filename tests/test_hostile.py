"""What must never come through, whatever a user or a sheet gives.

Never a shell, a path outside of store and outdir, or SQL; always one sentence that is short, and
nothing written. What archives give is in test_hostile_archives.py, databases and whole runs are in
test_hostile_runs.py; the archive server's own side is in test_archive_fuzz.py.
"""

import csv
import io
import json
from pathlib import Path
from typing import Any

import hostile
import jsonschema
import pytest
from canary import CELLS, SOURCE, VALUES, many
from canary import never_a_shell as never_a_shell
from conftest import COUNTS, ROOT, SEED
from hostile import DESCRIBED, PER_ROW, SCHEMA, is_a_sentence, read
from hypothesis import Phase, given, seed
from hypothesis import strategies as st
from kit.parameters import Parameters, Wrong
from stage import judge, nextflow, said

pytestmark = pytest.mark.faults


def valid(row: dict[str, Any]) -> None:
    """Check a row against the schema, by another program than ours."""
    given = {name: row[name] for name in PER_ROW if row[name] is not None}
    for name, value in given.items():
        jsonschema.validate(value, DESCRIBED[name])


@seed(SEED)
@many(1500)
@given(params=st.dictionaries(st.sampled_from(PER_ROW), VALUES, min_size=1, max_size=3))
def test_any_value_of_a_parameter_is_valid_or_a_sentence(params: dict[str, Any]) -> None:
    COUNTS["hostile parameters"] += 1
    try:
        (row,) = read({"source": SOURCE} | params)
    except ValueError as error:
        assert is_a_sentence(str(error)), str(error)[:2000]
    else:
        valid(row)


@pytest.mark.parametrize("name", PER_ROW)
def test_a_huge_value_is_a_short_sentence(name: str) -> None:
    for huge in hostile.HUGE:
        COUNTS["hostile parameters"] += 1
        with pytest.raises(ValueError) as caught:
            read({"source": SOURCE, name: huge})
        assert is_a_sentence(str(caught.value))
    with pytest.raises(ValueError) as caught:
        read({"source": SOURCE}, f'{name}\n"{huge}"\n', "cutouts.csv")
    assert is_a_sentence(str(caught.value))


@seed(SEED)
@many(1500)
@given(
    header=st.lists(st.one_of(st.sampled_from(PER_ROW), CELLS), min_size=1, max_size=3),
    cells=st.lists(st.lists(CELLS, min_size=1, max_size=3), max_size=3),
    quoted=st.booleans(),
    end=st.sampled_from(["\n", "\r\n", "\r", "\0"]),
)
def test_any_sample_sheet_is_valid_or_a_sentence(
    header: list[str], cells: list[list[str]], quoted: bool, end: str
) -> None:
    COUNTS["hostile cells"] += len(header) + sum(map(len, cells))
    lines = [header, *cells]
    if quoted:
        lines = [['"' + cell.replace('"', '""') + '"' for cell in line] for line in lines]
    text = "".join(",".join(line) + end for line in lines)
    try:
        found = read({"source": SOURCE}, text, "cutouts.csv")
    except ValueError as error:
        assert all(map(is_a_sentence, map(str, error.args))), str(error)[:2000]
    else:
        for row in found:
            valid(row)


def maps() -> list[dict[str, Any]]:
    """Return parameters as a file may give them: mostly one that is hostile, among good ones."""
    good = {
        "source": st.sampled_from([SOURCE, "zarr://a b.zarr"]),
        "x_range": st.sampled_from([[0, 5], "-5,3", "0:8"]),
        "connectivity": st.sampled_from([6, "18"]),
        "min_voxels": st.sampled_from([0, "7", 2**63 - 1]),
        "block_shape": st.sampled_from([[1, 2, 3], "1,2,3"]),
        "archive": st.sampled_from(["ours", "a'b", "$HOME", "日本 %s"]),
        "store": st.sampled_from(["store", "-st ore$(x)", "s3://bucket/store"]),
        "outdir": st.sampled_from(["results", "a'b", "-x", "../out"]),
        "dry_run": st.sampled_from([True, "false"]),
    }
    texts = [name for name, one in DESCRIBED.items() if one["type"] == "string"]
    one = st.tuples(st.sampled_from(list(DESCRIBED)), VALUES)
    text = st.tuples(st.sampled_from(texts), CELLS)
    odd = st.tuples(CELLS, VALUES)
    found = []

    @seed(SEED)
    @many(600, phases=[Phase.generate])
    @given(
        st.fixed_dictionaries({"source": good.pop("source")}, optional=good),
        st.lists(st.one_of(one, text, text, odd), max_size=1),
    )
    def generate(fine: dict[str, Any], bad: list[tuple[str, Any]]) -> None:
        found.append(fine | dict(bad))

    generate()
    for huge in hostile.HUGE[:2]:
        found += [{"source": SOURCE, name: huge} for name in ("source", "x_range", "bucket")]
        found += [{huge: 1}]
    found += [{"source": SOURCE, "-_": 1}]
    return found


def test_any_parameters_are_valid_or_a_sentence_each(tmp_path: Path) -> None:
    """Of Groovy, which has what a launch needs, and Python; jsonschema knows neither."""
    given = maps()
    COUNTS["hostile parameter maps in Groovy"] = len(given)
    verdicts = judge(tmp_path, [json.dumps(one) for one in given])
    parameters = Parameters(SCHEMA)
    accepted = 0
    for params, verdict in zip(given, verdicts, strict=True):
        problem = verdict.get("problem")
        assert (problem is None) == ("values" in verdict), verdict
        if problem is not None:
            assert verdict["type"] == "nextflow.exception.WorkflowScriptErrorException", verdict
            assert all(map(is_a_sentence, problem.splitlines())), problem[:2000]
            continue
        try:
            told = verdict["values"] | parameters.checked(verdict["values"])
        except Wrong as error:
            assert error.args and all(map(is_a_sentence, error.args)), error.args
            continue
        accepted += 1
        for name, value in told.items():
            if value is not None:
                jsonschema.validate(value, DESCRIBED[name])
        if not set(params) - {*PER_ROW}:
            try:
                (row,) = read({name: verdict["values"][name] for name in params})
            except ValueError as error:
                assert not told["source"] and is_a_sentence(str(error))
                continue
            assert all(row[name] == told[name] for name in PER_ROW)
    assert len(given) / 5 < accepted < len(given) * 4 / 5, "both are tried"
    assert not list(tmp_path.rglob("*canary*"))


def sheets() -> list[str]:
    """Return sheets of sources in files, as spreadsheets and people write them; some are broken."""
    part = st.one_of(st.sampled_from(["d", "e", "l", "..", ".", "a b", ""]), CELLS)
    source = st.builds("{}{}".format, st.sampled_from(["zarr://", "n5://file://"]), part)
    source = st.builds("{}/{}".format, source, part).map(lambda text: text.replace("\0", "0"))
    blank = st.sampled_from(["", "", " ", "\u00a0", "\r\n", "\x1f\u3000", "\ufeff"])
    cell = st.builds("{}{}{}".format, blank, source, blank)
    line = st.tuples(st.integers(0, 60), cell, st.sampled_from(["6", " 18\n", "26", ""]))
    found = []

    @seed(SEED)
    @many(1000, phases=[Phase.generate])
    @given(
        lines=st.lists(line, min_size=1, max_size=3),
        order=st.permutations([0, 1, 2]),
        quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
        end=st.sampled_from(["\n", "\r\n", "\r", "\n\n"]),
        start=st.sampled_from(["", "\ufeff", "\n"]),
        drop=st.one_of(st.none(), st.integers(0, 90)),
    )
    def generate(
        lines: list[Any], order: list[int], quoting: Any, end: str, start: str, drop: int | None
    ) -> None:
        stream = io.StringIO(newline="")
        writer = csv.writer(stream, quoting=quoting, lineterminator=end)
        for cells in (("resolution", "source", "connectivity"), *lines):
            writer.writerow([cells[at] for at in order])
        text = start + stream.getvalue().encode(errors="replace").decode()
        found.append(text if drop is None else text[:drop] + text[drop + 1 :])

    generate()
    return found


SOURCES = """
include {{ parametersOf }} from '{root}/workflows/kit/parameters'

workflow {{
    def schema = new org.yaml.snakeyaml.Yaml().load(file('{root}/nextflow_schema.json').text)
    def known = parametersOf(schema, 'label')
    def sources = new GroovyShell().parse(new File('{root}/workflows/kit/sources.groovy'))
    def found = (0..<{number}).collect {{ at ->
        sources.sourcesOf([input: "sheet${{at}}.csv"], known)
    }}
    file('found.json').text = groovy.json.JsonOutput.toJson(found)
}}
"""


def test_the_pipeline_finds_the_sources_in_a_sheet_that_its_programs_find(tmp_path: Path) -> None:
    texts = ["source\nzarr://l\nzarr://l/..\nn5://file://d//e/.\nn5://file://f%20g%2b%25\n"]
    texts += [" ,\u00a0,\nResolution,SOURCE,,\n,,\n0,zarr://l,,,,\n,,,,\n", *sheets()]
    COUNTS["hostile sheets in Groovy"] = len(texts)
    for at, text in enumerate(texts):
        (tmp_path / f"sheet{at}.csv").write_text(text, "utf-8", newline="")
    (tmp_path / "main.nf").write_text(SOURCES.format(root=ROOT, number=len(texts)))
    done = nextflow("-q", "run", "main.nf", cwd=tmp_path)
    assert done.returncode == 0, said(done)
    accepted = 0
    for text, found in zip(texts, json.loads((tmp_path / "found.json").read_text()), strict=True):
        try:
            asked = read({}, text, "input")
        except ValueError:
            continue
        accepted += 1
        assert found == list(dict.fromkeys(row["source"] for row in asked)), text
    assert len(texts) / 8 < accepted < len(texts), "both are tried"
