"""Images of tools that know nothing of bossflow, made of Debian's packages alone."""

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

BUSYBOX = ("busybox-static",)
NIFTI = ("nifti-bin", "libnifti2-2", "libnifticdf2", "libniftiio2", "libznz3", "zlib1g", "libc6")


def imported(packages: Sequence[str], entrypoint: str, *more: str) -> str:
    """Return the id of an image that holds some packages: no shell, unless one of them is one.

    `entrypoint` is a list as JSON, `more` further lines of a Dockerfile.
    """
    if not shutil.which("apt-get"):
        pytest.skip("images are made of Debian's packages: apt-get is not on PATH")
    with tempfile.TemporaryDirectory() as directory:
        tree = Path(directory, "tree")
        (tree / "tmp").mkdir(parents=True)
        download = ["apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", *packages]
        said(*download, cwd=directory)
        for package in Path(directory).glob("*.deb"):
            said("dpkg-deb", "--extract", str(package), str(tree))
        archive = Path(directory, "tree.tar")
        said("tar", "-C", str(tree), "-cf", str(archive), ".")
        changes = [word for line in (f"ENTRYPOINT {entrypoint}", *more) for word in ("-c", line)]
        return said("docker", "import", *changes, str(archive))


def as_sif(image: str, path: Path) -> Path:
    """Make a file for apptainer of an image that docker has; return it."""
    archive = path.with_suffix(".tar")
    said("docker", "save", "--output", str(archive), image)
    said("apptainer", "build", "--force", str(path), f"docker-archive:{archive}")
    archive.unlink()
    return path


def said(*command: str, cwd: str | None = None, env: dict[str, str] | None = None) -> str:
    """Return what a command says; it must succeed."""
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()
