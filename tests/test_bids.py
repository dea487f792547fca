"""BIDS Apps from a dataset on disk to what is recorded, a step at a time."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import bossflow
import pytest
from participants import Apps, apps_of, dataset, made, sidecar


@pytest.fixture(scope="module")
def bids(home: Path) -> Any:
    """Return the workflow's module, its tables bound."""
    from bossflow.core import installed
    from bossflow.workflows import bids

    installed.open_schema([bids.workflow])
    return bids


@pytest.fixture
def apps(bids: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Apps:
    return Apps(tmp_path, monkeypatch)


def test_one_bad_participant_stops_itself_alone(bids: Any, apps: Apps, tmp_path: Path) -> None:
    """Of twelve, one has a broken sidecar, one takes too much memory, one leaves nothing."""
    root = dataset(tmp_path / "ds", 12)
    sidecar(root, "03").write_text("{")
    sidecar(root, "05").write_text('{"Fails": "memory"}')
    sidecar(root, "07").write_text('{"Fails": "silent"}')
    first = apps.run(root)
    assert made(first) == {"RUN_APP": 9}
    failures = (bossflow.Run.Failure() & {"run_id": first["plan"]["run_id"]}).to_dicts()
    told = sorted(row["error"] for row in failures if row["failed_process"] == "RUN_APP")
    assert len(told) == 3 and "RUN_APP sub-03 (it failed with exit" in first["verdict"]["missing"]
    assert told[0].startswith("it ended well, but left nothing at outputs/sub-07/func/*_trials")
    assert "it failed with exit code 1; its log ends: " in told[1] and "JSONDecodeError" in told[1]
    assert told[2].startswith("it was killed, as if for taking more than its 2048 MiB")
    assert "1 RUN_GROUP, 1 GATHER_RUNS, whose inputs are missing" in first["summary"]
    tries = (bossflow.Run.Attempt() & {"run_id": first["plan"]["run_id"]}).to_dicts()
    assert Counter(row["exit_code"] for row in tries) == {0: 10, 1: 1, 137: 2}
    for name in ("03", "05", "07"):
        sidecar(root, name).write_text("{}")
    second = apps.run(root)
    assert second["verdict"] == {"missing": None}, second["summary"]
    assert made(second) == {"RUN_APP": 3, "RUN_GROUP": 1, "GATHER_RUNS": 1}
    events = root / "sub-02" / "func" / "sub-02_task-rest_events.tsv"
    events.write_text(events.read_text() + "9.0\t0.5\n")
    third = apps.run(root)
    assert made(third) == {"RUN_APP": 1, "RUN_GROUP": 1, "GATHER_RUNS": 1}
    (row,) = (bids.Derivatives() & {"request_id": third["plan"]["requests"][0]}).to_dicts()
    tree = Path(row["derivatives"].removeprefix("file://")) / "bids_app"
    trials = [line.split("\t") for line in (tree / "group_trials.tsv").read_text().splitlines()]
    assert trials[1:4] == [["sub-01", "1"], ["sub-02", "3"], ["sub-03", "3"]]
    assert len([*tree.glob("sub-*/func/*_trials.json")]) == 12
    assert sum(path.is_file() for path in tree.glob("**/*")) == 2, "the rest are links"
    about = json.loads((tree / "dataset_description.json").read_text())
    assert [one["Name"] for one in about["GeneratedBy"]] == ["bids_app", "bossflow"]
    assert about["DatasetType"] == "derivative" and row["n_derivatives"] == 14
    assert apps.run(root)["plan"]["tasks"] == []


def test_scratch_is_kept_for_a_second_try_and_removed_then(apps: Apps, tmp_path: Path) -> None:
    root = dataset(tmp_path / "ds", 1)
    script = (
        'if [ -e "$1/half" ]; then cp "$1/half" "$2/done.txt"; exit 3; fi; '
        'echo made >"$1/half"; kill -KILL $$'
    )
    asked = {"app": ["bash", "-c", script, "app"], "arguments": ["{work}", "{out}", "{bids}"]}
    alone = {"group_arguments": None, "expected": ["done.txt"], "success_codes": [0, 3]}
    done = apps.run(root, **asked, **alone)
    assert done["verdict"] == {"missing": None}, done["summary"]
    assert [*tmp_path.glob("run1/bossflow-scratch/*/*")] == []
    (run,) = (apps_of(done)).to_dicts()
    assert (run["app_exit_code"], run["app_work_bytes"] > 0, run["n_app_files"]) == (3, True, 1)


def test_an_app_that_cannot_be_started_is_tried_once(apps: Apps, tmp_path: Path) -> None:
    root = dataset(tmp_path / "ds", 3)
    missing = ["bash", "-c", "exec no-such-app {bids}"]
    done = apps.run(root, app=missing, arguments=["{bids}"], group_arguments=None)
    errors = (bossflow.Run.Failure() & {"run_id": done["plan"]["run_id"]}).to_arrays("error")
    stopped = "it was not tried, as the app could not be started for another unit: mend that"
    assert sorted(error.startswith(stopped) for error in errors) == [False, True, True]
    tries = (bossflow.Run.Attempt() & {"run_id": done["plan"]["run_id"]}).to_dicts()
    assert [row["exit_code"] for row in tries] == [127]
    again = apps.run(root, app=missing, arguments=["{bids}"], group_arguments=None)
    tries = (bossflow.Run.Attempt() & {"run_id": again["plan"]["run_id"]}).to_dicts()
    assert [row["exit_code"] for row in tries] == [127], "the next run tries it once more"


def test_a_group_may_be_of_those_that_are_there(bids: Any, apps: Apps, tmp_path: Path) -> None:
    root = dataset(tmp_path / "ds", 4)
    sidecar(root, "02").write_text("{")
    first = apps.run(root, min_participants=3)
    assert made(first) == {"RUN_APP": 3}, "which were none when the run began"
    second = apps.run(root, min_participants=3)
    assert made(second) == {"RUN_GROUP": 1, "GATHER_RUNS": 1}
    assert "1 of 2 requests not complete" in second["verdict"]["missing"]
    whole, some = second["plan"]["requests"]
    assert second["plan"]["names"] == {some: "bids_app 3 of 4"}
    sources = (bids.GroupRun.Source * bids.BidsView & {"request_id": some}).to_dicts()
    assert sorted(row["participant"] for row in sources) == ["01", "03", "04"]
    assert "2 RUN_GROUP" not in apps.run(root, min_participants=4)["plan"]["text"]


def test_sessions_are_runs_of_their_own(bids: Any, apps: Apps, tmp_path: Path) -> None:
    root = dataset(tmp_path / "ds", 2, sessions=2)
    show = 'cp -RL "$1" "$2/view" && mkdir -p "$2/sub-$3/ses-$4" && date >"$2/sub-$3/ses-$4/n.txt"'
    words = ["{bids}", "{out}", "{participant}", "{session}"]
    asked = {"app": ["bash", "-c", show, "app"], "arguments": words, "level": "session"}
    done = apps.run(root, **asked, group_arguments=None, expected=["sub-*/ses-{session}/*.txt"])
    assert done["verdict"] == {"missing": None}, done["summary"]
    (row,) = (bids.Derivatives() & {"request_id": done["plan"]["requests"][0]}).to_dicts()
    tree = Path(row["derivatives"].removeprefix("file://")) / "bash"
    assert [path.is_symlink() for path in sorted(tree.glob("sub-*/ses-*"))] == [True] * 4
    shown = {
        (run["participant"], run["bids_session"]): sorted(
            path.name for path in Path(run["app_outputs"][7:], "view").glob("sub-*/ses-*")
        )
        for run in (apps_of(done) * bids.BidsView).to_dicts()
    }
    assert shown == {(one, two): [f"ses-{two}"] for one in ("01", "02") for two in ("1", "2")}


def test_all_at_once_is_one_run(bids: Any, apps: Apps, tmp_path: Path) -> None:
    root = dataset(tmp_path / "ds", 3)
    asked = {"app": ["bash", "-c", 'ls "$1" >"$2/seen"', "app"], "arguments": ["{bids}", "{out}"]}
    done = apps.run(root, **asked, level="group", group_arguments=None, expected=["seen"])
    (run,) = apps_of(done).to_dicts()
    seen = Path(run["app_outputs"][7:], "seen").read_text().split()
    assert [name for name in seen if name.startswith("sub-")] == ["sub-01", "sub-02", "sub-03"]


def test_five_hundred_participants_are_planned(apps: Apps, tmp_path: Path) -> None:
    """In as many units as there are, each with the files of its own view alone."""
    root = dataset(tmp_path / "ds", 500)
    plan, work_dir = apps.plan(root)
    assert plan["planned"] == {"RUN_APP": 500, "RUN_GROUP": 1, "GATHER_RUNS": 1}
    files = sorted((work_dir / "tasks").glob("RUN_APP-*.jsonl"))
    lines = [json.loads(line) for file in files for line in file.read_text().splitlines()[1:]]
    assert len(lines) == 500
    assert {len(line["settings"]["files"]) for line in lines} == {5}


def test_a_licence_is_handed_on_and_in_no_record(apps: Apps, tmp_path: Path) -> None:
    root, licence = dataset(tmp_path / "ds", 1), tmp_path / "licence.txt"
    licence.write_text("swordfish")
    words = ["{bids}", "{out}", "{licence}"]
    asked = {"app": ["bash", "-c", 'wc -c <"$3" >"$2/n"', "app"], "arguments": words}
    asked |= {"licence_file": str(licence), "group_arguments": None, "expected": ["n"]}
    done = apps.run(root, **asked)
    assert done["verdict"] == {"missing": None}, done["summary"]
    (run,) = apps_of(done).to_dicts()
    assert Path(run["app_outputs"][7:], "n").read_text() == "9\n"
    for file in (path for path in tmp_path.rglob("*") if path.is_file() and path != licence):
        assert b"swordfish" not in file.read_bytes()
    licence.write_text("another one")
    assert apps.plan(root, **asked)[0]["tasks"] == [], "and it decides nothing"


def test_findings_of_the_validator_are_rows(
    bids: Any, apps: Apps, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = dataset(tmp_path / "ds", 1)
    with pytest.raises(ValueError, match="validate needs bids-validator-deno, which is not on"):
        monkeypatch.setenv("PATH", "/nowhere:/usr/bin:/bin")
        apps.plan(root, validate=True)
    issue = {"code": "NO_AUTHORS", "severity": "warning", "location": "/dataset_description.json"}
    wrong = {"code": "BAD", "subCode": "x", "severity": "error", "issueMessage": "a\nb"}
    said = json.dumps({"issues": {"issues": [issue, wrong]}})
    program = tmp_path / "bin" / "bids-validator-deno"
    program.parent.mkdir()
    text = (
        f"#!/bin/sh\n[ $1 = --version ] && echo v 3.0.2 || echo '{said}'\n[ $# = 1 ] || exit 16\n"
    )
    program.write_text(text.replace("\\n", "\\\\n"))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    asked = {"app": ["cp"], "arguments": ["{bids}/participants.tsv", "{out}"], "name": "one"}
    asked |= {"expected": [], "group_arguments": None}
    done = apps.run(root, **asked, validate=True)
    assert done["verdict"] == {"missing": None}, done["summary"]
    assert made(done) == {"VALIDATE_DATASET": 1, "RUN_APP": 1, "GATHER_RUNS": 1}
    assert "one validation  1 error, 1 warning" in done["summary"]
    request = {"request_id": done["plan"]["requests"][1]}
    (found,) = (bids.DatasetFindings() & request).to_dicts()
    assert (found["validator_version"], found["n_bids_errors"]) == ("3.0.2", 1)
    rows = (bids.DatasetFindings.Finding() & request).to_dicts(order_by="finding")
    assert [row["finding_code"] for row in rows] == ["NO_AUTHORS", "BAD"]
    assert rows[1]["finding_message"] == "a b"


def test_files_of_another_file_system_are_links_without_an_image(
    apps: Apps, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is written to by one is noticed too."""
    root = dataset(tmp_path / "ds", 2)
    asked: dict[str, Any] = {"app": ["bash", "-c", WRITES, "app"], "expected": []}
    asked |= {"arguments": ["{bids}", "{out}", "{participant}"], "group_arguments": None}
    monkeypatch.setattr("os.link", lambda *_: (_ for _ in ()).throw(OSError("another device")))
    done = apps.run(root, **asked)
    errors = (bossflow.Run.Failure() & {"run_id": done["plan"]["run_id"]}).to_dicts()
    assert [row["failed_key"]["bids_view"] for row in errors] == ["sub-02"]
    assert errors[0]["error"].startswith("an input changed after it was looked at")


WRITES = """
sleep 0.1; for file in "$1"/sub-*/func/*.json; do [ -L "$file" ] && touch "$2/x"; done
[ "$3" = 01 ] || echo '{ }' >"$1/sub-$3/func/sub-${3}_task-rest_bold.json"
"""
"""An app that writes into its view, of participant 02."""
