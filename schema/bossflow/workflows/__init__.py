"""One module a workflow: its tables, its requests and its units."""

from .. import database  # noqa: F401  # before a module imports all of DataJoint
