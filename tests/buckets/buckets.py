"""A workflow of many to many: words of many files, counted by bucket.

Each file is sorted once (a block), an index says what of which block is in which bucket, and a
bucket reads that alone: linear in blocks plus buckets.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import datajoint as dj
from bossflow.core import work
from bossflow.core.tables import Execution, Request, schema  # noqa: F401  (in definitions)
from bossflow.core.work import UnitPlan
from bossflow.kit.digests import digest


@schema
class BucketRequest(dj.Manual):
    """Files whose words were asked for, in so many buckets."""

    definition = """
    # files whose words were asked for by bucket
    -> Request
    ---
    bucket_files : json
    """


@schema
class SortedWords(dj.Computed):
    """The words of one file in the order of their hash."""

    process = "SORT_WORDS"
    definition = """
    # words of one file, sorted by hash
    sorted_file : char(16)  # hash of path and content
    ---
    n_sorted : int64
    -> Execution.proj(sorted_by='execution_id')
    """


@schema
class BucketIndex(dj.Computed):
    """What of which file is in which bucket."""

    process = "INDEX_WORDS"
    definition = """
    # what of which file is in which bucket
    -> BucketRequest
    ---
    n_word_slices : int64
    -> Execution.proj(indexed_by='execution_id')
    """

    class Source(dj.Part):
        """A file that it tells of."""

        definition = """
        -> master
        -> SortedWords
        """


@schema
class Bucket(dj.Computed):
    """The words of one bucket."""

    process = "COUNT_BUCKET"
    definition = """
    # words of one bucket
    -> BucketIndex
    bucket     : int32
    ---
    n_in_bucket : int64
    -> Execution.proj(bucketed_by='execution_id')
    """


def expand(
    params: dict[str, Any], described: dict[str, Any]
) -> tuple[list[work.Request], list[str]]:
    """Return one request for all files."""
    paths = params["files"]
    contents = {path: digest([path, Path(path).read_text()])[:16] for path in paths}
    return [_request(contents, params["n_buckets"])], []


def _request(contents: dict[str, str], number: int) -> work.Request:
    request = work.Request(
        workflow="buckets",
        paramset=work.ParamSet("buckets", "1", {"n_buckets": number}),
        subject=[contents],
        given={"contents": contents},
    )
    row = {"request_id": request.request_id, "bucket_files": contents}
    return replace(request, rows=((BucketRequest, [row]),))


def units(request: work.Request) -> list[UnitPlan]:
    """Return a unit for each file, the index, and a unit for each bucket."""
    key, number = {"request_id": request.request_id}, request.paramset.parameters["n_buckets"]
    blocks = tuple(
        UnitPlan("SORT_WORDS", {"sorted_file": name}, {"path": path}, name=Path(path).name)
        for path, name in sorted(request.given["contents"].items())
    )
    index = UnitPlan("INDEX_WORDS", key, {"n_buckets": number}, blocks)
    buckets = [
        UnitPlan("COUNT_BUCKET", key | {"bucket": bucket}, {}, (index,), through=True)
        for bucket in range(number)
    ]
    return [*blocks, index, *buckets]


workflow = work.Workflow("buckets", (SortedWords, BucketIndex, Bucket), expand, units)
