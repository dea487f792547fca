"""Which files of a function's rows and project containers see, as the pipeline finds them."""

import json
import os
from pathlib import Path

import pytest
from conftest import ROOT
from stage import nextflow, said

pytestmark = pytest.mark.nextflow

FINDS = """
include {{ parametersOf }} from '{root}/workflows/kit/parameters'

workflow {{
    def schema = new org.yaml.snakeyaml.Yaml().load(file('{root}/nextflow_schema.json').text)
    def known = parametersOf(schema, 'map')
    def sources = new GroovyShell().parse(new File('{root}/workflows/kit/sources.groovy'))
    def run = [launchDir: file('{launch}'), workDir: file('{launch}/work')]
    def found = {asked}.collect {{ rows, engine ->
        sources.toContainers([rows: rows], known, run + [containerEngine: engine])
        System.getProperty('bossflow.sources').readLines()
    }}
    def values = [arguments: '{{"x": 1, "file": "{far}/deep/a.txt"}}'.replace('It', "it's")]
    sources.toContainers(values, parametersOf(schema, 'apply'), run + [containerEngine: 'docker'])
    found << System.getProperty('bossflow.sources').readLines()
    def images = new GroovyShell().parse(new File('{root}/workflows/kit/images.groovy'))
    def chosen = {images}.collect {{ image, engine ->
        images.chosenBy(image, [containerEngine: engine, profile: engine], ['numpy'])
    }}
    file('found.json').text = groovy.json.JsonOutput.toJson([found, chosen])
}}
"""

DOCKER = """#!/bin/sh
case "$1 $*" in
    image*) echo sha256:"$(printf %064d 1)" ;;
    *lab/bare*) echo "bash: not found"; exit 127 ;;
    *lab/no-ps*) echo "WARNING: slow"; echo "no ps"; exit 1 ;;
    *lab/small*numpy*) echo "no module numpy"; exit 1 ;;
    *lab/old*) echo "a Python that is older than 3.11"; exit 1 ;;
    run*) exit 0 ;;
esac
"""
"""Stands in for an engine that has all images."""

IMAGES = {
    ("lab/good:1", "docker"): None,
    ("lab/any", "apptainer"): None,
    ("lab/good:1", ""): "image needs a profile that runs containers: add -profile docker or",
    (
        "$(touch bad)",
        "docker",
    ): "image $(touch bad) is no name of an image, such as lab/analysis:1.2",
    ("-v", "docker"): "image -v is no name of an image",
    ("lab/bare", "docker"): "image lab/bare has no bash: functions are called where bash, ps and",
    ("lab/small", "docker"): "image lab/small has no module numpy: functions are called where",
    ("lab/no-ps", "docker"): "image lab/no-ps has no ps: functions",
    ("lab/old", "docker"): "image lab/old has a Python that is older than 3.11: functions",
}


def test_containers_see_the_folders_of_files_that_rows_name(tmp_path: Path) -> None:
    """And images that can't be used are refused, before anything runs."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "docker").write_text(DOCKER)
    (tmp_path / "bin" / "docker").chmod(0o755)
    launch, far = tmp_path / "launch", tmp_path / "it's, far"
    for path in (
        launch / "data",
        launch / "work",
        far / "deep",
        *(far / f"{n}" for n in range(70)),
    ):
        path.mkdir(parents=True)
        (path / "a.txt").touch()
    (launch / "ours.py").touch()
    (launch / "b.txt").touch()
    texts = {
        "near.csv": f'x,file\n1,b.txt\nno file,"{far}/deep/a.txt"\n,data/../data/a.txt\n',
        "near.jsonl": f'{{"x": 1, "file": "{far}/deep/a.txt"}}\n\n[1\n3\n{{"file": "a\\u0000"}}\n',
        "many.csv": "file\n" + "".join(f'"{far}/{n}/a.txt"\n' for n in range(70)),
        "none.parquet": "PAR1",
    }
    for name, text in texts.items():
        (launch / name).write_text(text)
    asked = [[name, "docker"] for name in texts] + [["near.csv", "apptainer"]]
    (tmp_path / "main.nf").write_text(
        FINDS.format(
            root=ROOT,
            launch=launch,
            asked=asked,
            images=[[*one] for one in IMAGES],
            far=str(far).replace("it's", "It"),
        )
    )
    path = os.pathsep.join([str(tmp_path / "bin"), os.environ["PATH"]])
    done = nextflow("-q", "run", "main.nf", cwd=tmp_path, env={"PATH": path})
    assert done.returncode == 0, said(done)
    found, chosen = json.loads((tmp_path / "found.json").read_text())
    for (image, _), problem, one in zip(IMAGES, IMAGES.values(), chosen, strict=True):
        assert one.get("image") == (None if problem else image)
        assert one.get("problem", "").startswith(problem or "")
    found = [sorted(one) for one in found]
    near = [str(far / "deep"), str(launch), str(launch / "data")]
    assert found[:4] == [
        sorted([*near, "near.csv"]),
        sorted([str(far / "deep"), str(launch), "near.jsonl"]),
        sorted([str(far), str(launch), "many.csv"]),
        sorted([str(launch), "none.parquet"]),
    ]
    assert found[5] == sorted([str(far / "deep"), str(launch)])
    beside = [str(path) for path in launch.iterdir() if path.name != "work"]
    assert {*found[4]} == {*near, *beside, "near.csv"} - {str(launch)}, "none that hides the work"
