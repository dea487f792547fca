"""Images as the source names them: their tags, and which process asks for which."""

import importlib.metadata
import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest
import yaml
from commands import tracked
from composed import ROOT, run, tags
from conftest import WORKFLOWS

SOURCE = ("bin", "conf", "containers", "requirements", "schema", "workflows")
SOURCE += ("LICENSE", "README.md", "main.nf", "pyproject.toml")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a copy of what images are built from and chosen by."""
    for name in tracked(*SOURCE):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def copied_by(image: str) -> set[str]:
    """Return the files of the source that an image's Dockerfile copies, as Docker would."""
    text = (ROOT / "containers" / image / "Dockerfile").read_text().replace("\\\n", " ")
    steps = [line.split()[1:-1] for line in text.splitlines() if line.startswith("COPY ")]
    paths = [path for step in steps if not step[0].startswith("--from=") for path in step]
    assert paths
    for path in paths:
        assert (ROOT / path).exists(), f"{image}: {path}"
    return {*tracked(*paths)}


def test_a_tag_follows_what_its_image_is_built_from(source: Path) -> None:
    before = tags(source)
    assert before == tags(ROOT), "wherever it lies"
    copied = {image: copied_by(image) | {f"containers/{image}/Dockerfile"} for image in before}
    kinds: dict[tuple[str, tuple[str, ...]], str] = {}
    for name in tracked(*SOURCE):
        images = tuple(image for image in before if name in copied[image])
        kinds.setdefault((Path(name).suffix or name, images), name)
    assert len(kinds) > 20
    for (_, images), name in kinds.items():
        with (source / name).open("a") as stream:
            stream.write("\n")
        now = tags(source)
        # the words of README.md change nothing that runs, nor does the licence
        changed = () if name in ("README.md", "LICENSE") else images
        assert {image for image in now if now[image] != before[image]} == {*changed}, name
        before = now
    (source / "schema/bossflow/new.py").touch()
    assert tags(source)["datajoint"] != before["datajoint"]


def test_an_image_is_a_folder_with_a_dockerfile(source: Path) -> None:
    images = {path.parent.name for path in ROOT.glob("containers/*/Dockerfile")}
    for image, tag in tags(source).items():
        assert run(source / "containers/tags", image).strip() == tag
        images.remove(image)
    assert not images
    (source / "containers/words").mkdir()
    (source / "containers/words/Dockerfile").write_text("FROM scratch\nCOPY main.nf /main.nf\n")
    assert tags(source).keys() == {*tags(ROOT), "words"}
    with pytest.raises(AssertionError, match="no image w; there are cc3d, .*, words"):
        run(source / "containers/tags", "w")


def test_docker_compose_builds_each_image(source: Path) -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    built = {name: service for name, service in services.items() if "build" in service}
    assert built.keys() == tags(source).keys()
    for name, service in built.items():
        tag = f"${{{name.upper()}_TAG:-none}}"
        assert service["image"].endswith(f"/}}bossflow/{name}:{tag}")
        assert service["build"]["dockerfile"] == f"containers/{name}/Dockerfile"
        assert service["build"]["args"]["TAG"] == tag
        assert {"BASE_IMAGE", "VERSION", "REVISION"} <= service["build"]["args"].keys()


def test_images_of_a_workflow_are_those_of_its_processes(source: Path) -> None:
    """A workflow is here that takes one process of label's, and one of its own."""
    assert tags(source, "--workflow", "label").keys() == {"cc3d", "datajoint", "intern"}
    (source / "workflows/words.nf").write_text(
        "// No LABEL_BLOCK here.\n"
        "include { PULL_BLOCK as COUNT_WORDS ; COMPUTE as SPELL } from '../modules/task/main'\n"
    )
    lines = source / "conf/processes.config"
    lines.write_text(
        lines.read_text() + "            SPELL = [knows: ['DJ_'], image: 'words', memory: 1]\n"
    )
    (source / "containers/words").mkdir()
    (source / "containers/words/Dockerfile").write_text("FROM scratch\n")
    assert tags(source, "--workflow", "words").keys() == {"datajoint", "intern", "words"}
    both = tags(source, "--workflow", "words", "label")
    assert both.keys() == {"cc3d", "datajoint", "intern", "words"}
    with pytest.raises(
        AssertionError,
        match="there are " + ", ".join([*WORKFLOWS, "words"]),
    ):
        tags(source, "--workflow", "label", "wor.s")


def test_what_compiles_the_loops_needs_no_more_than_the_image_copies(tmp_path: Path) -> None:
    modules = [name for name in copied_by("cc3d") if name.startswith("bin/voxels/")]
    for name in modules:
        place = tmp_path / Path(name).relative_to("bin")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, place)
    code = (
        "from voxels import kernels; from voxels.detection import compiled as searches;"
        "from voxels.skeletons import compiled; import sys;"
        "print(*(m for m in sys.modules if m.startswith('voxels.')))"
    )
    command = (sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, '.'); {code}")
    loaded = run(*command, cwd=tmp_path).split()
    names = {name.removesuffix(".py").replace("/", ".").removeprefix("bin.") for name in modules}
    assert {name.removesuffix(".__init__") for name in names} - {"voxels"} == {*loaded}


