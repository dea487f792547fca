"""What containers see: files with settings of sources, and volumes where they lie."""

import csv
import functools
import http.server
import itertools
import json
import os
import shlex
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from conftest import ROOT
from stage import OF_SOURCES, Stage, said
from stage import stage as stage
from voxels.archives import archive_of

pytestmark = pytest.mark.nextflow


@pytest.mark.parametrize("engine", ["docker", "apptainer"], ids=["Docker", "Apptainer"])
def test_a_container_gets_what_sources_need_in_a_file_if_it_reads_them(
    tmp_path: Path, engine: str
) -> None:
    """The engine is stood in for: it notes what it was told, and the file."""
    (tmp_path / engine).write_text(f"""#!/bin/bash
        {{ echo "$@"; export -p; }} >> {tmp_path}/told
        for word in "$@"; do case $word in *,target=/run/bossflow)
            word=${{word#*source=}}; cat "${{word%%,*}}/environment" ;; esac; done
    """)
    (tmp_path / engine).chmod(0o755)
    run = "docker run -e %s bossflow/%s:0123 true"
    if engine == "apptainer":
        run = (
            'env - PATH="$PATH" APPTAINERENV_%s=swordfish apptainer exec bossflow-%s-0123.img true'
        )
    read = {}
    for known in ("BOSSDB_TOKEN BOSSFLOW_SOURCE_", "", "DJ_"):
        start = f"source {ROOT}/conf/containers.sh '{known}' {tmp_path} ''\n"
        task = start + run % (OF_SOURCES, "any")
        done = subprocess.run(
            ["bash", "-ec", task],
            env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path)}
            | {OF_SOURCES: "swordfish", "BOSSFLOW_SOURCE_AWS_ENDPOINT_URL": "http://minio"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        read[known] = done.stdout.count("swordfish"), done.stdout.count("http://minio")
    assert read == {"BOSSDB_TOKEN BOSSFLOW_SOURCE_": (1, 1), "": (0, 0), "DJ_": (0, 0)}
    assert "swordfish" not in (tmp_path / "told").read_text()


def test_a_process_in_no_container_loses_what_it_may_not_know(tmp_path: Path) -> None:
    kept = {}
    for known in ("", "DJ_"):
        done = subprocess.run(
            ["bash", "-ec", f"source {ROOT}/conf/containers.sh '{known}' {tmp_path} ''; export -p"],
            env={"BOSSDB_TOKEN": "a token", OF_SOURCES: "a key", "DJ_PASS": "a password"},
            capture_output=True,
            text=True,
            check=True,
        )
        kept[known] = [word for word in ("token", "key", "password") if word in done.stdout]
    assert kept == {"": [], "DJ_": ["password"]}


# Sources, and where they are below a directory: what they are called says nothing else.
NAMED = {
    'zarr://{}/a "volume", new': 'a "volume", new',
    "n5://file://{}/it's 50%25:\\n $(touch bad)": "it's 50%25:\\n $(touch bad)",
    "precomputed://{}/gone/../b//c/": "b/c",
    "precomputed://~/d": "launch/~/d",
    "zarr://{}/linked": "e",
    "hdf5://{}/a#/$(touch bad).h5#/b c": "a#/$(touch bad).h5",
    "webknossos://{}/f # set#a layer": "f # set",
}


def volumes_below(directory: Path) -> list[str]:
    """Make the volumes; return the sources."""
    for path in NAMED.values():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).touch() if path.endswith(".h5") else (directory / path).mkdir()
    (directory / "gone").mkdir()
    (directory / "linked").symlink_to("e")
    return [source.format(directory) for source in NAMED]


def mounted(words: list[str], readonly: bool = True) -> dict[str, str]:
    """Return what an engine was told to mount, if not all of it to read: target to source."""
    found = {}
    for option, word in itertools.pairwise(words):
        if option == "--mount":
            (cells,) = csv.reader([word], strict=True)
            given = dict(cell.partition("=")[::2] for cell in cells)
            assert given["target"] not in found and given["type"] == "bind"
            if readonly or "readonly" not in given:
                found[given["target"]] = given["source"]
    return found


