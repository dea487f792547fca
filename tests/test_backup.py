"""Backup and restore with the server's own tools: every row comes back."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from bossflow.database import backup
from team import PASSWORD, Team, a_schema, each_server


@pytest.fixture(scope="module", params=each_server())
def team(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Team]:
    yield from request.param(tmp_path_factory)


@pytest.fixture
def filled(team: Team, tmp_path: Path) -> Iterator[str]:
    """Return a schema with the rows of two requests."""
    with a_schema(team) as name:
        team.load_first(name, tmp_path / "store")
        yield name


def test_every_row_comes_back(team: Team, filled: str, tmp_path: Path) -> None:
    file, rows = tmp_path / "backup.sql", team.rows(filled)
    code, text = team.bossflow("db", "backup", str(file), schema=filled)
    assert (code, f"of schema {filled}" in text) == (0, True), text
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["backup.sql"]
    assert team.environment["DJ_PASS"] not in file.read_text() or not team.environment["DJ_PASS"]

    assert team.query(f"DELETE FROM {filled}.run__failure", schema=filled) == ["[]"]
    code, text = team.bossflow("db", "restore", str(file), schema=filled)
    assert (code, "tables: give --replace" in text) == (1, True), text
    replace = ["db", "restore", str(file), "--replace"]
    assert team.bossflow(*replace, schema=filled, given="another\n")[0] == 1
    assert not team.rows(filled)["run__failure"]
    code, text = team.bossflow(*replace, schema=filled, given=f"{filled}\n")
    assert "is as it was at 20" in text
    assert (code, "bossflow db migrate" in text) == (1, True), text  # which is version 1's
    assert team.rows(filled) == rows

    team.drop(filled)
    assert "of version 1" in team.bossflow("db", "restore", str(file), schema=filled)[1]
    assert team.rows(filled) == rows
    assert team.bossflow("db", "migrate", schema=filled)[0] == 0
    assert "2 requests" in team.bossflow("status", schema=filled)[1]


def test_what_can_not_be_restored_is_said_before_anything_goes(
    team: Team, filled: str, tmp_path: Path
) -> None:
    file, rows = tmp_path / "backup.sql", team.rows(filled)
    assert team.bossflow("db", "backup", str(file), schema=filled)[0] == 0
    whole = file.read_bytes()
    first, _, rest = whole.partition(b"\n")
    about = json.loads(first.removeprefix(backup.FIRST))

    def altered(**changes: object) -> bytes:
        return backup.FIRST + json.dumps(about | changes).encode() + b"\n" + rest

    for wrong, sentence in (
        (whole[:-100], "is not whole"),
        (rest, "is not a backup that"),
        (altered(version=99), "update bossflow"),
        (altered(schema="other"), "set BOSSFLOW_SCHEMA"),
        (altered(backend="oracle"), "is a backup of oracle, but this server is"),
    ):
        file.write_bytes(wrong)
        restore = ["db", "restore", str(file), "--replace", "--yes"]
        code, text = team.bossflow(*restore, schema=filled)
        assert (code, sentence in text) == (1, True), text
    assert team.rows(filled) == rows


def test_a_backup_that_fails_leaves_the_one_before(team: Team, filled: str, tmp_path: Path) -> None:
    """The run-time user of another schema may not read this one."""
    file = tmp_path / "backup.sql"
    file.write_text("the one before")
    user = f"other_{filled[-12:]}"
    with a_schema(team) as other:
        team.grant(user, other)
        try:
            code, text = team.bossflow("db", "backup", str(file), schema=filled, user=user)
        finally:
            team.drop_user(user, other)
    assert code == 1, text
    assert file.read_text() == "the one before"
    assert [path.name for path in tmp_path.iterdir()] == ["backup.sql"]


def test_the_password_is_on_no_command_line(team: Team, filled: str, tmp_path: Path) -> None:
    """Every command that is started is looked at, here and beside the server."""
    program = (
        "import subprocess, sys; from bossflow.command.main import main\n"
        "def note(event, args):\n"
        "    if event == 'subprocess.Popen': print('STARTED', args[1], file=sys.stderr)\n"
        "sys.addaudithook(note); main()"
    )
    file = str(tmp_path / "backup.sql")
    user = f"keeper_{filled[-12:]}"
    assert team.bossflow("db", "migrate", schema=filled)[0] == 0
    team.grant(user, filled)
    try:
        done = team.python(program, "db", "backup", file, schema=filled, user=user)
    finally:
        team.drop_user(user, filled)
    assert done.returncode == 0, done.stderr
    assert "dump" in done.stderr
    assert PASSWORD[:4] not in done.stderr
    assert PASSWORD[:4] not in Path(file).read_text()
