"""Rights on a team's server: a run-time user who may read and write rows, and nothing else."""

import re
from pathlib import Path
from typing import Any

from .. import database
from . import access

MYSQL_NAME_MAX = 64
RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE")
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,31}")  # MySQL's longest; needs no quotes anywhere


def check_name(user: str) -> None:
    """Refuse a user name that is more than letters, digits and underscores.

    Raises
    ------
    ValueError
        If it is.
    """
    if not NAME.fullmatch(user):
        raise ValueError(
            f"user name {user!r} must be 1 to 32 letters, digits and underscores, a letter first"
        )


def check_schema_name() -> None:
    """Refuse a schema's name that no right can be granted to: MySQL takes it with escapes.

    Raises
    ------
    DatabaseError
        If it is one.
    """
    name = database.schema_name()
    if database.backend() == "mysql" and len(_escaped(name)) > MYSQL_NAME_MAX:
        raise database.DatabaseError(
            f"schema name {name} has {len(name)} characters, and {len(_escaped(name))} with those "
            f"of its _ and % counted twice, as MySQL's grants do, which take {MYSQL_NAME_MAX}: set "
            "BOSSFLOW_SCHEMA to a shorter one"
        )


def _escaped(name: str) -> str:
    """Return a schema's name as MySQL's grants have it: _ and % would match others."""
    return re.sub(r"([_%\\])", r"\\\1", name)


def read_password(path: Path) -> str:
    """Return the one line of a password file.

    Raises
    ------
    ValueError
        If there is none, or more than one, or others can read the file.
    OSError
        If the file can't be read.
    """
    access.refuse_readable(path)
    try:
        text = path.read_text(encoding="utf-8").removesuffix("\n")
    except UnicodeDecodeError:
        text = ""
    if not (text and text.isascii() and text.isprintable()):  # drivers encode others differently
        raise ValueError(f"password file {path} must hold one line of ASCII text: the password")
    return text


def grant(user: str, password: str, require_tls: bool = False) -> None:
    """Create a user, or set its password, and let it read and write rows of the deployed schema.

    Parameters
    ----------
    user : str
        Its name.
    password : str
        Sent to the server only, past DataJoint, which logs queries.
    require_tls : bool
        Let the user connect over TLS only; what was required before stays. MySQL's: PostgreSQL
        has no such right.

    Raises
    ------
    DatabaseError
        If the server refuses, or the user may do more than that, such as an administrator.
    """
    check_name(user)
    check_schema_name()
    if database.server().embedded:
        raise database.DatabaseError(
            "the embedded database has one user, who needs no password: --grant is for a team's "
            "server, named by DJ_* variables or datajoint.json"
        )
    conn = database.connection()
    if require_tls and conn.adapter.backend == "postgresql":
        raise database.DatabaseError(
            "PostgreSQL requires TLS not of a user but of an address: write `hostssl` instead of "
            "`host` in its pg_hba.conf, and leave out --require-tls"
        )
    with database.lock(conn):
        if conn.adapter.backend == "postgresql":
            _grant_postgresql(conn, user, password)
        else:
            _grant_mysql(conn, user, password)
            if require_tls:
                conn.query(f"ALTER USER '{user}'@'%' REQUIRE SSL", None)


def _grant_mysql(conn: Any, user: str, password: str) -> None:
    exists = conn.query("SELECT 1 FROM mysql.user WHERE user = %s AND host = '%%'", (user,))
    if exists.fetchone():
        for (line,) in conn.query(f"SHOW GRANTS FOR '{user}'@'%'", None).fetchall():
            match = re.fullmatch(r"GRANT ([A-Z, ]+) ON (.+) TO [^ ]+", line)
            if not match or not {*match[1].split(", ")} <= {*RIGHTS, "USAGE"}:
                raise _may_more(user, "SHOW GRANTS FOR tells")
    _secretly(conn, user, f"CREATE USER IF NOT EXISTS '{user}'@'%%' IDENTIFIED BY %s", password)
    _secretly(conn, user, f"ALTER USER '{user}'@'%%' IDENTIFIED BY %s", password)
    schema = conn.adapter.quote_identifier(_escaped(database.schema_name()))
    conn.query(f"GRANT {', '.join(RIGHTS)} ON {schema}.* TO '{user}'@'%'", None)


