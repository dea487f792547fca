"""Parameters of any workflow: lists, paths, amounts, and what is required."""

from pathlib import Path
from typing import Any

import pytest
from hostile import SCHEMA, read
from kit.parameters import Parameters, Wrong
from kit.rows import rows


def command(**params: Any) -> dict[str, Any]:
    (row,) = read({"workflow": "command", "command": "x"} | params)
    return row


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["a b", "$(c)"], ["a b", "$(c)"]),
        ('["a b", "c,d"]', ["a b", "c,d"]),
        ("a 'b c' \"$d\" {input1},e", ["a", "b c", "$d", "{input1},e"]),
    ],
)
def test_a_list_of_texts_may_be_json_or_words_of_a_line(given: Any, words: list[str]) -> None:
    assert command(command=given)["command"] == words


def test_a_list_of_paths_is_parted_by_commas_and_absolute(tmp_path: Path) -> None:
    parameters = Parameters(SCHEMA, "command", str(tmp_path))
    (tmp_path / "a").touch()
    (tmp_path / "b c").mkdir()
    for given in ("a, b c,/tmp", '["a", "b c", "/tmp"]', ["a", "b c", "/tmp"]):
        found = parameters.value("inputs", given)
        assert found == [f"{tmp_path}/a", f"{tmp_path}/b c", "/tmp"]
    assert parameters.value("inputs", "s3://bucket/a") == ["s3://bucket/a"]


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"command": []}, "command must be a list of texts (at least 1, at most 10000), such as b"),
        ({"command": "a 'b"}, "command must be a list of texts (at least 1, at most 10000), such"),
        ({"command": ["a", 1]}, "command must be a list of texts (at least 1, at most 10000), su"),
        ({"command": ["a\0b"]}, 'command must be written like {input1}, not "a\\u0000b"'),
        ({"command": None}, "command is missing: give it, such as "),
        ({"memory": "16 GiB"}, 'memory must be written like 16 GB, not "16 GiB"'),
        ({"inputs": "nix"}, 'inputs "nix" is not there: give the path of a file or directory'),
        ({"inputs": ""}, "inputs names no path: give one, or leave it out"),
        ({"inputs": "/tmp,"}, "inputs names no path: give one, or leave it out"),
        ({"inputs": ["file://"]}, "inputs names no path: give one, or leave it out"),
        ({"outputs": [""]}, 'outputs must be at least 1 characters long, not ""'),
        ({"exact": "maybe"}, 'exact must be true or false, not "maybe"'),
    ],
)
def test_a_wrong_parameter_of_another_workflow_is_a_sentence(
    params: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValueError) as caught:
        command(**params)
    assert str(caught.value).startswith(sentence)


def schema_of(properties: dict[str, Any], **group: Any) -> dict[str, Any]:
    own = {"title": "", "description": "", "groups": [], "properties": properties} | group
    return {"$defs": {"toy": own, "run": SCHEMA["$defs"]["run"]}}


def test_what_is_required_must_be_given_unless_a_row_may() -> None:
    schema = schema_of({"a": {"type": "number", "examples": ["0.5"]}}, required=["a"])
    parameters = Parameters(schema, "toy")
    with pytest.raises(Wrong) as caught:
        parameters.checked({})
    assert caught.value.args == ("a is missing: give it, such as 0.5",)
    assert parameters.checked({"a": "0.50"}) == {"a": "0.5"}
    assert rows({"a": "0.5"}, parameters) == [{"where": "the parameters"}]
    with pytest.raises(ValueError, match="^input is not for workflow toy: it reads no sheet$"):
        rows({"a": "0.5"}, parameters, "a\n1\n")


def test_each_wrong_parameter_has_its_sentence() -> None:
    with pytest.raises(Wrong) as caught:
        Parameters(SCHEMA).checked({"connectivity": 8, "x_range": "5", "stage": "maybe"})
    assert caught.value.args == (
        'x_range must be two whole numbers, such as 0,512, not "5"',
        "connectivity must be 6, 18 or 26, not 8",
        'stage must be true or false, not "maybe"',
    )


@pytest.mark.parametrize("format", ["file-path", "directory-path", "path"])
def test_a_path_that_must_be_there_is_looked_for(tmp_path: Path, format: str) -> None:
    described = {"type": "string", "format": format, "exists": True}
    parameters = Parameters(schema_of({"a": described}), "toy", str(tmp_path))
    kind = {"path": "file or directory"}.get(format, format.removesuffix("-path"))
    for given in ("b", "https://host/b"):
        if "://" in given:
            assert parameters.value("a", given) == given
            continue
        with pytest.raises(ValueError, match=f'^"b" is not there: give the path of a {kind}$'):
            parameters.value("a", given)
    made = tmp_path / "b"
    made.touch() if format == "file-path" else made.mkdir()
    assert parameters.value("a", "b") == parameters.value("a", f"file://{made}") == str(made)
