"""The images, the profile docker and set-up.sh --docker, with a real Docker engine and MySQL.

The images are built where they are missing; BASE_IMAGE and MYSQL_IMAGE name stand-ins.
"""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import said
from composed import CUTOUT, ROOT, TOKEN, USER, Team, Watched, archive, pinned_of, run, tags
from composed import clone as clone
from composed import images as images
from composed import place as place
from composed import team as team
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from lab import Lab, Steps
from making import read_level
from packaging.utils import canonicalize_name
from smoothing import check, smoothing
from stage import NO_REPORTS
from voxels.boxes import Box
from wheels import pinned, settings


@pytest.mark.docker
def test_containers_and_mysql_give_what_the_embedded_default_gives(
    team: Team, tmp_path: Path
) -> None:
    lab = Lab(tmp_path / "lab", np.zeros((1, 1, 1)), (0, 0, 0))
    lab.own = {"BOSSDB_TOKEN": TOKEN}
    lines = (ROOT / "params/demo.yml").read_text().splitlines()
    params = dict(line.split(": ", 1) for line in lines if not line.startswith("#"))
    for name in ("connectivity", "min_voxels", "block_shape"):
        params[name] = json.loads(params[name])
    with archive(tmp_path, tmp_path / "home") as host:
        try:
            Steps(lab).run(params | {"bossdb_host": host}).ok()
            request = (lab.directory / "results/requests.csv").read_text().split()[1]
            command = ("components", request.partition(",")[0], "--format", "csv")
            embedded = lab.bossflow(*command)
        finally:
            lab.bossflow("db", "stop")
    assert embedded.count("\n") > 1000
    assert team.components() == embedded


@pytest.mark.docker
def test_down_and_up_loses_nothing(team: Team) -> None:
    before = team.components()
    team.run("docker", "compose", "down")
    team.run("docker", "compose", "up", "--detach", "--wait", "database")
    assert team.components() == before


@pytest.mark.docker
def test_a_second_demo_finds_everything_recorded(team: Team) -> None:
    again = team.run("./set-up.sh", "--docker", "--demo")
    assert "Images: there already" in again
    assert "nothing to compute: " in again


@pytest.mark.docker
def test_results_say_in_which_image_they_were_made(team: Team, images: dict[str, str]) -> None:
    code = "import bossflow; print(*bossflow.Environment().to_arrays('container'))"
    named = team.run("env", f"PYTHONPATH={team.clone}/schema", sys.executable, "-c", code)
    assert set(named.split()) == {images["intern"], images["cc3d"]}


@pytest.mark.docker
def test_no_password_shows(team: Team) -> None:
    """Not to the engine, not to `ps`, not in other files than its own, not in the database."""
    assert "BASH_ENV" in team.seen.inspected and "bossflow/cc3d" in team.seen.processes
    root = {"MYSQL_PWD": team.passwords[0]}
    dump = ("docker", "compose", "exec", "-T", "-e", "MYSQL_PWD", "database", "mysqldump")
    dumped = run(*dump, "--user=root", "bossflow", cwd=team.clone, **team.environment, **root)
    assert "INSERT INTO `run`" in dumped
    for password in team.passwords:
        assert password not in team.said + team.seen.inspected + team.seen.processes + dumped
    holders = {
        path.relative_to(team.clone).as_posix()
        for path in team.clone.rglob("*")
        if path.is_file()
        and any(password.encode() in path.read_bytes() for password in team.passwords)
    }
    assert holders == {".env", ".secrets/database.password"}


