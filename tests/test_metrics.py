"""Numbers that programs give of what they make: in a bundle, or printed by a command."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import bossflow
import pytest
from add_words import add_words
from kit import bundles, digests, metrics, units
from pipeline import PROGRAMS, Pipeline, bossflow_says, bundle_of
from pipeline import files as files
from pipeline import pipeline as pipeline
from pipeline import toy as toy
from test_command import Commands
from test_command import command as command
from test_command import commands as commands
from test_command import texts as texts
from test_tools import asked
from tools.asked import described
from tools.told import numbers, pattern


def measured(**given: Any) -> dict[str, units.Work]:
    """Return the toy's programs, of which the last one gives metrics."""

    def add(unit: units.Unit, bundle: units.Bundle) -> None:
        add_words(unit, bundle)
        bundle.metrics |= given

    return PROGRAMS | {"ADD_WORDS": add}


def recorded(request: str) -> dict[str, float]:
    made = bossflow.Metric * bossflow.WordTotal.proj(execution_id="added_by")
    rows = (made & {"request_id": request}).to_dicts()
    return {row["metric"]: row["metric_value"] for row in rows}


def test_metrics_of_a_bundle_are_rows_and_go_with_it(pipeline: Pipeline, files: list[Path]) -> None:
    from bossflow import scores

    pipeline.programs = measured(f1=0.75, **{"loss.last-1": 3})
    done = pipeline.run(files)
    (request,) = done["plan"]["requests"]
    assert recorded(request) == {"f1": 0.75, "loss.last-1": 3.0}
    assert scores.numbers_of([request, "0" * 16])[request] == {"f1": 0.75, "loss.last-1": 3.0}
    bundle = bundles.read(bundle_of(done["receipts"], "ADD_WORDS"))
    assert bundle.manifest["metrics"] == {"f1": 0.75, "loss.last-1": 3.0}
    without = {name: one for name, one in bundle.manifest.items() if name != "metrics"}
    assert digests.content_digest(without) == bundle.content_sha256, "no part of the content"
    scores.score(request, {"uri": request}, 5)
    told = scores.numbers_of([request])[request]
    assert told["f1"] == 1.0 and told["loss.last-1"] == 3.0, "a score before a metric"
    code, text = bossflow_says("invalidate", "--request", request, "--yes")
    assert code == 0, text
    assert recorded(request) == {} and scores.numbers_of([request]) == {request: {}}
    pipeline.programs = measured(f1=0.5)
    assert pipeline.run(files)["verdict"] == {"missing": None}
    assert recorded(request) == {"f1": 0.5}
    assert bossflow_says("forget", request, "--yes")[0] == 0


def test_what_several_units_give_is_none_of_the_request(
    pipeline: Pipeline, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from bossflow import scores
    from bossflow.core.score_tables import Metric
    from bossflow.scores import recording

    pipeline.programs = measured(f1=0.75)
    (request,) = pipeline.run(files)["plan"]["requests"]
    counts = bossflow.WordTotal.Source * bossflow.WordCount & {"request_id": request}
    made = counts.to_arrays("counted_by").tolist()
    for number, execution in enumerate(made):
        names = {"same": 1.0, "other": float(number)}
        Metric.insert(
            {"execution_id": execution, "metric": name, "metric_value": value}
            for name, value in names.items()
        )
    assert scores.numbers_of([request]) == {request: {"f1": 0.75}}
    without = sys.modules["toy"].workflow.tables[:1]
    workflow = type("Some", (), {"tables": without})()
    monkeypatch.setattr(recording.installed, "opened", lambda name: workflow)
    monkeypatch.setattr(recording, "last_made_for", lambda name: {*made})
    assert scores.numbers_of([request]) == {request: {"same": 1.0}}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"f 1": 1}, "a metric is called 'f 1': give it 1 to 64 letters"),
        ({"f" * 65: 1}, "give it 1 to 64 letters"),
        ({"1f": 1}, "a letter or _ first"),
        ({"f1": float("nan")}, "metric f1 is 'nan', which is no finite number"),
        ({"f1": 10**400}, "which is no finite number"),
        ({"f1": True}, "metric f1 is 'True'"),
        ({"f1": "1"}, "metric f1 is '1'"),
        ({"f1": None}, "metric f1 is 'None'"),
    ],
)
def test_a_metric_that_is_none_fails_its_unit(
    pipeline: Pipeline, files: list[Path], given: dict[str, Any], said: str
) -> None:
    pipeline.programs = measured(**given)
    done = pipeline.run(files[:1])
    assert [one["process"] for one in done["recorded"][0]["failed"]] == ["ADD_WORDS"]
    assert said in done["recorded"][0]["failed"][0]["error"]
    with pytest.raises(ValueError, match=re.escape(said)):
        metrics.checked(given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"f 1": 1}, "is not valid: metrics"),
        ({"f1": "1"}, "is not valid: metrics/f1"),
        ({"f1": float("nan")}, "metric f1 is no finite number"),
        ({"f1": 10**400}, "metric f1 is no finite number"),
    ],
)
def test_record_takes_no_other_metrics(
    pipeline: Pipeline, files: list[Path], given: dict[str, Any], said: str
) -> None:
    from bossflow.core.record import record

    plan, work_dir = pipeline.plan(files[:1])
    receipts = pipeline.compute(plan, work_dir)
    path = bundle_of(receipts, "ADD_WORDS") / "bundle.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"metrics": given}))
    result = record(plan, receipts)
    assert result["recorded"] == {"COUNT_WORDS": 1}
    assert said in result["failed"][0]["error"]


