"""Numbers that a command tells in what it prints, by a text such as `F1: {score}`."""

import re
from pathlib import Path

from kit.metrics import NAME

_NAMED = re.compile(rf"\{{({NAME.pattern})\}}", re.ASCII)
_NUMBER = r"[-+]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|(?i:nan|inf(?:inity)?))"
_AT_ONCE = 2**16
"""Bytes of a line that are looked at together: a log may have no other ends of lines."""


def pattern(form: str) -> re.Pattern[str]:
    """Return what finds the numbers of a `score_format`, by their names.

    What stands in braces is a number's name, a blank is any number of blanks, and all else is
    itself. A number ends where no digit, letter or further part of a number follows.

    Raises
    ------
    ValueError
        If no number is named, or one twice, or two are not apart.
    """
    texts = _NAMED.split(form)
    names, literals = texts[1::2], texts[::2]
    problem = None
    if not names:
        problem = "names no number: write its name in braces where it stands, as in F1: {score}"
    elif len({*names}) < len(names):
        problem = "names a number twice: give each another name"
    elif "" in literals[1:-1]:
        problem = "has two numbers with nothing between: write what stands there"
    if problem:
        raise ValueError(f"score_format {form} {problem}")
    parts = [r"(?<![\w.])" * (not literals[0]) + _literal(literals[0])]
    for literal in literals[1:]:
        further = literal[:1].isalnum() or literal[:1] == "_"
        parts.append(f"({_NUMBER})" + r"(?!\w|[.,]\d)" * (not further) + _literal(literal))
    return re.compile("".join(parts), re.ASCII)


def numbers(form: str, log: Path) -> dict[str, float]:
    """Return the numbers that a log tells last, by their names.

    Parameters
    ----------
    form : str
        As `pattern` takes it.
    log : Path
        What a command said.

    Raises
    ------
    ValueError
        If it tells none.
    """
    wanted = pattern(form)
    found: re.Match[str] | None = None
    with log.open("rb") as stream:
        while piece := stream.readline(_AT_ONCE):
            for line in piece.decode("utf-8", "replace").split("\r"):
                for match in wanted.finditer(line):
                    found = match
    if found is None:
        raise ValueError(
            f"it ended well, but printed nothing like {form}, which score_format says: have it "
            "print that on a line, or change score_format"
        )
    return dict(zip(_NAMED.findall(form), map(float, found.groups()), strict=True))


def _literal(text: str) -> str:
    return r"[ \t]+".join(map(re.escape, re.split(" +", text)))
