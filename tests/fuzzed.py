"""Files and volumes of every format whose metadata are wrong: made by a seed, and described.

    python tests/fuzzed.py DIRECTORY SEED FIRST NUMBER     # a JSON line for each, as it is done

In a process of its own, which has little memory: who crashes, hangs or takes more is seen from
outside, by the line that is missing.
"""

import json
import os
import random
import resource
import shutil
import signal
import sys
import time
from math import isfinite
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[:0] = [
        str(Path(__file__).parents[1] / folder)
        for folder in ("bin", "schema", "tests/toy", "tests/toy/bin")
    ]

import numpy as np
from describe import described
from formats import SIZE
from fuzzed_formats import FORMATS
from fuzzed_values import Case
from hostile import SCHEMA, is_a_sentence

SECONDS = 20
"""After these a file is said to hang: most take a hundredth of one."""

MEMORY = 2**30
"""What describing may allocate beyond what the process has, address space too."""


def told(uri: str, size: bool) -> str:
    """Return `works`, or the sentence that is said; raise if it is neither.

    Raises
    ------
    AssertionError
    """
    params = {"source": uri, "channel": 0, "time": 0} | (
        {"voxel_size": [*SIZE[::-1]]} if size else {}
    )
    found = described(params, SCHEMA, None, "public", "/")
    json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
    if found["problem"] is not None:
        assert is_a_sentence(found["problem"]), found["problem"][:2000]
        return str(found["problem"])
    (channel,) = found["channels"]
    about = channel["metadata"]
    assert about is not None, channel["unreachable"]
    start, shape = about["offset_zyx"], about["shape_zyx"]
    assert all(type(number) is int for number in (*start, *shape, *about["chunk_zyx"])), about
    assert min(*shape, *about["chunk_zyx"]) >= 1, about
    assert max(abs(a) + b for a, b in zip(start, shape, strict=True)) <= 2**54, about
    assert all(isfinite(nm) and 0 < nm <= 1e12 for nm in about["voxel_size_nm_zyx"]), about
    assert all(isfinite(one) for one in about.get("middle_zyx", ())), about
    assert np.dtype(about["dtype"]).kind in "buif" and about["kind"] in ("image", "annotation")
    assert channel["note"] is None or is_a_sentence(channel["note"]), channel["note"]
    return "works"


def _over(*_: Any) -> None:
    raise AssertionError(f"it takes more than {SECONDS} seconds")


def main(directory: Path, seed: str, first: int, number: int) -> None:
    """Make and describe so many cases, each by its own number, and print a line for each."""
    signal.signal(signal.SIGALRM, _over)
    names, limited = list(FORMATS), False
    for at in range(first, first + number):
        name, place = names[at % len(names)], directory / str(at)
        place.mkdir()
        rng = random.Random(f"{seed} {at}")
        line: dict[str, Any] = {"case": at, "format": name}
        print(json.dumps(line), flush=True)
        uri = FORMATS[name](Case(place, rng))
        if at >= first + len(names) and not limited:  # all is imported and compiled
            limited = True
            with open("/proc/self/statm") as stream:
                own = int(stream.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
            resource.setrlimit(resource.RLIMIT_AS, (own + MEMORY, resource.RLIM_INFINITY))
        signal.alarm(SECONDS)
        began = time.perf_counter()
        try:
            line["told"] = told(uri, rng.random() < 0.7)
        except BaseException as error:
            line["wrong"] = f"{type(error).__name__}: {error}"[:2000]
        finally:
            signal.alarm(0)
        line["seconds"] = round(time.perf_counter() - began, 4)
        print(json.dumps(line), flush=True)
        if "wrong" not in line:
            shutil.rmtree(place)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
