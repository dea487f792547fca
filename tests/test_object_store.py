"""The store in a bucket, at a real S3-compatible server on loopback (moto's)."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import obstore
import pytest
import requests
import tensorstore as ts
import watched
import zarr
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from conftest import ROOT, sample
from kit import (
    bucket_clients,
    buckets,
    bundles,
    digests,
    fetched,
    locations,
    recorded_marks,
    retiring,
    store_ids,
    tasks,
    units,
    verification,
)
from kit.units import Bundle, Unit
from lab import SMALL, Lab, Steps, X, Y, Z, check, make_voxels, read_volume, whole
from steps import Cutouts, write_volume
from voxels.archives import volumes
from voxels.archives.places import s3

pytestmark = pytest.mark.s3

SECRET = "never-to-be-seen-anywhere"
BUCKET = "lab"
THEIRS = "reader", "nor-this-one"


class Server:
    """An S3; `answer` may take a request over: it gets method and path, and returns a status.

    With `owner`, a key and its secret, whatever these did not sign is refused.
    """

    def __init__(self, bucket: str = BUCKET) -> None:
        from moto.server import DomainDispatcherApplication, create_backend_app
        from werkzeug.serving import make_server

        app = DomainDispatcherApplication(create_backend_app)
        self.asked: list[tuple[str, str]] = []
        self.ignored: set[str] = set()
        self.answer: Callable[[str, str], str | None] = lambda method, path: None
        self.owner: tuple[str, str] | None = None

        def watched(environ: dict[str, Any], start_response: Any) -> Any:
            request = environ["REQUEST_METHOD"], environ["PATH_INFO"]
            self.asked.append(request)
            for header in self.ignored:
                environ.pop(header, None)
            status = self.answer(*request)
            if self.owner and not signed_by(self.owner, environ):
                status = "403 Forbidden"
            if status:
                environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
                start_response(status, [("Content-Length", "0")])
                return [b""]
            return app(environ, start_response)

        self.server = make_server("127.0.0.1", 0, watched, threaded=True)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        requests.put(f"{self.url}/{bucket}").raise_for_status()

    def put(self, path: Path, content: bytes) -> None:
        """Write an object as another program would, in one piece."""
        obstore.put(*buckets.object_of(path), content, use_multipart=False)


def signed_by(owner: tuple[str, str], environ: dict[str, Any]) -> bool:
    """Say whether a request has the signature that S3 would expect of a key and its secret."""
    auth = S3SigV4Auth(Credentials(*owner), "s3", "us-east-1")
    given = environ.get("HTTP_AUTHORIZATION", "")
    signed = re.search("Credential=([^/]+)/.*SignedHeaders=([^,]+)", given)
    if not signed or signed[1] != owner[0]:
        return False
    # WSGI names headers HTTP_..., but two
    there = {"HTTP_CONTENT_TYPE": "CONTENT_TYPE", "HTTP_CONTENT_LENGTH": "CONTENT_LENGTH"}
    names = {name: f"HTTP_{name.upper().replace('-', '_')}" for name in signed[2].split(";")}
    headers = {name: environ.get(there.get(key, key), "") for name, key in names.items()}
    url = f"http://{environ['HTTP_HOST']}{environ['REQUEST_URI']}"
    request = AWSRequest(environ["REQUEST_METHOD"], url, headers)
    request.context["timestamp"] = environ["HTTP_X_AMZ_DATE"]
    told = auth.string_to_sign(request, auth.canonical_request(request))
    return given.endswith(f"Signature={auth.signature(told, request)}")


@contextmanager
def serving() -> Iterator[Server]:
    """Start one that is this process' own S3, with its credentials."""
    server = Server()
    set_here = pytest.MonkeyPatch()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        set_here.delenv(name)
    set_here.setenv("AWS_ENDPOINT_URL", server.url)
    set_here.setenv("AWS_ACCESS_KEY_ID", "someone")
    set_here.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    set_here.setenv("AWS_REGION", "us-east-1")
    set_here.setenv("AWS_EC2_METADATA_DISABLED", "true")
    bucket_clients.client.cache_clear()
    try:
        yield server
    finally:
        set_here.undo()
        server.server.shutdown()


