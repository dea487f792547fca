"""Call a function for many rows, by a peer of `map`: python map_calls.py PEER SECONDS.json.

The file has a list: how long each call takes. Two workers, as each peer's documentation has it; the
results are added up, and must be those of the calls.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

WORKERS = 2


def call(x: int, seconds: float) -> int:
    """Wait, and return what was given."""
    from time import sleep  # where it is called, nothing is known of this file

    if seconds:
        sleep(seconds)
    return x


def by_joblib(takes: list[float]) -> list[int]:
    """Call by processes of loky."""
    from joblib import Parallel, delayed

    found: list[int] = Parallel(n_jobs=WORKERS)(delayed(call)(*one) for one in enumerate(takes))
    return found


def by_dask(takes: list[float]) -> list[int]:
    """Call by a local cluster of processes with a thread each."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=WORKERS, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        futures = client.map(call, range(len(takes)), takes, pure=False)
        found: list[int] = client.gather(futures)
        return found


def by_parsl(takes: list[float]) -> list[int]:
    """Call by a block of workers of the high-throughput executor."""
    import parsl
    from parsl.config import Config
    from parsl.executors import HighThroughputExecutor
    from parsl.providers import LocalProvider

    provider = LocalProvider(init_blocks=1, min_blocks=1, max_blocks=1)
    executor = HighThroughputExecutor(
        address="127.0.0.1", max_workers_per_node=WORKERS, provider=provider
    )
    with parsl.load(Config(executors=[executor])):
        app = parsl.python_app(call)
        return [one.result() for one in [app(*one) for one in enumerate(takes)]]


def by_submitit(takes: list[float]) -> list[int]:
    """Call by local jobs, a process each; it starts all at once, so no more than two are given."""
    import submitit

    executor = submitit.AutoExecutor("jobs", cluster="local")
    waiting = enumerate(takes)
    running = [executor.submit(call, *one) for one in islice(waiting, WORKERS)]
    found = []
    while running:
        done = next((one for one in running if one.done()), None)
        if done is None:
            time.sleep(0.01)
            continue
        running.remove(done)
        found.append(done.result())
        running += [executor.submit(call, *one) for one in islice(waiting, 1)]
    return found


PEERS: dict[str, Callable[[list[float]], list[int]]] = {
    "joblib": by_joblib,
    "dask": by_dask,
    "parsl": by_parsl,
    "submitit": by_submitit,
}


def main() -> None:
    """Make the calls, and compare what they returned."""
    peer, file = sys.argv[1:]
    takes = json.loads(Path(file).read_text())
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        found = PEERS[peer](takes)
    if sorted(found) != [*range(len(takes))]:
        raise SystemExit(f"{peer} did not return what was called")


if __name__ == "__main__":
    main()
