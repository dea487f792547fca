"""The page of a run: one HTML file that needs nothing else, and no script.

It is made in two steps. Who knows the database writes it with places for pictures, and what these
are (`Page`); who may read the volumes fills them in (`voxels.paged`).
"""

from typing import Any, NamedTuple

from ..kit.texts import cut
from . import rows
from .elements import element, table, whole
from .parts import failures, header, more, summary, took
from .requests import pictured, title

PICTURED = 6
"""How many requests have pictures: the first ones that are complete."""

LISTED, CELL = 300, 200
"""How many requests are listed, and how many signs of what is said of each."""


class Page(NamedTuple):
    """A page without its pictures.

    Attributes
    ----------
    html : str
        With `picture:N` for the address of picture N.
    pictures : list of dict
        As `voxels.pictures.draw` takes them.
    """

    html: str
    pictures: list[dict[str, Any]]


def of_run(
    run: dict[str, Any],
    asked: list[dict[str, Any]],
    became: list[tuple[str, str]],
    missing: str | None,
    price: float | None = None,
    reports: str | None = "reports",
) -> Page:
    """Return the page of a run.

    Parameters
    ----------
    run : dict
        Its row.
    asked : list of dict
        Its requests, as `states.requests` gives them.
    became : list of tuple of str
        What became of it: words and numbers, as its summary says.
    missing : str, optional
        What is missing, in a sentence.
    price : float, optional
        Of a CPU-hour; absent: what the run was given.
    reports : str, optional
        Where Nextflow's reports are, from where the page is.
    """
    about, given = rows.about(run), run["run_parameters"].get("cpu_hour_price")
    price = float(given) if price is None and given is not None else price
    pictures: list[dict[str, Any]] = []
    complete = [one for one in asked if one["state"] == "complete"]
    told = [(one, *pictured(one, pictures)) for one in complete[:PICTURED]]
    articles = [article for _, article, _ in told]
    failed, number = rows.failures(run["run_id"], rows.called(asked))
    ids = [one["request"] for one, _, seen in told if seen]
    main = element(
        "main",
        summary(became),
        failures(failed, number),
        element("h2", "Results", id="results") if articles else None,
        articles,
        _listed(asked),
        took(rows.processes(run["run_id"]), price),
        more(about, ids, reports),
        id="main",
    )
    body = header(about, missing), main
    return Page(
        whole(f"bossflow: run {about['name']}", "Skip to what became of it", *body), pictures
    )


def _listed(asked: list[dict[str, Any]]) -> Any:
    cells = [
        [
            title(one),
            element("code", one["request"]),
            element("span", one["state"], class_=one["state"]),
            cut(one["outcome"] or "; ".join(one["errors"].values()) or "–", CELL),
            cut(
                one.get("about") or " ".join(filter(None, (one.get("source"), one.get("box")))),
                CELL,
            ),
        ]
        for one in asked[:LISTED]
    ]
    rest = len(asked) - LISTED
    return [
        element("h2", "All requests", id="requests"),
        table("What was asked for", ["name", "request", "state", "outcome", "of what"], cells),
        element("p", f"… and {rest:,} more: requests.csv") if rest > 0 else None,
    ]
