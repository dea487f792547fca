"""What a user asks for, read from parameters and sample sheets."""

from typing import Any

import pytest
from hostile import read
from hypothesis import given
from hypothesis import strategies as st

SOURCE = "bossdb://lab/brain/neurons"
HEADER = "source,resolution,x_range,min_voxels\n"


def one(**params: Any) -> dict[str, Any]:
    (row,) = read({"source": SOURCE} | params)
    return row


def sheet(text: str, **params: Any) -> list[dict[str, Any]]:
    return read(params, text, "cutouts.csv")


def test_absent_parameters_are_the_schemas_defaults() -> None:
    assert one() == {
        "source": SOURCE,
        "resolution": 0,
        "x_range": None,
        "y_range": None,
        "z_range": None,
        "name": None,
        "channel": None,
        "time": None,
        "voxel_size": None,
        "offset": None,
        "image_source": None,
        "citation": None,
        "doi": None,
        "licence": None,
        "connectivity": 26,
        "min_voxels": 0,
        "component_of": "segment",
        "foreground_above": 0,
        "block_shape": None,
        "where": "the parameters",
    }


@pytest.mark.parametrize(
    "given", [[-5, 3], "-5,3", "-5:3", "-5..3", "[-5,3]", "[-5, 3]", ["-5", "3"]]
)
def test_a_range_is_two_whole_numbers_however_written(given: object) -> None:
    assert one(x_range=given)["x_range"] == [-5, 3]


@pytest.mark.parametrize("given", ["8", 8])
def test_a_number_may_arrive_as_text(given: object) -> None:
    assert one(min_voxels=given)["min_voxels"] == 8
    assert one(block_shape=[given, 1, 2])["block_shape"] == [8, 1, 2]


@pytest.mark.parametrize(
    ("given", "known_as"),
    [
        (0, 0),
        ("1.0", 1),
        (1.0, 1),
        ("-007.50", "-7.5"),
        (0.5, "0.5"),
        ("0.50", "0.5"),
        (-0.0, 0),
        ("-0", 0),
        (1e-7, "0.0000001"),
        ("0.10000000000000000555", "0.10000000000000000555"),
        ("18446744073709551614.5", "18446744073709551614.5"),
        (2**64 - 1, 2**64 - 1),
    ],
)
def test_a_decimal_is_a_whole_number_or_one_text(given: object, known_as: object) -> None:
    found = one(foreground_above=given)["foreground_above"]
    assert (found, type(found)) == (known_as, type(known_as))


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        *(
            (
                {"foreground_above": given},
                f"foreground_above must be a decimal number, such as 0.5, not {shown}",
            )
            for given, shown in [
                ("half", '"half"'),
                ("1e3", '"1e3"'),
                (".5", '".5"'),
                ([1], "[1]"),
                (float("nan"), "NaN"),
                (1e308, "1e+308"),
            ]
        ),
        (
            {"foreground_above": "18446744073709551615.1"},
            'foreground_above must be at most 18446744073709551615, not "18446744073709551615.1"',
        ),
        ({"x_range": 630}, "x_range must be two whole numbers, such as 0,512, not 630"),
        ({"x_range": "512"}, 'x_range must be two whole numbers, such as 0,512, not "512"'),
        ({"x_range": "01:40"}, 'x_range must be two whole numbers, such as 0,512, not "01:40"'),
        ({"x_range": [0, 1, 2]}, "x_range must be two whole numbers, such as 0,512, not [0, 1, 2]"),
        ({"x_range": [0, 1.0]}, "x_range must be two whole numbers, such as 0,512, not [0, 1.0]"),
        ({"x_range": [0, True]}, "x_range must be two whole numbers, such as 0,512, not [0, true]"),
        ({"x_range": "0,1e3"}, 'x_range must be two whole numbers, such as 0,512, not "0,1e3"'),
        ({"x_range": True}, "x_range was given without a value"),
        (
            {"x_range": "5,5"},
            "x_range 5,5 is empty or reversed: the first must be below the second",
        ),
        (
            {"z_range": [9, -9]},
            "z_range 9,-9 is empty or reversed: the first must be below the second",
        ),
        ({"min_voxels": 1000.0}, "min_voxels must be a whole number, not 1000.0"),
        ({"min_voxels": "1e3"}, 'min_voxels must be a whole number, not "1e3"'),
        ({"min_voxels": -1}, "min_voxels must be at least 0, not -1"),
        ({"min_voxels": 10**19}, f"min_voxels must be at most {2**63 - 1}, not {10**19}"),
        ({"connectivity": 8}, "connectivity must be 6, 18 or 26, not 8"),
        ({"component_of": "all"}, 'component_of must be segment or foreground, not "all"'),
        ({"block_shape": "64,0,64"}, "block_shape must be at least 1, not 0"),
        (
            {"block_shape": 64},
            "block_shape must be three whole numbers, such as 64,512,512, not 64",
        ),
        ({"voxel_size": "-4,4,40"}, "voxel_size must be above 0, not -4"),
        (
            {"voxel_size": f"4,4,{10**13}"},
            f"voxel_size must be at most 1000000000000, not {10**13}",
        ),
        ({"source": 5}, "source must be text, not 5"),
        ({"source": True}, "source was given without a value"),
        (
            {"source": None},
            "source is missing: give it, such as bossdb://Kasthuri/ac4/neuron, or give a sample "
            "sheet as input; nextflow run . --workflow label --help shows all parameters",
        ),
    ],
)
def test_a_wrong_parameter_is_one_sentence(params: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError) as caught:
        one(**params)
    assert str(caught.value) == sentence


