"""What a sweep's file says, and sentences for what is wrong."""

import json
from pathlib import Path

import pytest
from bossflow.core.score_tables import Score
from bossflow.kit.parameters import Parameters
from bossflow.sweeps import definition, files, sheets, sources, steps
from bossflow.sweeps.space import Value
from bossflow.sweeps.truths import OF_BOTH, OF_LABELS, OF_POINTS
from conftest import ROOT


def read(directory: Path, text: str, name: str = "sweep.yml") -> definition.Definition:
    (directory / name).write_text(text)
    return definition.read(directory / name)


LABEL = "source: bossdb://a/b/c\n"
STEPS = "steps: {a: {workflow: transfer, source: 'bossdb://a/b/c'}, b: {source: 'step:a'}}\n"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "sweep: {min_voxel: [1]}",
            'sweep names "min_voxel", which is no parameter of workflow label: did you mean',
        ),
        (
            "sweep: {dust: [1]}",
            'sweep names "dust", which is no parameter of workflow label: did you mean min_voxels',
        ),
        (
            "min_voxel: 1\nsweep: {min_voxels: [1]}",
            'the file has "min_voxel", which is no parameter of workflow label: did you mean',
        ),
        (
            "sweep: {stage: [true]}",
            "sweep varies stage, which is a setting of the run and not of its rows",
        ),
        (
            "sweep: {store: [a]}",
            "sweep varies store, which is a setting of the run and not of its rows",
        ),
        ("sweep: {name: [a]}", "sweep varies name, which makes no other result: leave it out"),
        (
            "sweep: {min_voxels: [1, -1]}",
            "sweep of min_voxels: min_voxels must be at least 0, not -1",
        ),
        ("sweep: {min_voxels: [1, 1.0]}", "sweep of min_voxels: min_voxels must be a whole number"),
        ("sweep: {min_voxels: [1, '1']}", "sweep of min_voxels has 1 twice: remove one"),
        ("sweep: {min_voxels: 5}", "sweep of min_voxels must be a list of values"),
        ("sweep: {min_voxels: []}", "sweep of min_voxels must be a list of values"),
        ("sweep: {min_voxels: [null]}", "sweep of min_voxels has an empty value"),
        ("sweep: {min_voxels: {from: 1, to: 2}}", "sweep of min_voxels must be a list of values"),
        (
            "sweep: {min_voxels: {from: 1, to: 4, step: 2}}",
            "does not come to 4 in steps of 2: both ends are points",
        ),
        ("sweep: {min_voxels: {from: 4, to: 1, step: 1}}", "must go up"),
        ("sweep: {min_voxels: {from: 1, to: 4, step: 0}}", "must go up"),
        (
            "sweep: {min_voxels: {from: a, to: 4, step: 1}}",
            'counts in numbers, such as 0.1, not "a"',
        ),
        (
            "sweep: {min_voxels: {from: .nan, to: 4, step: 1}}",
            "counts in numbers, such as 0.1, not NaN",
        ),
        ("sweep: {x_range: {tiles: [4, 4, 1]}}", "tiles must be start, end and step"),
        ("sweep: {min_voxels: {from: 1, to: 10001, step: 1}}", "has 10,001 values: 10,000 at most"),
        ("sweep: {min_voxels: {from: 1, to: 1e30, step: 1}}", "values: 10,000 at most"),
        (
            "sweep: {min_voxels: {from: 1, to: 200, step: 1}, x_range: {tiles: [0, 100, 1]}}",
            "sweep has 20,000 points: 10,000 at most",
        ),
        (
            "sweep: {min_voxels: [1], except: [{min_voxels: 2}]}",
            "except of sweep: min_voxels is never 2",
        ),
        (
            "sweep: {min_voxels: [1], except: [{x_range: 2}]}",
            'except of sweep names "x_range", which sweep does not vary',
        ),
        ("sweep: {min_voxels: [1], except: [{min_voxels: 1}]}", "sweep has no point"),
        ("sweep: {min_voxels: [1], except: {min_voxels: 1}}", "except of sweep must be a list"),
        ("sweep: {except: []}", "sweep names no parameter"),
        ("sweep: [min_voxels]", "sweep must name parameters"),
        (
            "sweep: {min_voxels: [1]}\nsearch: {by: bayes}",
            'by of search must be grid, random or tpe, not "bayes"',
        ),
        (
            "sweep: {min_voxels: [1]}\nsearch: {by: tpe}",
            "search by tpe needs points: how many, such as 24",
        ),
        ("sweep: {min_voxels: [1]}\nsearch: {by: tpe, points: 1}", "search by tpe needs round"),
        (
            "sweep: {min_voxels: [1]}\nsearch: {point: 1}",
            'search has "point": did you mean points?',
        ),
        (
            "sweep: {min_voxels: [1]}\nsearch: {points: 0}",
            "points of search must be from 1 to 10,000, not 0",
        ),
        (
            "sweep: {min_voxels: [1]}\nsearch: {goal: most}",
            "goal of search must be largest or smallest",
        ),
        (
            "sweep: {min_voxels: [1]}\nsearch: {seed: [1]}",
            "seed of search must be a whole number or short text",
        ),
        ("sweep: {min_voxels: [1]}\nscore: {within_nm: 1}", "there is no truth: give it"),
        (
            "sweep: {min_voxels: [1]}\ntruth: no.csv",
            'truth "no.csv" is not there: give the path of a file',
        ),
        (
            "sweep: {min_voxels: [1]}\ntruth: bossflow://a\nscore: {step: b}",
            'score names step "b": there are label',
        ),
        (
            "sweep: {min_voxels: [1]}\ntruth: bossflow://a\nscore: {within_nm: near}",
            'within_nm of score must be a number above 0, not "near"',
        ),
        (
            "sweep: {min_voxels: [1]}\ntruth: {uri: a, level: 1}",
            'truth has "level": there are uri, resolution',
        ),
        (
            "sweep: {min_voxels: [1]}\ntruth: {uri: a, voxel_size: [1, 2]}",
            "voxel_size of truth must be three numbers, x, y and z, not [1, 2]",
        ),
        (
            "sweep: {min_voxels: [1]}\ntruth: {resolution: 1}",
            "truth must be a file of points, a volume or a request",
        ),
        ("sweep: {min_voxels: [1]}\nname: [1]", "name must be a text"),
        (
            "sweep: {min_voxels: [1]}\ndry_run: true",
            "dry_run is not for the file: give it on the command line",
        ),
        ("sweep: {min_voxels: [1]}\ninput: no.csv", 'input "no.csv" is not there'),
        (
            "sweep: {min_voxels: [1]}\nworkflow: map",
            "workflow map is not for the file: it reads no sample sheet",
        ),
        ("sweep: {min_voxels: [1]}\nworkflow: lable", 'there is no workflow "lable"'),
        ("sweep: {min_voxels: [1]}\nsweep: {}", 'says "sweep" twice: remove one'),
        ("sweep: {min_voxels: &a [1], x_range: *a}", "is no YAML: aliases (*) are not read"),
        ("sweep: {min_voxels: [1]", "is no YAML"),
        ("sweep: {min_voxels: [!!float [1]]}", "is no YAML: expected a scalar node"),
        ("sweep: {min_voxels: [!!bool abc]}", "is no YAML: a value is none of its kind"),
        ("sweep: {min_voxels: [!!int abc]}", "is no YAML: a value is none of its kind"),
        ("sweep: !!map [1]", "is no YAML: !!map stands before what is no mapping"),
        ("sweep: {min_voxels: [!!timestamp [1]]}", "is no YAML: expected a scalar node"),
        ('sweep: {min_voxels: [1]}\nsearch: {seed: "\\ud800"}', "has a character that is none"),
        (
            "sweep: {min_voxels: [1]}\ntruth: a\nscore: {within_nm: 5}\nsearch: {best: vi_bits}",
            'best of search is "vi_bits", which is no score of points: there are f1, precision',
        ),
        (
            "sweep: {min_voxels: [1]}\ntruth: cells\nsearch: {best: f2}",
            'best of search is "f2", which is no score of segmentations: there are f1, precision',
        ),
        (
            "sweep: {min_voxels: [1]}\ntruth: {uri: cells, resolution: 1}",
            "resolution of truth is for a volume of labels: leave it out",
        ),
        (
            "sweep: {min_voxels: [1]}\ntruth: {uri: 'zarr://a', channel: -1}",
            "channel of truth must be at least 0, not -1",
        ),
        ("outdir: [a]\nsweep: {min_voxels: [1]}", 'outdir must be text that names one, not ["a"]'),
        ("store: {a: 1}\nsweep: {min_voxels: [1]}", "store must be text that names one"),
        ("outdir: s3://a/b\nsweep: {min_voxels: [1]}", "is no directory of this machine: give one"),
        ("outdir: sweep.yml/a\nsweep: {min_voxels: [1]}", "is no directory: give the path of one"),
        ("sweep: {source: ['step:a']}", 'source of label reads step "a", which is none before it'),
    ],
)
def test_what_is_wrong_is_said(tmp_path, monkeypatch, text, sentence) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError) as raised:
        read(tmp_path, LABEL + text)
    assert sentence in str(raised.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            STEPS + "sweep: {min_voxels: [1]}",
            'sweep names "min_voxels", which is no parameter of a step',
        ),
        (
            STEPS + "sweep: {b.dtype: [uint8]}",
            'sweep names "dtype", which is no parameter of workflow label',
        ),
        (STEPS + "dtypes: uint8", 'no step knows "dtypes"'),
        (STEPS + "workflow: label", "workflow is a step's: write it there"),
        (STEPS + "input: a.csv", "input is a step's: write it there"),
        (
            "steps: {b: {source: 'step:a'}, a: {source: 'bossdb://a/b/c'}}",
            'source of b reads step "a", which is none before it: there is none',
        ),
        ("steps: {b: {source: 'step:'}}", 'source "step:" names no step'),
        ("steps: {b c: {}}", 'step "b c" must be called by letters'),
        ("steps: {b: 1}", "step b must have a workflow and parameters, not 1"),
        ("steps: {}", "steps must name them"),
        ("steps: {b: {}}", "source is missing in b"),
        (
            "steps: {b: {source: 'bossdb://a/b/c', outdir: x}}",
            "outdir is not for step b: write it beside steps",
        ),
        ("steps: {b: {source: 'bossdb://a/b/c', name: x}}", "name is not for step b"),
    ],
)
def test_what_is_wrong_of_a_chain_is_said(tmp_path, text, sentence) -> None:
    with pytest.raises(ValueError) as raised:
        read(tmp_path, text)
    assert sentence in str(raised.value)


