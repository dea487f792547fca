"""Images as the source names them: their tags, and which process asks for which."""

import os
import re
import shutil
from pathlib import Path

import pytest
from commands import tracked
from composed import ROOT, run, tags


def test_a_tag_follows_what_its_image_is_built_from(tmp_path: Path) -> None:
    for name in tracked("containers", "requirements", "bin", "schema", "pyproject.toml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    before = tags(tmp_path)
    assert before == tags(ROOT), "wherever it lies"
    for name, changed in {
        "bin/voxels/boxes.py": {"cc3d", "datajoint"},
        "bin/label_block.py": set(),
        "containers/intern/Dockerfile": {"intern"},
        "requirements/build.txt": {"intern", "cc3d", "datajoint"},
        "schema/bossflow/bundle.schema.json": {"datajoint"},
    }.items():
        with (tmp_path / name).open("a") as stream:
            stream.write("\n")
        now = tags(tmp_path)
        assert {image for image in now if now[image] != before[image]} == changed, name
        before = now
    (tmp_path / "schema/bossflow/new.py").touch()
    assert tags(tmp_path)["datajoint"] != before["datajoint"]


@pytest.mark.nextflow
@pytest.mark.parametrize("parser", ["v1", "v2"])
def test_nextflow_asks_for_the_images_of_the_source_that_is_here(parser: str) -> None:
    shown = run(
        *("nextflow", "config", "-profile", "docker", "-flat", ROOT), NXF_SYNTAX_PARSER=parser
    )
    for image, tag in tags(ROOT).items():
        assert re.search(rf"{image}( = '|:')bossflow/{image}:{tag}'", shown)
    for program in tracked("bin/*.py"):
        if os.access(ROOT / program, os.X_OK):
            name = Path(program).stem.upper()
            own = rf"\.{name}(\.image = | = \[image:)'(intern|cc3d|datajoint)'"
            assert re.search(own, shown), name
