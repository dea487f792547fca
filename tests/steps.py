"""The label workflow a step at a time in this process: what Nextflow does, in a second."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import tensorstore as ts
from conftest import ROOT
from describe import described
from label_block import label
from link_block import link
from pipeline import Pipeline, run_of
from pull_block import pull_block
from relabel_block import relabel_block
from stitch import stitch_blocks


def defaults(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of label in nextflow_schema.json, as they are if nobody gives them."""
    return {
        name: one.get("default")
        for key, group in schema["$defs"].items()
        if key not in ("command", "tool")
        for name, one in group["properties"].items()
    }


class Cutouts(Pipeline):
    """A volume on disk whose cutouts are labelled."""

    workflow = "label"
    programs = {
        "PULL_BLOCK": pull_block,
        "LABEL_BLOCK": label,
        "LINK_BLOCK": link,
        "STITCH": stitch_blocks,
        "RELABEL_BLOCK": relabel_block,
    }
    volume: Path

    def plan(
        self, *_: Any, compared: Any = None, sheet: Path | None = None, **params: Any
    ) -> tuple[dict[str, Any], Path]:
        from bossflow.core.plan import plan

        self.runs += 1
        work_dir = self.directory / f"run{self.runs}"
        work_dir.mkdir()
        schema = json.loads((ROOT / "nextflow_schema.json").read_text())
        given = defaults(schema) | {
            "source": f"zarr://{self.volume}",
            "store": str(self.store),
            "stage": True,
            "workflow": self.workflow,
        }
        run = run_of(self.runs, self.directory)
        asked = {"workflow": self.workflow, "params": given | params, "run": run}
        channels = described(asked["params"], schema, sheet, "public", str(self.directory))
        plan(asked, channels, "0" * 16, work_dir, compared)
        return json.loads((work_dir / "plan.json").read_text()), work_dir

    def label(self, **params: Any) -> dict[str, Any]:
        """Run it all; return what `run` does."""
        return self.run([], **params)


def write_volume(path: Path, shape: tuple[int, int, int], seed: int = 1) -> Path:
    """Write a volume of random segments with a voxel size, in chunks of 16^3 voxels; return it."""
    voxels = np.random.default_rng(seed).integers(0, 4, shape, np.uint8).repeat(2, 0)[: shape[0]]
    return write_voxels(path, voxels)


def write_voxels(path: Path, voxels: np.ndarray) -> Path:
    """Write an array as a volume, as `write_volume` does."""
    spec = {
        "driver": "zarr",
        "kvstore": {"driver": "file", "path": str(path / "0")},
        "metadata": {"shape": voxels.shape, "chunks": [16, 16, 16], "dtype": voxels.dtype.str},
    }
    ts.open(spec, create=True).result().write(voxels).result()
    axes = [{"name": axis, "type": "space", "unit": "nanometer"} for axis in "zyx"]
    scale = [{"type": "scale", "scale": [30.0, 8.0, 8.0]}]
    level = {"path": "0", "coordinateTransformations": scale}
    about = {"multiscales": [{"version": "0.4", "axes": axes, "datasets": [level]}]}
    (path / ".zattrs").write_text(json.dumps(about))
    (path / ".zgroup").write_text(json.dumps({"zarr_format": 2}))
    return path
