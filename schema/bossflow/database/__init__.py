"""The connection: DataJoint's own settings if there are any, else the embedded PostgreSQL.

What passes is tried again; nothing here knows a table.
"""

import logging

from . import limits
from .chosen import SCHEMA_NAME_MAX, backend, default_store, home, named_store, schema_name, server
from .embedded import embedded_pid, start_embedded, stop_embedded
from .errors import REFUSALS, DatabaseError, said
from .limits import pieces
from .retry import again
from .session import connection, lock

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
