"""Where a function finds what it imports: installed here, pinned by a lock file, or in an image."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .digests import digest
from .texts import one_line

if TYPE_CHECKING:  # each task would wait for it
    from packaging.requirements import Requirement

REQUIREMENTS, IMAGE = "--requirements", "--image"
"""Among the versions of a function: the digest of its lock file, the name of its image."""

_HASH = re.compile(r"--hash=(sha256|sha384|sha512):([0-9a-f]+)")


class Lock(NamedTuple):
    """What a lock file pins, in one spelling: lines of `name==version; marker --hash=…`, sorted."""

    lines: tuple[str, ...]

    def digest(self) -> str:
        """Return what it is known by (64 hex digits), whatever its comments and order."""
        return digest(self.lines)

    def names(self) -> set[str]:
        """Return the normal names of the distributions that it pins, wherever it does."""
        return {re.split(r"\[|=", line)[0] for line in self.lines}

    def pins(self) -> dict[str, str]:
        """Return the version of each distribution that it has for this Python and system."""
        all_of_them = map(_requirement, self.lines)
        here = [one for one in all_of_them if not one.marker or one.marker.evaluate()]
        return {one.name: spec.version for one in here for spec in one.specifier}

    def text(self) -> str:
        """Return it as pip reads it."""
        return "".join(f"{line}\n" for line in self.lines)


def read(path: Path) -> Lock:
    """Return what a lock file says, such as `pip freeze`, `pip-compile` or `uv export` write it.

    Raises
    ------
    ValueError
        If a line pins no version by `==`, or is an option of pip other than `--hash`.
    """
    name = one_line(path.name)
    try:
        text = path.read_text("utf-8-sig")  # lines end as on any system
    except UnicodeDecodeError as error:
        raise ValueError(f"{name} is no UTF-8 from byte {error.start:,}") from None
    except OSError as error:
        raise ValueError(f"{one_line(str(path))} can't be read: {error.strerror}") from None
    pinned, number = [], 1
    for whole in re.split(r"(?<!\\)\n", text):
        line = re.sub(r"(^|\s)#.*", "", whole.replace("\\\n", " ")).strip()
        if line:
            pinned.append(_pinned(line, f"line {number} of {name}"))
        number += whole.count("\n") + 1
    if not pinned:
        raise ValueError(f"{name} pins nothing: give a lock file, such as `pip freeze` writes it")
    hashed = {" --hash=" in line for line in pinned}
    if len(hashed) > 1:
        bare = next(line for line in pinned if " --hash=" not in line)
        raise ValueError(f"{name} has hashes, but none of {bare}: give hashes of all, or of none")
    return Lock(tuple(sorted(set(pinned))))


def _pinned(line: str, where: str) -> str:
    """Return a line in its one spelling."""
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    text, *options = re.split(r"(?:^|\s+)(?=-)", line)
    wrong = [one for one in options if not _HASH.fullmatch(one.strip())]
    if wrong or not text:
        option = one_line(wrong[0] if wrong else line).split()[0].partition("=")[0]
        raise ValueError(
            f"{where} has {option}: leave it out, as a lock file has only names with == and a "
            "version, and --hash; where pip finds them, pip's own configuration says"
        )
    try:
        one = Requirement(text)
    except InvalidRequirement:
        raise ValueError(f"{where} is no requirement: write a name, == and a version") from None
    exact = [spec for spec in one.specifier if spec.operator == "==" and "*" not in spec.version]
    if one.url or len(exact) != 1 or len(one.specifier) != 1:
        raise ValueError(
            f"{where} pins no version of {one.name}: write {one.name}== and the version, in a "
            "lock file such as `pip freeze` or `pip-compile` writes it"
        )
    one.name = canonicalize_name(one.name)
    return " ".join([str(one), *sorted(option.strip() for option in options)])


def _requirement(line: str) -> "Requirement":
    from packaging.requirements import Requirement

    return Requirement(line.partition(" --hash=")[0])


class Outside(NamedTuple):
    """What holds the distributions that a function imports: what is installed here, unless said.

    Attributes
    ----------
    lock : Lock, optional
        What is installed before it is called.
    image : str
        In which it is called; empty where none was given.
    """

    lock: Lock | None = None
    image: str = ""

    def versions(self) -> dict[str, str]:
        """Return what a function's versions tell of it."""
        told = {REQUIREMENTS: self.lock.digest()} if self.lock else {}
        return told | ({IMAGE: self.image} if self.image else {})


INSTALLED = Outside()


def outside(params: Mapping[str, Any]) -> Outside:
    """Return what `requirements` (a path) and `image` (a name) of a run's parameters ask for.

    Raises
    ------
    ValueError
        If that is no lock file.
    """
    path = params.get("requirements")
    return Outside(read(Path(path)) if path else None, params.get("image") or "")
