"""`bossflow export`: what others' tools read of it is what was made, and how it was made."""

import json
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bossflow
import crates
import numpy as np
import pytest
from making import read_level
from pipeline import Pipeline, bossflow_says
from pipeline import files as files
from pipeline import pipeline as pipeline
from pipeline import toy as toy
from prov.model import ProvDocument
from test_lineage import Made, lineage


@pytest.fixture(scope="module")
def made(
    request: pytest.FixtureRequest, home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Made]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield Made(tmp_path_factory.mktemp("export"), monkeypatch, f"a b {request.module.__name__}")


Entities = dict[str, dict[str, Any]]


def export(what: str, form: str, to: Path, *more: str) -> dict[str, Any]:
    code, text = bossflow_says("export", what, "--format", form, "--to", str(to), "--json", *more)
    assert code == 0, text
    told: dict[str, Any] = json.loads(text)
    assert told["files"] == sorted(path.name for path in to.iterdir())
    return told


def entities(crate: Path) -> Entities:
    graph = json.loads((crate / "ro-crate-metadata.json").read_text())["@graph"]
    found = {one["@id"]: one for one in graph}
    assert len(found) == len(graph)
    return found


def ids(value: Any) -> list[str]:
    return [one["@id"] for one in (value if isinstance(value, list) else [value])]


def without_tool_or_step(told: dict[str, Any], found: Entities) -> list[str]:
    """Return the recorded units that have no tool with a version, or no step."""
    steps = defaultdict(list)
    for one in found.values():
        if one["@type"] == "ControlAction":
            steps[one["object"]["@id"]] += ids(one["instrument"])
    organized = {
        name
        for one in found.values()
        if one["@type"] == "OrganizeAction"
        for name in ids(one["object"])
    }
    left = []
    for name, one in told["executions"].items():
        action = found.get(f"#unit/{name}", {"instrument": {"@id": ""}})
        tool = found.get(action["instrument"]["@id"], {})
        whole = tool.get("softwareVersion") and tool["name"] == one["process"].lower()
        step = [found[step]["name"] for step in steps[f"#unit/{name}"]]
        if not whole or step != [one["process"]] or f"#control/{name}" not in organized:
            left.append(name)
    return left


def test_a_crate_passes_the_validator_and_has_every_unit(made: Made, tmp_path: Path) -> None:
    export(made.copy, "ro-crate", tmp_path / "crate")
    assert not crates.problems(tmp_path / "crate", tmp_path / "cache")
    told, found = lineage(made.copy), entities(tmp_path / "crate")
    assert len(told["executions"]) > 40 and not without_tool_or_step(told, found)
    for name, one in told["executions"].items():
        action = found[f"#unit/{name}"]
        output = found[action["result"]["@id"]]
        assert output["@id"] == one["bundle"] + "/" and output["contentSize"] == str(one["bytes"])
        assert output["sha256"] == one["content_sha256"]
        inputs = ids(action["object"])
        assert {told["executions"][other]["bundle"] + "/" for other in one["made_of"]} <= {*inputs}
        assert len(inputs) == len(one["made_of"]) + bool(one["reads"]) + len(one["parameter_sets"])
        if one["reads"]:
            boxes = [found[name] for name in inputs if "&box=" in name]
            assert [box["sha256"] for box in boxes] == [one["reads"]["voxels_sha256"]]
    assert all(" " not in name and name.isascii() for name in found)

    del found[f"#control/{told['made_by'][0]}"]
    assert without_tool_or_step(told, found) == told["made_by"][:1]


def test_a_crate_with_a_flaw_is_refused_by_the_validator(made: Made, tmp_path: Path) -> None:
    export(made.label, "ro-crate", tmp_path / "crate")
    path = tmp_path / "crate" / "ro-crate-metadata.json"
    whole = json.loads(path.read_text())
    for one in whole["@graph"]:
        if one["@type"] == "ControlAction":
            del one["instrument"]
            break
    path.write_text(json.dumps(whole))
    assert crates.problems(tmp_path / "crate", tmp_path / "cache")


