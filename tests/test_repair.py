"""Damage that `bossflow verify` finds among bundles, and how it is mended.

The same file runs on MySQL from test_mysql.py.
"""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import bossflow
import pytest
from conftest import sample
from kit import locations
from pipeline import PROGRAMS, Pipeline, bossflow_says, bundle_of, rows
from pipeline import files as files
from pipeline import pipeline as pipeline
from pipeline import toy as toy


def altered(directory: Path) -> None:
    with (directory / "word.parquet").open("r+b") as stream:
        stream.seek(10)
        stream.write(b"\xff")


def truncated(directory: Path) -> None:
    os.truncate(directory / "word.parquet", 10)


def without_a_file(directory: Path) -> None:
    (directory / "word.parquet").unlink()


def a_directory_instead(directory: Path) -> None:
    (directory / "word.parquet").unlink()
    (directory / "word.parquet").mkdir()


def without_manifest(directory: Path) -> None:
    (directory / "bundle.json").unlink()


def with_another_manifest(directory: Path) -> None:
    path = directory / "bundle.json"
    manifest = json.loads(path.read_text()) | {"seconds": 0.0}  # its content is the same
    path.write_text(json.dumps(manifest))


def not_json(directory: Path) -> None:
    (directory / "bundle.json").write_text("{")


def gone(directory: Path) -> None:
    shutil.rmtree(directory)


@pytest.mark.parametrize(
    ("damage", "problem"),
    sample(
        [
            (altered, "word.parquet is not what its bundle says"),
            (truncated, "word.parquet is not what its bundle says: 10 bytes"),
            (without_a_file, "word.parquet is missing"),
            (a_directory_instead, "word.parquet can't be read: Is a directory"),
            (without_manifest, "bundle.json is missing"),
            (with_another_manifest, "bundle.json is not the one that was recorded"),
            (not_json, "bundle.json is not a valid bundle"),
            (gone, "bundle.json is missing"),
        ],
        1,
    ),
)
def test_damage_is_found_and_named_and_made_again(
    pipeline: Pipeline, files: list[Path], damage: Any, problem: str
) -> None:
    done = pipeline.run(files)
    (request,) = done["plan"]["requests"]
    before = contents(request)
    assert bossflow_says("verify", "--request", request)[0] == 0
    directory = bundle_of(done["receipts"], "COUNT_WORDS")
    damage(directory)
    code, text = bossflow_says("verify", "--request", request[:12], "--json")
    assert code == 1
    found, end = json.JSONDecoder().raw_decode(text)
    (one,) = found["damaged"]
    assert problem in one["problem"] and str(directory) in one["problem"]
    assert (one["process"], list(one["key"])) == ("COUNT_WORDS", ["file_id"])
    assert found["with_dependents"] == {"COUNT_WORDS": 1, "ADD_WORDS": 1}
    assert found["requests"] == [{"request": request, "what": "toy"}]
    assert "1 of 6 bundles damaged or missing: `bossflow verify --retire --request" in text[end:]
    code, text = bossflow_says("verify", "--request", request)
    assert code == 1, "looking changes nothing"
    assert f"COUNT_WORDS file_id={one['key']['file_id']}: {one['problem']}\n" in text
    code, text = bossflow_says("verify", "--request", request, "--retire")
    assert (code, "1 of 6 bundles damaged or missing: forgot 2 rows" in text) == (0, True), text
    again = pipeline.run(files)
    assert again["states"] == ["made", "made"]
    assert again["recorded"][0]["recorded"] == {"COUNT_WORDS": 1, "ADD_WORDS": 1}
    assert contents(request) == before
    code, text = bossflow_says("verify", "--request", request)
    assert (code, text.startswith("6 bundles as recorded")) == (0, True), text


def contents(request: str) -> set[str]:
    """Return the content digests of what a request was made of and is."""
    from bossflow.upkeep import verify

    only = verify.asked(request)[0]
    there = bossflow.Execution & [{"execution_id": name} for name in only or []]
    return set(there.to_arrays("content_sha256"))


def test_everything_that_is_recorded_is_verified(
    pipeline: Pipeline, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from bossflow.upkeep import verify

    done = pipeline.run(files)
    monkeypatch.setattr(verify, "PAGE", 2)
    # stores of other tests are gone
    own = f"bundle_url LIKE '{locations.url(pipeline.store)}/%%'"
    monkeypatch.setattr(verify, "Execution", bossflow.Execution & own)
    seen: list[int] = []
    assert verify.damaged(None, checked=seen.append) == {}
    assert len(seen) == len(files) + 1
    assert verify.asked(None) == (None, len(seen), sum(seen))
    for directory in {bundle_of(done["receipts"], name) for name in PROGRAMS}:
        without_manifest(directory)
    assert len(verify.damaged(None)) == 2


def test_a_store_that_can_not_be_reached_is_no_damage(
    pipeline: Pipeline, files: list[Path]
) -> None:
    done = pipeline.run(files)
    request, elsewhere = done["plan"]["requests"][0], pipeline.directory / "elsewhere"
    pipeline.store.rename(elsewhere)
    for _ in ("gone", "an empty directory, where it was mounted"):
        code, text = bossflow_says("verify", "--request", request, "--retire")
        assert (code, "nothing can be verified: 6 bundles are in store" in text) == (1, True), text
        assert f"store {pipeline.store} of " in text and "is away" in text
        pipeline.store.mkdir(exist_ok=True)
    pipeline.store.rmdir()
    elsewhere.rename(pipeline.store)
    assert bossflow_says("verify", "--request", request)[0] == 0


def test_what_is_invalidated_while_verifying_is_no_damage(
    pipeline: Pipeline, files: list[Path]
) -> None:
    from bossflow.core import removal
    from bossflow.upkeep import verify

    done = pipeline.run(files)
    only, *_ = verify.asked(done["plan"]["requests"][0])
    assert only
    before = rows(bossflow.Execution)

    def invalidated(size: int) -> None:
        removal.forget(set(only))

    directory = bundle_of(done["receipts"], "ADD_WORDS")
    without_manifest(directory)
    assert verify.damaged(only, checked=invalidated) == {}
    assert rows(bossflow.Execution) == before - len(only)


def test_an_emptied_database_is_filled_from_the_store(
    pipeline: Pipeline, files: list[Path]
) -> None:
    first = pipeline.run(files)
    toy = sys.modules["toy"]
    made = toy.WordCount & (toy.WordTotal.Source & {"request_id": first["plan"]["requests"][0]})
    executions = [{"execution_id": name} for name in made.to_arrays("counted_by")]
    (bossflow.Execution & executions).delete(prompt=False, part_integrity="cascade")
    again = pipeline.run(files)
    assert again["states"] == ["reused"] * 6
    assert again["recorded"][0]["recorded"]["COUNT_WORDS"] == 5
