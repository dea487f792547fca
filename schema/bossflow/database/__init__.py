"""The connection: DataJoint's own settings if there are any, else the embedded PostgreSQL.

What passes is tried again; nothing here knows a table.
"""

import logging
from typing import TYPE_CHECKING, Any

from . import limits
from .chosen import SCHEMA_NAME_MAX, backend, default_store, home, named_store, schema_name, server
from .embedded import embedded_pid, start_embedded, stop_embedded
from .errors import DatabaseError
from .limits import pieces
from .retry import again
from .session import connection, lock

if TYPE_CHECKING:
    from .refusals import REFUSALS, said

__all__ = [
    "REFUSALS",
    "SCHEMA_NAME_MAX",
    "DatabaseError",
    "again",
    "backend",
    "connection",
    "default_store",
    "embedded_pid",
    "home",
    "limits",
    "lock",
    "named_store",
    "pieces",
    "said",
    "schema_name",
    "server",
    "start_embedded",
    "stop_embedded",
]

logging.getLogger("datajoint").setLevel(logging.WARNING)


def __getattr__(name: str) -> Any:
    """Import what is said of refusals when there is one."""
    if name in ("REFUSALS", "said"):
        from . import refusals

        return getattr(refusals, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
