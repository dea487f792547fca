"""A team's database, on PostgreSQL and MySQL: who may do what, versions, backups."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from bossflow import database
from bossflow.database import rights
from team import PASSWORD, Team, a_schema, deployed, each_server, password_file

RUNNER = f"runner_{os.getpid()}"


@pytest.fixture(scope="module", params=each_server())
def team(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Team]:
    yield from request.param(tmp_path_factory)


@pytest.fixture
def schema(team: Team) -> Iterator[str]:
    """Return the name of a schema that is not there."""
    with a_schema(team) as name:
        yield name


@pytest.fixture(scope="module", name="deployed")
def with_runner(team: Team) -> Iterator[str]:
    with deployed(team, RUNNER) as name:
        yield name


def test_the_run_time_user_reads_and_writes_rows_and_nothing_else(
    team: Team, deployed: str
) -> None:
    is_postgresql = team.environment["DJ_BACKEND"] == "postgresql"
    row = f"INSERT INTO {deployed}.param_set VALUES ('0123456789abcdef', 'm', '1', '{{}}')"
    may = [
        row,
        f"UPDATE {deployed}.param_set SET method = 'other'",
        f"SELECT method FROM {deployed}.param_set",
        f"DELETE FROM {deployed}.param_set",
    ]
    assert team.query(*may, schema=deployed, user=RUNNER) == ["[]", "[]", '[["other"]]', "[]"]
    may_not = [
        f"CREATE TABLE {deployed}.other (a int)",
        f"ALTER TABLE {deployed}.param_set ADD a int",
        f"CREATE INDEX a ON {deployed}.param_set (method)",
        f"TRUNCATE TABLE {deployed}.param_set",
        f"DROP TABLE {deployed}.param_set",
        f"CREATE SCHEMA {deployed}_other",
        f"CREATE SCHEMA {deployed.replace('_', 'x')}",  # _ in a MySQL grant matches any letter
        f"DROP SCHEMA {deployed}",
        f"GRANT SELECT ON {deployed}.param_set TO {RUNNER}",
        "CREATE USER other",
        f"CREATE VIEW {deployed}.other AS SELECT 1",
        f"ALTER TABLE {deployed}.param_set RENAME TO {deployed}_other",
        f"CREATE TRIGGER a BEFORE INSERT ON {deployed}.param_set FOR EACH ROW "
        + ("EXECUTE FUNCTION now()" if is_postgresql else "SET @a = 1"),
    ]
    refused = team.query(*may_not, schema=deployed, user=RUNNER)
    rows_left = team.query(f"SELECT COUNT(*) FROM {deployed}.param_set", schema=deployed)
    if is_postgresql:  # which only warns of an empty grant
        assert refused.pop(8) == "[]"
    # MySQL has an error of its own for users
    assert set(refused) <= {"AccessError", "OperationalError"}, refused
    assert rows_left == ["[[0]]"]
    code, text = team.bossflow("status", schema=deployed, user=RUNNER)
    assert (code, "0 requests" in text) == (0, True), text


def test_a_new_password_replaces_the_old_one(team: Team, deployed: str, tmp_path: Path) -> None:
    grant = ["db", "deploy", "--grant", RUNNER, "--password-file", str(tmp_path / "password")]
    password_file(tmp_path / "password", "another\n")
    assert team.bossflow(*grant, schema=deployed)[0] == 0
    code, text = team.bossflow("status", schema=deployed, user=RUNNER)
    assert code == 1
    assert "Error: database " in text
    assert PASSWORD not in text
    password_file(tmp_path / "password", PASSWORD)
    assert team.bossflow(*grant, schema=deployed)[0] == 0
    assert team.bossflow("status", schema=deployed, user=RUNNER)[0] == 0


def test_a_user_who_may_do_more_is_left_alone(team: Team, deployed: str, tmp_path: Path) -> None:
    file = password_file(tmp_path / "password", PASSWORD)
    admin = team.environment["DJ_USER"]
    grant = ["db", "deploy", "--grant", admin, "--password-file", str(file)]
    code, text = team.bossflow(*grant, schema=deployed)
    assert (code, "may do more than read and write rows" in text) == (1, True), text
    assert team.bossflow("status", schema=deployed)[0] == 0


@pytest.mark.parametrize("name", ["o'brien", "a" * 33, "", "1a", "a b", "a\n"])
def test_a_user_is_letters_digits_and_underscores(name: str) -> None:
    with pytest.raises(ValueError, match="letters, digits and underscores"):
        rights.check_name(name)


@pytest.mark.parametrize("text", [b"", b"\n", b"a\nb", b"a\0", "é".encode(), b"\xff"])
def test_a_password_is_one_line(tmp_path: Path, text: bytes) -> None:
    file = password_file(tmp_path / "password", text)
    with pytest.raises(ValueError, match="must hold one line"):
        rights.read_password(file)


def test_a_mistake_is_said_before_anything_is_deployed(
    team: Team, schema: str, tmp_path: Path
) -> None:
    password_file(tmp_path / "password", "")
    grant = ["db", "deploy", "--grant", RUNNER, "--password-file", str(tmp_path / "password")]
    code, text = team.bossflow(*grant, schema=schema)
    assert (code, "must hold one line" in text) == (1, True), text
    assert team.bossflow("db", "deploy", "--grant", RUNNER, schema=schema)[0] == 2
    code, text = team.bossflow("status", schema=schema)
    assert (code, "run `bossflow db deploy`" in text) == (1, True), text


def test_a_schemas_name_is_no_longer_than_the_server_takes(team: Team) -> None:
    """PostgreSQL would cut it off, so that two are one; MySQL's locks and grants take no more."""
    user, most = f"long_{os.getpid()}", database.SCHEMA_NAME_MAX[team.environment["DJ_BACKEND"]]
    longest = f"long{os.getpid()}".ljust(most, "x")
    for command in ("deploy", "status"):
        code, text = team.bossflow("db", command, schema=f"{longest}x")
        said = f"Error: schema name {longest}x has {most + 1} "
        assert (code, text.startswith(said), text.count("\n")) == (1, True, 1), text
    if team.environment["DJ_BACKEND"] == "mysql":
        with pytest.raises(AssertionError, match="has 50 characters, and 65 with those of its _"):
            team.grant(user, longest[:35] + 15 * "_")
    names = "SELECT schema_name FROM information_schema.schemata"
    assert longest[:9] not in "".join(team.query(names, schema="bossflow"))
    try:
        team.grant(user, longest)
        code, text = team.bossflow("status", schema=longest, user=user)
        assert (code, "0 requests" in text) == (0, True), text
    finally:
        team.drop(longest)
        team.drop_user(user, longest)