@pytest.fixture(scope="module")
def started() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture
def server(started: Server) -> Iterator[Server]:
    yield started
    started.answer = lambda method, path: None
    started.ignored.clear()
    started.owner = None


@pytest.fixture
def store(server: Server, tmp_path: Path) -> Path:
    """Return the path that stands for a store of this test alone."""
    return buckets.local(f"s3://{BUCKET}/{tmp_path.name.replace('_', '-')}/store")


# ---- the workflow, with the store in a bucket ----


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
        made = labs.in_bucket.nextflow(**labs.asked, store=labs.store).ok()
        assert made.computed == {
            "PULL_BLOCK": 8, "LABEL_BLOCK": 8, "LINK_BLOCK": 8, "STITCH": 1, "RELABEL_BLOCK": 8
        }  # fmt: skip
        yield labs


def executions(lab: Lab) -> list[list[str]]:
    """Return process and content digest of every bundle that is recorded."""
    code = """if True:
        import json
        from bossflow.core import installed, work
        from bossflow.core.tables import Execution
        installed.open_schema(work.load_all())
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


def objects(store: str) -> set[str]:
    """Return the names of all objects in a store, but its id and the word that RECORD leaves."""
    path = buckets.local(store)
    names = {found.relative_to(path).as_posix() for found in buckets.below(path)}
    return {
        name
        for name in names
        if not name.startswith((store_ids.STORE_FILE, recorded_marks.DIRECTORY))
    }


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
    programs = {path.name for path in (ROOT / "bin").glob("*.py")}
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


# ---- a program and the bucket ----


def line(number: int = 1, **arguments: Any) -> dict[str, Any]:
    return {
        "unit_id": digests.unit_id("TEST", {"block": str(number)}),
        "process": "TEST",
        "key": {"block": str(number)},
        "arguments": arguments,
        "settings": {},
        "inputs": [],
    }


def write(unit: Unit, bundle: Bundle) -> None:
    (bundle.directory / "data").write_bytes(b"data of " + unit.key["block"].encode())
    (bundle.directory / "more").mkdir()
    (bundle.directory / "more" / "large").write_bytes(bytes(range(256)) * 2**16)
    bundle.attributes["n"] = 1


def run(store: Path, given: dict[str, Any], work: units.Work = write) -> dict[str, Any]:
    header = {"store": locations.url(store), "run_id": "0" * 16, "code": "c"}
    return tasks.run_unit(work, given, header, {})


def made(store: Path, given: dict[str, Any], work: units.Work = write) -> bundles.Finished:
    receipt = run(store, given, work)
    assert receipt["state"] == "made", receipt
    return bundles.read(locations.local(receipt["url"]))


def test_a_bundle_is_what_it_is_on_disk(store: Path, tmp_path: Path) -> None:
    there, here = made(store, line()), made(tmp_path, line())
    assert there.content_sha256 == here.content_sha256
    assert there.file("more/large").read_bytes() == here.file("more/large").read_bytes()
    assert sorted(path.name for path in there.file("more").iterdir()) == ["large"]
    assert there.part("data", -3, -1) == here.part("data", -3, -1) == b"f "
    assert run(store, line())["state"] == "reused"


def test_another_place_or_attempt_is_the_same_content(store: Path) -> None:
    first = made(store, line())
    retiring.retire(store, [first.directory])
    assert not bundles.there(first.directory)
    again = made(store, line())
    assert again.manifest["attempts"] != first.manifest["attempts"]
    assert again.content_sha256 == first.content_sha256


@pytest.fixture(params=["bucket", "disk"])
def moving(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, Callable[[Callable[[], object]], None]]:
    """Return a store, and what has something done amid each move into its `.retired`."""
    rename, put = Path.rename, obstore.put

    def in_bucket(amid: Callable[[], object]) -> None:
        def copied(*given: Any, **how: Any) -> Any:
            try:
                return put(*given, **how)
            finally:
                if "/.retired/" in given[1]:
                    amid()

        monkeypatch.setattr(obstore, "put", copied)

    def on_disk(amid: Callable[[], object]) -> None:
        def moved(path: Path, target: Path) -> Path:
            if ".retired" in target.parts:
                amid()
            return rename(path, target)

        monkeypatch.setattr(Path, "rename", moved)

    if request.param == "disk":
        return tmp_path / "disk", on_disk
    return request.getfixturevalue("store"), in_bucket


def retired(store: Path) -> list[bytes]:
    """Return the manifests in a store's `.retired`, in order."""
    if buckets.holds(store):
        return sorted(buckets.read(path) for path in buckets.below(store / ".retired"))
    return sorted(path.read_bytes() for path in store.glob(f".retired/*/*/*/{locations.MANIFEST}"))


