"""The tests that use a database once more: on MySQL, as the run-time user, who has no table rights.

Those of the core by a choice, also as such a user of PostgreSQL; as its only user all ran.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import conftest
import pytest
from conftest import ROOT
from team import Team, a_schema, each_server

# What is left out is about the embedded database, the store, or what is said before a database is
# asked. What fails, is invalidated or changes is in CORE and test_crashes.py, on both.
LABEL = (
    "labelled_as_cc3d_labels_it or fewer_components or every_format or readmes_queries or dry_run "
    "or sheet_of"
)
# Those that write, delete or take the lock.
CHOSEN = (
    "records_every_unit or second_run or failed_unit or receipts_of_a_later or refuses_does_not "
    "or watching_ends or lost_bundle or retired_inputs or each_unit_once or keeps_a_second "
    "or whatever_text or recorded_keys or emptied_database or directory_and_its_first_rows "
    "or damage or named_by_its_start or mistyped or headings"
)
ROOM = "pulled_blocks or pulled_again_and_differs or killed_clean"
CORE = ("test_core.py", "test_record.py", "test_watch.py", "test_repair.py", "test_tables.py")
CASES: dict[str, tuple[str, ...]] = {
    "agglomerate": ("test_agglomerate.py", "-k", "goes_takes or that_they_are_of"),
    "apply": ("test_apply_rows.py", "-k", "one_table"),
    "clean": ("test_clean.py", "-k", ROOM),
    "core": CORE,
    "chosen": (*CORE, "-k", CHOSEN),
    "detect": ("test_detect_made.py", "-k", "goes_takes"),
    "forget": ("test_forget.py", "-k", "goes_with_its_result or channel_goes"),
    "insert": ("test_insert.py",),
    "lineage": ("test_lineage.py",),
    "lookups": ("test_lookups.py",),
    "made": ("test_made.py", "-k", "a_source or depends_on or growth"),
    "map": ("test_map.py", "-k", "no_other_ones"),
    "many": ("test_many.py",),
    "mesh": ("test_mesh.py", "-k", "components_go"),
    "metrics": ("test_metrics.py", "-k", "rows_and_go_with_it or command_prints"),
    "names": ("test_archive_names.py", "-k", "older_name or recorded_of_a_path"),
    "remap": ("test_remap.py", "-k", "goes_with or source"),
    "scores": ("test_scores.py", "-k", "scored_and_recorded or takes_its_scores or beside_the"),
    "skeleton": ("test_skeleton.py", "-k", "components_go"),
    "statistics": ("test_statistics.py", "-k", "as_many or goes_takes"),
    "toy": ("test_toy.py",),
    "tractography": ("test_tractography.py", "-k", "dipy_makes"),
    "watershed": ("test_watershed_blocks.py", "-k", "as_many or goes_takes"),
    "label": ("test_workflow.py", "-m", "not shared", "-k", LABEL),
}


def runs() -> Iterator[Any]:
    """Yield server and case; the embedded database, where all of them ran, is PostgreSQL too."""
    for server in each_server():
        for case in CASES if server.id == "mysql" else ("core", "chosen"):
            marks = [*server.marks, *([pytest.mark.soak] if case in ("core", "toy") else [])]
            yield pytest.param(server.values[0], case, id=f"{server.id}-{case}", marks=marks)


@pytest.fixture(scope="module")
def team(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Team]:
    yield from request.param(tmp_path_factory)


@pytest.mark.parametrize(("team", "case"), runs(), indirect=["team"])
def test_it_passes_for_a_user_without_table_rights(team: Team, case: str, tmp_path: Path) -> None:
    asked = [str(ROOT / "tests" / one) if one.endswith(".py") else one for one in CASES[case]]
    with a_schema(team) as schema:
        deploy = "import toy; from bossflow.core import registry; registry.load_all()"
        done = team.python(
            f"{deploy}; from bossflow.core import migrations; migrations.deploy()",
            schema=schema,
        )
        assert done.returncode == 0, done.stderr
        user = f"user_{schema[-12:]}"
        team.grant(user, schema)
        own = [f"{schema}_{name}" for name in ("insert", "keys")]  # schemas that tests make
        if team.environment["DJ_BACKEND"] == "mysql":
            rights = [f"GRANT ALL ON `{name}`.* TO '{user}'@'%'" for name in own]
            rights.append(f"GRANT REFERENCES ON {schema}.execution TO '{user}'@'%'")
        else:
            rights = [f"GRANT CREATE ON DATABASE postgres TO {user}"]
            rights.append(f"GRANT REFERENCES ON {schema}.execution TO {user}")
        assert set(team.query(*rights, schema=schema)) == {"[]"}
        more = ["--soak"] if conftest.SOAK else []
        try:
            done = subprocess.run(
                [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *more]
                + [*asked, "--basetemp", str(tmp_path / "temp")],
                cwd=tmp_path,
                env=team.settings(schema, user),
                capture_output=True,
                text=True,
            )
        finally:
            for name in own:
                team.drop(name)
            team.drop_user(user, schema)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout
    assert "skipped" not in done.stdout
