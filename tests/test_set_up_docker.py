"""set-up.sh --docker, with a stand-in for docker: images, passwords, whose database it is."""

import subprocess

import pytest
from cloned import ROOT, Clone, refusal
from cloned import clone as clone
from conftest import WORKFLOWS


def test_passwords_of_mysql_are_random_and_only_where_git_does_not_look(clone: Clone) -> None:
    clone.is_set_up()
    clone.has("docker", '#!/bin/sh\necho "docker $*" >>"$CALLS"\n')
    assert clone.run("--docker").returncode == 0
    secret = clone.root / ".secrets/database.password"
    root = (clone.root / ".env").read_text().split()[0].removeprefix("MYSQL_ROOT_PASSWORD=")
    passwords = {root, secret.read_text().strip()}
    assert {len(password) for password in passwords} == {40} and len(passwords) == 2
    assert clone.run("--docker").returncode == 0
    assert secret.read_text().strip() in passwords - {root}, "a second run must keep it"
    holders = {
        str(path.relative_to(clone.root))
        for path in clone.root.rglob("*")
        if path.is_file() and any(word.encode() in path.read_bytes() for word in passwords)
    }
    assert holders == {".env", ".secrets/database.password"}
    assert all((clone.root / name).stat().st_mode & 0o077 == 0 for name in holders)
    assert not any(password in call for call in clone.called() for password in passwords)
    for name in (*holders, "datajoint.json"):
        subprocess.run(["git", "check-ignore", "-q", name], cwd=ROOT, check=True)


def test_a_clone_that_used_root_goes_on_as_a_user_with_fewer_rights(clone: Clone) -> None:
    """As set-up.sh left it before there was such a user."""
    clone.is_set_up()
    clone.has("docker", "#!/bin/sh\n")
    (clone.root / ".secrets").mkdir()
    (clone.root / ".env").write_text("MYSQL_ROOT_PASSWORD=old\nMYSQL_PORT=3307\n")
    secret = clone.root / ".secrets/database.password"
    secret.write_text("old\n")
    settings = clone.root / "datajoint.json"
    settings.write_text(
        '{"database": {"backend": "mysql", "host": "127.0.0.1", "port": 3307, "user": "root"}}\n'
    )
    done = clone.run("--docker")
    assert done.returncode == 0, done.stderr
    assert '"user": "bossflow"' in settings.read_text()
    assert secret.read_text().strip() != "old"
    assert "MYSQL_ROOT_PASSWORD=old\n" in (clone.root / ".env").read_text()


def test_another_database_that_is_configured_is_not_overwritten(clone: Clone) -> None:
    clone.is_set_up()
    clone.has("docker", "#!/bin/sh\n")
    (clone.root / "datajoint.json").write_text("{}\n")
    assert refusal(clone.run("--docker")).startswith("datajoint.json names another database")
    assert (clone.root / "datajoint.json").read_text() == "{}\n"


BUILDS = """\
#!/bin/sh
echo "docker $*" >>"$CALLS"
[ "$1 $2" != "compose build" ] || echo "tag of words: ${WORDS_TAG:-none}" >>"$CALLS"
[ "$1" != image ]
"""
"""A docker that has no image yet."""


@pytest.fixture
def words(clone: Clone) -> Clone:
    """Return a clone that has another workflow, with an image of its own and none of cc3d's."""
    clone.is_set_up()
    clone.has("docker", BUILDS)
    wiring = "include { COMPUTE as COUNT_WORDS } from '../modules/task/main'\n"
    (clone.root / "workflows/words.nf").write_text(wiring)
    with (clone.root / "conf/processes.config").open("a") as lines:
        lines.write("            COUNT_WORDS = [image: 'words']\n")
    (clone.root / "containers/words").mkdir()
    (clone.root / "containers/words/Dockerfile").write_text("FROM scratch\n")
    return clone


@pytest.mark.parametrize(
    ("arguments", "built"),
    [
        ([], "cc3d datajoint intern"),
        (["--workflow", "label"], "cc3d datajoint intern"),
        (["--workflow", "words"], "datajoint intern words"),
        (["--workflow", "words", "--demo"], "cc3d datajoint intern words"),
    ],
)
def test_images_that_are_missing_are_built(words: Clone, arguments: list[str], built: str) -> None:
    done = words.run("--docker", *arguments)
    assert "Images: build them" in done.stdout, done.stdout + done.stderr
    called = words.called()
    at = called.index(f"docker compose build {built}")
    assert (called[at + 1] != "tag of words: none") == ("words" in built)
    (asked,) = (call for call in called if call.startswith("docker image inspect "))
    names = [word.partition(":")[0] for word in asked.split()[3:]]
    assert names == [f"bossflow/{image}" for image in built.split()]


def test_a_workflow_that_is_not_there_is_one_sentence(words: Clone) -> None:
    for name in ("none", "../workflows/words", "w*", ""):
        done = words.run("--docker", "--workflow", name)
        there = ", ".join([*WORKFLOWS, "words"])
        assert refusal(done) == f"no workflow {name}; there are {there}"
    assert not words.calls.exists()


def test_compose_file_holds_no_password() -> None:
    """Root's comes from the environment, as a file: a variable would show in `docker inspect`."""
    text = (ROOT / "docker-compose.yml").read_text()
    named = [line.strip() for line in text.splitlines() if "PASSWORD" in line.upper()]
    assert sorted(line for line in named if not line.startswith("#")) == [
        "MYSQL_ROOT_PASSWORD_FILE: /run/secrets/mysql_root_password",
        "environment: MYSQL_ROOT_PASSWORD",
        "mysql_root_password:",
        "secrets: [mysql_root_password]",
    ]
