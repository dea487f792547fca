"""The three files that a workflow has a place in beside its own: each is changed in one place."""

import json
import re
from typing import Any


def group(name: str) -> dict[str, Any]:
    """Return the parameters of a new workflow, as nextflow_schema.json describes them."""
    return {
        "title": f"What to make ({name})",
        "type": "object",
        "per_row": {"required": [f"{name}_file"]},
        "groups": [],
        "description": "Lines of text files that are long enough.",
        "properties": {
            f"{name}_file": {
                "type": "string",
                "format": "file-path",
                "exists": True,
                "maxLength": 800,
                "examples": ["notes.txt"],
                "description": "Text file",
            },
            f"{name}_min_length": {
                "type": "integer",
                "default": 1,
                "minimum": 0,
                "maximum": 1000000,
                "description": "Characters of a line at least",
            },
        },
    }


def with_group(text: str, name: str, new: dict[str, Any]) -> str:
    """Return nextflow_schema.json with a group of parameters more.

    Raises
    ------
    ValueError
        If it has one of that name, or a parameter.
    """
    schema = _without(text, name, new)
    schema["$defs"][name] = new
    schema["allOf"].insert(0, {"$ref": f"#/$defs/{name}"})  # beside it: one hunk
    return _json(schema)


def alone(text: str, name: str, new: dict[str, Any]) -> str:
    """Return nextflow_schema.json for one workflow: its parameters, and those of every run.

    Raises
    ------
    ValueError
        If bossflow's has a group of that name, or a parameter.
    """
    schema = _without(text, name, new)
    groups = schema["$defs"]
    taken = {one for each in groups.values() for one in each.get("groups", ())}
    kept = {key: each for key, each in groups.items() if "groups" not in each and key not in taken}
    kept["run"]["properties"]["workflow"]["default"] = name
    schema["$defs"] = {name: new} | kept
    schema["allOf"] = [{"$ref": f"#/$defs/{key}"} for key in schema["$defs"]]
    return _json(schema)


def _without(text: str, name: str, new: dict[str, Any]) -> dict[str, Any]:
    """Return nextflow_schema.json, read, if it has no such group and parameters."""
    schema: dict[str, Any] = json.loads(text)
    groups = schema["$defs"]
    known = {one for each in groups.values() for one in each["properties"]}
    if name in groups or known & new["properties"].keys():
        raise ValueError(f"nextflow_schema.json has {name} already: give another name")
    return schema


def with_workflow(text: str, name: str, workflow: str) -> str:
    """Return main.nf with a workflow more."""
    run = f"        if (run.workflow == '{name}') {{ done_ch = {workflow}(BEGIN.out.task_ch) }}\n"
    last = r"        if \(run\.workflow == .*\}\n(?!        if .*\}\n)"
    text = _after(last, text, run, "main.nf")
    include = f"include {{ {workflow} }} from './workflows/{name}'\n"
    return _after(r"// The workflows: .*\n", text, include, "main.nf")


def with_processes(text: str, processes: dict[str, str]) -> str:
    """Return conf/processes.config with the lines of some processes, and their images, more."""
    lines = [f"            {name} = [image: '{image}']\n" for name, image in processes.items()]
    last = r"(?s:.*)\n            [A-Z_]+ = \[image: .*\n"
    return _after(last, text, "".join(lines), "conf/processes.config")


def _after(pattern: str, text: str, more: str, file: str) -> str:
    found = re.search(pattern, text)
    if not found:
        raise ValueError(f"{file} has no place for another workflow: it was changed too much")
    return text[: found.end()] + more + text[found.end() :]


def _json(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2) + "\n"