@pytest.mark.nextflow
@pytest.mark.parametrize("image", ["intern", "cc3d", "tractography"])
def test_programs_and_archives_start_with_what_their_image_has(image: str) -> None:
    config = (ROOT / "conf/processes.config").read_text()
    programs = [name.lower() for name in re.findall(rf"([A-Z_]+) = \[image: '{image}'", config)]
    assert {"describe", "pull_block", "label_block", "pull_dwi"} & {*programs}
    archives = (
        path.relative_to(ROOT / "bin") for path in (ROOT / "bin/voxels/archives").rglob("*.py")
    )
    names = [str(path.with_suffix("")).replace("/", ".") for path in archives]
    reads = {"intern": names, "cc3d": [name for name in names if "bossdb" not in name]}
    programs += reads.get(image, [])
    lock = (ROOT / "containers" / image / "requirements.txt").read_text()
    there = {_plain(name) for name in re.findall(r"^([\w.-]+)==", lock, re.M)}
    brought = importlib.metadata.packages_distributions()
    absent = [name for name, by in brought.items() if not there & {*map(_plain, by)}]
    assert {"pytest", "datajoint"} <= {*absent}
    code = f"""
import importlib, sys
from importlib.machinery import PathFinder

class Image:
    def find_spec(name, path=None, target=None):
        return None if name in {absent} else PathFinder.find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder):] = [Image]
for name in {programs}:
    importlib.import_module(name)
"""
    run(sys.executable, "-c", code, PYTHONPATH=str(ROOT / "bin"))


def _plain(name: str) -> str:
    return name.replace("_", "-").lower()


@pytest.mark.parametrize("parser", ["v1", "v2"])
def test_nextflow_asks_for_the_images_of_the_source_that_is_here(parser: str) -> None:
    shown = run(
        *("nextflow", "config", "-profile", "docker", "-flat", ROOT), NXF_SYNTAX_PARSER=parser
    )
    images = tags(ROOT)
    for image, tag in images.items():
        assert re.search(rf"{image}( = '|:')bossflow/{image}:{tag}'", shown)
    for program in tracked("bin/*.py"):
        if os.access(ROOT / program, os.X_OK):
            name = Path(program).stem.upper()
            own = rf"\.{name}(\.image = | = \[image:)'({'|'.join(images)})'"
            assert re.search(own, shown), name


ROWS = """
workflow {{
    def jobs = new groovy.json.JsonSlurper().parseText('{jobs}')
    println(groovy.json.JsonOutput.toJson(jobs.collect {{ job ->
        def ext = nextflow.Global.config.process.ext
        [ext.own(job).image, ext.secrets(job)]
    }}))
}}
"""


@pytest.mark.nextflow
@pytest.mark.parametrize("parser", ["v1", "v2"])
def test_a_task_has_the_image_and_rights_of_what_it_runs(tmp_path: Path, parser: str) -> None:
    """By its process, or of COMPARE by its tag; what is not in the table knows nothing."""
    archive = ["BOSSDB_TOKEN", "BOSSFLOW_SOURCE_"]
    expected = {
        ("LABEL:LABEL_BLOCK:TASK", "LABEL_BLOCK-00000 0-8_0-8_0-8"): ["cc3d", archive[1:]],
        ("LABEL:PULL_BLOCK:TASK_M", None): ["intern", archive],
        ("BEGIN:COMPARE", "PULL_BLOCK-00000 LABEL_BLOCK-00000"): ["intern", archive],
        ("BEGIN:COMPARE", None): [None, []],
        ("BEGIN:PLAN_AGAIN", None): ["datajoint", ["DJ_"]],
        ("COMMAND:STAGE_COMMAND", "COMMAND-00000 PULL_BLOCK"): ["cc3d", archive[1:]],
        ("COMMAND:RUN_COMMAND", "0123456789abcdef"): [None, []],
        ("OURS:LABEL:LINK_BLOCK:TASK", ""): ["cc3d", []],
        ("THEIRS:TASK", "PULL_BLOCK-00000"): [None, []],
    }
    jobs = json.dumps([{"process": process, "tag": tag} for process, tag in expected])
    (tmp_path / "main.nf").write_text(ROWS.format(jobs=jobs))
    config = f"includeConfig '{ROOT}/conf/processes.config'\n"
    (tmp_path / "nextflow.config").write_text(config)
    shown = run("nextflow", "-q", "run", "main.nf", cwd=tmp_path, NXF_SYNTAX_PARSER=parser)
    assert json.loads(shown) == list(expected.values())