def test_images_and_any_name_are_valid_too(made: Made, tmp_path: Path) -> None:
    from bossflow.share import crate, files

    told = lineage(made.label)
    digest = "0f" * 32
    (environment,) = told["environments"].values()
    environment["container"] = f"ghcr.io/lab/bossflow:0.1@sha256:{digest}"
    for one in told["runs"].values():
        one["user"] = "zoë <é> #1"
    for one in told["channels"].values():
        one["uri"] = "zarr://file:///tmp/a b#c/50%/ü"
    for name in ("main.nf", "README.md"):
        (tmp_path / name).write_text("text")
    described = [files.of(tmp_path, name) for name in ("main.nf", "README.md")]
    about = crate.About(made.label, "a title", "more", "CC0-1.0", described)
    crate.write(told, about, tmp_path / "ro-crate-metadata.json")
    assert not crates.problems(tmp_path, tmp_path / "cache")
    found = entities(tmp_path)
    assert not without_tool_or_step(told, found)
    assert all(name.isascii() and " " not in name for name in found)
    (image,) = (one for one in found.values() if one["@type"] == "ContainerImage")
    assert (image["registry"], image["name"]) == ("ghcr.io", "lab/bossflow")
    assert (image["tag"], image["sha256"]) == ("0.1", digest)
    actions = [one for one in found.values() if "containerImage" in one]
    assert {ids(one["containerImage"])[0] for one in actions} == {image["@id"]}
    assert sum(one["@type"] == "CreateAction" for one in actions) == len(told["executions"])


def test_a_killed_export_leaves_no_half_result(made: Made, tmp_path: Path) -> None:
    program = """
import os, signal, sys
import bossflow
from bossflow.share import packed

packed.crate.write = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
bossflow.export(sys.argv[1], "ro-crate", sys.argv[2], with_data=True)
"""
    to = tmp_path / "crate"
    done = subprocess.run([sys.executable, "-c", program, made.label, str(to)])
    assert done.returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    ends = program.replace("SIGKILL", "SIGTERM").replace("bossflow.export", "#")
    ends += "from bossflow.command.main import main; main()"
    command = [sys.executable, "-c", ends, "export", made.label, "--format", "ro-crate", "--to"]
    assert subprocess.run([*command, str(to)]).returncode == 128 + signal.SIGTERM
    assert [*tmp_path.iterdir()] == [left]
    assert left.name.startswith(".crate-") and left.name.endswith(".part")
    export(made.label, "ro-crate", to)


def test_a_crate_takes_the_files_along(made: Made, tmp_path: Path) -> None:
    export(made.label, "ro-crate", tmp_path / "crate", "--with-data", "--licence", "CC0-1.0")
    found = entities(tmp_path / "crate")
    assert found["./"]["license"] == "CC0-1.0"
    files = {
        path.relative_to(tmp_path / "crate")
        for path in (tmp_path / "crate").rglob("*")
        if path.is_file()
    }
    assert {Path(name) for name, one in found.items() if "File" in one["@type"]} | {
        Path("ro-crate-metadata.json")
    } == files
    bundle = next(b for b in made.bundles.values() if b.manifest["process"] == "STITCH")
    inside = bundle.directory.relative_to(made.store)
    copied = tmp_path / "crate" / "data" / inside / "segmentation"
    for own, other in zip(
        read_level(str(copied), 0), read_level(f"{bundle.directory}/segmentation", 0), strict=True
    ):
        np.testing.assert_array_equal(own, other)


def test_prov_goes_through_its_library_and_comes_back(made: Made, tmp_path: Path) -> None:
    export(made.copy, "prov", tmp_path / "prov")
    text = (tmp_path / "prov" / "prov.json").read_text()
    document = ProvDocument.deserialize(content=text, format="json")
    again = ProvDocument.deserialize(content=document.serialize(format="json"), format="json")
    told, number = json.loads(text), len(list(document.get_records()))
    assert document == again
    assert number == sum(len(some) for kind, some in told.items() if kind != "prefix")
    derived = defaultdict(set)
    for one in told["wasDerivedFrom"].values():
        derived[one["prov:generatedEntity"]].add(one["prov:usedEntity"])
    for name, one in lineage(made.copy)["executions"].items():
        used = {f"output:{other}" for other in one["made_of"]}
        if read := one["reads"]:
            used.add(f"box:{read['channel']}-{read['box']}")
        assert derived[f"output:{name}"] == used