def test_a_sheet_gives_a_row_a_line_and_an_empty_cell_is_the_runs_parameter() -> None:
    text = f'{HEADER}{SOURCE},,"0,8",5\n\n{SOURCE},2, 8:16 ,\n'
    first, second = sheet(text, min_voxels=3, connectivity="6")
    assert (first["resolution"], first["x_range"], first["min_voxels"]) == (0, [0, 8], 5)
    assert (second["resolution"], second["x_range"], second["min_voxels"]) == (2, [8, 16], 3)
    assert first["connectivity"] == second["connectivity"] == 6
    assert (first["where"], second["where"]) == ("line 2 of cutouts.csv", "line 4 of cutouts.csv")


def test_a_sheet_from_a_spreadsheet_program_is_read() -> None:
    assert sheet("\ufeffsource,x_range\r\n" + SOURCE + ',"[0, 8]"\r\n')[0]["x_range"] == [0, 8]


@pytest.mark.parametrize(
    "text",
    [
        f"Source,X_RANGE\n{SOURCE},0:8\n",
        f"source,x_range,,\n{SOURCE},0:8,,\n",
        f" ,,\nsource,x_range, \n,,\n{SOURCE},0:8,\n , ,\n,,,,,\n",
        f"source,x_range\n{SOURCE},0:8,,\n",
    ],
    ids=["header", "columns", "rows", "cells"],
)
def test_what_a_spreadsheet_program_leaves_empty_is_nothing(text: str) -> None:
    (row,) = sheet(text)
    assert (row["source"], row["x_range"]) == (SOURCE, [0, 8])


