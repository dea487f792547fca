"""What linters, formatters and type checkers say of the code; their words are in the failure."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def tracked(*patterns: str) -> list[str]:
    """Return the files that git has, or would take, below the root."""
    listed = said("git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns)
    return [name for name in listed.splitlines() if (ROOT / name).is_file()]


def said(*command: str) -> str:
    """Return what a command says; it must succeed."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.fail(f"{' '.join(command)}:\n{done.stdout}{done.stderr}", pytrace=False)
    return done.stdout


def tool(name: str) -> str:
    """Return a program from PATH; without it the test is skipped, except in CI."""
    if not shutil.which(name):
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{name} is not on PATH")
    return name


def shell_scripts() -> list[str]:
    first = re.compile(rb"#!(/usr)?/bin/(env )?(ba)?sh\b")
    return [name for name in tracked() if first.match((ROOT / name).read_bytes()[:80])]


def test_ruff_finds_nothing() -> None:
    said(sys.executable, "-m", "ruff", "check")


def test_ruff_would_format_nothing() -> None:
    said(sys.executable, "-m", "ruff", "format", "--check")


@pytest.mark.parametrize("what", [("--package", "bossflow"), ("bin",)], ids=["schema", "bin"])
def test_types_are_right(what: tuple[str, ...]) -> None:
    said(sys.executable, "-m", "mypy", "--strict", *what)


def test_nextflow_code_has_neither_errors_nor_warnings(tmp_path: Path) -> None:
    code = [name for name in tracked("*.nf", "*.config") if not name.startswith("tests/")]
    assert code
    command = (tool("nextflow"), "-log", str(tmp_path / "log"), "lint", "-output", "concise")
    output = said(*command, *code)
    assert not re.search(r"\.(nf|config):\d+:\d+:", output), output


def test_what_nextflow_reads_is_ascii() -> None:
    """Java 17 reads scripts in the locale's encoding, and without a locale that is ASCII."""
    for name in tracked("*.nf", "*.config", "nextflow_schema.json", "params/*.yml"):
        (ROOT / name).read_text(encoding="ascii")


def test_shell_scripts_parse() -> None:
    scripts = shell_scripts()
    assert "set-up.sh" in scripts
    for script in scripts:
        said("bash", "-n", script)


def test_shellcheck_finds_nothing() -> None:
    said(tool("shellcheck"), *shell_scripts())


def test_no_registry_is_named() -> None:
    """Which registry is asked is for each machine's own settings to say."""
    registry = re.compile(
        rb"(pypi|pythonhosted|npmjs|anaconda|debian|ubuntu)\.(org|com|net)|\bmaven\.org|\brepo\S*\.maven"
    )
    named = [
        f"{name}: {found[0].decode()}"
        for name in tracked()
        if (found := registry.search((ROOT / name).read_bytes()))
    ]
    assert not named, "\n".join(named)
