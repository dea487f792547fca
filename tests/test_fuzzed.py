"""Metadata of every format, made wrong by a seed: they work, or one sentence says why not."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import blosc
import conftest
import file_formats
import pytest
import zarr
from formats import describe, precomputed
from fuzzed import SECONDS
from fuzzed_formats import FORMATS, VOXELS
from voxels.archives import Refused, archive_of
from voxels.archives.volumes import absent_chunks
from voxels.boxes import Box

pytestmark = pytest.mark.faults


def test_wrong_metadata_of_any_format_are_sane_or_a_sentence(tmp_path: Path) -> None:
    """Without a traceback, a crash, a wait or much memory: in a process of its own."""
    number = len(FORMATS) * (87 if conftest.SOAK else 6)
    program = Path(__file__).parent / "fuzzed.py"
    command = [sys.executable, program, tmp_path, str(conftest.SEED), "0", str(number)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    ended = {line["case"]: line for line in lines if "seconds" in line}
    assert len(ended) == number, (lines[-1:], done.returncode, done.stderr[-2000:])
    assert [line for line in ended.values() if "wrong" in line] == []
    assert max(line["seconds"] for line in ended.values()) < SECONDS
    well = Counter(line["told"] == "works" for line in ended.values())
    assert min(well[True], well[False]) > number // 20, "they are all wrong, or none is"
    conftest.COUNTS["files with wrong metadata"] += number
    conftest.COUNTS["of which are described nevertheless"] += well[True]


def test_a_volume_of_endless_chunks_is_refused_at_once(tmp_path: Path) -> None:
    uri = precomputed(tmp_path / "v", VOXELS, (2, 3, 3))
    info = tmp_path / "v" / "info"
    told = json.loads(info.read_text())
    told["scales"][0]["size"][0] = 10**12
    info.write_text(json.dumps(told))
    with pytest.raises(Refused, match="no sense: along x they say 1000000000000 voxels, in chunk"):
        describe(uri)


def test_chunks_that_are_not_there_are_looked_for_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = {"resolution": [40, 8, 4], "units": "nm"}
    array = zarr.create_array(
        tmp_path / "v", shape=(9, 9, 900), chunks=(1, 1, 1), dtype="uint8", attributes=about
    )
    array[0, 0, 0] = 1
    uri = f"zarr://file://{tmp_path}/v"
    for first, says in ((2, "asked for of 1-"), (0, "")):
        box = Box(first // 2, 900, 0, 9, 0, 9)
        for most, more in ((100, "none of the chunks that were "), (10**6, "none of the chunks ")):
            monkeypatch.setattr(absent_chunks, "ASKED_HERE", most)
            note = archive_of(uri).unwritten(uri, 0, "", "", [box], None)
            assert (note or "").startswith(more if first else ""), note
            assert (says in (note or "")) == (most == 100 or not first), note


def test_a_header_that_promises_gigabytes_takes_none(tmp_path: Path) -> None:
    uri, _ = file_formats.mrc(tmp_path, VOXELS)
    path = tmp_path / "volume.mrc"
    content = bytearray(path.read_bytes())
    for extended, says in ((2**31 - 1, "is cut off: it has 1,264 bytes"), (-8, "has -8 bytes")):
        content[92:96] = extended.to_bytes(4, "little", signed=True)
        path.write_bytes(content)
        with pytest.raises(Refused, match=says):
            describe(uri)
    content[92:96] = (40).to_bytes(4, "little")
    path.write_bytes(content[:1024] + bytes(40) + content[1024:])
    told = describe(uri)
    box = Box.of(told["offset_zyx"], told["shape_zyx"])
    assert (archive_of(uri).read(uri, 0, "", "", "uint16", box) == VOXELS).all()


def test_chunks_far_apart_are_told_at_once(tmp_path: Path) -> None:
    chunk = bytes(10) + blosc.compress(VOXELS.tobytes(), 2)
    for low in (1, 6 * 10**11 + 1):
        (tmp_path / f"{low}:{low + 5}_1:5_1:4").write_bytes(chunk)
    uri = f"bigarray://file://{tmp_path}#/uint16/6,5,4"
    boxes = [Box(0, 6 * 10**11, 0, 5, 0, 4), Box(6, 6 * 10**11, 0, 5, 0, 4)]
    first, second = (archive_of(uri).unwritten(uri, 0, "", "", [box], None) for box in boxes)
    assert first is None and "nothing was ever written in 6-600000000000_0-5_0-4" in str(second)
