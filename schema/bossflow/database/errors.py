"""What goes wrong between us and a server, in a sentence for the user."""


class DatabaseError(Exception):
    """One sentence about the database for the user."""


class Unreachable(DatabaseError):
    """A server that does not answer, or not to this user."""


class NotStarted(DatabaseError):
    """The embedded server did not start this time."""