@pytest.mark.parametrize("engine", ["docker", "apptainer"], ids=["Docker", "Apptainer"])
def test_a_container_sees_volumes_where_describe_finds_them(tmp_path: Path, engine: str) -> None:
    sources = volumes_below(tmp_path)
    (tmp_path / "e f").mkdir()
    sources.append(f"zarr://{(tmp_path / 'e f').as_uri()}")
    launch = tmp_path / "launch"
    (tmp_path / engine).write_text("#!/bin/bash\nprintf '%s\\0' \"$@\"\n")
    (tmp_path / engine).chmod(0o755)
    home = tmp_path / "home"
    (home / ".aws").mkdir(parents=True)
    run = {
        "docker": "docker run bossflow/cc3d:0123 true",
        "apptainer": "env - PATH=/bin apptainer exec bossflow-cc3d-0123.img true",
    }[engine].replace("PATH=/bin", 'PATH="$PATH"')
    atlas = tmp_path / "an atlas, $(touch bad).csv"
    atlas.touch()
    more = ["zarr://s3://bucket/x", "n5://https://host/x", "zarr:///nowhere", str(atlas)]
    words = [f"{ROOT}/conf/containers.sh", "", str(launch), "", *sources, *more]
    done = subprocess.run(
        ["bash", "-ec", f"source {shlex.join(words)}\n{run}"],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    found = mounted(done.stdout.split("\0"))
    for source in sources:
        real = archive_of(source).canonical(source, str(launch)).partition("file://")[2]
        real = real.removesuffix("#/b c").removesuffix("#a layer")
        assert found.get(real) == real or engine == "docker" and real.startswith(f"{launch}/")
    assert found[f"{tmp_path}/linked"] == f"{tmp_path}/e"
    assert found[str(atlas)] == str(atlas)
    assert found[f"{home}/.aws"] == f"{home}/.aws"
    known = {
        f"{home}/.aws",
        f"{home}/.bossflow",
        f"{tmp_path}/linked",
        f"{tmp_path}/e f",
        str(atlas),
        str(launch),
    }
    places = {target for target in found if target.startswith(f"{tmp_path}/")}
    assert places - known <= {f"{tmp_path}/{path}" for path in NAMED.values()}
    assert not list(tmp_path.rglob("bad"))


@pytest.mark.parametrize("engine", ["docker", "apptainer"], ids=["Docker", "Apptainer"])
def test_a_container_writes_to_destinations_and_sees_stores_of_volumes_made_here(
    tmp_path: Path, engine: str
) -> None:
    """The engine is stood in for. What only reads sees of a destination what there is."""
    (tmp_path / engine).write_text("#!/bin/bash\nprintf '%s\\0' \"$@\"\n")
    (tmp_path / engine).chmod(0o755)
    launch, home = tmp_path / "launch", tmp_path / "home"
    for path in (home / ".bossflow", tmp_path / "a store", tmp_path / "real", launch):
        path.mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")
    (home / ".bossflow" / "stores").write_text(f"{tmp_path}/a store\n{tmp_path}/gone\n")
    run = "docker run x" if engine == "docker" else 'env - PATH="$PATH" apptainer exec x'
    dests = ["it's $(touch bad)", f"file://{tmp_path}/b%20c", f"{tmp_path}/link/d", "s3://lab/e"]
    made = [launch / dests[0], tmp_path / "b c", tmp_path / "real/d", tmp_path / "link/d"]
    for writes in (False, True):
        given = [f"dest:{one}" for one in dests] * writes + dests + ["bossflow://x"] * writes
        words = [f"{ROOT}/conf/containers.sh", "", str(launch), "", *given]
        done = subprocess.run(
            ["bash", "-ec", f"source {shlex.join(words)}\n{run}"],
            env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(home)},
            capture_output=True,
            text=True,
            check=True,
        )
        told = done.stdout.split("\0")
        assert (str(tmp_path / "a store") in mounted(told)) is writes
        assert all(path.is_dir() for path in made) is writes
        if writes:
            written = {f"{place}" for place in made} & mounted(told, readonly=False).keys()
            assert written == {f"{place}" for place in made}
            assert mounted(told)[f"{tmp_path}/link/d"] == f"{tmp_path}/real/d"
    assert not list(tmp_path.rglob("bad"))


def test_volumes_of_a_sheet_are_mounted_into_every_container(stage: Stage, tmp_path: Path) -> None:
    """From an address. The engine is stood in for: it notes what it was told, and does it here."""
    sources = volumes_below(tmp_path)
    with (tmp_path / "sheet.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["x_range", "source"], *(["0,5", one] for one in sources)])
    engine, told = tmp_path / "programs" / "docker", tmp_path / "told"
    engine.parent.mkdir()
    engine.write_text(f"""#!{sys.executable}
import json, os, sys
if sys.argv[1] == "run":
    with open({str(told)!r}, "a") as stream:
        print(json.dumps(sys.argv), file=stream)
    at = next(at for at, word in enumerate(sys.argv) if word.startswith("bossflow/"))
    os.execvp(sys.argv[at + 1], sys.argv[at + 1:])
""")
    engine.chmod(0o755)
    packages = [f"bin/{name}" for name in ("functions", "kit", "voxels")]
    stage.add(*packages, "schema", "requirements", "pyproject.toml")  # for the tags
    path = os.pathsep.join([str(engine.parent), os.environ["PATH"]])
    serve = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/sheet.csv"
        run = stage.run("--input", address, "-profile", "docker", env={"PATH": path})
        server.shutdown()
    assert run.returncode == 0, said(run)
    assert stage.journal[0]["sheet"] == [(tmp_path / "sheet.csv").read_text()]
    lines = [json.loads(line) for line in told.read_text().splitlines()]
    assert len(lines) == len(stage.programs) == 2
    for words in lines:
        found = mounted(words)
        for source, place in NAMED.items():
            there = f"{tmp_path}/{place}"
            assert found.get(there, "") == ("" if source.endswith("~/d") else there)
    assert not list(tmp_path.rglob("bad"))

    # paths that other workflows read, as URLs of files
    (stage.launch / "tool.sif").touch()
    words = ["--workflow", "command", "--image", "tool.sif", "--engine", "apptainer"]
    words += ["--command", "x", "--inputs", f"file://{tmp_path}/sheet.csv", "-profile", "docker"]
    told.unlink()
    run = stage.run(*words, env={"PATH": path})
    assert run.returncode == 0, said(run)
    for line in told.read_text().splitlines():
        assert f"{tmp_path}/sheet.csv" in mounted(json.loads(line))