def test_of_programs_that_retire_a_bundle_at_once_one_does(moving: Any) -> None:
    store, amid_moves = moving
    finished = [made(store, line(number)) for number in (1, 2)]
    manifests = sorted(bundles.manifest_text(one.directory) for one in finished)
    amid_moves(threading.Barrier(2).wait)
    with ThreadPoolExecutor(2) as pool:
        jobs = [[one.directory] for one in finished for _ in range(2)]
        moved = list(pool.map(lambda job: retiring.retire(store, job), jobs))
    assert sorted(map(len, moved)) == [0, 0, 1, 1]
    assert retired(store) == manifests
    assert not any(bundles.there(one.directory) for one in finished)


def test_one_that_was_made_anew_meanwhile_is_not_lost(moving: Any) -> None:
    """Another program retired the old one just before this one could."""
    store, amid_moves = moving
    first = made(store, line())
    old, new = bundles.manifest_text(first.directory), []

    def another() -> None:
        amid_moves(lambda: None)
        retiring.retire(store, [first.directory])
        new.append(bundles.manifest_text(made(store, line()).directory))

    amid_moves(another)
    retiring.retire(store, [first.directory])
    if bundles.there(first.directory):
        assert (bundles.manifest_text(first.directory), retired(store)) == (*new, [old])
    else:
        assert retired(store) == sorted([old, *new])


def test_other_arguments_set_the_bundle_aside(store: Path) -> None:
    first = made(store, line(level=1))
    second = made(store, line(level=2))
    assert second.directory == first.directory
    names = objects(locations.url(store))
    assert sum(name.startswith(".retired/TEST/") for name in names) == 1
    assert list(locations.every(store, "TE*")) == [second.directory]


def test_of_two_at_once_one_is_kept_whole(store: Path, server: Server) -> None:
    def interrupted(unit: Unit, bundle: Bundle) -> None:
        write(unit, bundle)
        kept.append(made(store, line()))

    kept: list[bundles.Finished] = []
    receipt = run(store, line(), interrupted)
    assert receipt["state"] == "made"
    found = bundles.read(locations.local(receipt["url"]))
    assert found.manifest == kept[0].manifest
    verification.verify(found, store)
    attempts = {name.split("/")[3] for name in objects(locations.url(store))}
    assert attempts == {*found.manifest["attempts"].values(), locations.MANIFEST}


def test_of_two_at_once_with_other_content_the_later_fails(store: Path) -> None:
    def interrupted(unit: Unit, bundle: Bundle) -> None:
        (bundle.directory / "data").write_bytes(b"other")
        made(store, line())

    receipt = run(store, line(), interrupted)
    assert receipt["state"] == "failed" and "meanwhile, with other content" in receipt["error"]


def test_an_answer_that_got_lost_is_no_other_bundle(store: Path, server: Server) -> None:
    """The manifest arrives, its answer does not; the client asks again."""
    content = b"{}"
    path = store / "TEST" / "ab" / "c" / locations.MANIFEST
    server.put(path, content)
    assert buckets.create(path, content)
    assert not buckets.create(path, b"other")
    assert buckets.read(path) == content


