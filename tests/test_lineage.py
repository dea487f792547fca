"""`bossflow lineage`: from results back to the boxes of archives, and what depends on them."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kit import bundles, locations
from pipeline import Pipeline, bossflow_says
from pipeline import files as files
from pipeline import pipeline as pipeline
from pipeline import toy as toy
from steps import write_voxels
from test_made_chain import Chain
from voxels.boxes import Box

CUTOUT = Box(3, 23, 5, 22, 2, 24)
LABEL = {"stage": True, "component_of": "foreground", "connectivity": 6, "name": "lab #1 @home"}
LABEL |= {"x_range": [3, 23], "y_range": [5, 22], "z_range": [2, 24], "block_shape": [16, 16, 16]}


class Made:
    """Label, downsample and transfer of it, in one store, and what the bundles there say."""

    def __init__(
        self, directory: Path, monkeypatch: pytest.MonkeyPatch, name: str = str(LABEL["name"])
    ) -> None:
        self.uri = f"zarr://file://{directory}/mask"
        self.mask = (np.random.default_rng(1).random((28, 26, 30)) < 0.3).astype(np.uint8)
        write_voxels(directory / "mask", self.mask)
        chain = Chain(directory, monkeypatch)
        self.store = directory / "store"
        self.label = chain.request(chain.of["label"].label(**LABEL | {"name": name}))
        levels = {"source": f"bossflow://{self.label}", "levels": 2, "factor": "2,2,2"}
        self.levels = chain.request(chain.of["levels"].make(block_shape="12,20,8", **levels))
        copy = {"source": f"bossflow://{self.levels}", "volume_format": "zarr"}
        shapes = {"chunk_shape": "2,2,2", "block_shape": "8,8,8"}
        self.copy = chain.request(chain.of["copy"].make(**copy, **shapes))
        found = [bundles.read(path) for path in locations.every(self.store, "*")]
        self.bundles = {bundle.manifest["unit_id"]: bundle for bundle in found}

    @property
    def pulled(self) -> set[tuple[str, str]]:
        """Return what was pulled, as `boxes` does."""
        every = (bundle.manifest for bundle in self.bundles.values())
        return {(self.uri, one["key"]["block"]) for one in every if one["process"] == "PULL_BLOCK"}

    def execution(self, unit: str) -> str:
        return self.bundles[unit].manifest_sha256[:32]

    def inputs(self, unit: str) -> set[str]:
        return {given["unit_id"] for given in self.bundles[unit].manifest["inputs"]}

    def units(self, **key: str) -> set[str]:
        """Return units by columns of their keys."""
        return {name for name, bundle in self.bundles.items() if key.items() <= bundle.key.items()}

    def closed(self, units: set[str], back: bool = True) -> set[str]:
        """Return the executions of units, with all that these were made of, or that was of them."""
        while True:
            if back:
                more = {given for unit in units for given in self.inputs(unit)}
            else:
                more = {unit for unit in self.bundles if self.inputs(unit) & units}
            if more <= units:
                return {self.execution(unit) for unit in units}
            units = units | more


@pytest.fixture(scope="module")
def made(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield Made(tmp_path_factory.mktemp("lineage"), monkeypatch)


def lineage(what: str) -> dict[str, Any]:
    import bossflow

    told: dict[str, Any] = bossflow.lineage(what)
    assert json.loads(json.dumps(told)) == told
    return told


def affected(what: str) -> dict[str, Any]:
    code, text = bossflow_says("lineage", what, "--of", "--json")
    assert code == 0, text
    told: dict[str, Any] = json.loads(text)
    return told


def boxes(told: dict[str, Any]) -> set[tuple[str, str]]:
    """Return the boxes that a lineage reaches, each with the URI of its channel."""
    reads = [one["reads"] for one in told["executions"].values() if one["reads"]]
    return {(told["channels"][one["channel"]]["uri"], one["box"]) for one in reads}


def test_a_chain_is_followed_as_its_bundles_name_their_inputs(made: Made) -> None:
    for request in (made.label, made.levels, made.copy):
        told = lineage(request)
        units = made.units(request_id=request)
        assert set(told["made_by"]) == {made.execution(unit) for unit in units}
        assert told["executions"].keys() == made.closed(units)
        assert boxes(told) == made.pulled and len(made.pulled) == 8
    assert told["requests"].keys() == {made.label, made.levels, made.copy}
    (channel,) = told["channels"]
    about = told["requests"][made.label]
    assert about["names"] == ["lab #1 @home"] and about["subject"] == [channel, CUTOUT.name]
    for one in told["executions"].values():
        assert one["run"] in told["runs"] and one["environment"] in told["environments"]
        assert all(name in told["parameter_sets"] for name in one["parameter_sets"])
        if one["process"] == "PULL_BLOCK":
            box = Box.parse(one["reads"]["box"])
            voxels = np.ascontiguousarray(made.mask[box.slices((0, 0, 0))])
            assert one["reads"]["voxels_sha256"] == sha256(voxels.tobytes()).hexdigest()


def test_what_would_be_affected_is_what_was_made_of_it(made: Made) -> None:
    told = affected(f"{made.uri}@12,12,20")
    block = made.units(block="3-16_5-16_16-24")
    assert set(told["executions"]) == made.closed(block, back=False)
    assert told["requests"].keys() == {made.label, made.levels, made.copy}
    for what, units in (
        (f"{made.label}@12,12,20", {u for u in block if "request_id" in made.bundles[u].key}),
        (made.copy, made.units(request_id=made.copy)),
    ):
        assert set(affected(what)["executions"]) == made.closed(units, back=False)
    code, text = bossflow_says("lineage", made.copy, "--of")
    assert code == 0 and f"request {made.copy} (transfer)" in text


def test_components_and_voxels_are_followed_through_the_blocks_that_they_meet(made: Made) -> None:
    import bossflow

    rows = (bossflow.Segmentation.Component & {"request_id": made.label}).to_dicts()
    row = max(rows, key=lambda row: row["voxel_count"])
    told = lineage(f"lab #1 @home#{row['component_id']}")
    assert told["kind"] == "component" and told["about"]["voxel_count"] == row["voxel_count"]
    box = Box(*(row[f"bbox_{axis}{end}"] for axis in "xyz" for end in "01"))
    met = {name for _, name in made.pulled if Box.parse(name).meets(box)}
    assert {name for _, name in boxes(told)} == met
    processes = Counter(one["process"] for one in told["executions"].values())
    of_blocks = ("PULL_BLOCK", "LABEL_BLOCK", "LINK_BLOCK", "RELABEL_BLOCK")
    assert processes == {"STITCH": 1} | dict.fromkeys(of_blocks, len(met))

    told = lineage(f"{made.copy}@9,9,9")  # a level's voxel: 18 to 20 of the mask
    processes = Counter(one["process"] for one in told["executions"].values())
    assert boxes(told) < made.pulled and processes["TRANSFER_BLOCK"] == 1
    assert (made.uri, "16-23_16-22_16-24") in boxes(told)
    channel = told["channels"][next(iter(told["channels"]))]
    assert channel["uri"] == made.uri and channel["request"] is None
    level = lineage(f"bossflow://{made.levels}@9,9,9")
    made_by = {level["executions"][name]["process"] for name in level["made_by"]}
    assert made_by == {"DOWNSAMPLE_BLOCK", "TRANSFER_BLOCK"}
    level = lineage(f"bossflow://{made.levels}/pyramid@1@4,4,4")
    assert {level["executions"][name]["process"] for name in level["made_by"]} == {
        "DOWNSAMPLE_BLOCK"
    }
    assert lineage("bossflow://" + made.copy)["kind"] == "request"


def test_of_several_channels_one_is_named_by_its_id(made: Made) -> None:
    import bossflow

    (row,) = (bossflow.Channel & {"uri": made.uri}).to_dicts()
    other = row | {"channel_id": "0" * 16, "resolution": 1}
    bossflow.Channel.insert1(other)
    try:
        with pytest.raises(ValueError, match="names several channels: give the id of one"):
            lineage(f"{made.uri}@12,12,20")
        assert boxes(lineage(f"{row['channel_id']}@12,12,20")) == {(made.uri, "3-16_5-16_16-24")}
    finally:
        (bossflow.Channel & {"channel_id": other["channel_id"]}).delete_quick()


def test_a_file_is_followed_to_the_unit_that_wrote_it(made: Made) -> None:
    seen: Counter[str] = Counter()
    for unit, bundle in made.bundles.items():
        execution = made.execution(unit)
        listed = [made.store / one["path"] for one in bundle.manifest["files"]]
        some = [bundle.directory, bundle.directory / "bundle.json", *listed[:1]]
        if bundle.manifest["process"] not in seen:
            for path in some:
                assert lineage(str(path))["made_by"] == [execution], path
            assert lineage(execution)["made_by"] == [execution]
        seen[bundle.manifest["process"]] += 1
    assert len(seen) == 9
    link = made.store.parent / "link"
    link.symlink_to(listed[0])
    assert lineage(str(link))["made_by"] == lineage(listed[0].as_uri())["made_by"] == [execution]
    stray = bundle.directory / "stray"
    stray.touch()
    with pytest.raises(ValueError, match="no recorded bundle there lists"):
        lineage(str(stray))
    stray.unlink()


def test_what_has_no_blocks_is_followed_too(pipeline: Pipeline, files: list[Path]) -> None:
    ran = pipeline.run(files)
    (request,) = ran["plan"]["requests"]
    told = lineage(request)
    (total,) = told["made_by"]
    processes = Counter(one["process"] for one in told["executions"].values())
    assert processes == {"ADD_WORDS": 1, "COUNT_WORDS": len(files)}
    assert set(told["executions"][total]["made_of"]) == told["executions"].keys() - {total}
    assert not boxes(told) and not told["channels"]
    assert told["requests"][request]["subject"][0].keys() == {str(path) for path in files}
    code, text = bossflow_says("lineage", request)
    assert code == 0 and "COUNT_WORDS: 2 more; --json has all" in text
    count = told["executions"][total]["made_of"][0]
    assert set(affected(count)["executions"]) == {count, total}
    code, text = bossflow_says("lineage", f"{request}@1,1,1")
    assert code == 1 and "has no recorded block in 1-2_1-2_1-2" in text


def test_it_is_shown_as_a_tree_and_as_a_diagram(made: Made) -> None:
    code, text = bossflow_says("lineage", f"{made.label}@12,12,20")
    assert code == 0 and text.startswith(f"box {made.label}@12,12,20")
    for words in (made.uri, "box 3-16_5-16_16-24", "voxels sha256", "label_block 2", "pyarrow"):
        assert words.replace(" ", "") in re.sub(r"[\s│]", "", text), words  # wherever it is wrapped
    code, text = bossflow_says("lineage", made.label)
    assert code == 0 and "RELABEL_BLOCK: 5 more; --json has all" in text
    code, text = bossflow_says("lineage", made.copy, "--mermaid")
    told = lineage(made.copy)
    assert code == 0 and text.startswith("flowchart LR\n")
    lines = set(map(str.strip, text.splitlines()))
    for name, one in told["executions"].items():
        assert {f"e{other} --> e{name}" for other in one["made_of"]} <= lines
    number = sum(len(one["made_of"]) + bool(one["reads"]) for one in told["executions"].values())
    assert text.count(" --> ") == number + len(told["made_by"])


def test_it_is_drawn_with_all_units_or_the_first_ones(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bossflow.look import diagram

    told = lineage(made.copy)
    executions = told["executions"].values()
    number = sum(len(one["made_of"]) + bool(one["reads"]) for one in executions)
    boxes_read = {
        (one["reads"]["channel"], one["reads"]["box"]) for one in executions if one["reads"]
    }
    code, html = bossflow_says("lineage", made.copy, "--html")
    assert code == 0, html
    assert "and 4 more" in html and all(one["process"] in html for one in executions)
    assert html.count("<path") < number and "lab #1 @home" in html
    monkeypatch.setattr(diagram, "SHOWN", 1000)
    _, html = bossflow_says("lineage", made.copy, "--html")
    assert html.count("<rect") == len(executions) + len(boxes_read) + 1
    assert html.count("<path") == number + len(told["made_by"])
    for words in (
        ("--html", "--of"),
        ("--html", "--json"),
        ("--to", "x"),
        ("--html", "--to", "/no/x"),
    ):
        code, said = bossflow_says("lineage", made.copy, *words)
        assert code == 2 and "Error: --" in said


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("", "names nothing: give a request"),
        ("nobody", "no request has an id starting with 'nobody', or that name"),
        ("LABEL#0", "has no component 0 in the database: it lists 1 to"),
        ("LABEL#x", "names nothing: give a request"),
        ("COPY#1", "has no components: they are of segmentations"),
        ("LABEL@1,2", "names nothing: give a request"),
        ("LABEL@0,0,0", "has no recorded block in 0-1_0-1_0-1: coordinates are voxels of the"),
        ("LABEL@5-5_0-1_0-1", "box 5-5_0-1_0-1 is empty"),
        ("URI@0,0,0", "nothing that is recorded was made of 0-1_0-1_0-1"),
        ("bossdb://a/b/c@0,0,0", "no channel is known as bossdb://a/b/c"),
        ("bossdb://a/b/c", "of a channel, name a voxel or box: bossdb://a/b/c@x,y,z"),
        ("bossflow:///x@1,1,1", "is malformed: write bossflow://REQUEST"),
        ("bossflow://LABEL@9@1,1,1", "no channel is known as bossflow://"),
        ("0" * 32, "no execution has the id"),
        ("/etc/passwd", "is in no bundle of a store"),
    ],
)
def test_what_names_nothing_is_refused_in_a_sentence(made: Made, what: str, said: str) -> None:
    for name, value in (("LABEL", made.label), ("COPY", made.copy), ("URI", made.uri)):
        what = what.replace(name, value)
    for more in ((), ("--of",)):
        code, text = bossflow_says("lineage", what, *more)
        assert code == 1 and said in text and text.count("\n") == 1, text
