"""`bossflow diff`: what differs between two requests, or two runs."""

import json
from typing import Any

import click

from ..kit.texts import many, one_line
from .options import console, terminal

_WORDS = {"equal": "equal", "differ": "differ", "only_a": "only A's", "only_b": "only B's"}
"""How many of what two requests made are what."""

_OF_CALLS = {"not_recorded": "not recorded", "not_compared": "not compared"}


@click.command("diff")
@click.argument("a")
@click.argument("b")
@click.option("--all", "every", is_flag=True, help="Also what is equal.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.option("--no-voxels", is_flag=True, help="Compare no voxels, files or results.")
@click.option(
    "--background",
    type=click.Choice(["ignore", "keep"]),
    default="ignore",
    show_default=True,
    help="Of segmentations: leave out voxels that are 0 in A, or take 0 for a segment.",
)
@click.option("--exit-code", is_flag=True, help="End with exit code 1 if anything differs.")
@click.pass_context
def diff_command(
    context: click.Context,
    a: str,
    b: str,
    every: bool,
    as_json: bool,
    no_voxels: bool,
    background: str,
    exit_code: bool,
) -> None:
    """Show what differs between A and B: two requests, or two runs.

    They are named by their ids, the start of them, or their names. Compared are parameters, source
    and box, software, code, numbers and outcome; of requests also the contents of their units; of
    two segmentations the voxels, where both have some, with A taken for the truth: variation of
    information, adapted Rand error, Rand index, splits and merges. Of two results that are no
    segmentations, such as meshes or statistics, the rows and the files are compared; of calls of
    functions what they returned, by their arguments.
    """
    from rich.progress import Progress

    from .. import connect
    from ..look import differences

    connect()
    with Progress(console=terminal(), transient=True) as progress:
        task = progress.add_task("voxels", total=None, visible=False)

        def told(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total, visible=True)

        found = differences.diff(a, b, not no_voxels, background, told)
    if not every:
        found["rows"] = [row for row in found["rows"] if not row["equal"]]
    if as_json:
        click.echo(json.dumps(found, indent=1, ensure_ascii=False))
    else:
        _show(found, every, every or not no_voxels)
    if exit_code and not found["equal"]:
        context.exit(1)


def _show(found: dict[str, Any], every: bool, why: bool) -> None:
    from rich.table import Table
    from rich.text import Text

    screen = console(width=max(120, console().width))
    table = Table("", "", f"A {found['a']}", f"B {found['b']}", box=None)
    section = ""
    for row in found["rows"]:
        words = [row["name"], *(_value(row[name]) for name in "ab")]
        style = "" if row["equal"] else "bold"
        cells = (Text(one_line(word), style, overflow="fold") for word in words)
        table.add_row(row["section"] if row["section"] != section else "", *cells)
        section = row["section"]
    if found["rows"]:
        screen.print(table)
    lines = _contents(found.get("contents", {}), every)
    if found.get("calls"):
        lines += _calls(found["calls"])
    if found.get("made"):
        lines += _made(found["made"], every)
    if found.get("segmentation"):
        lines += _segmentation(found["segmentation"])
    if found["equal"]:
        lines.insert(0, "equal: nothing that is recorded differs")
    for line in lines:
        screen.print(line, highlight=False, soft_wrap=True)
    if why and found.get("not_compared"):
        line = f"voxels are not compared: {found['not_compared']}"
        screen.print(line, highlight=False, soft_wrap=True)


def _value(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_value(one)}" for name, one in value.items()) or "-"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _contents(contents: dict[str, dict[str, int]], every: bool) -> list[str]:
    """Return of how many units the content is the same."""
    return [
        f"content of {process}: {_counts(counts)}"
        for process, counts in contents.items()
        if every or any(counts[name] for name in _WORDS if name != "equal")
    ]


def _counts(counts: dict[str, Any], words: dict[str, str] = _WORDS) -> str:
    return ", ".join(f"{counts[name]:,} {word}" for name, word in words.items() if counts[name])


def _calls(calls: dict[str, Any]) -> list[str]:
    """Return which calls two requests have, and which of these returned something else."""
    named = [f"  {_WORDS[name]}: {one}" for name, some in calls["named"].items() for one in some]
    return [f"calls: {_counts(calls, _WORDS | _OF_CALLS)}", *named]


def _named(counts: dict[str, Any]) -> list[str]:
    """Return the first ones of those that differ, or that one alone has."""
    lines = []
    for name, some in counts["named"].items():
        more = f", and {counts[name] - len(some):,} more" * (counts[name] > len(some))
        lines += [f"  {_WORDS[name]}: {', '.join(some)}{more}"] if some else []
    return lines


def _made(made: dict[str, Any], every: bool) -> list[str]:
    """Return how the rows and the files differ of two results that are no segmentations."""
    lines = []
    several = {f"rows of {part}": counts for part, counts in made["rows"].items()}
    for what, counts in (several | {"files": made["files"]}).items():
        if counts is None:
            lines += ["files are not compared: it was not asked for"] * every
            continue
        lines.append(f"{what}: {_counts(counts) or 'none'}")
        lines += _named(counts)
    return lines


def _segmentation(seen: dict[str, Any]) -> list[str]:
    """Return how two segmentations differ."""
    places = [f"{seen[name]['volume']} {seen[name]['level']} of {name.upper()}" for name in "ab"]
    box = seen["box"] if seen["same_box"] else f"{seen['box']}, which is what both have"
    head = f"voxels: {' against '.join(places)}, box {box}"
    same = f"{seen['blocks_with_same_digest']:,} of {many(seen['blocks'], 'block')}"
    if not seen["voxels_read"]:
        return [f"{head}: equal, by the digests of {same}: none was read"]
    lines = [head + (f"; {same} have equal digests" if seen["blocks_with_same_digest"] else "")]
    measured = seen["measures"]
    if seen["equal"]:
        lines.append("  equal: every voxel has the same id")
    elif seen["same_segments"]:
        lines.append("  the same segments under other ids")
    zero = "without voxels that are 0 in A" if seen["background"] == "ignore" else "0 is a segment"
    segments = f"{many(measured['segments_a'], 'segment')} of A, {measured['segments_b']:,} of B"
    lines.append(f"  {many(measured['voxels'], 'voxel')} ({zero}): {segments}")
    if measured["vi_bits"] is not None:
        lines += [
            f"  variation of information {measured['vi_bits']:.6g} bits (splits "
            f"{measured['vi_split_bits']:.6g}, merges {measured['vi_merge_bits']:.6g}), "
            f"{measured['vi_nats']:.6g} nats",
            f"  adapted Rand error {measured['adapted_rand_error']:.6g} (precision "
            f"{measured['precision']:.6g}, recall {measured['recall']:.6g}), Rand index "
            f"{measured['rand_index']:.6g}",
        ]
    for name, one, other in ("splits", "A", "B"), ("merges", "B", "A"):
        found = seen[name]
        lines.append(f"  {name}: {many(found['number'], 'segment')} of {one}")
        lines += (f"    {_several(each, one, other)}" for each in found["largest"])
        if found["number"] > len(found["largest"]):
            lines.append(f"    and {found['number'] - len(found['largest']):,} smaller ones")
    for one, other in ("a", "b"), ("b", "a"):
        if number := seen[f"only_in_{one}"]:
            lines.append(f"  {many(number, 'segment')} of {one.upper()} are 0 in {other.upper()}")
    return lines


def _several(each: dict[str, Any], one: str, other: str) -> str:
    parts = ", ".join(f"{part} ({voxels:,})" for part, voxels in each["largest"])
    rest = each["parts"] - len(each["largest"])
    more = f" and {rest:,} more" if rest else ""
    number = many(each["voxels"], "voxel")
    return f"segment {each['segment']} of {one} ({number}) is {parts}{more} in {other}"
