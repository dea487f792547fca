"""A CWL CommandLineTool (v1.0 to 1.2) as parameters of workflow `command`."""

import glob
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

KNOWN = {
    *("class", "cwlVersion", "id", "label", "doc", "intent", "inputs", "outputs", "baseCommand"),
    *("arguments", "requirements", "hints", "stdout"),
}
HARMLESS = {"InlineJavascriptRequirement", "WorkReuse", "SoftwareRequirement", "LoadListing"}
"""Requirements that ask for nothing by themselves; an expression is refused where it is."""


def parameters(path: Path) -> str:
    """Return a parameter file (YAML): files stand there by the names of the tool's inputs.

    Raises
    ------
    ValueError
        With one sentence, if it is no CommandLineTool, or needs what `command` has not.
    """
    try:
        import yaml
    except ModuleNotFoundError:
        raise ValueError("PyYAML is missing: pip install 'bossflow[cwl]'") from None
    try:
        tool = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        raise ValueError(f"{path} is no YAML") from None
    if not isinstance(tool, dict) or tool.get("class") != "CommandLineTool":
        raise ValueError(
            f"{path} is no CWL CommandLineTool: a Workflow's tools are given one by one"
        )
    if tool.get("cwlVersion") not in ("v1.0", "v1.1", "v1.2"):
        raise ValueError(f"{path} is of CWL {tool.get('cwlVersion')}: v1.0, v1.1 and v1.2 are read")
    try:
        return _parameters(tool, path)
    except (TypeError, AttributeError, KeyError):  # a number for a list, a list for a text
        raise ValueError(f"{path} is not as CWL has it: see what cwltool --validate says") from None


def _parameters(tool: dict[str, Any], path: Path) -> str:
    import yaml

    more = {name for name in tool if ":" not in name and not name.startswith("$")} - KNOWN
    if more:
        raise ValueError(f"{path} has {', '.join(sorted(more))}, which workflow command can't do")
    files: list[str] = []
    words = _words(tool, files)
    if not words:
        raise ValueError(f"{path} is no command: it has neither baseCommand nor arguments")
    given: dict[str, Any] = {"workflow": "command"}
    outputs = [glob for one in _listed(tool.get("outputs"), "id") for glob in _globs(one, tool)]
    if tool.get("stdout"):  # a shell sees the words as its arguments, and parses none of them
        words = ["sh", "-c", 'exec "$@" > "$0"', _plain(tool["stdout"], "stdout"), *words]
    given |= {"command": words, "inputs": files or None, "outputs": outputs or None}
    given |= _asked(tool)
    given = {name: value for name, value in given.items() if value is not None}
    said = ""
    if files:
        said += "# the paths of your files, in this order, instead of these names: inputs\n"
    if tool.get("stdout") and "image" not in given:
        said += (
            "# sh is the program that is looked at: tell the tool's own version as tool_version\n"
        )
    return said + str(yaml.safe_dump(given, sort_keys=False, allow_unicode=True, width=100))


def _words(tool: dict[str, Any], files: list[str]) -> list[str]:
    base = tool.get("baseCommand") or []
    words = [_plain(one, "baseCommand") for one in ([base] if isinstance(base, str) else base)]
    placed: list[tuple[int, int, Any, list[str]]] = []
    for number, one in enumerate(tool.get("arguments") or []):
        bound: Any = {"valueFrom": one} if isinstance(one, str) else one
        if not isinstance(bound, dict) or not isinstance(bound.get("position", 0), int):
            raise ValueError("arguments has an expression for its position, or is no list of texts")
        text = _plain(bound.get("valueFrom"), "arguments")
        placed.append((bound.get("position", 0), 0, number, _bound(bound, text, "arguments")))
    for one in _listed(tool.get("inputs"), "id"):
        name, kind = one["id"].split("/")[-1].lstrip("#"), one.get("type")
        if one.get("secondaryFiles") or one.get("loadContents"):
            raise ValueError(f"input {name} has secondaryFiles or loadContents: not supported")
        value = _value(name, kind, one.get("default"), files)
        binding = one.get("inputBinding")
        if value is None or not isinstance(binding, dict):
            continue
        if not isinstance(binding.get("position", 0), int) or "valueFrom" in binding:
            raise ValueError(f"input {name} has an expression in inputBinding: not supported")
        placed.append((binding.get("position", 0), 1, name, _bound(binding, value, name)))
    return words + [word for *_, some in sorted(placed, key=lambda one: one[:3]) for word in some]