def test_what_lies_beyond_the_header_is_refused_unless_it_is_empty() -> None:
    with pytest.raises(ValueError, match="line 2 of cutouts.csv has 4 cells, but the header 2 cel"):
        sheet(f"source,x_range,,\n{SOURCE},0:8,,9\n")
    with pytest.raises(ValueError, match='unknown column "": there are source'):
        sheet(f"source,,x_range\n{SOURCE},,0:8\n")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "cutouts.csv has no rows: it needs a header and a line below it"),
        (HEADER, "cutouts.csv has no rows: it needs a header and a line below it"),
        (
            "source,X-range\n",
            'line 1 of cutouts.csv: unknown column "X-range": did you mean x_range?',
        ),
        (
            "uri\n",
            'line 1 of cutouts.csv: unknown column "uri": did you mean source?',
        ),
        (
            "source;x_range\n",
            'line 1 of cutouts.csv: unknown column "source;x_range": columns must be separated by '
            "commas",
        ),
        (
            "source,colour\n",
            'line 1 of cutouts.csv: unknown column "colour": there are source, resolution, '
            "x_range, y_range, z_range, name, channel, time, voxel_size, offset, image_source, "
            "citation, doi, licence, connectivity, min_voxels, component_of, foreground_above, "
            "block_shape",
        ),
        ("Source,source\n", "line 1 of cutouts.csv has the column source twice: remove one"),
        (
            f"{HEADER}{SOURCE},0,0:8,1\n{SOURCE},0,0,8,1\n",
            "line 3 of cutouts.csv has 5 cells, but the header 4 cells: write a range as 0..512 "
            'or, in quotes, "0,512"',
        ),
        (
            f"{HEADER}\n{SOURCE},0,8,1\n",
            'line 3 of cutouts.csv: x_range must be two whole numbers, such as 0,512, not "8"',
        ),
        (
            f"{HEADER}{SOURCE},fine,0:8,1\n",
            'line 2 of cutouts.csv: resolution must be a whole number, not "fine"',
        ),
        (
            f"{HEADER},0,0:8,1\n",
            "line 2 of cutouts.csv: source is missing: give it, such as "
            "bossdb://Kasthuri/ac4/neuron",
        ),
        (
            f"{HEADER}{SOURCE},0,0:8,1\n{SOURCE},,0:9,1\n{SOURCE},,[0:8],01\n",
            "line 4 of cutouts.csv asks for the same as line 2: remove one",
        ),
        (
            f'{HEADER}"{SOURCE},0,0:8,1\n',
            "line 2 of cutouts.csv is not CSV: unexpected end of data",
        ),
    ],
)
def test_a_malformed_sheet_is_one_sentence_with_line_and_column(text: str, sentence: str) -> None:
    with pytest.raises(ValueError) as caught:
        sheet(text)
    assert str(caught.value) == sentence


@given(text=st.text(max_size=200), cell=st.text(max_size=50))
def test_no_text_breaks_the_reading_of_a_sheet(text: str, cell: str) -> None:
    for whole in (text, f"{HEADER}{text}", f"{HEADER}{SOURCE},{cell},{cell},{cell}\n"):
        try:
            assert sheet(whole)
        except ValueError as error:
            for line in map(str, error.args):  # one for each row
                assert len(line.splitlines()) == 1 and len(line) < 400


def test_a_huge_value_is_refused_in_a_short_sentence() -> None:
    for huge in ("9" * 10**6, " " * 10**6, "0," * 10**6):
        with pytest.raises(ValueError, match="must be two whole numbers") as caught:
            one(x_range=huge)
        assert len(str(caught.value)) < 200


def test_a_name_makes_no_other_cutout_and_is_of_one() -> None:
    named = sheet("source,name\nbossdb://a/b/c,V1 left\nbossdb://a/b/d,\nbossdb://a/b/e,日本\n")
    assert [row["name"] for row in named] == ["V1 left", None, "日本"]
    with pytest.raises(ValueError, match="^line 3 of cutouts.csv asks for the same as line 2: "):
        sheet("source,name\nbossdb://a/b/c,one\nbossdb://a/b/c,two\n")
    with pytest.raises(ValueError, match='^line 3 .* has the name of line 2, "one": give another$'):
        sheet("source,name\nbossdb://a/b/c,one\nbossdb://a/b/d,one\n")
    with pytest.raises(ValueError, match='^line 3 .* has the name of line 2, "one": give another$'):
        sheet("source\nbossdb://a/b/c\nbossdb://a/b/d\n", name="one")


@pytest.mark.parametrize("name", ["", " a", "a ", "a\nb", "a\x1bb", "a\u202eb", "\ud800", "\u200b"])
def test_a_name_can_be_seen_as_it_is(name: str) -> None:
    with pytest.raises(ValueError, match="^name must be written like V1 left, not "):
        one(name=name)


def test_a_name_is_short() -> None:
    assert one(name="𝔘" * 64)["name"] == "𝔘" * 64
    with pytest.raises(ValueError, match="^name must be at most 64 characters long, not "):
        one(name="a" * 65)
