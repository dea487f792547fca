"""Rows of a sheet that are wrong, each in its own way: all are told at once, in their order."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from describe import described
from hostile import SCHEMA, is_a_sentence
from test_describe import EM, NEURONS, NOWHERE, TOKEN
from test_describe import host as host

ATTRIBUTES = {"resolution": [30, 4, 8], "units": "nm"}


def problems(tmp_path: Path, text: str, **params: Any) -> list[str]:
    """Return what is told of a sheet, after a check that nothing else is."""
    sheet = tmp_path / "cutouts.csv"
    sheet.write_text(text)
    params = {"bossdb_host": NOWHERE, "outdir": "results"} | params
    found = described(params, SCHEMA, sheet, TOKEN, str(tmp_path))
    assert found["channels"] == [] and found["images"] == {}
    json.dumps(found)
    lines = str(found["problem"]).split("\n")
    assert all(map(is_a_sentence, lines)), lines
    return lines


def a_volume(tmp_path: Path) -> str:
    zarr.create_array(tmp_path / "a", data=np.ones((4, 5, 6), "uint8"), attributes=ATTRIBUTES)
    return f"zarr://{tmp_path}/a"


def test_each_row_that_is_wrong_is_told_once(tmp_path: Path, host: str) -> None:
    volume = a_volume(tmp_path)
    rows = {
        "source,resolution,x_range,name,offset,image_source": "",
        f"{volume},,0:5,good,,": "",
        f"{volume},x,,,,": "line 3 of cutouts.csv: resolution must be a whole number, not ",
        f"{volume},,5:5,,,": "line 4 of cutouts.csv: x_range 5,5 is empty or reversed",
        f"{volume},,0:3": "line 5 of cutouts.csv has 3 cells, but the header 6 cells: write a",
        ",,0:4,,,": "line 6 of cutouts.csv: source is missing: give it, such as",
        f"{volume},,0:5,again,,": "line 7 of cutouts.csv asks for the same as line 2: remove one",
        f"{volume},,1:5,good,,": "line 8 of cutouts.csv has the name of line 2, ",
        "n5://ftp://a,,0:5,,,": "source 'n5://ftp://a' is malformed: write n5:// and then",
        "zarr://no,,0:4,,,": "/no: there is no such directory (in line 10 of cutouts.csv, and 1 m",
        "zarr://no,,1:4,,,": "",
        f"{volume},,0:7,,,": "x_range 0..7 in line 12 of cutouts.csv leaves the channel: zarr://",
        f"{volume},,2:9,,,": "x_range 2..9 in line 13 of cutouts.csv leaves the channel: zarr://",
        f"{volume},1,0:4,,,": "resolution 1 is not one of zarr://",
        f'{EM},,3:5,,"0,0,0",': "states that it begins at voxel 3,2,1 (x,y,z), and offset says 0,",
        f"{volume},,0:1,,,zarr://gone": "image_source: there is no Zarr array or group at zarr://",
        f"{NEURONS},,3:5,fine,,": "",
    }
    found = problems(tmp_path, "\n".join(rows) + "\n", bossdb_host=host)
    expected = [words for words in rows.values() if words]
    assert len(found) == len(expected), found
    for words, sentence in zip(expected, found, strict=True):
        assert words in sentence, sentence


def test_of_many_a_page_is_told(tmp_path: Path) -> None:
    lines = [f"zarr://no{number},0:{number}" for number in range(1, 24)]
    found = problems(tmp_path, "\n".join(["source,x_range", *lines]))
    assert len(found) == 21 and found[-1] == "and 3 more"
    for number, sentence in enumerate(found[:-1], 2):
        assert f"(in line {number} of cutouts.csv)" in sentence
    (one,) = problems(tmp_path, 'source,x_range\nzarr://no,"0:3\n')
    assert one == "line 2 of cutouts.csv is not CSV: unexpected end of data"
    assert problems(tmp_path, "source\n") == [
        "cutouts.csv has no rows: it needs a header and a line below it"
    ]


def test_destinations_and_command_lines_too(tmp_path: Path) -> None:
    volume = a_volume(tmp_path)
    lines = [f"{volume},0:2,a/copy", f"{volume},0:3,results/a", f"{volume},0:9,new"]
    text = "\n".join(["source,x_range,dest", *lines])
    found = problems(tmp_path, text, workflow="transfer")
    words = ("lies in source", "lies in outdir", "leaves the channel")
    assert len(found) == 3
    for number, (word, sentence) in enumerate(zip(words, found, strict=True), 2):
        assert word in sentence and f"in line {number} of cutouts.csv" in sentence
    lines = ["no-such-program,", "true,", "true,../out", "also-none,"]
    text = "\n".join(["command,outputs", *lines])
    found = problems(tmp_path, text, workflow="command")
    assert [sentence.split(":")[0] for sentence in found] == [
        f"line {number} of cutouts.csv" for number in (2, 4, 5)
    ]
