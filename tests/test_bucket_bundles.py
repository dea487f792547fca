"""What programs make in a bucket: bundles that are whole, and of each just one."""

import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import obstore
import pytest
from bucket import Server, line, made, objects, run, write
from bucket import server as server
from bucket import started as started
from bucket import store as store
from conftest import ROOT
from kit import buckets, bundles, locations, retiring, verification
from kit.units import Bundle, Unit

pytestmark = pytest.mark.s3


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
        import bucket as here
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


def test_a_server_without_conditional_writes_is_refused(store: Path, server: Server) -> None:
    server.ignored.add("HTTP_IF_NONE_MATCH")
    with pytest.raises(OSError, match="its server ignores conditional writes"):
        buckets.refuse_unwritable(store)
