"""What a function is known by: its sources, what these import from elsewhere, and Python."""

import ast
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from . import digests
from .following import followed
from .locks import INSTALLED, Outside
from .signature import Parameter, defined, parameters
from .sources import Project, parsed
from .texts import one_line

__all__ = ["Function", "Parameter", "identify"]


class Function(NamedTuple):
    """A function of a project.

    Attributes
    ----------
    module, name : str
        As Python imports it from the project.
    files : dict of str to str
        The sha256 of each source that it takes from the project, by path there; sorted.
    versions : dict of str to str
        Of the distributions that these import from; sorted. Those of a lock file are told by its
        digest, as `--requirements`; of an image, `--image`, names alone are known.
    python : str
        The minor version, such as `3.11`; empty of an image's.
    parameters : tuple of Parameter
    returns : str
        The annotation, as it is written; empty without one.
    """

    module: str
    name: str
    files: dict[str, str]
    versions: dict[str, str]
    python: str
    parameters: tuple[Parameter, ...]
    returns: str

    def digest(self) -> str:
        """Return what it is known by (64 hex digits): of all but what its sources say anyway."""
        of_block = any(one.type == "block" for one in self.parameters)
        return digests.digest(
            {
                **{"module": self.module, "name": self.name, "python": self.python},
                **{"files": self.files, "versions": self.versions},
                **({"of": "block"} if of_block else {}),
            }
        )


def identify(
    spec: str,
    project: Path,
    texts: Mapping[str, str] | None = None,
    outside: Outside = INSTALLED,
    of_block: bool = False,
) -> Function:
    """Return a function of a project, without importing it or anything that it imports.

    Parameters
    ----------
    spec : str
        `module:name`; the module as Python imports it from the project, the name of a function at
        its top.
    project : Path
        The directory that Python would have in its path.
    texts : mapping of str to str, optional
        Sources that count as in the project, by path: those that `notebook.module_of` made.
    outside : Outside
        What holds the distributions that it imports.
    of_block : bool
        Whether it is called with blocks of a volume (`signature.parameters`), and not with rows.

    Raises
    ------
    ValueError
        If there is none, it can't be called with a row, or what it imports can't be followed.
    """
    module, colon, name = spec.partition(":")
    parts = tuple(module.split("."))
    if not colon or not all(one.isidentifier() for one in (*parts, name)):
        raise ValueError(
            f"{one_line(spec)} is no function: give module:name, such as analysis.cells:count"
        )
    sources = Project(project, texts)
    found = sources.find(parts)
    if found is None or found.kind == "namespace":
        raise ValueError(f"there is no module {module} in {one_line(str(project))}")
    if parts[0] in sys.stdlib_module_names:
        raise ValueError(f"Python has a module {parts[0]}, too: rename that of the project")
    tree = parsed(sources.source(found.path), found.path)
    node = defined(tree, module, name)
    taken = parameters(node, tree, spec, of_block)
    files, versions = followed(sources, parts, outside)
    returns = ast.unparse(node.returns) if node.returns else ""
    python = "" if outside.image else f"{sys.version_info.major}.{sys.version_info.minor}"
    return Function(module, name, files, versions, python, taken, returns)
