"""bossflow: DataJoint tables of what was pulled, labelled and stitched, and how.

The tables are here by name, bound to the database on first use::

    import bossflow
    (bossflow.Segmentation.Component() & "voxel_count > 1000").to_pandas()
"""

import warnings
from typing import Any

__version__ = "0.1.0"

# without settings we have a default of our own
warnings.filterwarnings("ignore", message="No datajoint.json", module="datajoint")

_TABLES = {
    "bossflow.core.tables": (
        "Run",
        "Environment",
        "ParamSet",
        "Store",
        "Execution",
        "Reading",
        "Request",
    ),
    "bossflow.volumes.tables": ("Channel", "Cutout", "Block", "PulledBlock"),
    "bossflow.workflows.label": (
        "LabelRequest",
        "BlockLabels",
        "BlockLinks",
        "Segmentation",
        "SegmentationBlock",
    ),
}
_MODULE_OF = {name: module for module, names in _TABLES.items() for name in names}
__all__ = [*_MODULE_OF, "Diagram", "U", "connect", "schema"]


def connect() -> None:
    """Connect to the database (embedded unless DataJoint is configured) and bind the tables."""
    from .core import installed, migrations, registry

    try:
        installed.open_schema(registry.load_all())
    except migrations.NotDeployed:  # a new workflow's tables, which hold up nobody else
        installed.open_schema([])


def __getattr__(name: str) -> Any:
    """Give a table, the schema or DataJoint's Diagram, connected."""
    import importlib

    if name not in __all__:
        raise AttributeError(f"module 'bossflow' has no attribute {name!r}")
    connect()
    if "workflows" in _MODULE_OF.get(name, ""):
        from .core import installed

        installed.opened(_MODULE_OF[name])
    if name in ("Diagram", "U"):
        import datajoint

        return getattr(datajoint, name)
    return getattr(importlib.import_module(_MODULE_OF.get(name, "bossflow.core.tables")), name)


def __dir__() -> list[str]:
    """List the tables too."""
    return sorted([*globals(), *__all__])
