"""The store in a bucket: whole runs of the label workflow."""

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import requests
import tensorstore as ts
import watched
import zarr
from bossflow.core import registry
from bossflow.workflows.label import workflow as label
from bucket import BUCKET, SECRET, THEIRS, Server, objects
from bucket import server as server
from bucket import started as started
from conftest import ROOT, sample
from expected import check, read_volume, whole
from kit import buckets, bundles, digests, locations, verification
from lab import SMALL, Lab, Steps, X, Y, Z, make_voxels
from voxels.archives.places import s3

pytestmark = pytest.mark.s3


class Pair:
    """Two labs with the same volume: one with its store on disk, one with it in the bucket."""

    def __init__(self, directory: Path) -> None:
        voxels = make_voxels((36, 70, 90), 1)
        self.on_disk = Lab(directory / "disk", voxels, (5, 10, 100))
        self.in_bucket = Lab(directory / "bucket", voxels, (5, 10, 100))

    store = f"s3://{BUCKET}/results/store"
    box = {"x_range": list(X), "y_range": list(Y), "z_range": list(Z)}
    asked = SMALL | box | {"blocks_per_task": 4}


@pytest.fixture(scope="module")
def pair(started: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    labs = Pair(tmp_path_factory.mktemp("pair"))
    with labs.on_disk.serving(), labs.in_bucket.serving():
        labs.on_disk.run(**labs.asked).ok()
        made = labs.in_bucket.nextflow(**labs.asked, store=labs.store, page=True).ok()
        assert made.computed == {
            "PULL_BLOCK": 8, "LABEL_BLOCK": 8, "LINK_BLOCK": 8, "STITCH": 1, "RELABEL_BLOCK": 8
        }  # fmt: skip
        yield labs


def test_the_page_of_a_run_shows_what_is_in_the_bucket(pair: Pair) -> None:
    page = (pair.in_bucket.directory / "results" / "index.html").read_text("utf-8")
    assert page.count('src="data:') == 3 + 3 + 8 and "could not be painted" not in page
    assert f"pandas.read_parquet('{pair.store}/STITCH/" in page


def executions(lab: Lab) -> list[list[str]]:
    """Return process and content digest of every bundle that is recorded."""
    code = """if True:
        import json
        from bossflow.core import installed, registry, work
        from bossflow.core.tables import Execution
        installed.open_schema(registry.load_all())
        rows = Execution.proj("process", "content_sha256", "bundle_bytes").to_dicts()
        print(json.dumps(sorted(
            [row["process"], row["content_sha256"], str(row["bundle_bytes"])] for row in rows
        )))
    """
    found: list[list[str]] = json.loads(lab.python(code))
    return found


def volume_in_bucket(url: str) -> np.ndarray:
    """Read a volume as a viewer does, with credentials."""
    bucket, _, path = url.removeprefix("s3://").partition("/")
    kvstore = {"driver": "s3", "bucket": bucket, "path": f"{path}/", "aws_region": "us-east-1"}
    kvstore |= {"endpoint": os.environ["AWS_ENDPOINT_URL"]}
    kvstore |= {"aws_credentials": {"type": "environment"}}
    volume = ts.open({"driver": "neuroglancer_precomputed", "kvstore": kvstore}).result()[..., 0]
    return np.asarray(volume.read(order="F").result()).T


def test_a_store_in_a_bucket_holds_what_a_store_on_disk_holds(pair: Pair) -> None:
    assert executions(pair.in_bucket) == executions(pair.on_disk)
    tables = [
        lab.bossflow("components", lab.status()["requests"][0]["request"], "--format", "csv")
        for lab in (pair.in_bucket, pair.on_disk)
    ]
    assert tables[0] == tables[1] and tables[0].count("\n") > 20
    (there,), (here,) = (lab.status()["requests"] for lab in (pair.in_bucket, pair.on_disk))
    assert there["volume"].startswith(f"{pair.store}/STITCH/")
    voxels, offset, _ = read_volume(here["volume"])
    np.testing.assert_array_equal(volume_in_bucket(there["volume"]), voxels)
    labels = whole(pair.on_disk.cut(X, Y, Z), 18, 3)
    check(pair.on_disk, here, labels, (Z[0], Y[0], X[0]))


def test_every_object_is_of_a_bundle_and_nothing_is_left_of_what_was_fetched(pair: Pair) -> None:
    store = buckets.local(pair.store)
    named = set()
    for directory in locations.every(store, "*"):
        bundle = bundles.read(directory)
        verification.verify(bundle, store)
        files = [directory / locations.MANIFEST]
        files += [store / bundle.actual(entry["path"]) for entry in bundle.manifest["files"]]
        named |= {path.relative_to(store).as_posix() for path in files}
    assert objects(pair.store) == named and len(named) > 100
    assert not list(pair.in_bucket.directory.glob("work/*/*/bossflow-*"))


def test_in_a_bucket_each_run_has_its_own_order(pair: Pair) -> None:
    """On disk, programs see what others are making."""

    def blocks(lab: Lab) -> dict[str, list[str]]:
        tasks = {path.name: path for path in lab.directory.glob("work/*/*/tasks/*_BLOCK-*.jsonl")}
        lines = {name: path.read_text().splitlines()[1:] for name, path in tasks.items()}
        return {name: [json.loads(line)["key"]["block"] for line in lines[name]] for name in tasks}

    there, here = blocks(pair.in_bucket), blocks(pair.on_disk)
    assert len(there) == 8 and there != here
    assert {name: sorted(there[name]) for name in there} == {n: sorted(here[n]) for n in here}


@pytest.mark.parametrize("staged", sample([False, True], 1))
def test_a_source_and_the_store_are_at_servers_of_their_own(
    server: Server, tmp_path: Path, staged: bool
) -> None:
    lab = Lab(tmp_path / "lab", make_voxels((18, 34, 42), 3), (0, 0, 0))
    zarr.create_array(
        tmp_path / "volume.zarr",
        data=lab.voxels,
        attributes={"resolution": [30, 8, 8], "units": "nm"},
    )
    bucket = f"theirs-{staged}".lower()  # moto's servers share their buckets, also with later tests
    theirs = Server(bucket)
    for file in filter(Path.is_file, (tmp_path / "volume.zarr").rglob("*")):
        name = file.relative_to(tmp_path).as_posix()
        requests.put(f"{theirs.url}/{bucket}/{name}", file.read_bytes()).raise_for_status()
    # ours don't
    for one, own, owner in ((server, BUCKET, ("someone", SECRET)), (theirs, bucket, THEIRS)):
        one.answer = lambda _, path, own=own: None if path.split("/")[1] == own else "404 Not Found"
        one.owner = owner
    asked = SMALL | {"archive": None, "stage": staged, "store": f"s3://{BUCKET}/own/{staged}"}
    asked["source"] = f"zarr://s3://{bucket}/volume.zarr"
    with lab.serving():
        refused = lab.run(**asked)
        assert refused.code == 1 and "there is no Zarr array or group at" in refused.text
        lab.own = {s3.ENDPOINT: theirs.url, s3.KEY: THEIRS[0], s3.SECRET: "another"}
        refused = lab.run(**asked)
        assert refused.code == 1 and "or none that may be read" in refused.text
        lab.own[s3.SECRET] = THEIRS[1]
        assert lab.run(**asked).ok().tasks["LABEL_BLOCK"] == 2
        (request,) = lab.status()["requests"]
        labels = whole(lab.voxels, 18, 3)
        np.testing.assert_array_equal(volume_in_bucket(request["volume"]), labels)
        code = "import bossflow; print(bossflow.Channel.to_arrays('archive')[0])"
        assert lab.python(code).strip() == theirs.url.removeprefix("http://")
    theirs.server.shutdown()
    server.owner = None
    store = buckets.local(asked["store"])
    held = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    held += [buckets.read(store / name) for name in objects(asked["store"])]
    assert len(held) > 20 and not any(THEIRS[1].encode() in content for content in held)


def test_programs_keep_what_they_fetch_in_their_task_and_load_no_file_twice(
    server: Server, tmp_path: Path
) -> None:
    """`kit` and `bossflow.kit` are the same files; as two modules, one knows of no task."""
    lab, note = Lab(tmp_path / "lab", make_voxels((16, 32, 40), 3), (0, 0, 0)), tmp_path / "note"
    lab.own = {watched.NOTE: str(note)}
    with lab.serving():
        steps = Steps(lab)
        steps.run(lab.asked(SMALL | {"store": f"s3://{BUCKET}/watched"})).ok()
        recorded = str(steps.work / "record0" / "recorded.json")
        assert steps.program("SUMMARY", "summary", str(steps.work / "plan/plan.json"), recorded)
        noted = watched.events(note)
        lab.bossflow("verify", "--request", lab.status()["requests"][0]["request"])
        ended = [event for event in watched.events(note) if "end" in event]
    made = [Path(event["made"]) for event in noted if "made" in event]
    objects = [path for path in made if "s3" in path.parts]
    assert objects and all(path.is_relative_to(steps.work) for path in objects)
    moved = [event["rename"][1] for event in noted if "rename" in event]
    fetched = {path for path in moved if f"{steps.work}/record0/bossflow-" in path}
    assert fetched and fetched <= {event.get("removed") for event in noted}
    heads = {"DESCRIBE", "PLAN", "RECORD", "SUMMARY"}
    programs = {f"{name.lower()}.py" for name in heads | registry.stage_tables([label]).keys()}
    assert {event["end"] for event in ended} == programs | {"-c"}
    for event in ended:
        ours = Counter(name for name in event["modules"] if name.startswith(str(ROOT)))
        assert set(ours.values()) == {1}, (event["end"], ours.most_common(3))


def test_credentials_are_written_nowhere(pair: Pair) -> None:
    for path in digests.files_below(pair.in_bucket.directory):
        if path.is_file():
            assert SECRET.encode() not in path.read_bytes(), path
    store = buckets.local(pair.store)
    assert not any(SECRET.encode() in buckets.read(store / name) for name in objects(pair.store))


def test_a_second_run_computes_nothing_however_the_store_is_written(pair: Pair) -> None:
    before = objects(pair.store)
    again = pair.in_bucket.run(**pair.asked, store=f"S3://{BUCKET}/results/store/").ok()
    assert again.tasks == {"DESCRIBE": 1, "PLAN": 1}
    assert objects(pair.store) == before


def test_a_block_that_is_invalidated_is_made_again(pair: Pair) -> None:
    lab = pair.in_bucket
    before = executions(lab)
    block = "140-180_10-42_21-37"
    lab.bossflow("invalidate", "--block", block, "--yes")
    assert len(executions(lab)) < len(before)
    assert any(name.startswith(".retired/PULL_BLOCK/") for name in objects(pair.store))
    again = lab.run(**pair.asked, store=pair.store).ok()
    assert again.computed["PULL_BLOCK"] == 1 and again.computed["STITCH"] == 1
    assert executions(lab) == before


def test_an_emptied_database_is_filled_from_the_bucket(pair: Pair) -> None:
    lab = pair.in_bucket
    before = executions(lab)
    there = objects(pair.store)
    lab.bossflow("db", "stop")
    shutil.rmtree(lab.home)
    again = lab.run(**pair.asked, store=pair.store).ok()
    assert again.computed["LABEL_BLOCK"] == 8  # units that find their bundles there
    assert executions(lab) == before
    assert objects(pair.store) == there


def test_bundles_that_got_lost_are_named_and_made_again(pair: Pair) -> None:
    lab = pair.in_bucket
    store = buckets.local(pair.store)
    lost = next(locations.every(store, "LABEL_BLOCK"))
    buckets.delete([lost / locations.MANIFEST])
    refused = lab.run(**pair.asked, store=pair.store)
    assert refused.code != 0
    assert "1 recorded bundles are not in the store any more (first: LABEL_BLOCK" in refused.text
    lab.bossflow("invalidate", "--lost", "--store", locations.url(store), "--yes")
    again = lab.run(**pair.asked, store=pair.store).ok()
    assert again.computed["LABEL_BLOCK"] == 1 and "PULL_BLOCK" not in again.computed


def test_a_bucket_that_is_not_there_is_one_sentence_and_nothing_is_written(pair: Pair) -> None:
    lab = pair.in_bucket
    before = executions(lab), lab.status()["totals"]
    run = lab.run(**(pair.asked | {"min_voxels": 99}), store="s3://no-such-bucket/store")
    assert run.code != 0 and run.tasks == {"DESCRIBE": 1, "PLAN": 1}
    says = "s3://no-such-bucket/store can't be used: there is no such bucket"
    assert sum(says in line for line in run.text.splitlines()) == 1
    assert (executions(lab), lab.status()["totals"]) == before
