"""Refusals that name a parameter, which is called otherwise where it is another source's."""

from __future__ import annotations

from collections.abc import Mapping

from . import Refused


class OfParameter(Refused):
    """What is wrong with what a parameter says, or does not say.

    Parameters
    ----------
    before : str
        The sentence, until the name of the parameter.
    parameter : str
        As it is called of a `source`.
    after : str
        The rest of the sentence.
    """

    def __init__(self, before: str, parameter: str, after: str = "") -> None:
        super().__init__(f"{before}{parameter}{after}")
        self.before, self.parameter, self.after = before, parameter, after


def not_one_of(uri: str, parameter: str, index: int, has: str) -> OfParameter:
    """Return what is told of an index that a volume does not have."""
    return OfParameter("", parameter, f" {index} is not one of {uri}: it has {has}")


def sentence(error: Refused, called: Mapping[str, str]) -> str:
    """Return what is told of a refusal, where parameters are called otherwise."""
    if not isinstance(error, OfParameter):
        return str(error)
    name = called.get(error.parameter, error.parameter)
    return f"{error.before}{name}{error.after}"
