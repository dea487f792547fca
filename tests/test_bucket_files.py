"""What programs fetch from a bucket, where buckets are, and how room is made in them."""

import re
import time
from pathlib import Path
from typing import Any

import pytest
from bucket import BUCKET, Server, line, made, objects, run
from bucket import server as server
from bucket import started as started
from bucket import store as store
from kit import bucket_clients, buckets, bundles, fetched, locations, verification
from kit.units import Bundle, Unit
from steps import Cutouts, write_volume
from voxels.archives import volumes

pytestmark = pytest.mark.s3


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


def check_lineage(request: str, components: Any) -> None:
    """Follow components that only files in the bucket list, and each kind of file there."""
    import bossflow

    for row in components.take([15, components.num_rows - 1]).to_pylist():
        about = bossflow.lineage(f"{request}#{row['component_id']}")["about"]
        assert about == {name: value and int(value) for name, value in row.items()} | {
            name: value for name, value in row.items() if isinstance(value, float)
        } | {"request": request}
    with pytest.raises(ValueError, match="it lists 1 to 3$"):
        bossflow.lineage(f"{request}#{components.num_rows + 1}")
    store = f"s3://{BUCKET}/whole"
    names = objects(store)
    for start, process in (("LABEL_BLOCK/", "LABEL_BLOCK"), ("STITCH/", "STITCH")):
        url = next(f"{store}/{n}" for n in sorted(names) if n.startswith(start) and ".json" in n)
        told = bossflow.lineage(url)
        assert {told["executions"][name]["process"] for name in told["made_by"]} == {process}
    chunk = next(name for name in sorted(names) if re.search("STITCH/.*/segmentation/.*_", name))
    told = bossflow.lineage(f"{store}/{chunk}")
    (name,) = told["made_by"]
    assert told["executions"][name]["process"] == "RELABEL_BLOCK"
    with pytest.raises(ValueError, match="that no recorded bundle there lists"):
        bossflow.lineage(f"{store}/{chunk}x")
    with pytest.raises(ValueError, match="is in no bundle of a store"):
        bossflow.lineage(f"s3://{BUCKET}/elsewhere")


def test_components_come_whole_from_a_bucket(
    home: Path, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyarrow.parquet as pq
    import stitch
    from pipeline import bossflow_says

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
    check_lineage(request, whole)
    assert cutouts.label(**asked | {"max_component_rows": 1000})["verdict"] == {"missing": None}
    assert bossflow_says(*command) == (0, "")
    assert pq.read_table(file).equals(whole)


def test_room_is_made_in_a_bucket(
    home: Path, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kit import clutter
    from pipeline import bossflow_says

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
