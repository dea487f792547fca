"""Which workflows there are: the package's, entry points, and modules on PYTHONPATH."""

import importlib
import pkgutil
from collections.abc import Iterable
from contextlib import nullcontext, suppress
from functools import cache
from importlib import metadata
from typing import Any

from .work import Workflow

PACKAGE = "bossflow.workflows"
"""Where the package's are; also the group of entry points of others."""


class NotInstalled(ValueError):
    """A workflow that can't be imported here."""

    why = "not installed"


@cache
def _own() -> dict[str, str]:
    """Return the package's workflows: module by name, with and without the package's."""
    path = importlib.import_module(PACKAGE).__path__
    modules = [f"{PACKAGE}.{module.name}" for module in pkgutil.iter_modules(path)]
    return {name: module for module in modules for name in (module, module.rpartition(".")[2])}


@cache
def _entry_points() -> dict[str, metadata.EntryPoint]:
    """Return what other distributions installed, by name."""
    return {entry.name: entry for entry in metadata.entry_points(group=PACKAGE)}


@cache
def load(name: str) -> Workflow:
    """Return a workflow by its name; the package's also by that of their folder.

    Raises
    ------
    NotInstalled
        If it is not installed here, or something that it needs, or is no workflow.
    """
    module, attribute = _own().get(name, name), "workflow"
    if module == name and name in _entry_points():
        entry = _entry_points()[name]
        module, attribute = entry.module, entry.attr or attribute
    try:
        holder = importlib.import_module(module) if module[:1].isidentifier() else None
    except Exception as error:  # whatever that module does
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if not f"{module}.".startswith(f"{missing}."):
            raise NotInstalled(f"workflow {name} can't be imported here: {error}") from None
        holder = None
    workflow = getattr(holder, attribute, None)
    if not isinstance(workflow, Workflow):
        raise NotInstalled(f"workflow {name} is not installed here: put its module on PYTHONPATH")
    if _own().get(workflow.name, workflow.name) != _own().get(name, name):
        raise NotInstalled(f"workflow {name} calls itself {workflow.name}: one of the two is wrong")
    return workflow


def names() -> list[str]:
    """Return the names of the package's workflows, and of those installed as entry points."""
    return [*dict.fromkeys(_own().values()), *_entry_points()]


def load_all() -> list[Workflow]:
    """Return the package's workflows, and of the others those that can be imported here."""
    loaded = []
    for name in names():
        with suppress(NotInstalled) if name in _entry_points() else nullcontext():
            loaded.append(load(name))
    return loaded


def stage_tables(workflows: Iterable[Workflow]) -> dict[str, Any]:
    """Return process to stage table, parents first, also of the workflows that these use."""
    used = with_used(workflows)
    return {table.process: table for workflow in used for table in workflow.tables}


def made_by_process(workflows: Iterable[Workflow]) -> dict[str, Any]:
    """Return process to the table of what its units make beside their own rows, if they do."""
    return {
        table.process: workflow.makes.table
        for workflow in with_used(workflows)
        if workflow.makes
        for table in workflow.tables
    }


def with_used(workflows: Iterable[Workflow]) -> list[Workflow]:
    """Return workflows and those that they use, these first."""
    used: dict[Workflow, None] = {}
    for workflow in workflows:
        used |= dict.fromkeys([*with_used(workflow.uses), workflow])
    return [*used]
