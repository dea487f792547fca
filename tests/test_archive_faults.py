"""An archive that misbehaves, met by PULL_BLOCK through real intern."""

import json
import logging
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from bossflow.archive_server import app as archive
from bossflow.archive_server.faults import misbehaving, read_plan
from bossflow.archive_server.served import volume_of
from bossflow.archive_server.server import serving
from conftest import COUNTS, sample
from lab import CHANNEL
from voxels.arrays import read_array
from voxels.boxes import Box, grid
from weather import EXPIRED, STORM, VOXELS

pytestmark = pytest.mark.faults

ROOT = Path(__file__).resolve().parents[1]

BLOCKS = grid(Box.of((0, 0, 0), VOXELS.shape), (10, 20, 20), (0, 0, 0))
METADATA = {
    "kind": "annotation",
    "dtype": "uint64",
    "shape_zyx": [20, 40, 40],
    "offset_zyx": [0, 0, 0],
    "voxel_size_nm_zyx": [30.0, 8.0, 8.0],
}


# ---- the plan, and the command that follows it ----


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "it is not JSON"),
        ("[]", "it is not a JSON object, such as {"),
        ('{"buzy": 1}', "'buzy' is not one of seed, throttle, error, busy, system"),
        ('{"busy": 2}', "busy must be a share from 0 to 1, or a list such as [1, 2], not 2"),
        ('{"busy": true}', "busy must be a share from 0 to 1, or a list such as [1, 2], not True"),
        ('{"busy": NaN}', "busy must be a share from 0 to 1, or a list such as [1, 2], not nan"),
        ('{"busy": [0]}', "busy must be a share from 0 to 1, or a list such as [1, 2], not [0]"),
        ('{"busy": 0.6, "reset": 0.7}', "its shares add up to 1.3: 1 is all there is"),
        ('{"seed": "x"}', "seed must be a whole number, not 'x'"),
        ('{"token_expires": -1}', "token_expires must be a whole number, not -1"),
        ('{"change": {"datatype": "uint8"}}', 'change must be such as {"after": 3, "datatype"'),
    ],
)
def test_a_plan_that_is_none_is_one_sentence(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(ValueError, match="plan.json is no plan of faults: ") as caught:
        read_plan(tmp_path / "plan.json")
    assert says in str(caught.value) and "\n" not in str(caught.value)


def test_the_command_misbehaves_and_says_so(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", VOXELS)
    plan = {"busy": [1], "silence": [4, 5], "change": {"after": 2, "datatype": "x"}}
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    process = subprocess.Popen(
        [sys.executable, "-c", "from bossflow.command.main import main; main()", "serve-archive"]
        + [
            "--volume",
            "a.npy",
            "--uri",
            CHANNEL,
            "--faults",
            "plan.json",
            "--voxel-size-nm",
            "8,8,30",
        ]
        + ["--ready-file", "ready.json"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        while not (tmp_path / "ready.json").exists():
            assert process.poll() is None
            time.sleep(0.02)
        host = json.loads((tmp_path / "ready.json").read_text())["host"]
        url = f"{host}/v1/collection/lab/experiment/slice/channel/neurons"
        told = [httpx.get(url) for _ in range(3)]
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(url, timeout=2)
        address = httpx.URL(host)
        waiting = socket.create_connection((address.host, address.port))
        waiting.sendall(f"GET {httpx.URL(url).path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    finally:
        process.terminate()
        printed, complaints = process.communicate(timeout=120)
    assert process.returncode == 0 and "Traceback" not in complaints
    assert [reply.status_code for reply in told] == [503, 200, 200]
    assert [reply.json()["datatype"] for reply in told[1:]] == ["uint64", "x"]
    assert "\nit misbehaves on purpose, as plan.json says\n" in printed


def test_a_plan_does_the_same_again() -> None:
    """Whoever asks first: what happens depends on what is asked, and how often it was."""
    paths = [f"/v1/collection/lab/experiment/{number}" for number in range(20)]

    def statuses(order: list[str], seed: int) -> dict[str, list[int]]:
        plan = {"seed": seed, "busy": 0.3, "error": 0.3}
        served = misbehaving(archive.app({}), plan)
        with serving(served) as host, httpx.Client() as client:
            found: dict[str, list[int]] = {}
            for path in order:
                found.setdefault(path, []).append(client.get(host + path).status_code)
        return found

    first = statuses(paths * 2, 1)
    assert first == statuses(paths[::-1] * 2, 1) != statuses(paths * 2, 2)
    assert {status for one in first.values() for status in one} == {404, 500, 503}


# ---- PULL_BLOCK ----

# The program itself, with less patience: no option of its own sets that.
PROGRAM = f"""
import sys
sys.path.insert(0, {str(ROOT / "bin")!r})
from pull_block import main, pull_block
from voxels.archives.bossdb import patience
patience.VOXEL_LIMITS = patience.Limits(5, 2, 4, attempts=int(sys.argv.pop()), first_wait=0.05)
main("PULL_BLOCK", pull_block, software=("intern", "numpy", "tensorstore"))
"""


def pull(
    directory: Path,
    plan: Mapping[str, Any],
    verify: bool = False,
    blocks: list[Box] = BLOCKS,
    attempts: int = 6,
) -> list[dict[str, Any]]:
    """Run the program on blocks, one after the other; return its receipts."""
    volume = volume_of(VOXELS, (0, 0, 0), (30.0, 8.0, 8.0))
    served = misbehaving(archive.app({CHANNEL: volume}), plan)
    with serving(served) as host:
        header = {"process": "PULL_BLOCK", "run_id": "r", "code": "c"}
        lines: list[dict[str, Any]] = [header | {"store": str(directory / "store")}]
        for number, box in enumerate(blocks):
            lines.append(
                {
                    "unit_id": f"{number:032x}",
                    "process": "PULL_BLOCK",
                    "key": {"channel_id": "c" * 16, "block": box.name},
                    "arguments": {
                        "uri": CHANNEL, "resolution": 0, "dtype": "uint64", "box": box.name
                    },
                    "settings": {"host": host, "verify": verify, "metadata": METADATA},
                    "inputs": [],
                }
            )  # fmt: skip
        directory.mkdir(exist_ok=True)
        (directory / "task.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, "task.jsonl", str(attempts)],
            cwd=directory,
            env=os.environ | {"BOSSDB_TOKEN": "a-token"},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in (directory / "receipts.jsonl").read_text().splitlines()]


def pulled(receipt: dict[str, Any]) -> np.ndarray:
    return read_array(Path(receipt["url"].removeprefix("file://")) / "voxels.zarr")


def right(receipts: list[dict[str, Any]]) -> list[bool]:
    return [
        bool((pulled(one) == VOXELS[Box.parse(one["key"]["block"]).slices((0, 0, 0))]).all())
        for one in receipts
        if one["state"] == "made"
    ]


def hits(logged: pytest.LogCaptureFixture) -> list[str]:
    """Which faults there were."""
    records = [one for one in logged.records if one.name == "bossflow.archive_server.faults"]
    return [one.getMessage().partition(":")[0] for one in records]


@pytest.mark.parametrize("seed", sample(list(range(3)), 1))
def test_a_storm_of_faults_changes_no_voxel(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, seed: int
) -> None:
    caplog.set_level(logging.INFO)
    plan = STORM | {"seed": seed, "silence": 0.01, "drip": 0.01, "throttle": 0.02, "zeros": 0.02}
    receipts = pull(tmp_path, plan, verify=True)
    assert [one["state"] for one in receipts] == ["made"] * 8, receipts
    assert all(right(receipts))
    COUNTS["faults of the archive"] += len(hits(caplog))
    assert len(set(hits(caplog))) > 3


@pytest.mark.parametrize(
    ("plan", "cause"),
    [
        ({"busy": 1}, "answers bossdb://lab/slice/neurons with status 503"),
        ({"truncate": 1}, "box {} of {} .*can't be used: it is damaged or has the wrong size"),
        ({"flip": 1}, "box {} of {} .*can't be used: two reads differ"),
    ],
)
def test_a_fault_that_lasts_leaves_nothing(
    tmp_path: Path, plan: dict[str, Any], cause: str
) -> None:
    for one in pull(tmp_path, plan, True, BLOCKS[:1], attempts=2):
        assert one["state"] == "failed"
        expected = cause.format(one["key"]["block"], CHANNEL)
        assert re.search(expected, one["error"]), one["error"]
    assert not list((tmp_path / "store").glob("PULL_BLOCK/*/*"))


def test_a_server_that_hangs_is_waited_for_once_a_task(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    receipts = pull(tmp_path, {"silence": 1}, blocks=BLOCKS[:3], attempts=3)
    assert all(one["error"].endswith(": no answer within 2 s") for one in receipts)
    assert len(hits(caplog)) == 3 + 1 + 1


def test_a_flipped_bit_is_seen_by_verify_pull_alone(tmp_path: Path) -> None:
    """Blosc has no checksum: without a second read, nobody can know."""
    assert not all(right(pull(tmp_path / "once", {"flip": [1]})))
    assert all(right(pull(tmp_path / "twice", {"flip": [1]}, verify=True)))


CHANGES = [
    ({"datatype": "uint16"}, "dtype was uint64, the archive now says uint16"),
    ({"type": "image"}, "kind was annotation, the archive now says image"),
    ({"x_stop": 39}, r"shape_zyx was \[20, 40, 40\], the archive now says \[20, 40, 39\]"),
    ({"y_start": 1}, r"shape_zyx was \[20, 40, 40\], the archive now says \[20, 39, 40\]"),
    ({"z_voxel_size": 3}, r"size_nm_zyx was \[30.0, 8.0, 8.0\], the archive now says \[3.0"),
]


@pytest.mark.parametrize(("change", "sentence"), CHANGES)
def test_a_channel_that_changed_since_plan_is_not_pulled(
    tmp_path: Path, change: dict[str, Any], sentence: str
) -> None:
    for one in pull(tmp_path, {"change": {"after": 0} | change}, blocks=BLOCKS[:1]):
        assert one["state"] == "failed"
        assert re.search(f"^{CHANNEL} changed since PLAN: .*{sentence}.*; run again$", one["error"])


def test_a_channel_that_changes_while_it_is_pulled_is_not_kept(tmp_path: Path) -> None:
    """3 requests for its metadata, one by intern, one for each block, and 3 for metadata again."""
    plan = {"change": {"after": 3 + 1 + 4 + 1, "z_voxel_size": 3}}
    receipts = pull(tmp_path, plan)
    assert [one["state"] for one in receipts] == ["made"] + ["failed"] * 7
    assert all("changed since PLAN" in one["error"] for one in receipts[1:])


def test_a_token_that_expires_loses_nothing_that_was_pulled(tmp_path: Path) -> None:
    receipts = pull(tmp_path, {"token_expires": 3 + 1 + 3 * 4})
    assert [one["state"] for one in receipts] == ["made"] * 3 + ["failed"] * 5
    for one in receipts[3:]:
        assert EXPIRED in one["error"]
    again = pull(tmp_path, {})
    assert [one["state"] for one in again] == ["reused"] * 3 + ["made"] * 5
    assert all(right(again))
