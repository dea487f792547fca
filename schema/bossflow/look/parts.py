"""Parts of the page of a run that have no pictures."""

from typing import Any
from urllib.parse import quote

from ..kit.texts import cut, duration
from .elements import element, scrolled, table

REPORTS = {
    "report": "report",
    "timeline": "timeline",
    "trace": "trace",
    "dag": "graph of processes",
}
"""Nextflow's reports, by the start of their files' names, and what they are called."""


def header(about: dict[str, Any], missing: str | None) -> Any:
    """Return the head of a page: which run it was, and what came of it in a sentence."""
    if missing:
        said = element("p", missing, class_="missing")
    elif about["ended"] is None:
        said = element("p", "It goes on, or was killed.", class_="missing")
    else:
        said = element("p", "Complete: all that was asked for is recorded.", class_="complete")
    facts = [f"started {about['started']}", f"by {about['user']}", f"bossflow {about['revision']}"]
    return element(
        "header",
        element("h1", f"Run {about['name']}"),
        said,
        element("p", " · ".join([*facts, f"workflow {about['workflow']}"]), class_="soft"),
    )


def summary(became: list[tuple[str, str]]) -> Any:
    """Return what became of a run, in the words of its summary."""
    words = [[word, text] for word, text in became if word]
    told = [element("li", text.strip()) for word, text in became if not word]
    return [
        element("h2", "What became of it"),
        table("Units of work: each counts once", ["what", "units"], words),
        element("ul", told) if told else None,
    ]


def failures(failed: list[dict[str, str]], number: int) -> Any:
    """Return the failures of a run, each with the end of its log."""
    if not failed:
        return None
    rest = number - len(failed)
    return [
        element("h2", "Failures", id="failures"),
        [
            element(
                "article",
                element("h3", one["unit"]),
                element("p", one["error"], class_="failed"),
                element(
                    "details",
                    element("summary", "The end of its log"),
                    scrolled("pre", "log", one["log"]),
                    open="",
                )
                if one["log"]
                else None,
            )
            for one in failed
        ],
        element("p", f"… and {rest:,} more: bossflow status") if rest > 0 else None,
    ]


def took(processes: list[dict[str, Any]], price: float | None) -> Any:
    """Return what the programs took: time and memory by process, CPU-hours and their cost."""
    if not processes:
        return None
    hours = sum(one["seconds"] for one in processes) / 3600
    cells = [
        [
            one["process"],
            f"{one['units']:,}",
            duration(one["seconds"]),
            f"{one['longest']:,.1f} s",
            megabytes(one["memory"]),
            megabytes(one["size"]),
        ]
        for one in processes
    ]
    columns = ["process", "units", "time in all", "longest", "memory at most", "files"]
    cost = "" if price is None else f", which cost {hours * price:,.2f} at {price:g} an hour"
    return [
        element("h2", "Time and memory", id="time"),
        table("What this run computed, by process", columns, cells, 1),
        element(
            "p",
            f"{hours:,.3g} CPU-hours{cost}. A program works on one core; of command lines it is "
            "the CPU time that they took, where that is known. Starts of tasks are not counted.",
        ),
    ]


def megabytes(size: int) -> str:
    """Return bytes as `1.5 GB`, `12 MB` or `340 kB`; a dash where none is known."""
    if not size:
        return "–"
    for unit, one in (("GB", 1e9), ("MB", 1e6)):
        if size >= one:
            return f"{size / one:,.3g} {unit}"
    return f"{size / 1e3:,.3g} kB"


def more(about: dict[str, Any], seen: list[str], reports: str | None) -> Any:
    """Return where more is to be seen, and what the run was given."""
    files = {"trace": "txt"}
    links = [
        element(
            "li",
            element(
                "a", f"Nextflow's {what}", href=quote(f"{reports}/{name}.{files.get(name, 'html')}")
            ),
        )
        for name, what in REPORTS.items()
    ]
    facts = {
        "run": about["id"],
        "ended": about["ended"],
        "Nextflow": about["nextflow"],
        "profile": about["profile"],
        "database": about["database"],
    }
    return [
        element("h2", "More", id="more"),
        element("ul", links) if reports is not None else None,
        element("p", "To look at the results: ", element("code", f"bossflow view {' '.join(seen)}"))
        if seen
        else None,
        element(
            "details",
            element("summary", "The run and its parameters"),
            table(
                "The run",
                ["what", "value"],
                [
                    [name, cut(value)]
                    for name, value in (facts | about["parameters"]).items()
                    if value
                ],
            ),
        ),
    ]