def _value(name: str, kind: Any, default: Any, files: list[str]) -> list[str] | str | bool | None:
    """Return the word of an input, or those of a list; None if there are none."""
    optional = isinstance(kind, str) and kind.endswith("?")
    if isinstance(kind, list):
        optional, left = "null" in kind, [one for one in kind if one != "null"]
        kind = left[0] if len(left) == 1 else kind
    kind = kind.removesuffix("?") if isinstance(kind, str) else kind
    if kind in ("File", "Directory"):
        if optional and default is None:
            return None
        files.append(name)
        return f"{{input{len(files)}}}"
    if default is None:
        if optional:
            return None
        raise ValueError(
            f"input {name} has no default: give it one in the tool, or make it optional"
        )
    if isinstance(kind, dict) and "inputBinding" in kind:
        raise ValueError(f"input {name} has an inputBinding within its type: not supported")
    if isinstance(default, bool):
        return default
    values = default if isinstance(default, list) else [default]
    if any(isinstance(one, dict | list) for one in values):
        raise ValueError(f"input {name} is no File, Directory, text, number or list of these")
    numbers = [f"{Decimal(str(one)):f}" if isinstance(one, float) else one for one in values]
    words = [_plain(str(one), name) for one in numbers]
    return words if isinstance(default, list) else words[0]


def _bound(binding: dict[str, Any], value: list[str] | str | bool, where: str) -> list[str]:
    """Return the words of a value with its prefix; of an empty list there are none."""
    if binding.get("shellQuote") is False:
        raise ValueError(f"{where} has shellQuote false: no shell reads a command line here")
    prefix = [_plain(binding["prefix"], where)] if binding.get("prefix") else []
    if isinstance(value, bool) or value == []:
        return prefix if value else []
    if isinstance(value, list):
        if binding.get("itemSeparator") is None:
            return prefix + value
        value = str(binding["itemSeparator"]).join(value)
    if prefix and binding.get("separate") is False:
        return [prefix[0] + value]
    return [*prefix, value]


def _globs(output: dict[str, Any], tool: dict[str, Any]) -> list[str]:
    name, kind = output["id"], output.get("type")
    if kind == "stdout":
        if not tool.get("stdout"):
            raise ValueError(f"output {name} is stdout: give the tool a name for it (stdout)")
        return [glob.escape(_plain(tool["stdout"], "stdout"))]
    binding = output.get("outputBinding") or {}
    found = binding.get("glob")
    optional = "null" in kind if isinstance(kind, list) else str(kind).endswith("?")
    if found is None or binding.keys() - {"glob"} or output.get("secondaryFiles") or optional:
        raise ValueError(
            f"output {name} is not one or several files that are always there by a glob alone"
        )
    return [_plain(one, name) for one in ([found] if isinstance(found, str) else found)]


def _asked(tool: dict[str, Any]) -> dict[str, Any]:
    """Return image and resources: requirements go before hints, of which the unknown are left."""
    found: dict[str, Any] = {}
    for where in ("hints", "requirements"):
        for one in _listed(tool.get(where), "class"):
            kind = one["class"]
            if kind == "DockerRequirement" and "dockerOutputDirectory" in one:
                raise ValueError(f"{kind} has dockerOutputDirectory, which command can't do")
            elif kind == "DockerRequirement" and "dockerPull" in one:
                found["image"] = _plain(one["dockerPull"], kind)
            elif kind == "ResourceRequirement":
                cores = one.get("coresMin") or one.get("coresMax")
                memory = one.get("ramMin") or one.get("ramMax")
                if not all(isinstance(amount, int | None) for amount in (cores, memory)):
                    raise ValueError(f"{kind} has an expression, or a fraction: not supported")
                found |= {"cores": cores} if cores else {}
                found |= {"memory": f"{memory} MB"} if memory else {}  # of 2**20 bytes, in both
            elif kind == "ToolTimeLimit" and isinstance(one.get("timelimit"), int):
                found["time_limit"] = f"{one['timelimit']} s" if one["timelimit"] else None
            elif where == "requirements" and kind not in HARMLESS:
                raise ValueError(f"the tool requires {kind}, which workflow command can't do")
    return found


def _listed(given: Any, name: str) -> list[dict[str, Any]]:
    """Return a list of CWL, which may be written as a map by `name`."""
    if isinstance(given, dict):
        key = "type" if name == "id" else "value"
        given = [
            {name: each} | (one if isinstance(one, dict) else {key: one})
            for each, one in given.items()
        ]
    for one in given or []:
        if not isinstance(one, dict) or name not in one:
            raise ValueError(f"the tool has a list whose items have no {name}: not supported")
    return given or []


def _plain(text: Any, where: str) -> str:
    """Return a text as it is.

    Raises
    ------
    ValueError
        If it is an expression, or reads like what `command` fills in.
    """
    if not isinstance(text, str | int | float) or re.search(r"\$[({]", str(text)):
        raise ValueError(f"{where} has an expression: give it as plain text in the tool")
    if re.search(r"\{(input[1-9][0-9]*|cores|memory_mb)\}", str(text)):
        raise ValueError(f"{where} has {text}, which workflow command would fill in")
    return str(text)
