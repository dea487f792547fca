"""What RECORD takes into the database, and the bundles that it refuses.

The same file runs on MySQL from test_mysql.py.
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import bossflow
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from count_words import count_words
from kit import bundles, digests, units
from pipeline import NUMBERS, PROGRAMS, Pipeline, bundle_of, copies
from pipeline import files as files
from pipeline import pipeline as pipeline
from pipeline import toy as toy


def test_an_altered_file_is_not_recorded(pipeline: Pipeline, files: list[Path]) -> None:
    from bossflow.core.record import record

    plan, work_dir = pipeline.plan(files)
    receipts = pipeline.compute(plan, work_dir)
    with (bundle_of(receipts, "COUNT_WORDS") / "word.parquet").open("r+b") as stream:
        stream.seek(10)
        stream.write(b"\xff")
    result = record(plan, receipts)
    assert result["recorded"] == {"COUNT_WORDS": 4}
    assert [one["process"] for one in result["failed"]] == ["COUNT_WORDS", "ADD_WORDS"]
    assert "is not what its bundle says" in result["failed"][0]["error"]
    mended = pipeline.run(files)
    assert mended["recorded"][0]["recorded"] == {"COUNT_WORDS": 1, "ADD_WORDS": 1}
    assert mended["verdict"] == {"missing": None}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"attributes": {"n_words": "three"}}, "n_words is 'three'"),
        ({"attributes": {}}, "lacks n_words"),
        ({"attributes": {"n_words": 1, "extra": 2}}, "has extra, which the table has not"),
        ({"parts": {"Wrong": "word.parquet"}}, "has no part Wrong"),
        ({"parts": {"Word": "bundle.json"}}, "is neither a file nor a directory"),
        ({"part_rows": {"Wrong": 1}}, "part_rows names Wrong"),
        ({"files": [{"path": "../../etc/passwd", "bytes": 1, "sha256": "0" * 64}]}, "files/0/path"),
        ({"process": "UNKNOWN"}, "another unit"),
    ],
)
def test_a_bundle_that_does_not_fit_is_refused(
    pipeline: Pipeline, files: list[Path], change: dict[str, Any], problem: str
) -> None:
    from bossflow.core.record import record

    plan, work_dir = pipeline.plan(files[:1])
    receipts = pipeline.compute(plan, work_dir)
    path = bundle_of(receipts, "COUNT_WORDS") / "bundle.json"
    manifest = json.loads(path.read_text()) | change
    manifest["content_sha256"] = digests.content_digest(manifest)
    path.write_text(json.dumps(manifest))
    result = record(plan, receipts)
    assert result["recorded"] == {}
    assert problem in result["failed"][0]["error"]


def in_pieces(numbers: list[float], limit: int | None = None) -> units.Work:
    """Return COUNT_WORDS with its part as a directory, a file for each word."""

    def count(unit: units.Unit, bundle: units.Bundle) -> None:
        count_words(unit, bundle)
        (bundle.directory / "words").mkdir()
        for place, number in enumerate(numbers):
            table = pa.table({"word": [f"w{place}"], "frequency": [number]})
            pq.write_table(table, bundle.directory / "words" / f"{place}.parquet")
        bundle.parts["Word"] = "words"
        bundle.part_rows = {} if limit is None else {"Word": limit}

    return count


def test_a_part_may_be_a_directory_and_its_first_rows_enough(
    pipeline: Pipeline, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    toy = sys.modules["toy"]
    nan = float("nan")
    for number, limit, words in ((0.5, None, "w0w1w2w3"), (0.5, 3, "w0w1w2"), (nan, 3, "w0w1w2")):
        monkeypatch.setitem(PROGRAMS, "COUNT_WORDS", in_pieces([0.5, 0.5, 0.5, number], limit))
        files[0].write_text(f"one test{next(NUMBERS)}")
        done = pipeline.run(files[:1])
        assert done["verdict"] == {"missing": None}
        (source,) = (toy.WordTotal.Source & {"request_id": done["plan"]["requests"][0]}).to_dicts()
        found = toy.WordCount.Word & {"file_id": source["file_id"]}
        assert "".join(sorted(found.to_arrays("word"))) == words
        bundle = bundles.read(bundle_of(done["receipts"], "COUNT_WORDS"))
        assert bundle.manifest["part_rows"] == ({} if limit is None else {"Word": limit})
        text = bundle.manifest | {"part_rows": {"Word": 1}}
        assert digests.content_digest(text) == bundle.content_sha256


@pytest.mark.parametrize(
    ("numbers", "problem"),
    [
        ([0.5, float("inf")], "1.parquet: frequency holds a value that is not finite"),
        ([0.5, 1], "1.parquet has other columns or types than"),
        ([], "is neither a file nor a directory of .parquet files"),
    ],
)
def test_a_directory_that_is_no_part_is_refused(
    pipeline: Pipeline,
    files: list[Path],
    numbers: list[float],
    problem: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from bossflow.core.record import record

    monkeypatch.setitem(PROGRAMS, "COUNT_WORDS", in_pieces(numbers))
    plan, work_dir = pipeline.plan(files[:1])
    result = record(plan, pipeline.compute(plan, work_dir))
    assert result["recorded"] == {}
    assert problem in result["failed"][0]["error"]


def test_a_value_that_is_not_finite_is_refused(pipeline: Pipeline, files: list[Path]) -> None:
    from bossflow.core.record import record

    def count_nan(unit: units.Unit, bundle: units.Bundle) -> None:
        count_words(unit, bundle)
        table = pa.table({"word": ["x"], "frequency": [float("nan")]})
        pq.write_table(table, bundle.directory / "word.parquet")

    PROGRAMS["COUNT_WORDS"] = count_nan
    try:
        plan, work_dir = pipeline.plan(files[:1])
        result = record(plan, pipeline.compute(plan, work_dir))
    finally:
        PROGRAMS["COUNT_WORDS"] = count_words
    assert result["recorded"] == {}
    assert "frequency holds a value that is not finite" in result["failed"][0]["error"]


def test_a_bundle_the_database_refuses_does_not_hold_back_the_rest(
    pipeline: Pipeline, files: list[Path]
) -> None:
    from bossflow import database
    from bossflow.core.record import record

    def count_twice(unit: units.Unit, bundle: units.Bundle) -> None:
        count_words(unit, bundle)
        for name, words in {"file0": ["x", "x"], "file1": ["x", "a\0b"]}.items():
            if name in unit.arguments["path"]:
                table = pa.table({"word": words, "frequency": [0.5, 0.5]})
                pq.write_table(table, bundle.directory / "word.parquet")

    PROGRAMS["COUNT_WORDS"] = count_twice
    try:
        plan, work_dir = pipeline.plan(files)
        result = record(plan, pipeline.compute(plan, work_dir))
    finally:
        PROGRAMS["COUNT_WORDS"] = count_words
    refused = 2 if database.connection().adapter.backend == "postgresql" else 1  # it takes no NUL
    assert result["recorded"] == {"COUNT_WORDS": 5 - refused}
    failed = [one["process"] for one in result["failed"]]
    assert failed == [*["COUNT_WORDS"] * refused, "ADD_WORDS"]


def test_a_bundle_of_other_arguments_is_not_reused(pipeline: Pipeline, files: list[Path]) -> None:
    plan, work_dir = pipeline.plan(files)
    receipts = pipeline.compute(plan, work_dir)
    total = bundle_of(receipts, "ADD_WORDS") / "bundle.json"
    manifest = json.loads(total.read_text()) | {"arguments": {"suffix": "other"}}
    manifest["content_sha256"] = digests.content_digest(manifest)
    total.write_text(json.dumps(manifest))
    done = pipeline.run(files)
    assert done["states"] == ["made", *["reused"] * 5]


def test_a_store_that_is_away_is_not_lost(pipeline: Pipeline, files: list[Path]) -> None:
    from bossflow.upkeep import invalidate

    done = pipeline.run(files)
    (identity,) = {row["store_id"] for row in copies(done["plan"]["requests"][0])}
    pipeline.store.rename(pipeline.store.with_name("elsewhere"))
    problem = pipeline.run(files)["plan"]["problem"]
    assert f"store {pipeline.store} is not what it was" in problem
    assert f"`bossflow invalidate --store {identity[:8]}` forgets" in problem
    assert not invalidate.lost(None, identity)
    pipeline.store.with_name("elsewhere").rename(pipeline.store)
    assert pipeline.run(files)["plan"]["requests"] == done["plan"]["requests"]


def test_other_content_for_a_recorded_unit_is_an_error(
    pipeline: Pipeline, files: list[Path]
) -> None:
    from bossflow.core.record import record

    done = pipeline.run(files[:1])
    shutil.rmtree(pipeline.store)

    def count_more(unit: units.Unit, bundle: units.Bundle) -> None:
        count_words(unit, bundle)
        bundle.attributes["n_words"] += 1

    PROGRAMS["COUNT_WORDS"] = count_more
    try:
        for task in done["receipts"]:
            shutil.rmtree(task.parent)
        work_dir = pipeline.directory / "run1"
        tasks_again = [
            {"task": path.stem, "process": path.stem.rpartition("-")[0], "after": []}
            for path in sorted((work_dir / "tasks").iterdir(), reverse=True)
        ]
        receipts = pipeline.compute(done["plan"] | {"tasks": tasks_again}, work_dir)
    finally:
        PROGRAMS["COUNT_WORDS"] = count_words
    result = record(done["plan"], receipts)
    assert result["recorded"] == {}
    assert "other content than what is recorded" in result["failed"][0]["error"]


def test_bundles_made_from_retired_inputs_are_made_again(
    pipeline: Pipeline, files: list[Path]
) -> None:
    from bossflow.core import dependents, removal
    from bossflow.upkeep import invalidate

    done = pipeline.run(files)
    toy = sys.modules["toy"]
    (request,) = done["plan"]["requests"]
    sources = (toy.WordTotal.Source & {"request_id": request}).to_arrays("file_id")
    wrong = set((toy.WordCount & {"file_id": sources[0]}).to_arrays("counted_by"))
    found = dependents.dependents(wrong)
    assert dict(invalidate.preview(found)) == {"COUNT_WORDS": 1, "ADD_WORDS": 1}
    assert removal.forget(wrong) == (2, 2)
    assert not len(bossflow.Execution & [{"execution_id": name} for name in found])
    again = pipeline.run(files)
    assert again["states"] == ["made", "made"]
    assert again["recorded"][0]["recorded"] == {"COUNT_WORDS": 1, "ADD_WORDS": 1}


def test_a_lost_bundle_is_named_before_anything_runs(pipeline: Pipeline, files: list[Path]) -> None:
    from bossflow.core import removal, stores
    from bossflow.upkeep import invalidate

    done = pipeline.run(files)
    shutil.rmtree(bundle_of(done["receipts"], "COUNT_WORDS"))
    problem = pipeline.run(files)["plan"]["problem"]
    assert "1 recorded bundles are not in the store" in problem
    assert f"bossflow invalidate --lost --store {pipeline.store}" in problem
    lost = invalidate.lost(None, stores.Here().named(str(pipeline.store)))
    assert len(lost) == 1
    assert removal.forget(set(), copies=lost) == (2, 1)
    assert pipeline.run(files)["verdict"] == {"missing": None}


@pytest.mark.parametrize("what", ["word.parquet", "."])
def test_a_link_out_of_the_store_is_not_followed(
    pipeline: Pipeline, files: list[Path], what: str
) -> None:
    from bossflow.core.record import record

    plan, work_dir = pipeline.plan(files[:1])
    receipts = pipeline.compute(plan, work_dir)
    inside = bundle_of(receipts, "COUNT_WORDS") / what
    outside = pipeline.directory / "outside"
    inside.rename(outside)
    inside.symlink_to(outside)
    result = record(plan, receipts)
    assert result["recorded"] == {}
    assert "leaves the store" in result["failed"][0]["error"]
