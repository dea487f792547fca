"""Label, downsample, transfer of the real segmentation under Nextflow, on each database and store.

Within one process, with more kinds of changes, they are in test_made_chain.py.
"""

import csv
import gzip
import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import bucket
import numpy as np
import pytest
import warm
import zarr
from conftest import ROOT, SHARED
from expected import read_volume, whole
from kit import buckets
from lab import CHANNEL, Lab, Outcome
from making import read_level
from team import deployed, mysql
from voxels.boxes import Box
from voxels.downsampling import coarser, downsample

CORNER = (5, 10, 100)
CUTOUTS = {"near": Box(101, 219, 11, 139, 6, 59), "far": Box(221, 260, 11, 139, 6, 59)}
CHANGED = Box(120, 140, 40, 60, 25, 35)
"""What is mended in the archive: a new object, in one block of `near`."""

MENDED = "101-160_11-66_21-37"
AFTER_IT = "160-219_11-66_21-37", "101-160_66-122_21-37", "101-160_11-66_37-53"
OF_BLOCKS = {(process, "", MENDED) for process in ("PULL_BLOCK", "LABEL_BLOCK", "LINK_BLOCK")}
OF_BLOCKS |= {("LINK_BLOCK", "", block) for block in AFTER_IT}
WHOLE = "STITCH", "RELABEL_BLOCK", "DOWNSAMPLE_BLOCK", "TRANSFER_BLOCK"
"""Of which all of a cutout depends on each of its blocks, as ids do."""

LABEL = {"block_shape": [16, 56, 60], "connectivity": 6, "min_voxels": 5}
LEVELS = {"levels": 2, "factor": [2, 2, 2], "block_shape": [20, 64, 44]}
COPY = {"chunk_shape": [4, 8, 8], "block_shape": [8, 24, 16], "volume_format": "zarr"}


class Chain(Lab):
    """A lab that asks for two cutouts at a time, and for what is made of what they gave."""

    def __init__(self, directory: Path, store: str | None) -> None:
        import crackle

        packed = (SHARED / "data" / "connectomics.npy.ckl.gz").read_bytes()
        sample = crackle.decompress(gzip.decompress(packed)).transpose(2, 1, 0)
        super().__init__(directory, np.ascontiguousarray(sample[:60, 100:240, 100:280]), CORNER)
        self.store = store

    def asked_one_by_one(self) -> Iterator[dict[str, Any]]:
        """Yield the parameters of the three workflows."""
        ranges = ("x_range", "y_range", "z_range")
        for workflow, given, source in (
            ("label", LABEL, ""),
            ("downsample", LEVELS, "bossflow://label of {}"),
            ("transfer", COPY, "bossflow://downsample of {}@1"),
        ):
            sheet = self.directory / f"{workflow}.csv"
            with sheet.open("w") as stream:
                rows = csv.writer(stream)
                rows.writerow(["name", "source", *(() if source else ranges)])
                for name, box in CUTOUTS.items():
                    of_box = [f"{box[at]}:{box[at + 1]}" for at in (0, 2, 4)]
                    own = [source.format(name)] if source else [CHANNEL, *of_box]
                    rows.writerow([f"{workflow} of {name}", *own])
            asked = {"workflow": workflow, "input": str(sheet), "source": None, **given}
            yield asked | ({"store": self.store} if self.store else {})

    def all_of_them(self, by: Callable[..., Outcome]) -> list[Outcome]:
        return [by(**asked).ok() for asked in self.asked_one_by_one()]

    def results(self) -> dict[str, dict[str, Any]]:
        """Return what is told of each request, by its name."""
        return {one["names"][0]: one for one in self.status()["requests"]}

    def requests(self) -> dict[str, str]:
        return {name: one["request"] for name, one in self.results().items()}

    def executions(self) -> dict[tuple[str, str, str], str]:
        """Return by process, request (of what one has) and block the execution that made it."""
        code = """if True:
            import json
            from bossflow.core import installed, ledger, registry
            workflows = registry.load_all()
            installed.open_schema(workflows)
            print(json.dumps([
                [process, row.get("request_id", ""), row.get("block", ""), row[made_by]]
                for process, table in registry.stage_tables(workflows).items()
                for made_by in [ledger.execution_attribute(table)]
                for row in table.proj(made_by).to_dicts()
            ]))
        """
        return {(*key,): execution for *key, execution in json.loads(self.python(code))}


