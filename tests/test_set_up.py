"""set-up.sh with stand-ins for what it calls: its sentences, and what it does once and twice."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TOOLS = (
    "bash cat cmp cut dirname env expand find grep head id ln mkdir mktemp mv rm sed sha256sum "
    "shasum perl sleep sort tail tr xargs"
)
PYTHON = f"""\
#!/bin/sh
case "$*" in "-m pip "*" install "*) echo "no network" >&2 && exit 1 ;; esac
exec "{sys.executable}" "$@"
"""

SERVES = """\
#!/bin/bash
echo "bossflow $*" >>"$CALLS"
if [ "$1" = serve-archive ]; then
    trap 'echo "archive stopped" >>"$CALLS"; exit' TERM
    while [ "$1" != --ready-file ]; do shift; done
    echo '{"host": "http://127.0.0.1:41", "channels": []}' >"$2"
    while :; do sleep 0.02; done
fi
echo "(bossflow $*)"
"""
RUNS = """\
#!/bin/bash
echo "nextflow $*" >>"$CALLS"
mkdir -p results
{
    echo request,state,volume,components,name
    echo a1,complete,file:///v,file:///c,n m
} >results/requests.csv
exit "${STATUS:-0}"
"""


class Clone:
    """A clone in a directory of its own, on a machine that has only what `has` gave it."""

    def __init__(self, root: Path) -> None:
        self.root, self.tools, self.calls = root / "clone", root / "bin", root / "calls"
        self.environment = {"CALLS": str(self.calls), "HOME": str(root), "PATH": str(self.tools)}
        self.tools.mkdir()
        for name in TOOLS.split():
            if found := shutil.which(name):
                (self.tools / name).symlink_to(found)
        for name in ("requirements", "containers", "conf/set-up", "bin", "schema"):
            no_caches = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, self.root / name, symlinks=True, ignore=no_caches)
        for name in ("set-up.sh", "pyproject.toml"):
            shutil.copy(ROOT / name, self.root / name)
        self.has("apt-get", "#!/bin/sh\n")
        self.has("apt-cache", "#!/bin/sh\n")

    def has(self, name: str, script: str, where: Path | None = None) -> None:
        path = (where or self.tools) / name
        path.write_text(script)
        path.chmod(0o755)

    def is_set_up(self) -> None:
        """Pretend that the slow steps were done before."""
        self.has("java", "#!/bin/sh\necho 'openjdk version \"21.0.1\"' >&2\n")
        environment = self.root / ".venv"
        (environment / "bin").mkdir(parents=True)
        for name, script in {
            "python": PYTHON,
            "nextflow": RUNS,
            "bossflow": SERVES,
        }.items():
            self.has(name, script, environment / "bin")
        files = ("requirements/build.txt", "requirements/run.txt", "pyproject.toml")
        wanted = [f"{self.root}\n", *((self.root / file).read_text() for file in files)]
        (environment / "run.installed").write_text("".join(wanted))

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", str(self.root / "set-up.sh"), *arguments],
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=30,
        )

    def called(self) -> list[str]:
        return self.calls.read_text().splitlines()


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """Return what it said when it gave up."""
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stderr.replace("sudo ", "").removeprefix("set-up.sh: ").removesuffix("\n")


@pytest.mark.parametrize("home", ["", "/no/such/java"])
def test_nextflow_without_java_says_what_it_needs_in_one_sentence(clone: Clone, home: str) -> None:
    for name in ("bin", "share/nextflow"):
        (clone.root / ".venv" / name).mkdir(parents=True)
    shutil.copy(ROOT / "conf/nextflow/nextflow", clone.root / ".venv/bin")
    done = subprocess.run(
        ["bash", str(clone.root / ".venv/bin/nextflow"), "-v"],
        env=clone.environment | {"JAVA_HOME": home},
        capture_output=True,
        text=True,
    )
    where = f"{home}/bin/java" if home else "java"
    assert refusal(done) == (
        f"Nextflow needs Java 17 or later, here is no {where}: ./set-up.sh says how to get it "
        "(where there is apt, by apt-get install openjdk-21-jre-headless)"
    )


@pytest.mark.parametrize("version", ["none", "11"])
def test_java_that_is_missing_or_too_old_is_one_sentence(clone: Clone, version: str) -> None:
    if version != "none":
        clone.has("java", f"#!/bin/sh\necho 'openjdk version \"{version}.0.2\"' >&2\n")
    assert refusal(clone.run()) == (
        f"Nextflow needs Java 17 or later, here is {version}: "
        "apt-get install openjdk-21-jre-headless"
    )


def test_python_that_is_too_old_is_one_sentence(clone: Clone) -> None:
    clone.has("java", "#!/bin/sh\necho 'openjdk version \"17\"' >&2\n")
    clone.has("python3", "#!/bin/sh\nexit 1\n")
    assert refusal(clone.run()) == (
        "bossflow needs Python 3.11 or later: apt-get install python3.11 python3.11-venv"
    )


def test_python_without_venv_is_one_sentence(clone: Clone) -> None:
    clone.has("java", "#!/bin/sh\necho 'openjdk version \"17\"' >&2\n")
    clone.has("python3", "#!/bin/sh\ncase $2 in *venv*) exit 1 ;; *print*) echo 3.12 ;; esac\n")
    assert refusal(clone.run()) == ("python3 has no venv module: apt-get install python3.12-venv")


def test_unknown_argument_is_one_sentence(clone: Clone) -> None:
    assert refusal(clone.run("--tests")).startswith("unknown argument --tests")


def test_second_run_repeats_nothing_slow(clone: Clone) -> None:
    clone.is_set_up()
    done = clone.run()
    assert done.returncode == 0, done.stderr
    assert "Packages: there already\nNextflow: there already\n" in done.stdout
    assert clone.called() == ["bossflow db deploy"]


def test_changed_lock_file_installs_again(clone: Clone) -> None:
    clone.is_set_up()
    with (clone.root / "requirements/run.txt").open("a") as lock:
        lock.write("absent==1.0\n")
    done = clone.run()
    assert "Packages: those locked in requirements/run.txt" in done.stdout
    assert refusal(done) == "no network\nset-up.sh: the Python packages could not be installed"


def test_demo_says_what_was_found_and_where(clone: Clone) -> None:
    clone.is_set_up()
    done = clone.run("--demo")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "(bossflow status)" in done.stdout
    assert "(bossflow components a1)" in done.stdout
    assert "file:///v\n" in done.stdout
    ran = next(call for call in clone.called() if call.startswith("nextflow"))
    assert ran.endswith("--bossdb_host http://127.0.0.1:41"), ran
    assert clone.called()[-1] == "archive stopped"


def test_demo_that_fails_stops_the_archive_too(clone: Clone) -> None:
    clone.is_set_up()
    assert refusal(clone.run("--demo", STATUS="1")) == "the demo run failed"
    assert clone.called()[-1] == "archive stopped"


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


def test_images_that_are_missing_are_built(clone: Clone) -> None:
    clone.is_set_up()
    clone.has("docker", '#!/bin/sh\necho "docker $*" >>"$CALLS"\n[ "$1" != image ]\n')
    assert "Images: build them" in clone.run("--docker").stdout
    assert "docker compose build" in clone.called()


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


def test_help_shows_every_switch(clone: Clone) -> None:
    done = clone.run("--help")
    assert done.returncode == 0
    assert all(switch in done.stdout for switch in ("--docker", "--demo", "--test"))
    assert not os.path.lexists(clone.root / ".venv")


def test_another_clones_nextflow_may_be_linked_to(tmp_path: Path) -> None:
    for directory in ("a/bin", "a/share/nextflow", "b", "java/bin"):
        (tmp_path / directory).mkdir(parents=True)
    shutil.copy(ROOT / "conf" / "nextflow" / "nextflow", tmp_path / "a/bin/nextflow")
    (tmp_path / "a/share/nextflow/one.jar").touch()
    (tmp_path / "b/nextflow").symlink_to(tmp_path / "a/bin/nextflow")
    java = tmp_path / "java/bin/java"
    java.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    java.chmod(0o755)
    command = [str(tmp_path / "b/nextflow"), "run"]
    environment = os.environ | {"NXF_JAVA_HOME": str(tmp_path / "java")}
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert str(tmp_path / "a/share/nextflow/one.jar") in said.stdout
