"""A workflow over a list of text files: count the words of each, then add the counts up."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import datajoint as dj
import numpy as np
from bossflow.core import work
from bossflow.core.tables import Execution, ParamSet, Request, schema  # noqa: F401  (in definitions)
from bossflow.core.work import UnitPlan
from bossflow.kit.digests import digest


@schema
class WordRequest(dj.Manual):
    """A list of files whose words were asked for."""

    definition = """
    # files whose words were asked for
    -> Request
    ---
    files : json  # paths
    """


@schema
class WordCount(dj.Computed):
    """The words of one file."""

    process = "COUNT_WORDS"
    definition = """
    # words of one file
    file_id : char(16)  # hash of path and content
    ---
    n_words : int64
    -> Execution.proj(counted_by='execution_id')
    """

    class Word(dj.Part):
        """One word of a file."""

        definition = """
        # a word and how often it stands there
        -> master
        word      : varchar(64)
        ---
        frequency : float64
        """


@schema
class WordTotal(dj.Computed):
    """The words of all files of a request."""

    process = "ADD_WORDS"
    definition = """
    # words of all files
    -> WordRequest
    ---
    total   : int64
    listing : varchar(1024)  # URL of a text file
    -> Execution.proj(added_by='execution_id')
    """

    class Source(dj.Part):
        """A file that was counted in."""

        definition = """
        -> master
        -> WordCount
        """


def expand(
    params: dict[str, Any], described: dict[str, Any]
) -> tuple[list[work.Request], list[str]]:
    """Return one request for the list of files."""
    if not params["files"]:
        raise ValueError("files is empty: name at least one")
    paths = [Path(name) for name in params["files"]]
    for path in paths:
        if not path.is_file():
            raise ValueError(f"file {path} does not exist")
    contents = {str(path): digest([str(path), path.read_text()])[:16] for path in paths}
    return [_request(contents, params["suffix"])], []


def _request(contents: dict[str, str], suffix: str) -> work.Request:
    request = work.Request(
        workflow="toy",
        paramset=work.ParamSet("words", "1", {"suffix": suffix}),
        subject=[contents],
        given={"contents": contents},
    )
    row = {"request_id": request.request_id, "files": contents}
    return replace(request, rows=((WordRequest, [row]),))


def units(request: work.Request) -> list[UnitPlan]:
    """Return a count of each file, and the sum."""
    counts = tuple(
        UnitPlan("COUNT_WORDS", {"file_id": file_id}, {"path": path})
        for path, file_id in sorted(request.given["contents"].items())
    )
    total = UnitPlan(
        "ADD_WORDS", {"request_id": request.request_id}, dict(request.paramset.parameters), counts
    )
    return [*counts, total]


def describe(
    requests: list[work.Request], counts: list[dict[str, tuple[int, int]]]
) -> list[dict[str, Any]]:
    """Return the files of each."""
    return [{"files": sorted(request.given["contents"])} for request in requests]


def points(request: work.Request) -> work.Points:
    """Return the words that are three numbers, such as `1,2.5,3` (nm, ZYX), in the files' order."""
    texts = (Path(path).read_text() for path in sorted(request.given["contents"]))
    words = [word.split(",") for text in texts for word in text.split() if word.count(",") == 2]
    return np.arange(101, 101 + len(words)), np.array(words, np.float64).reshape(-1, 3)


def in_words(counts: Mapping[str, int]) -> str:
    """Return how many files."""
    return f"{counts.get('COUNT_WORDS', 0)} files"


workflow = work.Workflow(
    "toy",
    (WordCount, WordTotal),
    expand,
    units,
    seconds=lambda unit: 0.1,
    in_words=in_words,
    describe=describe,
    points=points,
)
