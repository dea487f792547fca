"""Many to many, from blocks to buckets by an index: exact, and linear in both."""

import itertools
import json
import shutil
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from kit import digests
from kit import units as kit_units
from pipeline import Pipeline

BUCKETS = ROOT / "tests" / "buckets"
for folder in (BUCKETS, BUCKETS / "bin"):
    sys.path.insert(0, str(folder))

from count_bucket import count_bucket  # noqa: E402
from index_words import index_words  # noqa: E402
from sort_words import sort_words  # noqa: E402


class Buckets(Pipeline):
    """The worked example of docs/new-workflow.md."""

    workflow = "buckets"
    programs: dict[str, kit_units.Work] = {
        "SORT_WORDS": sort_words,
        "INDEX_WORDS": index_words,
        "COUNT_BUCKET": count_bucket,
    }


@pytest.fixture
def buckets(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Buckets:
    import buckets
    import toy
    from bossflow.core import installed, registry

    installed.open_schema([*registry.load_all(), toy.workflow, buckets.workflow])
    return Buckets(tmp_path, monkeypatch)


def text_files(directory: Path, number: int) -> list[Path]:
    paths = [directory / f"{name}.txt" for name in range(number)]
    for name, path in enumerate(paths):
        path.write_text(" ".join(f"w{name * 7 % 31 + k}" for k in range(5)) + f" {directory}")
    return paths


def counted(request: str) -> dict[int, int]:
    import buckets

    rows = (buckets.Bucket() & {"request_id": request}).to_dicts()
    return {row["bucket"]: row["n_in_bucket"] for row in rows}


def test_every_word_is_in_its_bucket(buckets: Buckets, tmp_path: Path) -> None:
    from zlib import crc32

    files = text_files(tmp_path, 6)
    done = buckets.run(files, n_buckets=4)
    assert done["recorded"][0]["recorded"] == {
        "SORT_WORDS": 6,
        "INDEX_WORDS": 1,
        "COUNT_BUCKET": 4,
    }
    words = [word for path in files for word in path.read_text().split()]
    wanted = Counter(crc32(word.encode()) * 4 // 2**32 for word in words)
    (request,) = done["plan"]["requests"]
    assert counted(request) == {bucket: wanted[bucket] for bucket in range(4)}
    assert "nothing to compute" in buckets.run(files, n_buckets=4)["summary"]


def test_a_bucket_names_its_index_and_lineage_leads_to_blocks(
    buckets: Buckets, tmp_path: Path
) -> None:
    done = buckets.run(text_files(tmp_path, 3), n_buckets=2)
    module = sys.modules["buckets"]
    (request,) = done["plan"]["requests"]
    made = module.Bucket * module.BucketIndex.Source * module.SortedWords
    assert len(made & {"request_id": request}) == 6
    (bundle,) = buckets.store.glob("INDEX_WORDS/*/*/bundle.json")
    index = json.loads(bundle.read_text())
    assert len(index["inputs"]) == 3
    for path in buckets.store.glob("COUNT_BUCKET/*/*/bundle.json"):
        (given,) = json.loads(path.read_text())["inputs"]
        assert given["content_sha256"] == index["content_sha256"]


def test_blocks_may_lie_in_another_store(buckets: Buckets, tmp_path: Path) -> None:
    files = text_files(tmp_path, 3)
    buckets.run(files, n_buckets=2)
    buckets.store = tmp_path / "other"
    done = buckets.run(files, n_buckets=3)
    assert done["recorded"][0]["recorded"] == {"INDEX_WORDS": 1, "COUNT_BUCKET": 3}
    (request,) = done["plan"]["requests"]
    assert sum(counted(request).values()) == sum(len(path.read_text().split()) for path in files)


def test_a_block_that_is_gone_or_another_blocks_its_buckets(
    buckets: Buckets, tmp_path: Path
) -> None:
    plan, work_dir = buckets.plan(text_files(tmp_path, 2), n_buckets=1)
    first = [task for task in plan["tasks"] if task["process"] != "COUNT_BUCKET"]
    buckets.compute(plan | {"tasks": first}, work_dir)
    last = [task | {"after": []} for task in plan["tasks"] if task["process"] == "COUNT_BUCKET"]

    def state() -> str:
        shutil.rmtree(work_dir / last[0]["task"], ignore_errors=True)
        (receipts,) = buckets.compute(plan | {"tasks": last}, work_dir)
        said = json.loads(receipts.read_text())
        assert said["state"] == "made" or said["error"].endswith(
            f" is not in {buckets.store} any more"
        )
        return str(said["state"])

    block = next(buckets.store.glob("SORT_WORDS/*/*"))
    whole = (block / "bundle.json").read_text()
    other = json.loads(whole) | {"arguments": {"path": "another"}}
    other["content_sha256"] = digests.content_digest(other)
    (block / "bundle.json").write_text(json.dumps(other))
    assert state() == "blocked"
    (block / "bundle.json").unlink()
    assert state() == "blocked"
    (block / "bundle.json").write_text(whole)
    assert state() == "made"


def test_what_was_dropped_is_made_again_for_a_bucket(buckets: Buckets, tmp_path: Path) -> None:
    """And the bucket waits for it, though its index is there."""
    import buckets as module
    from bossflow.core import ledger, tasks

    params = {"files": list(map(str, text_files(tmp_path, 3))), "n_buckets": 2}
    (request,), _ = module.expand(params, {})
    *blocks, index, bucket, _ = module.units(request)
    units = {unit.unit_id: unit for unit in (*blocks, index, bucket)}
    gone = ledger.Recorded("", "", "", "", "", "", 0.0, 0, dropped=True)
    recorded = {name: gone for name in units if name != bucket.unit_id}
    found = {index.unit_id: tmp_path}
    missing = ledger.missing(units, found, recorded)
    assert missing.keys() == {unit.unit_id for unit in (*blocks, bucket)}
    *others, last = tasks.cut_up(units.values(), missing, lambda _: {}, lambda _: 1.0, 1)
    assert last["process"] == "COUNT_BUCKET"
    assert last["after"] == [task["task"] for task in others] and len(others) == 3
    plain = {name: replace(unit, through=False) for name, unit in units.items()}
    assert ledger.missing(plain, found, recorded).keys() == {bucket.unit_id}


def planned(buckets: Buckets, directory: Path, blocks: int, number: int) -> tuple[int, int, Any]:
    """Return how many calls PLAN takes, bytes of its files, and the plan."""
    directory.mkdir()
    files = text_files(directory, blocks)
    calls = itertools.count()
    sys.setprofile(lambda frame, event, argument: event.endswith("call") and next(calls))
    try:
        plan, work_dir = buckets.plan(files, n_buckets=number, blocks_per_task=None)
    finally:
        sys.setprofile(None)
    size = sum(path.stat().st_size for path in (work_dir / "tasks").iterdir())
    return next(calls), size + (work_dir / "plan.json").stat().st_size, plan


def test_a_plan_is_linear_in_blocks_plus_buckets(buckets: Buckets, tmp_path: Path) -> None:
    planned(buckets, tmp_path / "first", 10, 10)  # which imports
    few, small, _ = planned(buckets, tmp_path / "few", 1250, 125)
    many, large, plan = planned(buckets, tmp_path / "many", 5000, 500)
    assert sum(task["units"] for task in plan["tasks"]) == 5501
    assert large < 20e6 and large < 4.5 * small
    assert many < 4.5 * few, "quadratic is 16 times as much"
