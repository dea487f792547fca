"""`bossflow verify` on a segmentation, whose volume is the files of many bundles."""

import json
from pathlib import Path
from typing import Any

import bossflow
import pytest
from bossflow.upkeep import verify
from conftest import sample
from pipeline import bossflow_says
from steps import Cutouts, write_volume


@pytest.fixture
def cutouts(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cutouts:
    made = Cutouts(tmp_path, monkeypatch)
    made.volume = write_volume(tmp_path / "volume.zarr", (32, 32, 32))
    return made


def made(store: Path) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Return what bundles say, by process, request and block."""
    found = [json.loads(path.read_text()) for path in store.glob("[A-Z]*/*/*/bundle.json")]
    return {
        (one["process"], one["key"].get("request_id", ""), one["key"].get("block", "")): one
        for one in found
    }


def contents(store: Path) -> dict[tuple[str, str, str], str]:
    return {name: one["content_sha256"] for name, one in made(store).items()}


def damaged(store: Path) -> verify.Problems:
    """Verify a store's bundles: other tests' are recorded in the same database."""
    rows = bossflow.Execution.proj("bundle_url").to_dicts()
    here = [row["execution_id"] for row in rows if row["bundle_url"].startswith(store.as_uri())]
    return verify.damaged(here)


def named(problems: verify.Problems) -> list[tuple[str, str]]:
    listed = verify.report(problems)["damaged"]
    return [(one["process"], one["key"].get("block", "")) for one in listed]


def test_a_channel_is_named_as_status_tells_it(cutouts: Cutouts) -> None:
    (request,) = cutouts.label(x_range=[0, 16])["plan"]["requests"]
    every = json.loads(bossflow_says("status", "--json")[1])["requests"]
    told = next(one for one in every if one["request"] == request)
    code, text = bossflow_says("verify", "--channel", told["channel"])
    assert (code, "as recorded" in text) == (0, True), text
    assert bossflow_says("verify", "--channel", "nonsense")[0] == 1


BLOCK = "0-16_0-16_0-16"
SHAPE = [16, 16, 16]


def test_a_damaged_chunk_costs_its_block_in_every_volume_it_is_linked_into(
    cutouts: Cutouts,
) -> None:
    """Not STITCH, in whose bundle it lies, and nothing that another request made."""
    one = cutouts.label(block_shape=SHAPE, x_range=[0, 16], y_range=[0, 16], z_range=[0, 16])
    two = cutouts.label(block_shape=SHAPE, x_range=[0, 16], y_range=[0, 16])
    assert one["verdict"] == two["verdict"] == {"missing": None}
    before = contents(cutouts.store)
    requests = one["plan"]["requests"] + two["plan"]["requests"]
    chunks = [
        cutouts.store / made(cutouts.store)["RELABEL_BLOCK", request, BLOCK]["files"][0]["path"]
        for request in requests
    ]
    if not chunks[0].samefile(chunks[1]):  # the numbers of its components may have changed
        chunks[1].unlink()
        chunks[1].hardlink_to(chunks[0])
    text = chunks[0].read_bytes()
    chunks[0].write_bytes(text[:-1] + bytes([text[-1] ^ 1]))
    problems = damaged(cutouts.store)
    assert named(problems) == [("RELABEL_BLOCK", BLOCK)] * 2
    assert {one["request"] for one in verify.report(problems)["requests"]} == set(requests)
    assert verify.retire(problems) == (2, 2)
    assert verify.retire(problems) == (0, 0), "by another who found the same"
    for request in ({"z_range": [0, 16]}, {}):
        again = cutouts.label(block_shape=SHAPE, x_range=[0, 16], y_range=[0, 16], **request)
        assert again["states"] == ["made"]
    assert contents(cutouts.store) == before
    assert damaged(cutouts.store) == {}


@pytest.mark.parametrize(
    ("process", "again"),
    sample(
        [
            ("PULL_BLOCK", {"PULL_BLOCK": 1, "LABEL_BLOCK": 1, "LINK_BLOCK": 8}),
            ("LABEL_BLOCK", {"LABEL_BLOCK": 1, "LINK_BLOCK": 8}),
            ("LINK_BLOCK", {"LINK_BLOCK": 1}),
            ("STITCH", {}),
        ],
        1,
    ),
)
def test_what_was_made_of_something_damaged_is_made_again(
    cutouts: Cutouts, process: str, again: dict[str, int]
) -> None:
    cutouts.label(block_shape=SHAPE)
    before = contents(cutouts.store)
    manifests = made(cutouts.store)
    (name,) = (name for name in manifests if name[0] == process and name[2] in (BLOCK, ""))
    file = cutouts.store / manifests[name]["files"][-1]["path"]
    file.write_bytes(b"\0" + file.read_bytes())
    problems = damaged(cutouts.store)
    assert named(problems) == [(process, name[2])]
    expected = again | {"STITCH": 1, "RELABEL_BLOCK": 8}
    assert verify.report(problems)["with_dependents"] == expected
    verify.retire(problems)
    assert cutouts.label(block_shape=SHAPE)["recorded"][0]["recorded"] == expected
    assert contents(cutouts.store) == before
    assert damaged(cutouts.store) == {}
