"""What linters, formatters and type checkers say of the code; their words are in the failure."""

import os
import re
import sys
from pathlib import Path

import bossflow
import pytest
from commands import said, tool, tracked
from conftest import ROOT

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "bossflow"
"""Outside of the checkout, for the next run."""


MOST_LINES = 300


def shell_scripts() -> list[str]:
    first = re.compile(rb"#!(/usr)?/bin/(env )?(ba)?sh\b")
    return [name for name in tracked() if first.match((ROOT / name).read_bytes()[:80])]


def test_ruff_finds_nothing_and_would_format_nothing() -> None:
    said(sys.executable, "-m", "ruff", "check", "--no-cache")
    said(sys.executable, "-m", "ruff", "format", "--check", "--no-cache")


@pytest.mark.parametrize("what", [("--package", "bossflow"), ("bin",)], ids=["schema", "bin"])
def test_types_are_right(what: tuple[str, ...]) -> None:
    said(sys.executable, "-m", "mypy", "--strict", f"--cache-dir={CACHE / 'mypy'}", *what)


def test_nextflow_code_has_neither_errors_nor_warnings(tmp_path: Path) -> None:
    code = [name for name in tracked("*.nf", "*.config") if not name.startswith("tests/")]
    assert code
    command = (tool("nextflow"), "-log", str(tmp_path / "log"), "lint", "-output", "concise")
    output = said(*command, *code)
    assert not re.search(r"\.(nf|config):\d+:\d+:", output), output


def test_what_nextflow_reads_is_ascii() -> None:
    """Java 17 reads scripts in the locale's encoding, and without a locale that is ASCII."""
    for name in tracked("*.nf", "*.groovy", "*.config", "nextflow_schema.json", "params/*.yml"):
        (ROOT / name).read_text(encoding="ascii")


def test_shell_scripts_parse() -> None:
    scripts = shell_scripts()
    assert "set-up.sh" in scripts
    for script in scripts:
        said("bash", "-n", script)


def test_shellcheck_finds_nothing() -> None:
    said(tool("shellcheck"), *shell_scripts())


def test_no_file_of_code_is_long() -> None:
    code = {*tracked("*.py", "*.nf", "*.groovy", "*.config"), *shell_scripts()}
    lines = {name: len((ROOT / name).read_text("utf-8").splitlines()) for name in code}
    assert len(lines) > 100
    long = {name: number for name, number in lines.items() if number > MOST_LINES}
    assert not long, long


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


def test_the_version_is_the_same_everywhere() -> None:
    """Its source is the package's; the other formats can't read it there."""
    version = bossflow.__version__
    told = {
        "nextflow.config": rf"^    version = '{re.escape(version)}'$",
        "CITATION.cff": rf"^version: {re.escape(version)}$",
        "CHANGELOG.md": rf"^## {re.escape(version)} ",
    }
    for name, line in told.items():
        assert re.search(line, (ROOT / name).read_text(), re.M), f"{name} is not of {version}"