def test_the_password_is_in_no_log(team: Team, deployed: str, tmp_path: Path) -> None:
    program = (
        "import logging, sys; from bossflow import database; from bossflow.database import rights\n"
        "logging.getLogger('datajoint').setLevel('DEBUG')\n"
        "logging.basicConfig(level='DEBUG')\n"
        "rights.grant(sys.argv[1], sys.stdin.read())\n"
    )
    done = team.python(program, RUNNER, schema=deployed, given=PASSWORD)
    assert done.returncode == 0, done.stderr
    assert "GRANT" in done.stdout + done.stderr
    secret = PASSWORD[:6]
    assert secret not in done.stdout + done.stderr
    if team.environment["DJ_BACKEND"] == "postgresql":
        team.query("SELECT 1 FROM nowhere", schema=deployed)
        log = Path(team.environment["DJ_HOST"], "log")
        said = "ALTER SYSTEM SET log_statement = 'all'", "SELECT pg_reload_conf()"
        team.query(*said, schema=deployed)
        for _ in range(20):  # the server reads its settings again when it comes to it
            if team.query("SHOW log_statement", schema=deployed) == ['[["all"]]']:
                break
        assert team.python(program, RUNNER, schema=deployed, given=PASSWORD).returncode == 0
        assert f'ALTER ROLE "{RUNNER}"' in log.read_text()
        assert secret not in log.read_text()


def test_the_embedded_database_has_one_user(tmp_path: Path, home: Path) -> None:
    from bossflow.command.main import main
    from click.testing import CliRunner

    file = password_file(tmp_path / "password", "x")
    grant = ["db", "deploy", "--grant", "runner", "--password-file", str(file)]
    done = CliRunner().invoke(main, grant)
    assert done.exit_code == 1
    assert "the embedded database has one user" in done.output
