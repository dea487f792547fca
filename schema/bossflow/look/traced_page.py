"""A lineage as a page: a diagram, and tables of all that it says."""

from collections import defaultdict
from typing import Any

from ..kit.system import keeping_all
from ..kit.texts import cut, duration, key_name, many
from . import trees
from .diagram import diagram, ordered
from .elements import element, scrolled, table, whole
from .parts import megabytes

LISTED = 20
"""How many units of a process are listed, and boxes of a channel."""

CELL = 500
"""Signs of what a cell says."""


@keeping_all()
def page(told: dict[str, Any]) -> str:
    """Return a lineage as a page, whatever its size: of many units of a process the first ones.

    Parameters
    ----------
    told : dict
        As `lineage` returns it.
    """
    told = ordered(told)
    title = trees.title_words(told)
    executions = told["executions"].values()
    of: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in executions:
        of[one["process"]].append(one)
    facts = [many(len(executions), "unit"), many(len(told["runs"]), "run")]
    main = element(
        "main",
        element("h2", "From the archive to the result"),
        scrolled("div", "diagram", diagram(told, title)),
        _processes(of),
        _boxes(told),
        _about(told),
        _units(of),
        id="main",
    )
    header = element(
        "header",
        element("h1", f"Lineage of {cut(told['kind'] + ' ' + told['what'], CELL)}"),
        element("p", " · ".join([*_known(told["about"]), *facts]), class_="soft"),
    )
    return whole(f"bossflow: {cut(title)}", "Skip to the diagram", header, main)


def _known(about: dict[str, Any]) -> list[str]:
    return [
        f"{name.replace('_', ' ')} {value}" for name, value in about.items() if value is not None
    ]


def _processes(of: dict[str, list[dict[str, Any]]]) -> Any:
    cells = [
        [
            process,
            f"{len(some):,}",
            duration(sum(one["seconds"] for one in some)),
            megabytes(sum(one["bytes"] for one in some)),
        ]
        for process, some in of.items()
    ]
    columns = ["process", "units", "time in all", "files"]
    return element("h2", "What made it"), table("By process", columns, cells, 1)


def _boxes(told: dict[str, Any]) -> Any:
    """Return which boxes of channels were read, of many the first ones."""
    reads: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for one in told["executions"].values():
        if one["reads"]:
            reads[one["reads"]["channel"]].setdefault(one["reads"]["box"], one["reads"])
    if not reads:
        return None
    cells = [
        [
            element("code", cut(told["channels"][channel]["uri"], CELL)),
            told["channels"][channel]["archive"],
            str(told["channels"][channel]["resolution"]),
            box,
            element("code", read["voxels_sha256"] or read["files_seen"] or "–"),
        ]
        for channel, boxes in reads.items()
        for box, read in [*boxes.items()][:LISTED]
    ]
    columns = ["channel", "archive", "resolution", "box (x, y, z; voxels)", "digest"]
    return [
        element("h2", "Where it was read"),
        table(
            "Boxes of archives; digests of voxels, else of what files looked like", columns, cells
        ),
        _more(sum(max(0, len(boxes) - LISTED) for boxes in reads.values()), "box"),
        [element("p", f"To cite: {cut(one)}") for one in trees.cited(told)],
    ]


def _about(told: dict[str, Any]) -> Any:
    """Return requests, parameter sets, runs and environments."""
    kinds = (
        ("requests", "What was asked for", trees.request_words),
        ("parameter_sets", "Methods and their parameters", trees.parameter_words),
        ("runs", "Runs", trees.run_words),
        ("environments", "Software", trees.environment_words),
    )
    return [
        [
            element("h2", heading),
            table(
                f"{kind.replace('_', ' ').capitalize()}, by id",
                ["id", "what it is"],
                [
                    [element("code", name), cut(words(one), CELL)]
                    for name, one in told[kind].items()
                ],
            ),
        ]
        for kind, heading, words in kinds
        if told[kind]
    ]


def _units(of: dict[str, list[dict[str, Any]]]) -> Any:
    cells = [
        [
            process,
            cut("; ".join([key_name(one["key"]), *trees.about_words(one)]), CELL),
            one["executed"][:19].replace("T", " "),
            element("code", one["content_sha256"][:12]),
            element("code", one["run"]),
            element("code", " ".join(one["parameter_sets"]) or "–"),
            f"{len(one['made_of']):,}",
        ]
        for process, some in of.items()
        for one in some[:LISTED]
    ]
    columns = ["process", "what", "when (UTC)", "content", "run", "parameters", "made of units"]
    return [
        element("h2", "Units"),
        table("Each piece of work", columns, cells, 6),
        _more(sum(max(0, len(some) - LISTED) for some in of.values()), "unit"),
    ]


def _more(rest: int, what: str) -> Any:
    words = f"{rest:,} more {what}{'es' if what == 'box' else 's'}"
    return element("p", f"… and {words}: bossflow lineage --json") if rest else None