def fetched(url: str, directory: Path) -> str:
    """Return the path of a volume: if it is in a bucket, of a copy."""
    if not url.startswith("s3://"):
        return url.removeprefix("file://")
    volume, copy = buckets.local(url), directory / url.rpartition("/")[0].replace("/", "-")
    for found in buckets.below(volume):
        path = copy / found.relative_to(volume)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(buckets.read(found))
    return str(copy)


def check(lab: Chain, directory: Path) -> None:
    """Compare all that was made with what the whole arrays give."""
    told = lab.results()
    assert {one["state"] for one in told.values()} == {"complete"} and len(told) == 6
    for name, box in CUTOUTS.items():
        voxels = whole(lab.voxels[box.slices(CORNER)], 6, 5).astype(np.uint32)
        assert voxels.max() > 10
        found, offset, _ = read_volume(fetched(told[f"label of {name}"]["volume"], directory))
        np.testing.assert_array_equal(found[box.slices(offset)], voxels)
        pyramid = fetched(told[f"downsample of {name}"]["pyramid"], directory)
        level = box
        for number in range(2):
            voxels = downsample(voxels, level.corner_zyx, (2, 2, 2), "mode")
            level = coarser(level, (2, 2, 2))
            found, start = read_level(pyramid, number)
            np.testing.assert_array_equal(found[level.slices(start)], voxels)
        copy = fetched(told[f"transfer of {name}"]["volume"], directory)
        np.testing.assert_array_equal(read_level(copy, 0)[0], voxels)
        np.testing.assert_array_equal(zarr.open_group(copy, mode="r")["0"][:], voxels)


def looked_deep(lab: Chain, request: str) -> list[str]:
    """Return what `bossflow verify --deep` says is to be done, as one block was changed."""
    code = "from bossflow.command.main import main; main()"
    asked = ("verify", "--deep", "--json", "--request", request)
    environment = lab.environment | {"PYTHONPATH": str(ROOT / "schema")}
    done = warm.run("-c", code, *asked, cwd=lab.directory, env=environment)
    told = json.JSONDecoder().raw_decode(done.stdout)[0]
    assert done.returncode == 1 and told["looked_at"] == told["units"] == told["same"] + 1
    (differs,) = told["differ"]
    assert (differs["process"], differs["key"]["block"]) == ("PULL_BLOCK", MENDED)
    then: list[str] = told["then"]
    return then


ON = [
    pytest.param("postgresql", "disk", marks=pytest.mark.nextflow),
    pytest.param("mysql", "s3", marks=[pytest.mark.mysql, pytest.mark.s3]),
]


@pytest.mark.shared
@pytest.mark.parametrize(("database", "store"), ON)
def test_what_is_made_of_a_changed_block_is_made_again_and_nothing_else(
    database: str, store: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with ExitStack() as open_now:
        if store == "s3":
            open_now.enter_context(bucket.serving())
        url = f"s3://{bucket.BUCKET}/chain/store" if store == "s3" else None
        lab = Chain(tmp_path / "lab", url)
        if database == "mysql":
            team, user = mysql(tmp_path_factory.mktemp("team")), f"chain_{os.getpid()}"
            lab.own = team.settings(open_now.enter_context(deployed(team, user)), user)
        open_now.enter_context(lab.serving())
        lab.all_of_them(lab.run)
        check(lab, tmp_path / "first")
        before, made_before = lab.requests(), lab.executions()
        for again in lab.all_of_them(lab.run):
            assert "nothing to compute" in again.text and set(again.tasks) == {"DESCRIBE", "PLAN"}

        lab.voxels[CHANGED.slices(CORNER)] = lab.voxels.max() + 1
        (then,) = looked_deep(lab, "label of near")
        gone = lab.bossflow(*then.split()[1:], "--yes")
        assert "DOWNSAMPLE_BLOCK" in gone and "TRANSFER_BLOCK" in gone
        assert lab.requests() == before
        for name, one in lab.results().items():
            assert (one["state"] == "complete") == name.endswith("far")
        lab.all_of_them(lab.nextflow)
        check(lab, tmp_path / "again")
        assert lab.requests() == before
        made = lab.executions()
        near = {request for name, request in before.items() if name.endswith("near")}
        whole_chains = {key for key in made if key[0] in WHOLE and key[1] in near}
        assert {key for key in made if made[key] != made_before[key]} == whole_chains | OF_BLOCKS
        assert made.keys() == made_before.keys()
