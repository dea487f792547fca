"""Which tests run where, and what is told of the others."""

import os
from collections.abc import Iterator
from pathlib import Path

import engines
import pytest
import stage
import suites
from conftest import sample


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    engines.missing.cache_clear()
    yield
    engines.missing.cache_clear()


def report(suite: str, seconds: float, skipped: str = "") -> pytest.TestReport:
    made = pytest.TestReport(
        nodeid=suite,
        location=("", 0, ""),
        keywords={suite: 1},
        outcome="skipped" if skipped else "passed",
        longrepr=("", 0, f"Skipped: {skipped}") if skipped else None,
        when="setup" if skipped else "call",
        duration=seconds,
    )
    return made


def told(*reports: pytest.TestReport, chosen: list[str]) -> tuple[suites.Tally, list[str]]:
    tally = suites.Tally()
    for one in reports:
        tally.add(one)
        end = report(one.nodeid, 0)
        end.when = "teardown"
        end.user_properties = [("pace", 2.0)]
        tally.add(end)
    return tally, tally.lines(chosen)


def test_the_last_line_says_what_ran_and_how_the_rest_does() -> None:
    _, lines = told(report("faults", 1, "no disk"), report("core", 1), chosen=["core", "faults"])
    rest = "nextflow, clouds, s3, mysql, docker, slurm"
    assert lines[-1] == (
        f"suites that ran: core; not asked for: {rest} (./set-up.sh --test --engines); "
        "not run: faults (no disk; then ./set-up.sh --test -m faults); "
        "every case: ./set-up.sh --test --soak"
    )


@pytest.mark.parametrize("in_ci", [True, False])
def test_a_suite_over_its_budget_fails_in_ci(monkeypatch: pytest.MonkeyPatch, in_ci: bool) -> None:
    """On a machine half as fast as budgets are of."""
    monkeypatch.setenv("CI", "true" if in_ci else "")
    budget = 60 * suites.BUDGETS["s3"]
    within, _ = told(report("s3", 1.9 * budget), chosen=["s3"])
    assert within.over() == []
    beyond, lines = told(report("s3", 2.1 * budget), chosen=["s3"])
    assert beyond.over() == (["s3"] if in_ci else [])
    assert ("over its budget" in lines[1]) == in_ci
    if in_ci:
        with pytest.raises(pytest.fail.Exception, match="longer than"):
            beyond.refuse_if_over("s3")


def test_a_sample_is_the_same_in_each_process() -> None:
    cases = sample(list(range(20)), 3)
    assert [isinstance(case, int) for case in cases].count(True) == 3
    assert [repr(case) for case in cases] == [repr(case) for case in sample(list(range(20)), 3)]


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ("exit 1", "no Docker engine answers"),
        ('[ "$1" = info ]', "Docker has no Compose plugin"),
        ('[ "$1" = info ] || [ "$1" = compose ]', "image mysql:8.4 is not here and can't be"),
        ("exit 0", ""),
    ],
)
def test_an_engine_is_more_than_its_client(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, answers: str, reason: str
) -> None:
    (tmp_path / "docker").write_text(f"#!/bin/sh\n{answers}\n")
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    for name in ("MYSQL_IMAGE", "BASE_IMAGE"):
        monkeypatch.delenv(name, raising=False)
    assert engines.missing("docker").startswith(reason)
    assert bool(engines.missing("docker")) == bool(reason)
    monkeypatch.setenv("CI", "")
    if reason:
        with pytest.raises(pytest.skip.Exception, match=reason):
            engines.need("docker")


def test_slurm_is_named_by_the_programs_that_it_lacks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(engines, "SLURM", ("slurmctld", "no-such-program"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "no-such-program" in engines.missing("slurm")


def test_a_failed_run_of_nextflow_tells_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What users are told of an error of Nextflow's own does not say where it came from."""
    first, last = (f"Nov-29 [main] ERROR nextflow.Session - {number}" for number in (1, 2))
    trace = [f"\tat some.Class.method({number})" for number in range(100)]
    log = ["Nov-29 [main] DEBUG", first, *trace, last, "Exception: wrong", *trace]
    stage.tell_why(1, tmp_path)
    (tmp_path / ".nextflow.log").write_text("\n".join(log))
    stage.tell_why(0, tmp_path)
    assert capsys.readouterr().out == ""
    stage.tell_why(1, tmp_path)
    assert capsys.readouterr().out.splitlines() == [last, "Exception: wrong", *trace[:38]]
