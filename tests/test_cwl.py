"""Tools of the Common Workflow Language as parameters of workflow `command`."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from bossflow.command.cwl import parameters
from bossflow.command.new import new_command
from click.testing import CliRunner
from conftest import ROOT

TOOL = """
cwlVersion: v1.2
class: CommandLineTool
doc: as tools of genomics are written
baseCommand: [samtools, sort]
requirements:
  DockerRequirement: {dockerPull: "quay.example/samtools:1.20"}
  ResourceRequirement: {coresMin: 4, ramMin: 4096}
  InlineJavascriptRequirement: {}
hints:
  - class: ToolTimeLimit
    timelimit: 3600
  - class: SomethingNew
inputs:
  threads: {type: int, default: 4, inputBinding: {prefix: -@, position: 1}}
  by_name: {type: boolean, default: true, inputBinding: {prefix: -n, position: 1}}
  quiet: {type: "boolean?", inputBinding: {prefix: -q}}
  tags:
    type: string[]
    default: [a, b]
    inputBinding: {prefix: --tags=, itemSeparator: ",", separate: false}
  reads: {type: File, inputBinding: {position: 5}}
  reference: File?
  index: Directory
arguments:
  - {valueFrom: sorted.bam, prefix: -o, position: 2}
outputs:
  sorted: {type: File, outputBinding: {glob: sorted.bam}}
"""
COUNT = """
cwlVersion: v1.0
class: CommandLineTool
baseCommand: wc
arguments: ["-l"]
stdout: counts.txt
inputs:
  - {id: text, type: File, inputBinding: {}}
outputs:
  - {id: counts, type: stdout}
"""


def read(directory: Path, text: str) -> dict[str, object]:
    path = directory / "tool.cwl"
    path.write_text(text)
    found: dict[str, object] = yaml.safe_load(parameters(path))
    return found


def test_what_it_says_next_can_be_pasted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tool.cwl").write_text(COUNT)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(new_command, ["count", "--cwl", "tool.cwl"])
    assert done.output == (
        "wrote count.yml: put the paths of your files there, then "
        f"nextflow run {ROOT} -params-file count.yml\n"
    )


def test_words_are_in_the_order_of_their_positions(tmp_path: Path) -> None:
    assert read(tmp_path, TOOL) == {
        "workflow": "command",
        "command": [
            *("samtools", "sort", "--tags=a,b", "-n", "-@", "4", "-o", "sorted.bam", "{input1}")
        ],
        "inputs": ["reads", "index"],
        "outputs": ["sorted.bam"],
        "image": "quay.example/samtools:1.20",
        "cores": 4,
        "memory": "4096 MB",
        "time_limit": "3600 s",
    }


@pytest.mark.parametrize(
    ("of_input", "words"),
    [
        ("type: 'string[]', default: [], inputBinding: {prefix: -x}", []),
        ("type: 'string[]', default: [], inputBinding: {itemSeparator: ','}", []),
        (
            "type: 'string[]', default: [a, b], inputBinding: {prefix: -x, separate: false}",
            "-x a b",
        ),
        ("type: 'string[]', default: [a], inputBinding: {prefix: -x, separate: false}", "-x a"),
        ("type: string, default: a, inputBinding: {prefix: -x, separate: false}", "-xa"),
        ("type: double, default: 0.000001, inputBinding: {prefix: -x}", "-x 0.000001"),
        ("type: File, inputBinding: {prefix: -x=, separate: false}", "-x={input1}"),
    ],
)
def test_a_list_is_words_as_cwl_has_them(tmp_path: Path, of_input: str, words: Any) -> None:
    """An empty one is nothing, without its prefix; to each item no prefix is glued."""
    given = COUNT.replace("type: File, inputBinding: {}", of_input).replace('["-l"]', "[]")
    found: Any = read(tmp_path, given)["command"]
    assert found[5:] == (words.split() if words else [])


def test_what_it_says_goes_to_a_file_and_no_word_is_parsed(tmp_path: Path) -> None:
    found = read(tmp_path, COUNT)
    assert found["command"] == [
        "sh",
        "-c",
        'exec "$@" > "$0"',
        "counts.txt",
        "wc",
        "-l",
        "{input1}",
    ]
    assert found["outputs"] == ["counts.txt"]
    odd = read(tmp_path, COUNT.replace("counts.txt", "'out [1].txt'"))
    assert odd["outputs"] == ["out [[]1].txt"], "which is a glob"
    assert "tool_version" in parameters(tmp_path / "tool.cwl")


def test_a_tool_without_words_is_refused(tmp_path: Path) -> None:
    text = "{class: CommandLineTool, cwlVersion: v1.2, inputs: [], outputs: []}"
    with pytest.raises(ValueError, match="it has neither baseCommand nor arguments"):
        read(tmp_path, text)


@pytest.mark.parametrize(
    "old, new, said",
    [
        ("class: CommandLineTool", "class: Workflow", "no CWL CommandLineTool"),
        ("cwlVersion: v1.0", "cwlVersion: v2.0", "v1.0, v1.1 and v1.2 are read"),
        ("stdout: counts.txt", "stdout: $(inputs.text.basename)", "stdout has an expression"),
        ('["-l"]', '["${return 1}"]', "arguments has an expression"),
        ('["-l"]', '["{cores}"]', "would fill in"),
        ("arguments:", "stdin: x\narguments:", "has stdin, which"),
        ("type: File,", "type: string,", "input text has no default"),
        ("type: stdout", "type: 'File?'", "output counts is not"),
        ('["-l"]', "[{position: $(1), valueFrom: -l}]", "arguments has an expression"),
        ('["-l"]', "[5]", "arguments has an expression"),
        (
            "type: File,",
            "type: {type: array, items: string, inputBinding: {prefix: -B}}, default: [a, b],",
            "input text has an inputBinding within its type",
        ),
        ("arguments:", "requirements: {EnvVarRequirement: {}}\narguments:", "EnvVarRequirement"),
        ("cwlVersion", "\t: [", "is no YAML"),
        (
            "arguments:",
            "hints: {DockerRequirement: {dockerPull: a, dockerOutputDirectory: /out}}\narguments:",
            "dockerOutputDirectory",
        ),
        ("baseCommand: wc", "baseCommand: 5", "is not as CWL has it"),
        ("arguments:", "5: 6\narguments:", "is not as CWL has it"),
    ],
)
def test_what_command_has_not_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert COUNT.count(old) == 1
    with pytest.raises(ValueError, match=said.replace("$", r"\$")) as refused:
        read(tmp_path, COUNT.replace(old, new))
    assert "\n" not in str(refused.value)
