"""Whatever is killed, and whenever: a plain run completes it, and no finished unit is made again.

`BOSSFLOW_SEED` repeats the kills of a run that printed it. `--soak` tries every point on every
database, and at random as often as `BOSSFLOW_SOAK` says (20).
"""

import json
import random
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tensorstore as ts
from conftest import SEED, sample
from crashes import Lab, Point
from killable import Server
from kills import ASKED, BLOCKS, KILLS, SERVERS, VOXELS, on_one
from kills import server as server
from kills import told as told
from kit import locations
from lab import COMPUTE

pytestmark = pytest.mark.faults


def write_volume(directory: Path, voxels: np.ndarray) -> None:
    spec = {
        "driver": "neuroglancer_precomputed",
        "kvstore": {"driver": "file", "path": str(directory)},
        "multiscale_metadata": {"data_type": "uint64", "num_channels": 1, "type": "segmentation"},
        "scale_metadata": {
            "resolution": [8, 8, 30],
            "encoding": "raw",
            "size": voxels.shape[::-1],
            "chunk_size": [32, 32, 16],
        },
    }
    made = ts.open(spec, create=True, delete_existing=True).result()
    made[..., 0].write(voxels.T).result()


@pytest.fixture(scope="module")
def lab(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Return a lab that has been through an undisturbed run, each state of which it remembers.

    `lab.at` tells the work directory of each state, `lab.events` how many points the program has
    that comes next.
    """
    directory = tmp_path_factory.mktemp("programs")
    write_volume(directory / "volume", VOXELS)
    given = ASKED | {"source": "precomputed://volume", "stage": True, "blocks_per_task": 100}
    with Lab(directory, server, given).started() as lab:
        lab.begin()
        lab.ok("bossflow", "db", "deploy")
        lab.save("nothing")
        events: dict[str, Path] = {}

        def note(state: str) -> Path:
            events[state] = directory / f"{state}.json"
            return events[state]

        lab.plan(note=note("nothing"))
        for process in COMPUTE:
            lab.save(process)
            lab.at[process] = lab.work
            lab.compute(process, note=note(process))
            if process in COMPUTE[:3]:
                lab.record()
                lab.plan()
        lab.save("made")
        lab.at["made"] = lab.work
        assert lab.record(note=note("made"))["recorded"] == {"STITCH": 1, "RELABEL_BLOCK": BLOCKS}
        lab.save("done")
        lab.expected = lab.rows(), lab.files()
        lab.events = {state: json.loads(file.read_text()) for state, file in events.items()}
        yield lab
        lab.drop()
        lab.drop(*lab.states)


def kill_next(lab: Lab, state: str, end_at: Point, by: signal.Signals = signal.SIGKILL) -> None:
    """Start the program that comes next in a state, and end it at a point."""
    lab.restore(state)
    if state == "nothing":
        lab.plan(end_at=end_at, by=by)
        return
    lab.work = lab.at[state]
    if state == "made":
        lab.record(end_at=end_at, by=by)
    else:
        lab.compute(state, end_at=end_at, by=by)


IN_DATABASE = {
    "PLAN before its request": ("nothing", ("sql", r"INSERT.*\brequest\b", 1)),
    "PLAN before it commits": ("nothing", ("sql", "^COMMIT", 1)),
    "PLAN after it committed": ("nothing", ("sql done", "^COMMIT", 1)),
    "RECORD before the executions": ("made", ("sql", r"INSERT.*\bexecution\b", 1)),
    "RECORD between a row and its parts": ("made", ("sql done", r"INSERT.*\b__segmentation\b", 1)),
    "RECORD between two processes": ("made", ("sql", r"INSERT.*\b__segmentation_block\b", 1)),
    "RECORD before its word is on disk": ("made", ("os.fsync", r"\.recorded$", 1)),
    "RECORD before it commits": ("made", ("sql", "^COMMIT", 1)),
    "RECORD after it committed": ("made", ("sql done", "^COMMIT", 1)),
    "RECORD before it says so": ("made", ("open", "recorded.json", 1)),
}
IN_STORE = {
    "PLAN between two task files": ("nothing", ("open", "tasks/LINK_BLOCK", 1)),
    "PULL_BLOCK before bundle.json": ("PULL_BLOCK", ("open", "bundle.json", 2)),
    "LABEL_BLOCK before bundle.json": ("LABEL_BLOCK", ("open", "bundle.json", 3)),
    "LABEL_BLOCK before a file is on disk": ("LABEL_BLOCK", ("os.fsync", "planes.arrow", 2)),
    "LABEL_BLOCK before a bundle's rename": ("LABEL_BLOCK", ("os.rename", "LABEL_BLOCK", 8)),
    "LABEL_BLOCK before a bundle's name is on disk": ("LABEL_BLOCK", ("os.fsync", "/..$", 5)),
    "LABEL_BLOCK after a bundle's rename": ("LABEL_BLOCK", ("shutil.rmtree", r"\.tmp", 4)),
    "LINK_BLOCK before a bundle's rename": ("LINK_BLOCK", ("os.rename", "LINK_BLOCK", 1)),
    "STITCH before the look-up table": ("STITCH", ("open", "lookup.npy", 1)),
    "STITCH before the volume": ("STITCH", ("open", "segmentation/info", 1)),
    "STITCH before the components": ("STITCH", ("os.mkdir", "components", 1)),
    "STITCH before bundle.json": ("STITCH", ("open", "bundle.json", 1)),
    "STITCH after its rename": ("STITCH", ("shutil.rmtree", r"\.tmp", 1)),
    "RELABEL_BLOCK before a chunk is on disk": ("RELABEL_BLOCK", ("os.fsync", r"tmp.*/8_8_30", 3)),
    "RELABEL_BLOCK between two chunks": ("RELABEL_BLOCK", ("os.rename", "8_8_30", 5)),
    "RELABEL_BLOCK before bundle.json": ("RELABEL_BLOCK", ("open", "bundle.json", 4)),
    "RELABEL_BLOCK before a bundle's rename": ("RELABEL_BLOCK", ("os.rename", "RELABEL", 8)),
    "RELABEL_BLOCK after all": ("RELABEL_BLOCK", ("shutil.rmtree", r"\.tmp-\w+-\w+ ", 8)),
}


@pytest.mark.parametrize("point", sample(list(IN_DATABASE), 4))
def test_what_a_kill_leaves_in_the_database_is_completed(lab: Lab, point: str) -> None:
    kill_next(lab, *IN_DATABASE[point])
    lab.rerun()


@pytest.mark.parametrize("server", SERVERS[:1], indirect=True)
@pytest.mark.parametrize("point", sample(list(IN_STORE), 5))
def test_what_a_kill_leaves_in_the_store_is_completed(lab: Lab, point: str) -> None:
    kill_next(lab, *IN_STORE[point])
    lab.rerun()


@on_one
@pytest.mark.parametrize("number", sample(list(range(KILLS)), 3))
def test_a_program_may_be_killed_anywhere(lab: Lab, number: int) -> None:
    chosen = random.Random(f"{SEED} {number}")
    state = chosen.choice(["nothing", *COMPUTE, "made"])
    kill_next(lab, state, ("any", "", chosen.randint(1, len(lab.events[state]))))
    lab.rerun()


DEPLOYING = {
    "after the schema": ("sql done", "CREATE (SCHEMA|DATABASE)", 1),
    "before a part": ("sql", r"CREATE TABLE.*\brun__failure\b", 1),
    "within a table": ("sql done", r"CREATE TABLE.*\brequest\b", 1),
    "before the version": ("sql", r"INSERT.*schema_version", 1),
}


@pytest.mark.parametrize("point", sample(list(DEPLOYING), 2))
def test_a_deployment_that_was_killed_is_completed(lab: Lab, point: str) -> None:
    lab.begin()
    lab.drop()
    lab.program("bossflow", "db", "deploy", end_at=DEPLOYING[point])
    lab.ok("bossflow", "db", "deploy")
    lab.restore("nothing")
    lab.rerun()


FORGETTING = {
    "between bundles": ("os.rename", r"\.retired", 5),
    "before they are gone from the disk": ("os.fsync", r"\.retired", 1),
    "before rows": ("sql", "^DELETE", 1),
    "before the end": ("sql", "^COMMIT", 1),
}


@on_one
@pytest.mark.parametrize("point", sample(list(FORGETTING), 1))
def test_an_invalidation_that_was_killed_is_named_and_completed(lab: Lab, point: str) -> None:
    lab.restore("done")
    lab.begin()
    lab.program(
        "bossflow", "invalidate", "--block", "0-1_0-1_0-1", "--yes", end_at=FORGETTING[point]
    )
    problem = lab.plan()["problem"]
    assert "recorded bundles are not in the store" in problem
    assert "bossflow invalidate --lost" in problem
    lab.ok("bossflow", "invalidate", "--lost", "--store", str(lab.store), "--yes")
    lab.rerun()


@on_one
@pytest.mark.parametrize("process", sample(list(COMPUTE), 1))
def test_a_bundle_that_is_lost_is_made_again_with_all_that_came_of_it(
    lab: Lab, process: str
) -> None:
    lab.restore("done")
    lab.begin()
    shutil.rmtree(next(locations.every(lab.store, process)))
    lab.ok("bossflow", "invalidate", "--lost", "--store", str(lab.store), "--yes")
    lab.rerun()


@pytest.mark.parametrize("orphans", sample([False, True], 1))
@pytest.mark.parametrize("point", ["PLAN before it commits", "RECORD before it commits"])
def test_the_server_may_be_killed_in_a_transaction(lab: Lab, point: str, orphans: bool) -> None:
    kill_next(lab, *IN_DATABASE[point], by=signal.SIGSTOP)
    lab.server.kill(orphans)
    assert lab.go_on(lab.answer) == 0, lab.text  # it waits, or starts the server itself
    lab.server.wait()
    lab.rerun()


@pytest.mark.parametrize("server", SERVERS[:1], indirect=True)
def test_a_program_that_slept_writes_into_no_volume_that_was_made_anew(lab: Lab) -> None:
    """Its blocks are corrected, forgotten and made again while RELABEL_BLOCK is suspended."""
    kill_next(lab, "RELABEL_BLOCK", ("os.rename", "8_8_30", 2), by=signal.SIGSTOP)
    asleep, where = lab.answer, lab.work
    write_volume(lab.directory / "volume", np.ascontiguousarray(VOXELS[::-1]))
    try:
        lab.ok("bossflow", "invalidate", "--block", "0-100_0-100_0-100", "--yes")
        lab.complete()
        made = lab.files(), lab.rows()
        assert lab.go_on(asleep) == 0
    finally:
        write_volume(lab.directory / "volume", VOXELS)
    assert (lab.files(), lab.rows()) == made
    (receipts,) = where.glob("RELABEL_BLOCK-*/receipts.jsonl")
    before, slept, *after = map(json.loads, receipts.read_text().splitlines())
    assert "was set aside after it was read" in slept["error"]
    assert [one["state"] for one in (before, slept, *after)] == ["made", "failed", *["reused"] * 6]
