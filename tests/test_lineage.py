"""`bossflow lineage`: from results back to the boxes of archives, and what depends on them."""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kit import bundles, locations
from pipeline import bossflow_says
from steps import write_voxels
from test_made_chain import Chain
from voxels.boxes import Box

CUTOUT = Box(3, 23, 5, 22, 2, 24)
LABEL = {"stage": True, "component_of": "foreground", "connectivity": 6, "name": "lab #1 @home"}
LABEL |= {"x_range": [3, 23], "y_range": [5, 22], "z_range": [2, 24], "block_shape": [16, 16, 16]}


class Made:
    """Label, downsample and transfer of it, in one store, and what the bundles there say."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.uri = f"zarr://file://{directory}/mask"
        self.mask = (np.random.default_rng(1).random((28, 26, 30)) < 0.3).astype(np.uint8)
        write_voxels(directory / "mask", self.mask)
        chain = Chain(directory, monkeypatch)
        self.store = directory / "store"
        self.label = chain.request(chain.of["label"].label(**LABEL))
        levels = {"source": f"bossflow://{self.label}", "levels": 1, "factor": "2,2,2"}
        self.levels = chain.request(chain.of["levels"].make(block_shape="12,20,8", **levels))
        copy = {"source": f"bossflow://{self.levels}", "volume_format": "zarr"}
        shapes = {"chunk_shape": "2,2,2", "block_shape": "8,8,8"}
        self.copy = chain.request(chain.of["copy"].make(**copy, **shapes))
        found = [bundles.read(path) for path in locations.every(self.store, "*")]
        self.bundles = {bundle.manifest["unit_id"]: bundle for bundle in found}

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
        pulled = {
            (made.uri, made.bundles[unit].key["block"])
            for unit in made.units()
            if made.bundles[unit].manifest["process"] == "PULL_BLOCK"
        }
        assert boxes(told) == pulled and len(pulled) == 8
    assert told["requests"].keys() == {made.label, made.levels, made.copy}
    assert told["requests"][made.label]["names"] == ["lab #1 @home"]
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
