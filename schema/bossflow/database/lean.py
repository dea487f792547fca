"""DataJoint without what it imports and a command seldom needs.

It imports pandas to ask of what it is given whether it is a DataFrame, networkx for its class of
graphs, fsspec for stores of its own, the driver of MySQL where PostgreSQL is used too, and, by
pydantic's settings, asyncio. That takes longer than all else that it imports, and each command and
each task that speaks to the database would wait for it.
While DataJoint is imported, stand-ins have these names. Nobody else meets them, and they import the
module when something else of it is asked for.
"""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from graphlib import CycleError, TopologicalSorter
from types import ModuleType
from typing import Any

_LATER = {
    "pandas": ["DataFrame"],
    "fsspec": ["AbstractFileSystem", "FSMap"],
    "pymysql": [],
    "asyncio": [],
}
"""Modules, and classes of theirs that are named when DataJoint is imported."""

_BESIDE_GRAPHS = ("algorithms", "drawing", "linalg", "readwrite")
"""Most of networkx, and nothing that its classes of graphs use."""


class _Later(ModuleType):
    """Stands for a module until something is asked for that it does not have."""

    def __init__(self, name: str, *classes: str) -> None:
        super().__init__(name)
        vars(self).update((one, _OfClass(one, (), {"__module__": name})) for one in classes)

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


class _OfClass(type):
    """Stands for a class: nobody can have made an instance while its module is not imported."""

    def __instancecheck__(cls, value: object) -> bool:
        module = sys.modules.get(cls.__module__)
        return module is not None and isinstance(value, getattr(module, cls.__name__))

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return getattr(importlib.import_module(cls.__module__), cls.__name__)(*args, **kwargs)


class _Networkx(_Later):
    """Has what DataJoint asks of networkx whenever it loads the foreign keys."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        sys.modules.update((f"{name}.{one}", ModuleType(one)) for one in _BESIDE_GRAPHS)
        self.MultiDiGraph = importlib.import_module(name).MultiDiGraph
        for one in [one for one in sys.modules if f"{one}.".startswith(f"{name}.")]:
            del sys.modules[one]  # who imports it has all of it

    @staticmethod
    def is_directed_acyclic_graph(graph: Any) -> bool:
        """Say whether a graph has no cycle."""
        try:
            TopologicalSorter({node: [*graph.predecessors(node)] for node in graph}).prepare()
        except CycleError:
            return False
        return True


@contextmanager
def lean() -> Iterator[None]:
    """Let modules that are imported here have stand-ins for others, if these are not imported."""
    stand_ins: dict[str, ModuleType] = {
        name: _Later(name, *classes) for name, classes in _LATER.items() if name not in sys.modules
    }
    if "networkx" not in sys.modules:
        stand_ins["networkx"] = _Networkx("networkx")
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name, one in stand_ins.items():
            if sys.modules.get(name) is one:
                del sys.modules[name]
