"""set-up.sh with stand-ins for what it calls: its sentences, and what it does once and twice."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from cloned import ROOT, Clone, refusal
from cloned import clone as clone


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


def test_a_workflow_is_chosen_for_its_images_only(clone: Clone) -> None:
    assert refusal(clone.run("--workflow")) == "--workflow needs a name"
    said = "--workflow says whose images --docker builds: it needs --docker"
    assert refusal(clone.run("--workflow", "label")) == said


def test_second_run_repeats_nothing_slow(clone: Clone) -> None:
    clone.is_set_up()
    done = clone.run()
    assert done.returncode == 0, done.stderr
    assert "Packages: there already\nNextflow: there already\n" in done.stdout
    assert clone.called() == ["bossflow db deploy"]


def test_changed_lock_file_installs_again(clone: Clone) -> None:
    clone.is_set_up()
    with (clone.root / "requirements/look.txt").open("a") as lock:
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


def test_help_shows_every_switch(clone: Clone) -> None:
    done = clone.run("--help")
    assert done.returncode == 0
    switches = ("--docker", "--workflow", "--demo", "--test")
    assert all(switch in done.stdout for switch in switches)
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
