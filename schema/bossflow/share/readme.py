"""What a person reads of something that was taken along: what it is, and how to cite it."""

import json
from typing import Any

from .. import __version__
from ..kit.texts import many
from ..volumes.citations import in_words


def title(told: dict[str, Any], request: str) -> str:
    """Return what a request is called."""
    of = told["requests"][request]
    name = of["names"][-1] if of["names"] else request
    return f"{name} ({of['workflow']}, bossflow)"


def text(told: dict[str, Any], request: str, holds: list[str], licence: str) -> str:
    """Return a README in Markdown.

    Parameters
    ----------
    told : dict
        As `look.lineage.lineage` returns it.
    request : str
        Its id.
    holds : list of str
        Sentences on what is here.
    licence : str
    """
    of, made = told["requests"][request], told["executions"]
    used = told["parameter_sets"][of["parameter_set"]]
    lines = [
        f"# {title(told, request)}",
        "",
        f"Request {request} of workflow {of['workflow']}, made by {len(made):,} recorded units in "
        f"{many(len(told['runs']), 'run')}, and taken along with bossflow {__version__}.",
        "",
        *(f"- {sentence}" for sentence in holds),
        f"- Method: {used['method']} {used['version']}, "
        f"`{json.dumps(used['parameters'], sort_keys=True, ensure_ascii=False)}`",
        f"- Licence: {licence}",
        "",
        "## Made of",
        "",
    ]
    for one in told["channels"].values():
        lines.append(f"- `{one['uri']}`, resolution {one['resolution']}, of {one['archive']}")
        lines += (f"  - {in_words(of)}" for of in one["citations"])
    if not told["channels"]:
        lines.append("- no volume of an archive")
    lines += ["", "## To cite", "", *_to_cite(told), ""]
    return "\n".join(lines)


def _to_cite(told: dict[str, Any]) -> list[str]:
    every = [of for one in told["channels"].values() for of in one["citations"]]
    revisions = sorted({run["revision"] for run in told["runs"].values()})
    own = f"- bossflow {', '.join(revisions)} (CITATION.cff of its repository)"
    unknown = "- The data: neither archive nor user said how; ask who holds them."
    return [*(dict.fromkeys(f"- {in_words(of)}" for of in every) or [unknown]), own]
