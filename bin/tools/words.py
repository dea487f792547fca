"""The words of a command line, and what stands for what is only known when it is run."""

import re
from collections.abc import Sequence

_STANDS = re.compile(r"\{(input([1-9][0-9]*)|cores|memory_mb)\}")


def filled(words: Sequence[str], inputs: Sequence[str], cores: int, memory_bytes: int) -> list[str]:
    """Return the words with `{input1}`, `{cores}` and `{memory_mb}` as what they stand for.

    Parameters
    ----------
    words : sequence of str
        The command line; other braces in it stay as they are.
    inputs : sequence of str
        Paths of the inputs where the command runs.
    cores, memory_bytes : int
        What it may use.

    Raises
    ------
    ValueError
        If a word names an input that is not given.
    """

    def stands_for(found: re.Match[str]) -> str:
        if found[2]:
            number = int(found[2])
            if number > len(inputs):
                raise ValueError(f"command has {found[0]}, but of inputs there are {len(inputs)}")
            return inputs[number - 1]
        return str(cores if found[1] == "cores" else memory_bytes >> 20)

    return [_STANDS.sub(stands_for, word) for word in words]