def test_a_definition_is_known_by_what_it_makes(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = LABEL + "sweep: {min_voxels: [1, 2]}\nsearch: {by: random, points: 1}\n"
    one = read(tmp_path, text)
    same = (
        text.replace("points: 1", "points: 2"),
        text + "outdir: other\nstore: elsewhere\npage: false\nname: another\nconnectivity: null",
        text.replace("[1, 2]", "{from: 1, to: 2, step: 1}"),
        text + "bossdb_host: https://api.bossdb.io",
    )
    for other in same:
        assert read(tmp_path, other).sweep_id == one.sweep_id, other
    for other in (text + "connectivity: 6", text.replace("[1, 2]", "[2, 1]"), text + "stage: true"):
        assert read(tmp_path, other).sweep_id != one.sweep_id, other
    assert one.name == "sweep" and one.directory == tmp_path / f"results/sweep-{one.sweep_id}"


def test_scores_that_count_are_columns_of_scores() -> None:
    text = str(Score.definition)
    assert all(f"\n    {name}" in text for name in OF_BOTH + OF_POINTS + OF_LABELS)


def test_numbers_are_as_they_were_written(tmp_path) -> None:
    text = '{"a": 0.1000000000000000055, "b": 1.0, "c": 12345678901234567890123, "d": 1e3}'
    told = {"a": "0.1000000000000000055", "b": "1.0", "c": 12345678901234567890123, "d": 1e3}
    for name, said in (("a.json", text), ("a.yml", text.replace("1e3", "1.0e+3"))):
        (tmp_path / name).write_text(said)
        assert files.read(tmp_path / name) == told
    (tmp_path / "b.yml").write_text("a: 2024-01-01\n")
    assert files.read(tmp_path / "b.yml") == {"a": "2024-01-01"}
    found = read(
        tmp_path,
        LABEL
        + "component_of: foreground\nsweep: {foreground_above: [0.50, '0.5', 1.0]}".replace(
            "'0.5', ", ""
        ),
    )
    assert found.space.axes == {"foreground_above": ["0.5", 1]}


def test_a_sheet_says_what_a_point_says(tmp_path) -> None:
    text = "workflow: command\nsweep: {command: [[sh, -c, 5], 'x y'], exact: [true]}"
    asked = read(tmp_path, text)
    assert asked.space.axes["command"] == [["sh", "-c", "5"], ["x", "y"]]
    step = asked.steps[0]
    rows = [{"command": ["sh", "-c", 'echo a, "b"'], "exact": True}, {"command": ["x", "y"]}]
    said = sheets.sheet([("one", rows[0]), ("two", rows[1])], step.parameters)
    assert said.splitlines()[0] == "name,command,exact"
    with pytest.raises(ValueError, match="can't be written into a sample sheet"):
        sheets.sheet([("one", rows[0] | {"tool_version": " a"})], step.parameters)


def test_a_step_may_stand_for_a_file() -> None:
    schema = json.loads((ROOT / "nextflow_schema.json").read_text())
    table = {"type": "string", "format": "file-path", "exists": True, "made": True}
    schema["$defs"]["label"]["properties"]["table"] = table
    parameters = Parameters(schema, "label")
    assert steps.value_of(parameters, "table", "step:merged") == "step:merged"
    with pytest.raises(ValueError, match='"nowhere.csv" is not there'):
        steps.value_of(parameters, "table", "nowhere.csv")
    row: dict[str, Value] = {"source": "step:pieces/volume", "table": "step:merged"}
    step = steps.Step("named", "label", {}, [row], [], parameters, frozenset())
    assert sources.references(step, row) == {
        "source": ("pieces", "/volume"),
        "table": ("merged", ""),
    }