def test_a_kill_before_the_manifest_leaves_no_bundle(store: Path, server: Server) -> None:
    code = """if True:
        import sys
        sys.path[:0] = sys.argv[2:]
        import test_object_store as here
        from kit import buckets
        here.run(buckets.local(sys.argv[1]), here.line())
    """
    where = [str(ROOT / "bin"), str(ROOT / "schema"), str(ROOT / "tests")]
    program = subprocess.Popen([sys.executable, "-c", code, locations.url(store), *where])

    def kill(method: str, path: str) -> str | None:
        if method == "PUT" and path.endswith(locations.MANIFEST):
            program.kill()
            return "500 gone"
        return None

    server.answer = kill
    assert program.wait(120) == -9
    server.answer = lambda method, path: None
    left = objects(locations.url(store))
    assert left and not any(name.endswith(locations.MANIFEST) for name in left)
    verification.verify(made(store, line()), store)


def test_an_upload_that_fails_leaves_nothing(store: Path, server: Server) -> None:
    def refuse(method: str, path: str) -> str | None:
        return "403 no" if method != "DELETE" and path.endswith("large") else None

    server.answer = refuse
    receipt = run(store, line())
    assert receipt["state"] == "failed"
    assert "these credentials may not read and write it" in receipt["error"]
    server.answer = lambda method, path: None
    assert objects(locations.url(store)) == set()


def test_the_inputs_of_a_unit_come_from_the_bucket(store: Path) -> None:
    made(store, line(1))
    names = ("unit_id", "process", "key")
    given = [{name: line(number)[name] for name in names} | {"url": None} for number in (1, 2)]

    def read(unit: Unit, bundle: Bundle) -> None:
        bundle.attributes["data"] = unit.inputs[0].file("data").read_text()

    taken = made(store, line(3) | {"inputs": given[:1]}, read)
    assert taken.manifest["attributes"] == {"data": "data of 1"}
    blocked = run(store, line(4) | {"inputs": given}, read)
    assert blocked["state"] == "blocked"
    assert blocked["error"].startswith(f"its input TEST 2 is not in {locations.url(store)}/TEST/")


def test_files_in_another_bundle_are_made_again_with_it(store: Path) -> None:
    """As blocks of a volume: what lies in an attempt that was set aside is in no volume."""

    def write_outside(unit: Unit, bundle: Bundle) -> None:
        file = unit.inputs[0].file("data").with_name("chunk")
        file.write_bytes(b"voxels")
        bundle.outside.append(file)

    volume = made(store, line(1))
    names = ("unit_id", "process", "key")
    asked = line(2) | {"inputs": [{name: line(1)[name] for name in names} | {"url": None}]}
    block = made(store, asked, write_outside)
    assert buckets.exists(volume.at("chunk")) and not volume.at("chunk").exists()
    assert run(store, asked, write_outside)["state"] == "reused"
    retiring.retire(store, [volume.directory])
    again = made(store, line(1))
    assert made(store, asked, write_outside).content_sha256 == block.content_sha256
    assert buckets.exists(again.at("chunk")) and again.at("chunk") != volume.at("chunk")


def test_a_server_that_is_busy_is_asked_again(store: Path, server: Server) -> None:
    seen: set[tuple[str, str]] = set()

    def busy(method: str, path: str) -> str | None:
        first = (method, path) not in seen
        seen.add((method, path))
        return "503 Slow Down" if first else None

    server.answer = busy
    bundle = made(store, line())
    verification.verify(bundle, store)
    assert bundle.file("data").read_bytes() == b"data of 1"


def test_damage_is_found(store: Path, server: Server) -> None:
    bundle = made(store, line())
    data = bundle.at("data")
    server.put(data, b"data of 2")  # as long as before
    with pytest.raises(verification.Damaged, match="data is not what its bundle says"):
        verification.verify(bundle, store)
    with pytest.raises(ValueError, match="data is not what its bundle says"):
        bundle.file("data")
    assert not data.exists()
    buckets.delete([data])
    with pytest.raises(verification.Damaged, match="data is missing, but its bundle lists it"):
        verification.verify(bundle, store)
    assert not verification.whole(bundle, store)
    assert run(store, line())["state"] == "made"