def _grant_postgresql(conn: Any, user: str, password: str) -> None:
    from psycopg2.extensions import encrypt_password

    quote = conn.adapter.quote_identifier
    role, schema = quote(user), quote(database.schema_name())
    # what the server keeps, and all that it gets: it may log statements
    verifier = encrypt_password(password, user, conn._conn, "scram-sha-256")
    with conn.transaction:
        known = conn.query("SELECT 1 FROM pg_roles WHERE rolname = %s", (user,)).fetchone()
        verb = "ALTER" if known else "CREATE"
        if known:
            _refuse_postgresql(conn, user)
        _secretly(conn, user, f"{verb} ROLE {role} LOGIN PASSWORD %s", verifier)
        (name,) = conn.query("SELECT current_database()").fetchone()
        conn.query(f"GRANT CONNECT ON DATABASE {quote(name)} TO {role}")
        conn.query(f"GRANT USAGE ON SCHEMA {schema} TO {role}")
        for what, rights in (("TABLES", RIGHTS), ("SEQUENCES", ("SELECT", "USAGE"))):
            given = f"GRANT {', '.join(rights)} ON"
            conn.query(f"{given} ALL {what} IN SCHEMA {schema} TO {role}")
            # tables that are deployed later, by whoever deploys now
            conn.query(f"ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} {given} {what} TO {role}")
        _refuse_postgresql(conn, user)


def extend(conn: Any) -> None:
    """Let those who may write rows also use tables that were made since, maybe by another."""
    if conn.adapter.backend != "postgresql":  # MySQL's rights are the schema's
        return
    quote = conn.adapter.quote_identifier
    schema = database.schema_name()
    roles = conn.query(
        "SELECT grantee FROM information_schema.role_table_grants WHERE table_schema = %s "
        "AND table_name = 'run' AND privilege_type = 'INSERT' "
        "AND grantee NOT IN ('PUBLIC', current_user)",
        (schema,),
    )
    for (role,) in roles.fetchall():
        conn.query(
            f"GRANT {', '.join(RIGHTS)} ON ALL TABLES IN SCHEMA {quote(schema)} TO {quote(role)}"
        )


def _refuse_postgresql(conn: Any, user: str) -> None:
    """Refuse a role that may do more, by itself or as a member of another."""
    checks = {
        "is a superuser": "rolsuper",
        "may create databases": "rolcreatedb",
        "may create roles": "rolcreaterole",
        "may replicate": "rolreplication",
        "ignores row security": "rolbypassrls",
        "is a member of other roles": "EXISTS (SELECT 1 FROM pg_auth_members WHERE member = r.oid)",
        "may create schemas": "has_database_privilege(r.oid, current_database(), 'CREATE')",
        "may create tables": "EXISTS (SELECT 1 FROM pg_namespace n WHERE n.nspname = %(schema)s "
        "AND has_schema_privilege(r.oid, n.oid, 'CREATE'))",
        "owns tables": "EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n "
        "ON n.oid = c.relnamespace WHERE n.nspname = %(schema)s AND c.relowner = r.oid)",
    }
    query = f"SELECT {', '.join(checks.values())} FROM pg_roles r WHERE rolname = %(user)s"
    row = conn.query(query, {"schema": database.schema_name(), "user": user}).fetchone()
    for name, yes in zip(checks, row, strict=True):
        if yes:
            raise _may_more(user, f"it {name}")


def _may_more(user: str, how: str) -> database.DatabaseError:
    return database.DatabaseError(
        f"user {user} of {database.server().where} is there and may do more than read and write "
        f"rows ({how}): name another, or drop that one"
    )


def _secretly(conn: Any, user: str, statement: str, secret: str) -> None:
    """Execute a statement that holds a secret: nothing of it is logged or said again."""
    try:
        with conn._conn.cursor() as cursor:
            cursor.execute(statement, (secret,))
    except Exception as error:  # each driver has its own
        told = getattr(getattr(error, "diag", None), "message_primary", None)
        text = str(told or error.args[-1])
        if secret in text or "SQL syntax" in text:  # which quotes the statement
            text = type(error).__name__
        raise database.DatabaseError(
            f"database {database.server().where} refuses to make user {user}: {text}"
        ) from None
