"""A lineage as a tree for a terminal, and as a diagram."""

import json
from collections import defaultdict
from typing import Any

from ..core import results
from ..kit.texts import key_name, many, one_line
from ..volumes.citations import in_words

SUBJECT_SHOWN = 1000
"""Signs of what a request is of, or what is told about a unit."""

LISTED = 5
"""Of what a request is of, where that is a longer list: the first ones."""

SHOWN = 3
"""How many units of a process are shown below one, unless they fit a few lines anyway."""


def tree(told: dict[str, Any]) -> Any:
    """Return a lineage as a tree of rich: each unit once, of many of a process the first ones."""
    from rich.tree import Tree

    root = Tree(_line(title_words(told)))
    seen: set[str] = set()
    _branches(root, told["made_by"], told, seen)
    for kind, words in (
        ("requests", request_words),
        ("parameter_sets", parameter_words),
        ("runs", run_words),
        ("environments", environment_words),
    ):
        if told[kind]:
            branch = root.add(kind.replace("_", " "))
            for identity, one in told[kind].items():
                branch.add(_line(f"{identity} {words(one)}"))
    if texts := cited(told):
        branch = root.add("to cite")
        for text in texts:
            branch.add(_line(text))
    return root


def mermaid(told: dict[str, Any]) -> str:
    """Return a lineage as a flowchart in Mermaid's language, the boxes of archives first."""
    lines = ["flowchart LR"]
    boxes: dict[tuple[str, str], str] = {}
    for name, one in told["executions"].items():
        lines.append(f"    {_node(name)}[{_quoted(unit_words(one))}]")
        if read := one["reads"]:
            place = read["channel"], read["box"]
            if place not in boxes:
                boxes[place] = f"box{len(boxes)}"
                lines.append(f"    {boxes[place]}[({_quoted(box_words(read, told))})]")
            lines.append(f"    {boxes[place]} --> {_node(name)}")
        lines += (f"    {_node(other)} --> {_node(name)}" for other in one["made_of"])
    lines.append(f"    what([{_quoted(title_words(told))}])")
    lines += [f"    {_node(name)} --> what" for name in told["made_by"]]
    return "\n".join(lines)


def _branches(parent: Any, names: list[str], told: dict[str, Any], seen: set[str]) -> None:
    """Add units below one."""
    by_process: dict[str, list[str]] = defaultdict(list)
    for name in names:
        by_process[told["executions"][name]["process"]].append(name)
    for process, some in by_process.items():
        shown = some if len(some) <= SHOWN + 1 else some[:SHOWN]
        for name in shown:
            one = told["executions"][name]
            again = name in seen
            branch = parent.add(_line(unit_words(one) + ("  (as above)" if again else _how(one))))
            if again:
                continue
            seen.add(name)
            if one["reads"]:
                branch.add(_line(box_words(one["reads"], told) + digest_words(one["reads"])))
            for words in about_words(one):
                branch.add(_line(words))
            _branches(branch, one["made_of"], told, seen)
        if len(shown) < len(some):
            parent.add(f"{process}: {len(some) - len(shown):,} more; --json has all")


def _line(text: str) -> Any:
    """Return a text that is never cut: in a narrow terminal it goes on below."""
    from rich.text import Text

    return Text(one_line(text), overflow="fold")


def cited(told: dict[str, Any]) -> list[str]:
    """Return how what was read is cited."""
    return sorted({in_words(of) for one in told["channels"].values() for of in one["citations"]})


def title_words(told: dict[str, Any]) -> str:
    """Return what a lineage is of, and how many units made it."""
    about = [
        f"{name} {value}" for name, value in told["about"].items() if name in ("box", "voxel_count")
    ]
    numbers = many(len(told["executions"]), "unit")
    return ", ".join([f"{told['kind']} {told['what']}", *about, f"made by {numbers}"])


def unit_words(one: dict[str, Any]) -> str:
    """Return what a unit is called."""
    return f"{one['process']} {one['key'].get('block') or key_name(one['key'])}"


def about_words(one: dict[str, Any]) -> list[str]:
    """Return what there is to tell about a unit, such as arguments of a call."""
    return [f"{name} {_short(value)}" for name, value in one["about"].items()]


def _how(one: dict[str, Any]) -> str:
    day = one["executed"].replace("T", " ")[:19]
    sets = "".join(f", parameters {name}" for name in one["parameter_sets"])
    return (
        f"  content {one['content_sha256'][:12]}, run {one['run']}, task {one['task']}, {day}, "
        f"environment {one['environment']}{sets}"
    )


def box_words(read: dict[str, Any], told: dict[str, Any]) -> str:
    """Return a box that was read, and where."""
    channel = told["channels"][read["channel"]]
    level = f"resolution {channel['resolution']}"
    which = f"{level} {results.chosen(channel)}".strip()
    return f"{channel['uri']} of {channel['archive']}, {which}, box {read['box']}"


def digest_words(read: dict[str, Any]) -> str:
    """Return how what was read would be known again, after a comma."""
    if read["voxels_sha256"]:
        return f", voxels sha256 {read['voxels_sha256'][:12]}"
    return f", files looked like {read['files_seen']}" if read["files_seen"] else ""


def request_words(one: dict[str, Any]) -> str:
    """Return a request but its id."""
    about = f"({one['workflow']}) of {_short(one['subject'])}, parameters {one['parameter_set']}"
    return " ".join([*one["names"][-1:], about])


def _short(value: Any) -> str:
    """Return a JSON value: of a long list the first ones, of a long text its start."""
    more = len(value) - LISTED if isinstance(value, list) else 0
    text = json.dumps(value[:LISTED] if more > 0 else value, ensure_ascii=False)
    if len(text) > SUBJECT_SHOWN:
        return f"{text[:SUBJECT_SHOWN]}… (--json has all)"
    return f"{text} and {more:,} more" if more > 0 else text


def parameter_words(one: dict[str, Any]) -> str:
    """Return a method with its parameters."""
    return f"{one['method']} {one['version']} {json.dumps(one['parameters'], ensure_ascii=False)}"


def run_words(one: dict[str, Any]) -> str:
    """Return a run but its id."""
    return (
        f"{one['name']}, {one['started'][:19].replace('T', ' ')}, revision {one['revision']}, "
        f"Nextflow {one['nextflow']}"
    )


def environment_words(one: dict[str, Any]) -> str:
    """Return what software there was."""
    software = ", ".join(f"{name} {version}" for name, version in one["software"].items())
    return f"{one['container'] or 'no container'}, code {one['code']}, {software}"


def _node(name: str) -> str:
    return f"e{name}"


def _quoted(text: str) -> str:
    """Return a text that Mermaid shows as it is."""
    signs = {'"': "#quot;", "#": "#35;", "<": "#lt;", ">": "#gt;", "&": "#amp;", "`": "#96;"}
    return '"' + "".join(signs.get(sign, sign) for sign in one_line(text)) + '"'