def test_what_is_unchanged_is_not_read_back(store: Path, server: Server) -> None:
    bundle = made(store, line())
    server.asked.clear()
    verification.verify(bundle, store)
    assert [method for method, _ in server.asked] == ["HEAD", "HEAD"]
    verification.verify(bundle, store, read=True)
    assert [method for method, _ in server.asked[2:]] == ["HEAD", "GET", "HEAD", "GET"]
    # the same bytes, written again by another client in one piece: its ETag is another one
    server.put(bundle.at("more/large"), bundle.file("more/large").read_bytes())
    verification.verify(bundle, store)


def test_a_task_keeps_a_bounded_part_of_what_it_fetched(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = 2**24
    monkeypatch.setattr(fetched, "_KEPT_BYTES", 2 * size)
    given = [made(store, line(number)) for number in range(6)]
    files = []
    for bundle in given:
        files.append(bundle.file("more/large"))
        assert files[-1].exists()
        fetched.tidy()
    fetched.tidy()
    assert [path.exists() for path in files] == [False] * 4 + [True] * 2
    assert given[0].file("more/large").stat().st_size == size


def test_a_stream_keeps_nothing(store: Path) -> None:
    given = [made(store, line(number)) for number in range(12)]
    seen: list[Path] = []
    for number, path in enumerate(bundles.stream(given, "data")):
        assert path.read_bytes() == f"data of {number}".encode()
        assert not any(before.exists() for before in seen)
        seen.append(path)
    assert len(seen) == 12 and not seen[-1].exists()


def test_no_bundle_leads_out_of_its_directory(store: Path) -> None:
    bundle = made(store, line())
    place = bundle.directory.relative_to(store).as_posix()
    entry = bundle.manifest["files"][0] | {"path": f"{place}/data/../../../../../../evil"}
    bundle.manifest["files"].append(entry)
    with pytest.raises(ValueError, match="names no object"):
        bundle.file("data")


def test_a_server_without_conditional_writes_is_refused(store: Path, server: Server) -> None:
    server.ignored.add("HTTP_IF_NONE_MATCH")
    with pytest.raises(OSError, match="its server ignores conditional writes"):
        buckets.refuse_unwritable(store)


def test_nobody_there_and_nobody_known_are_one_sentence_each(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    bucket_clients.client.cache_clear()
    try:
        with pytest.raises(OSError, match=r"^s3://\S+ can't be used: [^\n]*127.0.0.1:1[^\n]*$"):
            buckets.refuse_unwritable(store)
        assert not buckets.reachable(store)
    finally:
        bucket_clients.client.cache_clear()
        monkeypatch.undo()
        bucket_clients.client.cache_clear()


@pytest.mark.parametrize(
    "bad",
    [
        "s3://", "s3:///x", "s3://b/../x", "s3://b//x", "gs://b/a b", "s3://b/x?y=z",
        "s3://me:secret@b/x", "https://b.s3.amazonaws.com/x",
    ],
)  # fmt: skip
def test_what_is_no_url_of_a_bucket_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="can't be used: .*s3://bucket/path or gs://bucket/path"):
        locations.local(bad)


def test_a_url_has_one_path_and_a_path_one_url() -> None:
    for spelled in ("gs://lab/a/store", "gs://lab/a/store/", "GS://lab/a/store"):
        path = locations.local(spelled)
        assert locations.url(path) == locations.shown(path) == "gs://lab/a/store"
        assert path == locations.local("gs://lab/a/store")


def test_a_volume_is_the_same_by_any_spelling_of_its_endpoint(
    home: Path, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import bossflow

    cutouts = Cutouts(tmp_path, monkeypatch)
    cutouts.volume = write_volume(tmp_path / "volume", (8, 8, 8))
    for file in filter(Path.is_file, cutouts.volume.rglob("*")):
        name = file.relative_to(tmp_path)
        server.put(buckets.local(f"s3://{BUCKET}/spelled/{name}"), file.read_bytes())
    source = f"zarr://s3://{BUCKET}/spelled/volume"
    port = server.url.rpartition(":")[2]

    def archives(endpoint: str) -> list[str]:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        assert cutouts.label(source=source)["verdict"] == {"missing": None}
        channels = bossflow.Channel() & {"uri": source}
        return list(channels.to_arrays("archive", order_by="archive"))

    with monkeypatch.context() as then:
        then.setattr(volumes, "archive_name", lambda uri, host: f"LocalHost:{port}")
        older = archives(f"http://LocalHost:{port}")
    assert older == [f"LocalHost:{port}"]
    for name in ("LocalHost", "localhost", "LOCALHOST"):
        assert archives(f"http://{name}:{port}/") == older


def test_components_come_whole_from_a_bucket(
    home: Path, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyarrow.parquet as pq
    import stitch
    from test_core import bossflow_says

    monkeypatch.setattr(stitch, "PART_ROWS", 10)
    cutouts = Cutouts(tmp_path, monkeypatch)
    cutouts.volume = write_volume(tmp_path / "volume", (32, 16, 16))
    asked = {"stage": False, "store": f"s3://{BUCKET}/whole", "max_component_rows": 3}
    done = cutouts.label(**asked)
    (request,) = done["plan"]["requests"]
    file = tmp_path / "all.parquet"
    command = ("components", request, "--format", "parquet", "--output", str(file))
    assert bossflow_says(*command) == (0, "")
    whole = pq.read_table(file)
    assert whole.num_rows > 20
    assert cutouts.label(**asked | {"max_component_rows": 1000})["verdict"] == {"missing": None}
    assert bossflow_says(*command) == (0, "")
    assert pq.read_table(file).equals(whole)


def test_room_is_made_in_a_bucket(
    home: Path, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kit import clutter
    from test_core import bossflow_says

    cutouts = Cutouts(tmp_path, monkeypatch)
    cutouts.volume = write_volume(tmp_path / "volume", (32, 16, 16))
    url = f"s3://{BUCKET}/room"
    store = locations.local(url)
    asked = {"store": url, "block_shape": [16, 16, 16]}

    def cleaned(*options: str) -> str:
        code, text = bossflow_says("clean", "--store", url, *options)
        assert code == 0, text
        return text

    def there(start: str) -> list[str]:
        below = (path.relative_to(store).as_posix() for path in buckets.below(store))
        return sorted(name for name in below if name.startswith(start))

    first = cutouts.label(**asked)
    (request,) = first["plan"]["requests"]
    other = cutouts.label(**asked, min_voxels=9)["plan"]["requests"][0]
    before = there("")
    # an attempt that was killed beside a whole bundle, one without, and a probe
    (bundle,) = (path for path in locations.every(store, "STITCH") if request in _key(path))
    for name in ("STITCH/00/" + 32 * "0" + "/deadbeef/info", ".tmp-probe"):
        server.put(store / name, b"x" * 1000)
    server.put(bundle / "deadbeef" / "lookup.npy", b"x" * 1000)
    assert "  leftovers         0         0.0 MB; 3 younger than a day stay" in cleaned()
    assert "nothing to delete" in cleaned("--leftovers", "--yes")
    with monkeypatch.context() as then:
        later = time.time() + 2 * clutter.DAY
        then.setattr(clutter.time, "time", lambda: later)
        assert "deleted 3 leftovers" in cleaned("--leftovers", "--yes")
    assert there("") == before

    assert bossflow_says("forget", other, "--yes")[0] == 0
    assert len(there(".retired/")) == 3
    assert "deleted 3 retired" in cleaned("--retired", "--yes")
    left = there("")
    assert not [name for name in left if name.startswith(".retired/")]
    assert len([name for name in left if name.startswith("STITCH/")]) * 2 == len(
        [name for name in before if name.startswith("STITCH/")]
    ), "the volume with all of its chunks"
    assert cutouts.label(**asked)["states"] == []
    assert bossflow_says("verify", "--request", request, "--read")[0] == 0

    assert "deleted 2 pulled" in cleaned("--pulled", "--yes")
    assert there("PULL_BLOCK/") == []
    assert cutouts.label(**asked)["states"] == []
    assert bossflow_says("verify", "--request", request, "--read")[0] == 0
    again = cutouts.label(**asked, connectivity=6)
    assert (again["verdict"], again["states"].count("reused")) == ({"missing": None}, 2)
    assert len(list(locations.every(store, "PULL_BLOCK"))) == 2


def _key(path: Path) -> list[str]:
    return [*bundles.read(path).key.values()]