@pytest.mark.docker
def test_a_git_url_is_all_that_a_user_needs(team: Team, place: Path) -> None:
    """From an empty directory, as a user without bossflow, with passwords in the environment."""
    user = place / "user"
    empty = user / "an empty directory"
    home = user / "home"
    for directory in (empty, home):
        directory.mkdir(parents=True)
    bare = user / "bossflow.git"
    run("git", "clone", "--quiet", "--bare", team.clone, bare)
    for path in (user, *user.rglob("*")):
        os.chown(path, USER, USER)
    program = Path(str(shutil.which("nextflow"))).parent
    database = json.loads((team.clone / "datajoint.json").read_text())["database"]
    environment = {
        "PATH": f"{program}:/usr/bin:/bin",
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "NXF_OPTS": f"-Duser.home={home}",
        "BOSSDB_TOKEN": TOKEN,
        "DJ_BACKEND": "mysql",
        "DJ_HOST": "127.0.0.1",
        "DJ_PORT": str(database["port"]),
        "DJ_USER": "bossflow",
        "DJ_PASS": team.passwords[1],
    }
    with archive(place, place / "home") as host, Watched() as seen:
        done = subprocess.run(
            ["nextflow", "run", f"file:{bare}", "-r", "v0.1.0", "-profile", "docker"]
            + ["--source", "bossdb://bossflow/demo/segmentation", *CUTOUT]
            + ["--bossdb_host", host, "--archive", "git"]
            + ["--store", str(user / "the user's $(store)")],
            cwd=empty,
            env=environment,
            user=USER,
            group=USER,
            extra_groups=[os.stat("/var/run/docker.sock").st_gid],
            capture_output=True,
            text=True,
            timeout=600,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 complete" in done.stdout
    assert (user / "the user's $(store)/STITCH").is_dir()
    made = [path for path in user.rglob("*") if not path.is_symlink()]
    assert {path.stat().st_uid for path in made} == {USER}
    assert "bossflow/intern" in seen.processes
    text = done.stdout + done.stderr + seen.inspected + seen.processes
    text += "".join(path.read_text(errors="replace") for path in made if path.is_file())
    assert TOKEN not in text
    assert team.passwords[1] not in text


@pytest.mark.docker
def test_volumes_of_a_sample_sheet_are_read_where_they_lie(team: Team, place: Path) -> None:
    """The segmentation that the demo left, in place, at a path that CSV has to quote, twice."""
    volume = (team.clone / "results/requests.csv").read_text().splitlines()[1].split(",")[2]
    there = place / 'a "volume", new'
    shutil.copytree(volume.removeprefix("file://"), there)
    sheet = place / "sheet.csv"
    with sheet.open("w", newline="") as stream:
        header = ["source", "x_range", "y_range", "z_range"]
        rows = [[f"precomputed://{there}", "0:64", "0:64", "0,16"]]
        csv.writer(stream).writerows([header, *rows])
    command = ("nextflow", "run", ".", "-profile", "docker", "--input", sheet)
    assert "1 complete" in team.run(*command, "--outdir", place / "sheet")


@pytest.mark.docker
def test_what_was_made_is_copied_to_a_directory(team: Team, place: Path) -> None:
    """Made in one store, recorded in another: containers see both, and write to the directory."""
    copy = place / "copies" / "of $(touch bad) mine"
    command = ("nextflow", "run", ".", "-profile", "docker", "--workflow", "transfer")
    command += ("--source", "bossflow://demo", "--dest", copy, "--store", place / "another")
    assert "1 complete" in team.run(*command, "--outdir", place / "copied")
    volume = (team.clone / "results/requests.csv").read_text().splitlines()[1].split(",")[2]
    made, start = read_level(volume, 0)
    copied, corner = read_level(str(copy), 0)
    np.testing.assert_array_equal(copied, made[Box.of(corner, copied.shape).slices(start)])
    assert not list(place.rglob("bad"))
    assert "nothing to compute" in team.run(*command, "--outdir", place / "copied")


@pytest.mark.docker
def test_functions_are_called_in_an_image_with_what_their_lock_file_pins(
    team: Team, images: dict[str, str], place: Path
) -> None:
    """The project is where the run starts, the files that rows name are elsewhere."""
    (place / "rows' files").mkdir()
    (place / "rows' files" / "a b.txt").write_text("eleven")
    lab = team.clone / "lab"
    lab.mkdir()
    asked = [*pinned(lab, [place / "rows' files" / "a b.txt"] * 2), "--image", images["intern"]]
    command = ("nextflow", "run", team.clone, "-profile", "docker", *asked, *NO_REPORTS)
    environment = team.environment | settings(lab / "wheels")
    assert "2 CALL_FUNCTION" in run(*command, cwd=lab, **environment)
    found = "sorted(bossflow.FunctionCall().to_arrays('result_json'))"
    code = f"import json, bossflow; print(json.dumps({found}))"
    named = team.run("env", f"PYTHONPATH={team.clone}/schema", sys.executable, "-c", code)
    assert json.loads(named) == [f'[{7 * x},"eleven"]' for x in range(2)]


@pytest.mark.docker
def test_a_function_of_blocks_makes_in_containers_what_it_does_of_the_whole(team: Team) -> None:
    lab = team.clone / "filtered"
    lab.mkdir()
    command = ("nextflow", "run", team.clone, "-profile", "docker", *smoothing(lab), *NO_REPORTS)
    environment = team.environment | settings(lab / "wheels")
    assert "4 APPLY_BLOCK" in run(*command, cwd=lab, **environment)
    check(lab / "results")


@pytest.mark.docker
def test_a_container_never_starts_the_embedded_database(
    team: Team, images: dict[str, str], tmp_path: Path
) -> None:
    mount = ("--volume", f"{tmp_path}:{tmp_path}", "--env", f"BOSSFLOW_HOME={tmp_path}")
    command = ["docker", "run", "--rm", "--user=0", *mount, images["datajoint"], "bossflow"]
    bossflow = (team.clone / ".venv/bin/bossflow", "db")
    home = {"BOSSFLOW_HOME": str(tmp_path)}
    done = subprocess.run([*command, "status"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "start it there with `bossflow db start`" in done.stderr
    assert not list(tmp_path.iterdir())
    try:
        run(*bossflow, "deploy", cwd=tmp_path, **home)
        assert "0 requests" in run(*command, "status")
    finally:
        run(*bossflow, "stop", cwd=tmp_path, **home)


@pytest.mark.docker
@pytest.mark.parametrize("tool_name", tags(ROOT, "--workflow", "label"))
def test_images_hold_no_compiler_and_no_root(images: dict[str, str], tool_name: str) -> None:
    image = images[tool_name]
    (about,) = json.loads(said("docker", "image", "inspect", image))
    assert about["Config"]["User"] == "bossflow"
    assert about["Config"]["Labels"]["org.opencontainers.image.title"] == f"bossflow/{tool_name}"
    assert f"BOSSFLOW_CONTAINER={image}" in about["Config"]["Env"]
    look = "command -v bash && command -v ps && ! command -v gcc && ! command -v pip && id -u"
    assert said("docker", "run", "--rm", image, "bash", "-c", look).split()[-1] != "0"


@pytest.mark.docker
@pytest.mark.parametrize("tool_name", tags(ROOT, "--workflow", "label"))
def test_an_image_says_what_it_is_made_of(images: dict[str, str], tool_name: str) -> None:
    image = images[tool_name]
    (about,) = json.loads(said("docker", "image", "inspect", image))
    path = about["Config"]["Labels"]["bossflow.sbom"]
    text = said("docker", "run", "--rm", image, "cat", path)
    assert not JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    bill = json.loads(text)
    assert bill["metadata"]["component"]["name"] == f"bossflow/{tool_name}"
    parts: dict[str, list[dict[str, Any]]] = {}
    for part in bill["components"]:
        kind = part.get("purl", "own").removeprefix("pkg:").partition("/")[0]
        parts.setdefault(kind, []).append(part)
    installed = {
        (part["bom-ref"].split("/")[0], canonicalize_name(part["name"]), part["version"]): part
        for part in parts["pypi"]
    }
    (python,) = parts["generic"]
    pins = [*pinned_of(tool_name, python["version"])]
    for *key, hashes in pins:
        (digest,) = installed.pop(tuple(key))["hashes"]
        assert digest["alg"] == "SHA-256" and digest["content"] in hashes
    assert len(pins) > 15
    assert not installed, "nothing else"
    assert [part["name"] for part in parts.get("own", [])] == ["bossflow"] * (
        tool_name == "datajoint"
    )
    listed = said(
        "docker", "run", "--rm", image, "dpkg-query", "-W", "-f", "${Package} ${Version}\\n"
    )
    debian = [f"{part['name']} {part['version']}" for part in parts["deb"]]
    assert sorted(debian) == sorted(listed.splitlines())
    places = said("docker", "run", "--rm", image, "ls", "/opt").split()
    assert {*places} <= {"aws", "loops", "venv"}, "what writes it stays out"


@pytest.mark.docker
def test_loops_are_compiled_in_the_images(team: Team, images: dict[str, str]) -> None:
    """And programs of tractography start in theirs, which is built for who names the workflow."""
    team.run("./set-up.sh", "--docker", "--workflow", "tractography")
    tag = tags(team.clone, "--workflow", "tractography")["tractography"]
    command = ("docker", "run", "--rm", "--read-only", "--tmpfs=/tmp", "--user", str(USER))
    command = (*command, "--volume", f"{(programs := team.clone / 'bin')}:{programs}:ro")
    begin = "import os, sys; sys.dont_write_bytecode = True; sys.path.insert(0, sys.argv[1])\n"
    told = "\nprint({sum(f.stats.cache_misses.values()) + (not f.stats.cache_hits) for f in loops})"
    for image, code in {
        images["cc3d"]: "from voxels import decoding as d, kernels as k, windows as w\n"
        "from voxels.detection import compiled as c, filtering as f, taking as t; c.compile_all()\n"
        "from voxels.skeletons import compiled as o, paths as p; o.compile_all(); k.compile_all()\n"
        "loops = k.statistics, k.encode, d._decode, w._mode_of_eight, f.laplacian, t.take, p.draw",
        f"bossflow/tractography:{tag}": "import fit_fodf, merge_tracts, pull_dwi, track_group\n"
        "from subjects import stepping as s; s.compile_all(); loops = (s.follow,)",
    }.items():
        assert run(*command, image, "python", "-c", begin + code + told, programs).strip() == "{0}"


@pytest.mark.docker
def test_nextflow_on_aws_batch_finds_its_command(images: dict[str, str]) -> None:
    for image in (images["intern"], images["cc3d"]):
        assert "aws-cli/" in said("docker", "run", "--rm", image, "aws", "--version")