@pytest.mark.parametrize(
    ("what", "more", "said"),
    [
        ("nobody", ("--format", "prov"), "no request has an id starting with 'nobody'"),
        ("LABEL", ("--format", "prov", "--with-data"), "--with-data goes with --format ro-crate"),
        ("LABEL", ("--format", "npy", "--volume", "mesh"), "makes no volume 'mesh': it makes "),
        ("LABEL", ("--format", "prov", "--level", "1"), "--level goes with --format tiff or npy"),
        ("LABEL", ("--format", "npy", "--segment", "1"), "--segment goes with --format ply, obj, "),
        ("LABEL", ("--format", "ply"), "--format ply writes the mesh of one segment: say which"),
    ],
)
def test_what_can_not_be_written_is_refused(
    made: Made, tmp_path: Path, what: str, more: tuple[str, ...], said: str
) -> None:
    to = tmp_path / "to"
    code, text = bossflow_says("export", what.replace("LABEL", made.label), *more, "--to", str(to))
    assert code and said in text and not any(tmp_path.iterdir()), text


def test_what_is_there_is_kept(made: Made, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    (tmp_path / "file").touch()
    for to, said in (
        ("full", "is not empty"),
        ("file", "is no directory"),
        ("no/x", "there is no"),
        (f"{made.store}/x", "which holds what is recorded and nothing else"),
    ):
        code, text = bossflow_says(
            "export", made.label, "--format", "prov", "--to", str(tmp_path / to)
        )
        assert code == 1 and said in text, text
    assert (tmp_path / "full" / "mine").exists()
    (tmp_path / "empty").mkdir()
    export(made.label, "prov", tmp_path / "empty")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "file", "full"]


def test_what_fails_leaves_nothing(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bossflow.share import packed

    monkeypatch.setattr(packed.crate, "write", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        bossflow.export(made.label, "ro-crate", tmp_path / "crate", with_data=True)
    assert not any(tmp_path.iterdir())
    bundle = next(b for b in made.bundles.values() if b.manifest["process"] == "RELABEL_BLOCK")
    chunk = made.store / bundle.manifest["files"][0]["path"]
    whole = chunk.read_bytes()
    chunk.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    try:
        for form, more in (("ro-crate", {"with_data": True}), ("ome-zarr", {}), ("npy", {})):
            with pytest.raises(ValueError, match=f"{chunk.name} is not what its bundle says"):
                bossflow.export(made.label, form, tmp_path / "there", **more)
        chunk.unlink()
        with pytest.raises(ValueError, match=f"{chunk.name} is not what its bundle says"):
            bossflow.export(made.label, "ome-zarr", tmp_path / "there")
    finally:
        chunk.write_bytes(whole)
    assert not any(tmp_path.iterdir())


def test_what_is_away_is_said(made: Made, tmp_path: Path) -> None:
    away = made.store.rename(made.store.with_name("elsewhere"))
    try:
        for more in (("--format", "ro-crate", "--with-data"), ("--format", "npy")):
            code, text = bossflow_says("export", made.label, *more, "--to", f"{tmp_path}/to")
            assert code == 1 and "is away" in text and text.count("\n") == 1, text
        export(made.label, "ro-crate", tmp_path / "crate")
    finally:
        away.rename(made.store)
    assert [path.name for path in tmp_path.iterdir()] == ["crate"]


def test_what_reads_no_volume_is_taken_along_too(
    pipeline: Pipeline, files: list[Path], tmp_path: Path
) -> None:
    (request,) = pipeline.run(files)["plan"]["requests"]
    export(request, "ro-crate", tmp_path / "crate", "--with-data")
    found, told = entities(tmp_path / "crate"), lineage(request)
    assert not without_tool_or_step(told, found)
    (run,) = told["runs"]
    assert f"#subject/{request}" in ids(found[f"#run/{run}"]["object"])
    subject = json.loads(found[f"#subject/{request}"]["value"])
    assert subject[0].keys() == {str(path) for path in files}
    code, text = bossflow_says("export", request, "--format", "npy", "--to", str(tmp_path / "npy"))
    assert code == 1 and "makes no volume" in text, text