@pytest.mark.parametrize(
    ("form", "log", "told"),
    [
        ("F1: {score}", "F1: 0.5\nF1: 0.93\nend", {"score": 0.93}),
        ("F1: {score}", "epoch 1 F1:   .5 (best)", {"score": 0.5}),
        ("F1: {score}", "F1: 0.5\rF1: 0.75\r\n", {"score": 0.75}),
        ("F1: {score}", "F1: 93.", {"score": 93.0}),
        ("F1: {score}%", "F1: 93.5%", {"score": 93.5}),
        ("took {s}s", "took 3.25s", {"s": 3.25}),
        ("{score}", "v1.2 of 7\n-1e-3", {"score": -0.001}),
        ("loss {loss} f1 {f1}", "loss 1 f1 2\nloss 3 f1 x", {"loss": 1.0, "f1": 2.0}),
        ('{"f1": {f1}}', '{"f1": 0.5}', {"f1": 0.5}),
        ("a+b? {n}", "a+b? 1e5", {"n": 1e5}),
        ("F1: {score}", "F1: 1,234\nF1: 0.5x\nf1: 1\nF1: 1_0", None),
        ("F1: {score}", "", None),
    ],
)
def test_what_a_log_tells_last_counts(
    tmp_path: Path, form: str, log: str, told: dict[str, float] | None
) -> None:
    (tmp_path / "log").write_text(log)
    if told is None:
        with pytest.raises(ValueError, match="printed nothing like F1: {score}"):
            numbers(form, tmp_path / "log")
    else:
        assert numbers(form, tmp_path / "log") == told


def test_a_log_of_one_line_and_of_any_bytes_is_read(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"\xff\x00" * 2**17 + b"\nF1: 1\xfe\n" + b"F1: 2 \xff\n")
    assert numbers("F1: {score}", tmp_path / "log") == {"score": 2.0}


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ("F1: score", "names no number: write its name in braces"),
        ("F1: {}", "names no number"),
        ("F1: {f 1}", "names no number"),
        ("{a} {a}", "names a number twice"),
        ("{a}{b}", "has two numbers with nothing between"),
    ],
)
def test_a_format_that_names_no_numbers_is_refused(tmp_path: Path, form: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        pattern(form)
    with pytest.raises(ValueError, match=f"^line 2: score_format .*{said}"):
        described([asked(command=["cat"], score_format=form)], None, str(tmp_path))


TELL = "open('outputs/n', 'w').close(); print('F1: 0.25'); print('F1: 0.75 at the end')"


def test_what_a_command_prints_is_recorded(
    command: Any, commands: Commands, texts: list[Path]
) -> None:
    from bossflow import scores

    tell = {"command": [sys.executable, "-c", TELL], "score_format": "F1: {score}"}
    done = commands.run(texts[:1], **tell)
    assert done["verdict"] == {"missing": None}, done["summary"]
    (request,) = done["plan"]["requests"]
    made = bossflow.Metric * command.CommandResult.proj(execution_id="collected_by")
    rows = (made * bossflow.Request * bossflow.ParamSet & {"request_id": request}).to_dicts()
    ((metric, value, parameters),) = (
        (row["metric"], row["metric_value"], row["parameters"]) for row in rows
    )
    assert (metric, value, parameters["score_format"]) == ("score", 0.75, "F1: {score}")
    assert scores.numbers_of([request]) == {request: {"score": 0.75}}
    assert commands.run(texts[:1], **tell)["plan"]["requests"] == [request]
    without = commands.run(texts[:1], command=tell["command"])
    assert without["plan"]["requests"] != [request]
    assert scores.numbers_of(without["plan"]["requests"])[without["plan"]["requests"][0]] == {}
    (one,) = json.loads(bossflow_says("status", "--request", request, "--json")[1])["requests"]
    assert (one["metrics"], one["outcome"]) == ({"score": 0.75}, "1 file, score 0.75")
    (kept,) = (bossflow.Request.Given & {"request_id": request}).to_arrays("given")
    assert "score_format" in kept["canonical"]
    from bossflow.core import given

    (again,) = given.recalled(command.workflow, [request])
    assert command.workflow.again(again, {})["score_format"] == "F1: {score}"


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        ("nothing", "it ended well, but printed nothing like Loss: {loss}, which score_format"),
        ("Loss: nan", "metric loss is 'nan', which is no finite number"),
    ],
)
def test_a_command_that_does_not_print_it_has_failed(
    commands: Commands, texts: list[Path], printed: str, said: str
) -> None:
    tell = f"open('outputs/n', 'w').close(); print({printed!r})"
    words = [sys.executable, "-c", tell]
    done = commands.run(texts[:1], command=words, score_format="Loss: {loss}")
    assert done["states"] == ["failed"]
    assert said in done["recorded"][0]["failed"][0]["error"]
