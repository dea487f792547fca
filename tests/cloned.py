"""A clone in which set-up.sh runs, with stand-ins for what it calls."""

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
        for name in ("requirements", "containers", "bin", "schema", "conf", "workflows"):
            no_caches = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, self.root / name, symlinks=True, ignore=no_caches)
        for name in ("set-up.sh", "pyproject.toml", "README.md", "LICENSE", "main.nf"):
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
        files = ("requirements/build.txt", "requirements/look.txt", "pyproject.toml")
        wanted = [f"{self.root}\n", *((self.root / file).read_text() for file in files)]
        (environment / "look.installed").write_text("".join(wanted))

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", str(self.root / "set-up.sh"), *arguments],
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=120,
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
