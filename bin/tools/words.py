"""The words of a command line, and what stands for what is only known when it is run."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

_STANDS = re.compile(r"\{(input[1-9][0-9]*|[a-z_.]+)\}")


def filled(
    words: Sequence[str],
    inputs: Sequence[str],
    cores: int,
    memory_bytes: int,
    files: Mapping[str, str] = MappingProxyType({}),
) -> list[str]:
    """Return the words with `{input1}`, `{cores}` and `{memory_mb}` as what they stand for.

    Parameters
    ----------
    words : sequence of str
        The command line; other braces in it stay as they are.
    inputs : sequence of str
        Paths of the inputs where the command runs.
    cores, memory_bytes : int
        What it may use.
    files : mapping
        Paths of files that stand for other names, such as `block`.

    Raises
    ------
    ValueError
        If a word names an input that is not given.
    """
    known = {f"input{number}": path for number, path in enumerate(inputs, 1)} | dict(files)
    known |= {"cores": str(cores), "memory_mb": str(memory_bytes >> 20)}

    def stands_for(found: re.Match[str]) -> str:
        if found[1].startswith("input") and found[1][5:].isdigit() and found[1] not in known:
            raise ValueError(f"command has {found[0]}, but of inputs there are {len(inputs)}")
        return known.get(found[1], found[0])

    return [_STANDS.sub(stands_for, word) for word in words]
