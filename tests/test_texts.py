"""Texts that nobody expects, in errors, keys and results: read, recorded and shown all the same."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import hostile
import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st
from kit import digests, units
from kit.texts import ERROR_MAX, json_lines, one_line, sentence, unit_names
from pipeline import toy as toy
from pull_block import pull_block
from steps import Cutouts, write_volume

ANY = st.text(st.characters())  # with halves of surrogate pairs


@given(st.one_of(ANY, st.sampled_from(hostile.TEXTS)))
def test_any_error_is_a_sentence_of_its_words(text: str) -> None:
    told = sentence(ValueError(text))
    assert hostile.is_a_sentence(told)
    told.encode()
    words = [word for word in text.split() if word.isprintable()]
    assert all(word in told for word in words)


def test_what_is_cut_says_so() -> None:
    told = sentence(ValueError("x" * 2 * ERROR_MAX))
    assert (len(told), told[-2:]) == (ERROR_MAX, "x…")


def test_a_text_that_can_be_shown_stays_as_it_is() -> None:
    assert one_line("  müde —\t日本 \\n 𝔘") == "müde — 日本 \\n 𝔘"
    assert one_line("a\udcffb\0\x1b[1m\u2028c") == "a\\udcffb\\x00\\x1b[1m c"


@given(st.lists(st.dictionaries(ANY, ANY, max_size=2)))
def test_only_a_line_feed_ends_a_line(
    tmp_path_factory: pytest.TempPathFactory, lines: list[dict[str, str]]
) -> None:
    """Also where another program wrote what is no UTF-8."""
    file = tmp_path_factory.getbasetemp() / "lines.jsonl"
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    found = json_lines(file)
    assert len(found) == len(lines)
    assert found == lines or not text.isprintable()


@given(
    st.text(),
    st.dictionaries(st.text(), st.one_of(st.text(), st.integers(), st.booleans()), max_size=4),
)
def test_a_units_id_is_the_digest_of_its_process_and_key(process: str, key: dict[str, Any]) -> None:
    assert digests.unit_id(process, key) == digests.digest([process, key])[:32]


def test_each_unit_has_a_name_of_its_own() -> None:
    block = {"block": "0-8_0-8_0-8"}
    units = [
        ("STITCH", {"request_id": "a"}),
        ("STITCH", {"request_id": "b"}),
        ("LABEL_BLOCK", {"channel_id": "x"} | block),
        ("LABEL_BLOCK", {"channel_id": "y"} | block),
        ("PULL_BLOCK", {"channel_id": "x"} | block),
        ("COUNT", {"file": "a\nb", "place": 3}),
        ("OTHER", {}),
        ("COUNT", {"file": "a  c", "place": 3}),
        ("COUNT", {"file": "a\tc", "place": 3}),
    ]
    names = unit_names(units)
    assert names == [
        "STITCH request_id=a",
        "STITCH request_id=b",
        "LABEL_BLOCK 0-8_0-8_0-8 channel_id=x",
        "LABEL_BLOCK 0-8_0-8_0-8 channel_id=y",
        "PULL_BLOCK 0-8_0-8_0-8",
        "COUNT file=a b place=3",
        "OTHER",
        'COUNT {"file": "a  c", "place": 3}',
        'COUNT {"file": "a\\tc", "place": 3}',
    ]
    assert unit_names([*units, *units])[: len(units)] == names


# A program whose units fail, each with a text that is hard to write or to print.
PROGRAM = """
from kit.tasks import main
class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no words")
def work(unit, bundle):
    if unit.arguments["text"] == "mute":
        raise Mute
    bundle.attributes["text"] = unit.arguments["text"]
    raise ValueError(unit.arguments["text"])
main("TRY", work)
"""


def test_a_program_outlives_what_its_units_say(tmp_path: Path) -> None:
    texts = [
        "no \udcff UTF-8",
        "two\u2028lines\x85or\x0bmore",
        "a \0 here",
        "日本 é",
        "mute",
        "last",
    ]
    header = {"run_id": "run", "store": (tmp_path / "store").as_uri(), "code": "", "process": "TRY"}
    lines: list[dict[str, Any]] = [header]
    for text in texts:
        key = {"name": text}
        about = {"unit_id": digests.digest([len(lines)])[:32], "process": "TRY", "key": key}
        lines.append(about | {"arguments": {"text": text}, "settings": {}, "inputs": []})
    (tmp_path / "task.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "task.jsonl"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT / "bin"), "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    receipts = (tmp_path / "receipts.jsonl").read_text("ascii")
    told = [json.loads(line) for line in receipts.splitlines()]
    assert [one["key"]["name"] for one in told] == texts
    assert [one["error"] for one in told] == [
        *("no \\udcff UTF-8", "two lines or more", "a \\x00 here", "日本 é", "Mute: Mute", "last")
    ]
    shown = done.stdout.splitlines()
    assert shown[0] == r"1/6 TRY name=no \udcff UTF-8 failed: no \udcff UTF-8"
    assert (len(shown), shown[3].endswith(r"failed: \u65e5\u672c \xe9")) == (6, True)


@pytest.mark.parametrize(
    ("text", "state", "problem"),
    [
        ("\0" * 64, "made", "voxels_sha256 holds a NUL character, which PostgreSQL takes in no"),
        ("a\udcff", "failed", '"voxels_sha256":"a\\udcff'),
    ],
    ids=["NUL", "half a surrogate pair"],
)
def test_a_result_that_can_not_be_recorded_costs_its_unit_alone(
    toy: Any,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    state: str,
    problem: str,
) -> None:
    cutouts = Cutouts(tmp_path, monkeypatch)
    cutouts.volume = write_volume(tmp_path / "volume", (8, 8, 16))

    def pull(unit: units.Unit, bundle: units.Bundle) -> None:
        pull_block(unit, bundle)
        if unit.key["block"].startswith("0-"):
            bundle.attributes["voxels_sha256"] = text

    monkeypatch.setattr(Cutouts, "programs", Cutouts.programs | {"PULL_BLOCK": pull})
    done = cutouts.label(block_shape=[8, 8, 8])
    lines = [line for path in done["receipts"] for line in json_lines(path)]
    states = {line["key"]["block"]: line["state"] for line in lines if line["process"][0] == "P"}
    assert states == {"0-8_0-8_0-8": state, "8-16_0-8_0-8": "made"}
    (recorded,) = done["recorded"]
    assert recorded["recorded"] == {"PULL_BLOCK": 1, "LABEL_BLOCK": 1}
    first = recorded["failed"][0]
    assert first["key"]["block"] == "0-8_0-8_0-8" and problem in first["error"], first
    assert f"PULL_BLOCK 0-8_0-8_0-8 ({first['error']})" in done["verdict"]["missing"]
